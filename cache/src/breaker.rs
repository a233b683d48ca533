//! Keeps a slow or broken Redis from slowing or breaking a request: after a failure reads leave Redis alone for a moment
//! instead of each waiting as long as Redis may take (a circuit breaker).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// How long reads leave Redis alone after it failed.
pub const OPEN_FOR: Duration = Duration::from_secs(1);

/// What an instance remembers of Redis's failures. It costs nothing but speed to forget it.
#[derive(Default)]
pub struct CircuitBreaker {
    /// On the platform's clock, in nanoseconds; zero while Redis answers.
    open_until: AtomicU64,
}

impl CircuitBreaker {
    /// Whether Redis failed the last time that it was asked.
    pub fn is_open(&self) -> bool {
        self.open_until.load(Ordering::Relaxed) > 0
    }

    /// Whether a read may ask Redis now, which takes `limit` at most: always while it answers; while it does not, one read
    /// at a time tries whether it is back, and the others do not wait for it.
    pub fn admits(&self, now: impl FnOnce() -> Duration, limit: Duration) -> bool {
        let open_until = self.open_until.load(Ordering::Relaxed);
        if open_until == 0 {
            return true;
        }
        let now = now();
        if nanoseconds(now) < open_until {
            return false;
        }
        self.open_until.store(nanoseconds(now + limit).max(1), Ordering::Relaxed);
        true
    }

    /// Redis answered. Whether it was open.
    pub fn close(&self) -> bool {
        self.is_open() && self.open_until.swap(0, Ordering::Relaxed) > 0
    }

    /// Redis did not answer. Whether it was closed.
    pub fn open(&self, now: Duration) -> bool {
        self.open_until.swap(nanoseconds(now + OPEN_FOR).max(1), Ordering::Relaxed) == 0
    }
}

fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(250);

    #[test]
    fn after_a_failure_reads_leave_redis_alone_and_then_one_of_them_tries() {
        let (breaker, mut now) = (CircuitBreaker::default(), Duration::from_secs(9));
        assert!(breaker.admits(|| now, LIMIT));
        assert!(breaker.open(now));
        assert!(!breaker.open(now), "it is open already");
        assert!(!breaker.admits(|| now, LIMIT));

        now += OPEN_FOR;
        assert!(breaker.admits(|| now, LIMIT));
        assert!(!breaker.admits(|| now, LIMIT), "while another tries");

        // The reader that tried never came back; the next one may.
        now += LIMIT;
        assert!(breaker.admits(|| now, LIMIT));
        assert!(breaker.close());
        assert!(!breaker.close(), "it is closed already");
        assert!(breaker.admits(|| now, LIMIT));
    }
}
