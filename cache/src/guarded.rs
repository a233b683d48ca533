//! How a step is taken: not while Redis is left alone, no longer than it may, and what it came to is told once.

use std::future::Future;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::breaker::CircuitBreaker;
use crate::connection::{Greeting, lock};
use crate::observer::{Notice, Step};
use crate::{CacheError, Observer, Platform, Ports, ReadThrough, Refusal, timeout};

/// A refusal that was not met for this long is news again.
const QUIET: Duration = Duration::from_secs(60);

/// What an instance remembers between requests. Nothing of it is needed for correctness.
#[derive(Default)]
pub(crate) struct Memory {
    pub breaker: CircuitBreaker,
    /// When each refusal was met last.
    refusals: Mutex<Vec<(Step, Refusal, Duration)>>,
    /// Whether it was said that the run id cannot be checked.
    unchecked: Mutex<Option<String>>,
    /// How many large values are on their way to Redis. While one is, the answers to other steps may have to wait for it.
    pub large_fills: AtomicU32,
}

impl Memory {
    /// Why a Redis that comes back with older contents would not be noticed, where that is so.
    pub fn run_id_unchecked(&self) -> Option<String> {
        lock(&self.unchecked).clone()
    }

    /// Whether this refusal is news at this time.
    fn is_news(&self, step: Step, refusal: Refusal, now: Duration) -> bool {
        let mut refusals = lock(&self.refusals);
        match refusals.iter_mut().find(|(known, kind, _)| (*known, *kind) == (step, refusal)) {
            Some((_, _, last)) => {
                let news = now.saturating_sub(*last) >= QUIET;
                *last = now;
                news
            }
            None => {
                refusals.push((step, refusal, now));
                true
            }
        }
    }
}

impl<P: Ports> ReadThrough<P> {
    /// Takes a step. A read's is not taken while Redis is left alone; a write's always is: a write that left Redis alone
    /// would leave stale values there.
    pub(crate) async fn guarded<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        self.admit(step)?;
        self.observed(step, work).await
    }

    /// Whether a step may be taken now.
    pub(crate) fn admit(&self, step: Step) -> Result<(), CacheError> {
        match !step.is_read() || self.memory.breaker.admits(|| self.platform().now(), self.settings.timeout) {
            true => Ok(()),
            false => Err(CacheError::CircuitOpen),
        }
    }

    /// Takes a step in any case.
    pub(crate) async fn observed<T>(
        &self,
        step: Step,
        work: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        self.observed_within(self.settings.timeout, step, work).await
    }

    /// Takes a step that must be done within `limit`.
    pub(crate) async fn observed_within<T>(
        &self,
        limit: Duration,
        step: Step,
        work: impl Future<Output = Result<T, CacheError>>,
    ) -> Result<T, CacheError> {
        let result = timeout(self.platform(), limit, work).await;
        self.conclude(step, result.unwrap_or(Err(CacheError::TimedOut(self.settings.timeout))))
    }

    /// Tells what a step came to.
    pub(crate) fn conclude<T>(&self, step: Step, result: Result<T, CacheError>) -> Result<T, CacheError> {
        match &result {
            Ok(_) => self.answered(),
            Err(CacheError::Refused { refusal, reason }) => {
                self.answered();
                if self.memory.is_news(step, *refusal, self.platform().now()) {
                    self.observer.notice(&Notice::Refused { step, refusal: *refusal, reason });
                }
            }
            // A large value takes its time, and everything behind it on the connection waits.
            Err(CacheError::TimedOut(_))
                if step == Step::Fill || self.memory.large_fills.load(Ordering::Relaxed) > 0 => {}
            Err(error @ (CacheError::TimedOut(_) | CacheError::Unreachable(_))) => {
                if self.memory.breaker.open(self.platform().now()) {
                    self.observer.circuit_open(true);
                    self.observer.notice(&Notice::Unreachable { reason: &error.to_string() });
                }
            }
            Err(CacheError::CircuitOpen) => {}
        }
        if let Some(greeting) = self.protocol.take_greeting() {
            self.greeted(greeting);
        }
        result
    }

    fn answered(&self) {
        if self.memory.breaker.close() {
            self.observer.circuit_open(false);
            self.observer.notice(&Notice::Reachable);
        }
    }

    fn greeted(&self, greeting: Greeting) {
        match greeting {
            Greeting::Known => *lock(&self.memory.unchecked) = None,
            Greeting::Changed => self.observer.notice(&Notice::ContentsInvalidated),
            Greeting::Unchecked(reason) => {
                let news = lock(&self.memory.unchecked).replace(reason.clone()).is_none();
                if news {
                    self.observer.notice(&Notice::RunIdUnchecked { reason: &reason });
                }
            }
        }
    }
}
