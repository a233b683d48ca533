//! The read path: read the cache; on a miss load from the source, fill the cache, answer.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join;

use super::{
    Acquired, Cache, CacheError, ETag, Entry, Fill, Lease, Platform, Ports, ReadThrough, SourceError, timeout,
};

/// How long one reader has a key to itself, at most. A holder that dies costs the others no more than this.
pub const MAX_LEASE: Duration = Duration::from_secs(2);

/// For how long it is remembered at most that a value does not exist.
const ABSENT_TTL: Duration = Duration::from_secs(5);

/// How long a reader that waits for another sleeps before it asks again: the first time, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(4);
const LAST_WAIT: Duration = Duration::from_millis(64);

/// What a load brought from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loaded {
    /// The value: exactly the bytes that are to be cached.
    pub bytes: Bytes,
    /// What the caller wants to find beside the value with the next hit. Opaque to the cache.
    pub meta: String,
}

impl From<Bytes> for Loaded {
    fn from(bytes: Bytes) -> Self {
        Loaded { bytes, meta: String::new() }
    }
}

/// A value, from the cache or from the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The value itself.
    pub bytes: Bytes,
    /// Its validator.
    pub etag: ETag,
}

/// What a read found, and where.
#[derive(Clone, Debug)]
pub struct Read {
    /// The value, or `None` where it does not exist.
    pub value: Option<Value>,
    /// Where it came from.
    pub source: Source,
    /// How long the cache took, all its steps together.
    pub cache_time: Duration,
    /// How long the source took, where it was asked.
    pub source_time: Option<Duration>,
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// From the cache.
    Hit {
        /// What is left of its TTL, where that is known.
        ttl: Option<Duration>,
    },
    /// From the source, since the cache did not have it.
    Miss {
        /// The TTL that it was stored with, where it was.
        stored: Option<Duration>,
    },
    /// From the source, since the cache could not be asked, or is off.
    Bypass {
        /// Why, in one word.
        detail: &'static str,
    },
}

/// What looking a value up in the cache came to.
enum LookupOutcome {
    /// The value, or that it is absent; and what is left of its TTL, where that is known.
    Hit(Option<Value>, Option<Duration>),
    /// Ask the source, and fill with this lease where there is one.
    Load(Option<(u64, Lease)>),
    Bypass(&'static str),
    /// The reader that it waited for took as long as the source may.
    TimedOut,
}

impl<P: Ports> ReadThrough<P> {
    /// How long one reader has a key to itself: half of what the source may take at most, so that a reader that waited for
    /// a holder that died has the other half to load.
    pub fn lease_duration(&self) -> Duration {
        MAX_LEASE.min(self.settings.source_timeout / 2)
    }

    /// The longest that a reader may take from taking the generations to filling.
    pub fn max_fill_age(&self) -> Duration {
        self.settings.source_timeout + self.settings.timeout + Duration::from_secs(1)
    }

    /// The entry's value: from the cache, or else by `load` from the source.
    ///
    /// # Errors
    /// The source's. The cache's failures only show in where the value comes from.
    pub async fn read<E: SourceError>(
        &self,
        entry: &Entry<'_>,
        load: impl Future<Output = Result<Option<Loaded>, E>>,
    ) -> Result<Read, E> {
        let began = self.platform.now();
        let source_timeout = self.settings.source_timeout;
        if !self.settings.caching() {
            let value = self.load(load, began + source_timeout).await?;
            let source_time = Some(self.platform.now() - began);
            let source = Source::Bypass { detail: "off" };
            return Ok(found(value, source, Duration::ZERO, source_time));
        }
        let (outcome, missed) = self.lookup(entry).await;
        let looked = self.platform.now();
        let cache_time = looked - began;
        let (lease, bypass) = match outcome {
            LookupOutcome::Hit(value, ttl) => {
                return Ok(Read { value, source: Source::Hit { ttl }, cache_time, source_time: None });
            }
            LookupOutcome::Load(lease) => (lease, None),
            LookupOutcome::Bypass(detail) => (None, Some(detail)),
            LookupOutcome::TimedOut => return Err(E::timed_out()),
        };
        // What it waited for another reader counts: a miss takes no longer than the source may.
        let loaded = self.load(load, missed + source_timeout).await;
        let now = self.platform.now();
        let source_time = Some(now - looked);
        let value = match loaded {
            Ok(value) => value,
            Err(error) => {
                self.release_lease(entry, lease).await;
                return Err(error);
            }
        };
        let stored = match lease {
            Some((token, lease)) => self.fill(entry, token, &lease, value.as_ref().map(|value| &value.bytes)).await,
            None => None,
        };
        let filled = self.platform.now();
        let source = match bypass {
            Some(detail) => Source::Bypass { detail },
            None => Source::Miss { stored },
        };
        let read = found(value, source, cache_time + (filled - now), source_time);
        if let (Some(ttl), Some(value)) = (stored, &read.value) {
            // From before the fill: Redis's clock on it started no earlier.
            self.freshness.note(entry.value_key(), &value.bytes, value.etag.clone(), now + ttl);
        }
        Ok(read)
    }

