//! The port to the machine: time and randomness. The logic takes both from here and nowhere else, so that tests run it
//! under simulated time with a seeded scheduler.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};

/// Time and randomness.
pub trait Platform {
    /// Monotonic time since some fixed point.
    fn now(&self) -> Duration;

    /// The time of day, since 1970-01-01T00:00:00Z.
    fn unix_time(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// A random number that no other call, in any instance, is expected to return: it names writers and leases.
    fn random(&self) -> u64;
}

/// Runs `work`, and drops it, which cancels it, if it has not ended after `limit`.
///
/// `None`: the time is up.
pub async fn within<T>(platform: &impl Platform, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(platform.sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}
