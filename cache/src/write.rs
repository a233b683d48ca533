//! The write path: begin write, write to the source, end write, and only then acknowledge.

use std::future::Future;
use std::time::Duration;

use crate::observer::{Step, Times};
use crate::{CacheError, Observer, Platform, Ports, ReadThrough, Scope, SourceError, WritePolicy};

/// How many calls a purge makes at most.
const MAX_PURGE_CALLS: usize = 1000;

/// How far a write could be recorded in the cache, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invalidation {
    /// Caching is off, so nothing is recorded. Who turns it on again purges first, or reads what was cached before.
    Off,
    /// Every stale value is invalid, and no read can bring one back.
    Done,
    /// Its end is not recorded in Redis, but its beginning is: its fence keeps the scopes uncached until it runs out.
    Fenced,
    /// Nothing is recorded in Redis: a stale value may live there until its TTL ends.
    Failed,
}

/// Why a write was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError<E> {
    /// The source's own reason.
    Source(E),
    /// Its beginning could not be recorded in Redis, and the write policy is `Consistent`: nothing was written.
    NotBegun,
    /// It is done, but its end could not be recorded in Redis, and the write policy is `Consistent`.
    NotEnded,
}

impl<P: Ports> ReadThrough<P> {
    /// How long a fence stands at most: longer than the longest write, so that a reader who finds none reads what that
    /// write has written. It need not outlive any reader: the beginning of the write has deleted the generations that a
    /// reader from before it could fill with.
    fn fence_duration(&self) -> Duration {
        let fence = self.settings.source_timeout * 2 + self.settings.timeout + Duration::from_secs(1);
        debug_assert!(fence > self.settings.source_timeout + self.settings.timeout);
        fence
    }

    /// Does `work`, a write to the source that makes `scopes` of the space stale.
    ///
    /// When it returns, no read is answered from a value of the scopes that was cached before, or the second part of the
    /// result says why that is not certain.
    ///
    /// # Errors
    /// The source's, or the cache's where the write policy is `Consistent`. Where the write's outcome is unknown the
    /// fence is left standing, and set now where it could not be before: what the source holds is not known, so nothing is
    /// cached until it must have settled.
    pub async fn write<T, E: SourceError>(
        &self,
        space: &str,
        scopes: &[Scope<'_>],
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<(T, Invalidation), WriteError<E>> {
        let began = self.platform().now();
        if !self.settings.caching() {
            let done = work.await;
            let times = Times { cache: Duration::ZERO, source: Some(self.platform().now() - began) };
            self.observer.invalidated(space, Invalidation::Off, times);
            return Ok((done.map_err(WriteError::Source)?, Invalidation::Off));
        }
        let consistent = self.settings.write_policy == WritePolicy::Consistent;
        let token = self.platform().random();
        let fence = self.fence_duration();
        let begin = || self.guarded(Step::BeginWrite, self.protocol.begin_write(space, scopes, token, fence));
        let begun = begin().await.is_ok();
        let working = self.platform().now();
        let mut times = Times { cache: working - began, source: None };
        if consistent && !begun {
            // The step may have been taken and its answer lost; the fence runs out by itself then.
            self.observer.invalidated(space, Invalidation::Failed, times);
            return Err(WriteError::NotBegun);
        }
        let result = work.await;
        let worked = self.platform().now();
        times.source = Some(worked - working);
        // Redis's clock on the fence started no earlier than `began`.
        let fenced = begun && worked - began < fence;
        if matches!(&result, Err(error) if error.outcome_unknown()) {
            let invalidation = match fenced || begin().await.is_ok() {
                true => Invalidation::Fenced,
                false => Invalidation::Failed,
            };
            times.cache += self.platform().now() - worked;
            self.observer.invalidated(space, invalidation, times);
            return result.map(|done| (done, invalidation)).map_err(WriteError::Source);
        }
        let ended = self.guarded(Step::EndWrite, self.protocol.end_write(space, scopes, token)).await.is_ok();
        let invalidation = match (fenced, ended) {
            // Without its fence a write is still whole once its end is recorded: the fence is for an end that is lost.
            (_, true) => Invalidation::Done,
            (true, false) => Invalidation::Fenced,
            (false, false) => Invalidation::Failed,
        };
        times.cache += self.platform().now() - worked;
        self.observer.invalidated(space, invalidation, times);
        if consistent && !ended && result.is_ok() {
            return Err(WriteError::NotEnded);
        }
        result.map(|done| (done, invalidation)).map_err(WriteError::Source)
    }

    /// Makes every value of these scopes invalid, and deletes what is known of them, without a write: after the source was
    /// changed by somebody else.
    ///
    /// # Errors
    /// Redis's. The values may be invalid all the same.
    pub async fn purge(&self, space: &str, scopes: &[Scope<'_>]) -> Result<(), CacheError> {
        let token = self.platform().random();
        for _ in 0..MAX_PURGE_CALLS {
            let left = self.guarded(Step::EndWrite, self.protocol.purge(space, scopes, token)).await?;
            if left == 0 {
                break;
            }
        }
        Ok(())
    }
}
