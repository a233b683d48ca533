//! The read path: read the cache; on a miss read the store, fill the cache, answer.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;

use super::freshness::Freshness;
use super::guard::Guard;
use super::{Cache, CacheError, Entry, Fill, Permit, Taken};
use crate::config::Config;
use crate::etag::ETag;
use crate::platform::Platform;
use crate::store::StoreError;

/// How long one reader has a key to itself. A holder that dies costs the others no more than this.
pub const LEASE: Duration = Duration::from_secs(2);

/// For how long it is remembered at most that there is no such document.
pub const ABSENT_TTL: Duration = Duration::from_secs(5);

/// How long a reader that follows another waits before it looks again: the first time, and at most.
const FIRST_LOOK: Duration = Duration::from_millis(4);
const LAST_LOOK: Duration = Duration::from_millis(64);

/// The cache as an instance sees it: the port, and what the instance remembers.
pub struct CacheAside<'a, C, P> {
    /// The port.
    pub cache: &'a C,
    /// Time and randomness.
    pub platform: &'a P,
    /// What the operator has set.
    pub config: &'a Config,
    /// What is remembered of Redis's failures.
    pub guard: &'a Guard,
    /// What is remembered of TTLs.
    pub freshness: &'a Freshness,
}

/// A value, and where it came from.
#[derive(Clone, Debug)]
pub struct Found {
    /// The value, or `None` where there is no such document.
    pub value: Option<(Bytes, ETag)>,
    /// Where it came from.
    pub source: Source,
    /// How long the cache took, all its steps together.
    pub cache_time: Duration,
    /// How long the store took, where it was asked.
    pub store_time: Option<Duration>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the cache.
    Hit {
        /// What is left of its TTL, where that is known.
        ttl: Option<Duration>,
    },
    /// From the store, since the cache did not have it.
    Miss {
        /// The TTL that it was stored with, where it was.
        stored: Option<Duration>,
    },
    /// From the store, since the cache could not be asked, or is off.
    Bypass {
        /// One word why, for `Cache-Status`.
        detail: &'static str,
    },
}

/// What a step on the way through the cache came to.
enum Way {
    /// The value, or that it is absent; and what is left of its TTL, where that is known.
    Hit(Option<(Bytes, ETag)>, Option<Duration>),
    /// Read the store, and fill with this permit where there is one.
    Load(Option<(u64, Permit)>),
    Bypass(&'static str),
}

impl<C: Cache, P: Platform> CacheAside<'_, C, P> {
    /// The longest that a reader may take from taking the generations to filling.
    pub fn max_fill_age(config: &Config) -> Duration {
        config.store_timeout + config.cache_timeout + Duration::from_secs(1)
    }

    /// The entry's value: from the cache, or else by `load` from the store.
    ///
    /// # Errors
    /// The store's. The cache's failures only show in where the value comes from.
    pub async fn read(
        &self,
        entry: &Entry,
        load: impl Future<Output = Result<Option<Bytes>, StoreError>>,
    ) -> Result<Found, StoreError> {
        let began = self.platform.now();
        if !self.config.caching() {
            let value = load.await?;
            let store_time = Some(self.platform.now() - began);
            let source = Source::Bypass { detail: "off" };
            return Ok(found(value, source, Duration::ZERO, store_time));
        }
        let way = self.look(entry).await;
        let looked = self.platform.now();
        let cache_time = looked - began;
        let (permit, bypass) = match way {
            Way::Hit(value, ttl) => {
                return Ok(Found { value, source: Source::Hit { ttl }, cache_time, store_time: None });
            }
            Way::Load(permit) => (permit, None),
            Way::Bypass(detail) => (None, Some(detail)),
        };
        let loaded = load.await;
        let now = self.platform.now();
        let store_time = Some(now - looked);
        let value = match loaded {
            Ok(value) => value,
            Err(error) => {
                self.give_up(entry, permit).await;
                return Err(error);
            }
        };
        let stored = match permit {
            Some((token, permit)) => self.fill(entry, token, &permit, value.as_ref()).await,
            None => None,
        };
        let filled = self.platform.now();
        let source = match bypass {
            Some(detail) => Source::Bypass { detail },
            None => Source::Miss { stored },
        };
        let result = found(value, source, cache_time + (filled - now), store_time);
        if let (Some(ttl), Some((_, etag))) = (stored, &result.value) {
            // From before the fill: Redis's clock on it started no earlier.
            self.freshness.note(entry.value_key(), etag.clone(), now + ttl);
        }
        Ok(result)
    }

