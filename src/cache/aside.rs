//! The read path: read the cache; on a miss read the store, fill the cache, answer.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;

use super::freshness::Freshness;
use super::guard::Guard;
use super::{Cache, CacheError, Entry, Fill, Permit, Taken};
use crate::config::Config;
use crate::database::StoreError;
use crate::http::etag::ETag;
use crate::platform::{Platform, within};

/// How long one reader has a key to itself, at most. A holder that dies costs the others no more than this.
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
    /// The reader that it followed took as long as the store may.
    TimedOut,
}

impl<C: Cache, P: Platform> CacheAside<'_, C, P> {
    /// How long one reader has a key to itself: half of what the store may take at most, so that whoever followed a holder
    /// that died has the other half to read the store.
    pub fn lease(config: &Config) -> Duration {
        LEASE.min(config.store_timeout / 2)
    }

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
            let value = self.load(load, began + self.config.store_timeout).await?;
            let store_time = Some(self.platform.now() - began);
            let source = Source::Bypass { detail: "off" };
            return Ok(found(value, source, Duration::ZERO, store_time));
        }
        let (way, missed) = self.look(entry).await;
        let looked = self.platform.now();
        let cache_time = looked - began;
        let (permit, bypass) = match way {
            Way::Hit(value, ttl) => {
                return Ok(Found { value, source: Source::Hit { ttl }, cache_time, store_time: None });
            }
            Way::Load(permit) => (permit, None),
            Way::Bypass(detail) => (None, Some(detail)),
            Way::TimedOut => return Err(StoreError::Timeout),
        };
        // What it waited for another reader counts: a miss takes no longer than the store may.
        let loaded = self.load(load, missed + self.config.store_timeout).await;
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
        if let (Some(ttl), Some((value, etag))) = (stored, &result.value) {
            // From before the fill: Redis's clock on it started no earlier.
            self.freshness.note(entry.value_key(), value, etag.clone(), now + ttl);
        }
        Ok(result)
    }

    async fn load<T>(
        &self,
        load: impl Future<Output = Result<T, StoreError>>,
        deadline: Duration,
    ) -> Result<T, StoreError> {
        let left = deadline.saturating_sub(self.platform.now());
        within(self.platform, left, load).await.unwrap_or(Err(StoreError::Timeout))
    }

    /// The way on, and when the cache turned out not to have the value.
    async fn look(&self, entry: &Entry) -> (Way, Duration) {
        let found = self.find(entry).await;
        let now = self.platform.now();
        match found {
            Some(way) => (way, now),
            None => (self.missed(entry, now + self.config.store_timeout).await, now),
        }
    }

    /// One `GET`; `None` is a miss. The TTL is asked for in the same round trip where the instance has no note of it, and
    /// in a second one where its note is of another value.
    async fn find(&self, entry: &Entry) -> Option<Way> {
        let key = entry.value_key();
        let (value, ttl) = if self.freshness.knows(&key) {
            (self.step(self.cache.get(entry)).await, None)
        } else {
            let (value, ttl) = join(self.step(self.cache.get(entry)), self.step(self.cache.ttl(entry))).await;
            (value, Some(ttl))
        };
        let value = match value {
            Ok(Some(value)) => value,
            Ok(None) => return None,
            Err(error) => return Some(Way::Bypass(bypass_detail(&error))),
        };
        let etag = self.freshness.etag(&key, &value);
        if let Some(left) = self.freshness.left(&key, &etag, self.platform.now()) {
            return Some(Way::Hit(Some((value, etag)), Some(left)));
        }
        let ttl = match ttl {
            Some(ttl) => ttl,
            None => self.step(self.cache.ttl(entry)).await,
        };
        let ttl = ttl.ok().flatten();
        if let Some(ttl) = ttl {
            self.freshness.note(key, &value, etag.clone(), self.platform.now() + ttl);
        }
        Some(Way::Hit(Some((value, etag)), ttl))
    }

    /// After a miss: leads, or follows the reader that does.
    async fn missed(&self, entry: &Entry, deadline: Duration) -> Way {
        let token = self.platform.random();
        let lease = Self::lease(self.config);
        let mut pause = FIRST_LOOK;
        loop {
            match self.step(self.cache.take(entry, token, lease)).await {
                Ok(Taken::Value(value)) => {
                    let etag = ETag::of(&value);
                    return Way::Hit(Some((value, etag)), None);
                }
                Ok(Taken::Absent) => return Way::Hit(None, None),
                Ok(Taken::Lead(permit)) => return Way::Load(Some((token, permit))),
                // A write is in flight, or overtook the last reader: whoever leads now may not fill either.
                Ok(Taken::Unfillable) => return Way::Load(None),
                Ok(Taken::Follow) if self.platform.now() + pause < deadline => {
                    self.platform.sleep(pause).await;
                    pause = (pause * 2).min(LAST_LOOK);
                }
                Ok(Taken::Follow) => return Way::TimedOut,
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
