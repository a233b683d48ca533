//! The write path: begin write, write to the source, end write, and only then acknowledge.

use std::future::Future;
use std::time::Duration;

use super::{Cache, Platform, Ports, ReadThrough, Scope, SourceError, WritePolicy};

/// How far a write could be recorded in the cache, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invalidation {
    /// Caching is off: there is nothing to record.
    Off,
    /// Every stale value is gone, and no read can bring one back.
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
    /// How long a fence stands at most: longer than the longest write and the longest read together, so that no reader
    /// who read before the write can fill after the fence has gone.
    fn fence_duration(&self) -> Duration {
        let fence = self.settings.source_timeout * 2 + self.max_fill_age() + Duration::from_secs(1);
        debug_assert!(fence > self.settings.source_timeout + self.max_fill_age());
        fence
    }

    /// Does `work`, a write to the source that makes `scopes` of the space stale.
    ///
    /// When it returns, every value of the scopes is gone from the cache, or the second part of the result says why not.
    ///
    /// # Errors
    /// The source's, or the cache's where the write policy is `Consistent`. Where the write's outcome is unknown the
    /// fence is left standing: what the source holds is not known, so nothing is cached until it must have settled.
    pub async fn write<T, E: SourceError>(
        &self,
        space: &str,
        scopes: &[Scope<'_>],
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<(T, Invalidation), WriteError<E>> {
        if !self.settings.caching() {
            return Ok((work.await.map_err(WriteError::Source)?, Invalidation::Off));
        }
        let consistent = self.settings.write_policy == WritePolicy::Consistent;
        let limit = self.settings.timeout;
        let token = self.platform.random();
        let begin = self.cache.begin_write(space, scopes, token, self.fence_duration());
        let begun = self.breaker.write(&self.platform, limit, begin).await.is_ok();
        if consistent && !begun {
            // The step may have been taken and its answer lost; the fence runs out by itself then.
            return Err(WriteError::NotBegun);
        }
        let result = work.await;
        if matches!(&result, Err(error) if error.outcome_unknown()) {
            return result.map(|done| (done, Invalidation::Fenced)).map_err(WriteError::Source);
        }
        let end = self.cache.end_write(space, scopes, token);
        let ended = self.breaker.write(&self.platform, limit, end).await.is_ok();
        if consistent && !ended && result.is_ok() {
            return Err(WriteError::NotEnded);
        }
        let invalidation = match (begun, ended) {
            // Without its fence a write is still whole once its end is recorded: the fence is for an end that is lost.
            (_, true) => Invalidation::Done,
            (true, false) => Invalidation::Fenced,
            (false, false) => Invalidation::Failed,
        };
        result.map(|done| (done, invalidation)).map_err(WriteError::Source)
    }
}
