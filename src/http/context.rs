//! What every route is given.

use fenced_cache::{Ports, ReadThrough};
use http::StatusCode;
use serde_json::Value;

use crate::auth::jwt::Verified;
use crate::config::Config;
use crate::database::object_id::ObjectIds;
use crate::http::local_counts::LocalCounts;
use crate::http::once_a_second::OnceASecond;

/// What every route is given.
pub struct Context<'a, C: Ports, S, P> {
    /// What the operator has set.
    pub config: &'a Config,
    /// The cache.
    pub cache: &'a ReadThrough<C>,
    /// Time and randomness.
    pub platform: &'a P,
    /// The source of truth.
    pub database: &'a S,
    /// The credentials that the instance has verified.
    pub verified: &'a Verified,
    /// Makes the ids of new documents.
    pub ids: &'a ObjectIds,
    /// What the instance remembers of earlier requests.
    pub memory: &'a Memory,
}

/// What an instance remembers of earlier requests. Nothing of it is needed for correctness.
#[derive(Default)]
pub struct Memory {
    /// How many requests each caller has sent, while Redis cannot count them.
    pub rate_counts: LocalCounts,
    /// Whether the instance can serve, as `/health/ready` answers it.
    pub readiness: OnceASecond<(StatusCode, Value)>,
}
