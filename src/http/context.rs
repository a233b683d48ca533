//! What every route is given.

use std::rc::Rc;

use fenced_cache::{Ports, ReadThrough};
use http::StatusCode;
use serde_json::Value;

use crate::auth::jwt::Verified;
use crate::budget::{Budget, Held};
use crate::config::Config;
use crate::http::local_counts::LocalCounts;
use crate::http::metrics::Metrics;
use crate::http::once_a_second::OnceASecond;
use crate::object_id::ObjectIds;

/// What every route is given.
pub struct Context<'a, C: Ports, S, P> {
    /// What the operator has set.
    pub config: &'a Config,
    /// The cache.
    pub cache: &'a ReadThrough<C>,
    /// Time and randomness.
    pub platform: &'a P,
    /// The source of truth.
    pub store: &'a S,
    /// The credentials that the instance has verified.
    pub verified: &'a Verified,
    /// Makes the ids of new documents.
    pub ids: &'a ObjectIds,
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
    pub fn new(config: &Config) -> Self {
        Memory {
            metrics: Rc::new(Metrics::new(&config.catalog)),
            budget: Rc::new(Budget::new(config.http.max_in_flight_bytes)),
            ..Memory::default()
        }
    }
}