    /// One `GET`. The TTL is asked for in the same round trip where the instance has no note of it, and in a second
    /// one where its note is of another value.
    async fn look(&self, entry: &Entry) -> Way {
        let key = entry.value_key();
        let (value, ttl) = if self.freshness.knows(&key) {
            (self.step(self.cache.get(entry)).await, None)
        } else {
            let (value, ttl) = join(self.step(self.cache.get(entry)), self.step(self.cache.ttl(entry))).await;
            (value, Some(ttl))
        };
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => return self.missed(entry).await,
            Err(error) => return Way::Bypass(bypass_detail(&error)),
        };
        let etag = ETag::of(&value);
        if let Some(left) = self.freshness.left(&key, &etag, self.platform.now()) {
            return Way::Hit(Some((value, etag)), Some(left));
        }
        let ttl = match ttl {
            Some(ttl) => ttl,
            None => self.step(self.cache.ttl(entry)).await,
        };
        let ttl = ttl.ok().flatten();
        if let Some(ttl) = ttl {
            self.freshness.note(key, etag.clone(), self.platform.now() + ttl);
        }
        Way::Hit(Some((value, etag)), ttl)
    }

    /// After a miss: leads, or follows the reader that does.
    async fn missed(&self, entry: &Entry) -> Way {
        let token = self.platform.random();
        let until = self.platform.now() + LEASE;
        let mut pause = FIRST_LOOK;
        loop {
            match self.step(self.cache.take(entry, token, LEASE)).await {
                Ok(Taken::Value(value)) => {
                    let etag = ETag::of(&value);
                    return Way::Hit(Some((value, etag)), None);
                }
                Ok(Taken::Absent) => return Way::Hit(None, None),
                Ok(Taken::Lead(permit)) => return Way::Load(Some((token, permit))),
                // A fence is lifted with the write's end, at the latest at its deadline; neither is worth waiting for.
                Ok(Taken::Fenced) => return Way::Load(None),
                Ok(Taken::Follow) if self.platform.now() + pause < until => {
                    self.platform.sleep(pause).await;
                    pause = (pause * 2).min(LAST_LOOK);
                }
                Ok(Taken::Follow) => return Way::Load(None),
                Err(CacheError::Refused(_)) => return Way::Load(None),
                Err(error) => return Way::Bypass(bypass_detail(&error)),
            }
        }
    }

    /// The TTL that the value was stored with, or `None` where it was not.
    async fn fill(&self, entry: &Entry, token: u64, permit: &Permit, value: Option<&Bytes>) -> Option<Duration> {
        let ttl = self.config.cache_ttl;
        let (fill, ttl) = match value {
            Some(value) => (Fill::Value(value), ttl),
            None => (Fill::Absent, ttl.min(ABSENT_TTL)),
        };
        let max_age = Self::max_fill_age(self.config);
        let stored = self.step(self.cache.fill(entry, token, permit, max_age, fill, ttl)).await;
        matches!(stored, Ok(true)).then_some(ttl)
    }

    /// Gives the lease back, so that the next reader need not wait for it to run out.
    async fn give_up(&self, entry: &Entry, permit: Option<(u64, Permit)>) {
        if let Some((token, _)) = permit {
            // Where this fails the lease runs out by itself.
            let _ = self.step(self.cache.release(entry, token)).await;
        }
    }

    async fn step<T>(&self, step: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
        let limit = self.config.cache_timeout;
        self.guard.read(self.platform, limit, step).await
    }
}

fn found(value: Option<Bytes>, source: Source, cache_time: Duration, store_time: Option<Duration>) -> Found {
    Found {
        value: value.map(|bytes| {
            let etag = ETag::of(&bytes);
            (bytes, etag)
        }),
        source,
        cache_time,
        store_time,
    }
}

fn bypass_detail(error: &CacheError) -> &'static str {
    match error {
        CacheError::Unreachable(_) => "unreachable",
        CacheError::Refused(_) => "refused",
        CacheError::Paused => "paused",
    }
}
