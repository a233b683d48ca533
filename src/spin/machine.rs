//! Time and randomness from the host.

use std::time::Duration;

use spin_sdk::wasip3::{clocks::monotonic_clock, random::random};

use crate::platform::Platform;

/// The host's clock and its random numbers.
pub struct Machine;

impl Platform for Machine {
    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        random::get_random_u64()
    }
}