    async fn load<T, E: SourceError>(
        &self,
        load: impl Future<Output = Result<T, E>>,
        deadline: Duration,
    ) -> Result<T, E> {
        let left = deadline.saturating_sub(self.platform.now());
        timeout(&self.platform, left, load).await.unwrap_or_else(|| Err(E::timed_out()))
    }

    /// The outcome, and when the cache turned out not to have the value.
    async fn lookup(&self, entry: &Entry<'_>) -> (LookupOutcome, Duration) {
        let found = self.get_cached(entry).await;
        let now = self.platform.now();
        match found {
            Some(outcome) => (outcome, now),
            None => (self.acquire_lease(entry, now + self.settings.source_timeout).await, now),
        }
    }

    /// One `GET`; `None` is a miss. The TTL is asked for in the same round trip where the instance has no note of it, and
    /// in a second one where its note is of another value.
    async fn get_cached(&self, entry: &Entry<'_>) -> Option<LookupOutcome> {
        let key = entry.value_key();
        let (value, ttl) = if self.freshness.knows(&key) {
            (self.guarded(self.cache.get(entry)).await, None)
        } else {
            let (value, ttl) = join(self.guarded(self.cache.get(entry)), self.guarded(self.cache.ttl(entry))).await;
            (value, Some(ttl))
        };
        let bytes = match value {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return None,
            Err(error) => return Some(LookupOutcome::Bypass(bypass_detail(&error))),
        };
        let etag = self.freshness.etag(&key, &bytes);
        if let Some(left) = self.freshness.left(&key, &etag, self.platform.now()) {
            return Some(LookupOutcome::Hit(Some(Value { bytes, etag }), Some(left)));
        }
        let ttl = match ttl {
            Some(ttl) => ttl,
            None => self.guarded(self.cache.ttl(entry)).await,
        };
        let ttl = ttl.ok().flatten();
        if let Some(ttl) = ttl {
            self.freshness.note(key, &bytes, etag.clone(), self.platform.now() + ttl);
        }
        Some(LookupOutcome::Hit(Some(Value { bytes, etag }), ttl))
    }

    /// After a miss: acquires the lease, or waits for the reader that holds it.
    async fn acquire_lease(&self, entry: &Entry<'_>, deadline: Duration) -> LookupOutcome {
        let token = self.platform.random();
        let duration = self.lease_duration();
        let mut wait = FIRST_WAIT;
        loop {
            match self.guarded(self.cache.acquire(entry, token, duration)).await {
                Ok(Acquired::Value(bytes)) => {
                    let etag = ETag::of(&bytes);
                    return LookupOutcome::Hit(Some(Value { bytes, etag }), None);
                }
                Ok(Acquired::Absent) => return LookupOutcome::Hit(None, None),
                Ok(Acquired::Leased(lease)) => return LookupOutcome::Load(Some((token, lease))),
                // A write is in flight, or overtook the last reader: the next holder may not fill either.
                Ok(Acquired::Fenced) => return LookupOutcome::Load(None),
                Ok(Acquired::Wait) if self.platform.now() + wait < deadline => {
                    self.platform.sleep(wait).await;
                    wait = (wait * 2).min(LAST_WAIT);
                }
                Ok(Acquired::Wait) => return LookupOutcome::TimedOut,
                Err(CacheError::Refused(_)) => return LookupOutcome::Load(None),
                Err(error) => return LookupOutcome::Bypass(bypass_detail(&error)),
            }
        }
    }

    /// The TTL that the value was stored with, or `None` where it was not.
    async fn fill(&self, entry: &Entry<'_>, token: u64, lease: &Lease, value: Option<&Bytes>) -> Option<Duration> {
        let ttl = self.settings.ttl;
        let (fill, ttl) = match value {
            Some(value) => (Fill::Value(value), ttl),
            None => (Fill::Absent, ttl.min(ABSENT_TTL)),
        };
        let max_age = self.max_fill_age();
        let stored = self.guarded(self.cache.fill(entry, token, lease, max_age, fill, ttl)).await;
        matches!(stored, Ok(true)).then_some(ttl)
    }

    /// Gives the lease back, so that the next reader need not wait for it to run out.
    async fn release_lease(&self, entry: &Entry<'_>, lease: Option<(u64, Lease)>) {
        if let Some((token, _)) = lease {
            // Where this fails the lease runs out by itself.
            let _ = self.guarded(self.cache.release(entry, token)).await;
        }
    }

    /// A step of a read, not taken while Redis is left alone.
    pub(crate) async fn guarded<T>(&self, step: impl Future<Output = Result<T, CacheError>>) -> Result<T, CacheError> {
        self.breaker.read(&self.platform, self.settings.timeout, step).await
    }
}

fn found(value: Option<Loaded>, source: Source, cache_time: Duration, source_time: Option<Duration>) -> Read {
    Read {
        value: value.map(|Loaded { bytes, .. }| {
            let etag = ETag::of(&bytes);
            Value { bytes, etag }
        }),
        source,
        cache_time,
        source_time,
    }
}

fn bypass_detail(error: &CacheError) -> &'static str {
    match error {
        CacheError::Unreachable(_) => "unreachable",
        CacheError::Refused(_) => "refused",
        CacheError::CircuitOpen => "paused",
    }
}
