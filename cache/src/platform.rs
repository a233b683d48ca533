//! The port to the machine: time and randomness. The cache takes both from here and nowhere else, so that tests run it
//! under simulated time with a seeded scheduler.

use std::future::Future;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};

/// Time and randomness.
pub trait Platform {
    /// Monotonic time since some fixed point.
    fn now(&self) -> Duration;

    /// Waits.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()>;

    /// A random number that no other call, in any instance, is expected to return: it names writers and leases.
    fn random(&self) -> u64;
}

impl<P: Platform + ?Sized> Platform for Rc<P> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        (**self).sleep(duration)
    }

    fn random(&self) -> u64 {
        (**self).random()
    }
}

impl<P: Platform + ?Sized> Platform for Arc<P> {
    fn now(&self) -> Duration {
        (**self).now()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        (**self).sleep(duration)
    }

    fn random(&self) -> u64 {
        (**self).random()
    }
}

/// Runs `work`, and drops it, which cancels it, if it has not ended after `limit`.
///
/// `None`: the time is up.
pub async fn timeout<T>(platform: &impl Platform, limit: Duration, work: impl Future<Output = T>) -> Option<T> {
    match select(pin!(work), pin!(platform.sleep(limit))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    }
}
