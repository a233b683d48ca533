//! What every route is given.

use std::rc::Rc;

use http::StatusCode;
use serde_json::Value;

use crate::auth::Access;
use crate::auth::jwt::VerifiedTokens;
use crate::backend::Backend;
use crate::budget::{Budget, Held};
use crate::catalog::{self, Catalog};
use crate::http::local_counts::LocalCounts;
use crate::http::metrics::Metrics;
use crate::http::once_a_second::OnceASecond;
use crate::http::settings::Settings;

/// What every route is given.
pub struct Context<'a, B: Backend> {
    /// The documents.
    pub catalog: Catalog<'a, B>,
    /// Who may do what.
    pub access: &'a Access,
    /// Limits on requests, and the web pages that may send them.
    pub settings: &'a Settings,
    /// The credentials that the instance has verified.
    pub verified: &'a VerifiedTokens,
    /// What the instance remembers of earlier requests.
    pub memory: &'a Memory,
    /// What the request holds of the instance's memory.
    pub held: &'a Held,
}

/// What an instance remembers of earlier requests. Nothing of it is needed for correctness.
#[derive(Default)]
pub struct Memory {
    /// How many requests each caller has sent, while Redis cannot count them.
    pub rate_counts: LocalCounts,
    /// Whether the instance can serve, as `/health/ready` answers it.
    pub readiness: OnceASecond<(StatusCode, Value)>,
    /// What it has counted.
    pub metrics: Rc<Metrics>,
    /// How many bytes of requests and answers it holds.
    pub budget: Rc<Budget>,
}

impl Memory {
    /// Nothing is remembered yet.
    pub fn new(catalog: &catalog::Settings, settings: &Settings) -> Self {
        Memory {
            metrics: Rc::new(Metrics::new(catalog)),
            budget: Rc::new(Budget::new(settings.max_in_flight_bytes)),
            ..Memory::default()
        }
    }
}
