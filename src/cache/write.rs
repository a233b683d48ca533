//! The write path: begin write, write to the store, end write, and only then acknowledge.

use std::future::Future;
use std::time::Duration;

use super::aside::CacheAside;
use super::{Cache, Scope};
use crate::config::{Config, WritePolicy};
use crate::database::StoreError;
use crate::platform::Platform;

/// How a write fared with the cache, from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Recorded {
    /// Caching is off: there is nothing to record.
    Off,
    /// Every value that it made untrue is gone, and no read can bring one back.
    Yes,
    /// Its end is not recorded in Redis, but its beginning is: its fence keeps the scopes uncached until it runs out.
    FenceStands,
    /// Nothing is recorded in Redis: an older value may live there until its TTL ends.
    No,
}

/// Why a write was not acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriteError {
    /// The store's own reason.
    Store(StoreError),
    /// Its beginning could not be recorded in Redis, and the operator wants no write without: nothing was written.
    NotBegun,
    /// It is done, but its end could not be recorded in Redis, and the operator wants no acknowledgement without.
    NotEnded,
}

impl<C: Cache, P: Platform> CacheAside<'_, C, P> {
    /// How long a fence stands at most: longer than the longest write and the longest read together, so that no reader
    /// who read before the write can fill after the fence has gone.
    fn fence(config: &Config) -> Duration {
        config.store_timeout * 2 + Self::max_fill_age(config) + Duration::from_secs(1)
    }

    /// Does `work`, a write to the store that makes `scopes` of the collection untrue.
    ///
    /// When it returns, every value of the scopes is gone from the cache, or the second part of the answer says why
    /// not.
    ///
    /// # Errors
    /// The store's, or the cache's where the write policy is `consistent`. Where the write's outcome is unknown the
    /// fence is left standing: what the store holds is not known, so nothing is cached until it must have settled.
    pub async fn write<T>(
        &self,
        collection: &str,
        scopes: &[Scope],
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<(T, Recorded), WriteError> {
        if !self.config.caching() {
            return Ok((work.await.map_err(WriteError::Store)?, Recorded::Off));
        }
        let consistent = self.config.cache_write_policy == WritePolicy::Consistent;
        let limit = self.config.cache_timeout;
        let prefix = self.config.key_prefix(collection);
        let token = self.platform.random();
        let begin = self.cache.begin_write(&prefix, scopes, token, Self::fence(self.config));
        let begun = self.guard.write(self.platform, limit, begin).await.is_ok();
        if consistent && !begun {
            // The step may have been taken and its answer lost; the fence runs out by itself then.
            return Err(WriteError::NotBegun);
        }
        let result = work.await;
        if matches!(&result, Err(error) if error.outcome_unknown()) {
            return result.map(|done| (done, Recorded::FenceStands)).map_err(WriteError::Store);
        }
        let end = self.cache.end_write(&prefix, scopes, token);
        let ended = self.guard.write(self.platform, limit, end).await.is_ok();
        if consistent && !ended && result.is_ok() {
            return Err(WriteError::NotEnded);
        }
        let recorded = match (begun, ended) {
            // Without its fence a write is still whole once its end is recorded: the fence is for an end that is lost.
            (_, true) => Recorded::Yes,
            (true, false) => Recorded::FenceStands,
            (false, false) => Recorded::No,
        };
        result.map(|done| (done, recorded)).map_err(WriteError::Store)
    }
}
