//! What every route is given.

use fenced_cache::{Ports, ReadThrough};

use crate::auth::jwt::Verified;
use crate::config::Config;

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
}
