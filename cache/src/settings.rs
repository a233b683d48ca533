//! What the operator decides.

use std::time::Duration;

/// How the cache behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long a cached value lives; zero turns caching off.
    pub ttl: Duration,
    /// How long Redis may take before a request goes on without it.
    pub timeout: Duration,
    /// How long the source may take for one read or one write: the longest that `load` and `work` ever take.
    pub source_timeout: Duration,
    /// What to do when Redis cannot record a write.
    pub write_policy: WritePolicy,
}

impl Settings {
    /// Whether values are cached at all.
    pub fn caching(&self) -> bool {
        !self.ttl.is_zero()
    }
}

/// What to do when Redis cannot record a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// Perform it, and report that stale values may be read until their TTL ends.
    Available,
    /// Reject it where its beginning cannot be recorded; report an unknown outcome where its end cannot.
    Consistent,
}
