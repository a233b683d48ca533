//! Keeps a slow or broken Redis from slowing or breaking a request: every step has a time limit, and after a failure
//! reads leave Redis alone for a moment instead of each paying the limit (a circuit breaker).

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use super::{CacheError, Platform, timeout};

/// How long reads leave Redis alone after it failed.
pub const OPEN_FOR: Duration = Duration::from_secs(1);

/// What an instance remembers of Redis's failures. It costs nothing but speed to forget it.
#[derive(Default)]
pub struct CircuitBreaker {
    /// Zero while Redis answers.
    open_until: Cell<Duration>,
}

impl CircuitBreaker {
    /// A step of a read: not taken while Redis is left alone.
    ///
    /// # Errors
    /// The step's own, [`CacheError::Unreachable`] after `limit`, or [`CacheError::CircuitOpen`].
    pub async fn read<T>(
        &self,
        platform: &impl Platform,
        limit: Duration,
        step: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        if self.open_until.get() > Duration::ZERO {
            let now = platform.now();
            if now < self.open_until.get() {
                return Err(CacheError::CircuitOpen);
            }
            // One reader tries whether Redis is back; the others do not wait for it with him.
            self.open_until.set(now + limit);
        }
        self.write(platform, limit, step).await
    }

    /// A step of a write, always taken: a write that leaves Redis alone would leave older values there.
    ///
    /// # Errors
    /// The step's own, or [`CacheError::Unreachable`] after `limit`.
    pub async fn write<T>(
        &self,
        platform: &impl Platform,
        limit: Duration,
        step: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        let result = timeout(platform, limit, step)
            .await
            .unwrap_or_else(|| Err(CacheError::Unreachable(format!("no answer within {} ms", limit.as_millis()))));
        match &result {
            Ok(_) => self.open_until.set(Duration::ZERO),
            Err(CacheError::Unreachable(_)) => self.open_until.set(platform.now() + OPEN_FOR),
            Err(CacheError::Refused(_) | CacheError::CircuitOpen) => {}
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::task::{Context, Poll, Waker};

    use super::*;

    const LIMIT: Duration = Duration::from_millis(250);

    /// A clock that is set by hand; nobody's sleep ends.
    struct ByHand(Cell<Duration>);

    impl Platform for ByHand {
        fn now(&self) -> Duration {
            self.0.get()
        }

        async fn sleep(&self, _: Duration) {
            pending().await
        }

        fn random(&self) -> u64 {
            17
        }
    }

    fn poll<T>(future: &mut std::pin::Pin<&mut impl Future<Output = T>>) -> Poll<T> {
        future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }

    fn read(breaker: &CircuitBreaker, clock: &ByHand, step: Result<(), CacheError>) -> Result<(), CacheError> {
        let mut reading = std::pin::pin!(breaker.read(clock, LIMIT, ready(step)));
        match poll(&mut reading) {
            Poll::Ready(result) => result,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn after_a_failure_reads_pause_and_then_one_of_them_tries() {
        let (breaker, clock) = (CircuitBreaker::default(), ByHand(Cell::new(Duration::from_secs(9))));
        let broken = || Err(CacheError::Unreachable("cut".to_owned()));
        assert_eq!(read(&breaker, &clock, broken()), broken());
        assert_eq!(read(&breaker, &clock, Ok(())), Err(CacheError::CircuitOpen));

        clock.0.set(clock.0.get() + OPEN_FOR);
        let mut tries = std::pin::pin!(breaker.read(&clock, LIMIT, pending::<Result<(), _>>()));
        assert!(poll(&mut tries).is_pending());
        assert_eq!(read(&breaker, &clock, Ok(())), Err(CacheError::CircuitOpen), "while another tries");

        // Whoever tried never came back; the next one may.
        clock.0.set(clock.0.get() + LIMIT);
        assert_eq!(read(&breaker, &clock, Ok(())), Ok(()));
        assert_eq!(read(&breaker, &clock, Ok(())), Ok(()));
    }

    #[test]
    fn a_refusal_is_no_reason_to_pause() {
        let (breaker, clock) = (CircuitBreaker::default(), ByHand(Cell::new(Duration::from_secs(9))));
        let refusal = || Err(CacheError::Refused("OOM".to_owned()));
        assert_eq!(read(&breaker, &clock, refusal()), refusal());
        assert_eq!(read(&breaker, &clock, Ok(())), Ok(()));
    }
}
