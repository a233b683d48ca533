//! The port to the machine: time and randomness. The logic takes both from here and nowhere else, so that tests run it
//! under simulated time with a seeded scheduler.

use std::time::Duration;

pub use fenced_cache::timeout;

/// Time and randomness.
pub trait Platform: fenced_cache::Platform {
    /// The time of day, since 1970-01-01T00:00:00Z.
    fn unix_time(&self) -> Duration;
}
