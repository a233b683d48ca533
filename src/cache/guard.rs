//! Keeps a slow or broken Redis from slowing or breaking a request: every step has a time limit, and after a failure
//! reads leave Redis alone for a moment instead of each paying the limit (a circuit breaker).

use std::cell::Cell;
use std::future::Future;
use std::time::Duration;

use super::CacheError;
use crate::platform::{Platform, within};

/// How long reads leave Redis alone after it failed.
pub const PAUSE: Duration = Duration::from_secs(1);

/// What an instance remembers of Redis's failures. It costs nothing but speed to forget it.
#[derive(Default)]
pub struct Guard {
    paused_until: Cell<Duration>,
}

impl Guard {
    /// A step of a read: not taken while Redis is left alone.
    ///
    /// # Errors
    /// The step's own, [`CacheError::Unreachable`] after `limit`, or [`CacheError::Paused`].
    pub async fn read<T>(
        &self,
        platform: &impl Platform,
        limit: Duration,
        step: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        if platform.now() < self.paused_until.get() {
            return Err(CacheError::Paused);
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
        let result = within(platform, limit, step)
            .await
            .unwrap_or_else(|| Err(CacheError::Unreachable(format!("no answer within {} ms", limit.as_millis()))));
        match &result {
            Ok(_) => self.paused_until.set(Duration::ZERO),
            Err(CacheError::Unreachable(_)) => self.paused_until.set(platform.now() + PAUSE),
            Err(CacheError::Refused(_) | CacheError::Paused) => {}
        }
        result
    }
}
