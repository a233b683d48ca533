//! Time from the host, and random numbers that it has seeded.

use std::cell::RefCell;
use std::time::Duration;

use spin_sdk::wasip3::clocks::{monotonic_clock, system_clock};
use spin_sdk::wasip3::random::random;

use crate::platform::Platform;

thread_local! {
    /// Seeded by the host once for each instance: a call to the host costs more than a hundred numbers. What is made of them
    /// must be unique, not secret.
    static RANDOM: RefCell<fastrand::Rng> = RefCell::new(fastrand::Rng::with_seed(random::get_random_u64()));
}

/// The host's clock, and random numbers.
pub struct SpinPlatform;

impl fenced_cache::Platform for SpinPlatform {
    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        RANDOM.with_borrow_mut(|random| random.u64(..))
    }
}

impl Platform for SpinPlatform {
    fn unix_time(&self) -> Duration {
        let now = system_clock::now();
        // A clock set before 1970 counts as 1970.
        Duration::new(u64::try_from(now.seconds).unwrap_or(0), now.nanoseconds)
    }
}
