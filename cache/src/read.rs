//! The read path: read the cache; on a miss load from the source, fill the cache, answer.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::observer::{FillRefused, ReadOutcome, Step, Times};
use crate::protocol::{Acquired, Cached, Fill, Filled, Lease};
use crate::stamp::Stamp;
use crate::{CacheError, ETag, Entry, Observer, Platform, Ports, ReadThrough, SourceError, timeout};

/// How long one reader has a key to itself, at most. A holder that dies costs the others no more than this.
pub const MAX_LEASE: Duration = Duration::from_secs(2);

/// For how long it is remembered at most that a value does not exist.
const ABSENT_TTL: Duration = Duration::from_secs(5);

/// How long a reader that waits for another sleeps before it asks again: the first time, and at most.
const FIRST_WAIT: Duration = Duration::from_millis(4);
const LAST_WAIT: Duration = Duration::from_millis(64);

/// For how long nobody leads or waits after a value turned out to be larger than what is cached: it would be again.
const TOO_LARGE_COOLDOWN: Duration = Duration::from_secs(5);

/// For how long nobody leads or waits after Redis refused to store a value: it would refuse the next one, too.
const REFUSED_COOLDOWN: Duration = Duration::from_secs(1);

/// From this size on, in bytes, a value on its way to Redis may hold up what comes behind it on the connection.
const LARGE_FILL: usize = 256 * 1024;

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
    /// What the caller wanted to find beside it.
    pub meta: String,
}

/// What a read found, and where.
#[derive(Clone, Debug)]
pub struct Read {
    /// The key that holds the value, or would.
    pub key: String,
    /// The value, or `None` where it does not exist.
    pub value: Option<Value>,
    /// Where it came from.
    pub source: Source,
    /// How long the cache took, all its steps together.
    pub cache_time: Duration,
    /// How long the source took, where it was asked.
    pub source_time: Option<Duration>,
}

impl Read {
    fn times(&self) -> Times {
        Times { cache: self.cache_time, source: self.source_time }
    }
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
    /// From a kept copy, since the source failed. No write that was acknowledged has changed the value since it was stored.
    Stale {
        /// How long ago it was stored, where that is known.
        age: Option<Duration>,
    },
}

/// What looking a value up in the cache came to.
enum LookupOutcome {
    Hit(Cached),
    /// Ask the source, and fill with this lease where there is one.
    Load(Option<Lease>),
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

    /// The entry's value: from the cache, or else by `load` from the source.
    ///
    /// # Errors
    /// The source's. The cache's failures only show in where the value comes from.
    pub async fn read<E: SourceError>(
        &self,
        entry: &Entry<'_>,
        load: impl Future<Output = Result<Option<Loaded>, E>>,
    ) -> Result<Read, E> {
        let read = self.read_unobserved(entry, load).await;
        let (outcome, times) = match &read {
            Ok(read) => (
                match read.source {
                    Source::Hit { .. } => ReadOutcome::Hit,
                    Source::Miss { .. } => ReadOutcome::Miss,
                    Source::Bypass { .. } => ReadOutcome::Bypass,
                    Source::Stale { .. } => ReadOutcome::Stale,
                },
                read.times(),
            ),
            Err((_, times)) => (ReadOutcome::Failed, *times),
        };
        self.observer.read(entry.space, outcome, times);
        read.map_err(|(error, _)| error)
    }

    async fn read_unobserved<E: SourceError>(
        &self,
        entry: &Entry<'_>,
        load: impl Future<Output = Result<Option<Loaded>, E>>,
    ) -> Result<Read, (E, Times)> {
        let began = self.platform().now();
        if !self.settings.caching() || entry.ttl.is_some_and(|ttl| ttl.is_zero()) || !entry.is_sound() {
            return self.read_around(entry, load, began).await;
        }
        let (key, outcome, missed) = self.lookup(entry, began).await;
        let looked = self.platform().now();
        let mut read = Read {
            key,
            value: None,
            source: Source::Bypass { detail: "" },
            cache_time: looked - began,
            source_time: None,
        };
        let lease = match outcome {
            LookupOutcome::Hit(cached) => {
                read.source = Source::Hit { ttl: self.ttl_left(&cached.stamp, looked) };
                read.value = value(cached);
                return Ok(read);
            }
            LookupOutcome::Load(lease) => {
                read.source = Source::Miss { stored: None };
                lease
            }
            LookupOutcome::Bypass(detail) => {
                read.source = Source::Bypass { detail };
                None
            }
            LookupOutcome::TimedOut => return self.kept_copy(entry, read, E::timed_out()).await,
        };
        // What it waited for another reader counts: a miss takes no longer than the source may.
        let loaded = self.load(load, missed + self.settings.source_timeout).await;
        let now = self.platform().now();
        read.source_time = Some(now - looked);
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(error) => {
                self.release_lease(entry, lease.as_ref(), Duration::ZERO).await;
                return self.kept_copy(entry, read, error).await;
            }
        };
        let loaded = loaded.map(|loaded| (ETag::of(&loaded.bytes), loaded));
        if let Some(lease) = lease {
            let stored = self.fill(entry, &lease, loaded.as_ref()).await;
            read.source = Source::Miss { stored };
            read.cache_time += self.platform().now() - now;
        }
        read.value = loaded.map(|(etag, Loaded { bytes, meta })| Value { bytes, etag, meta });
        Ok(read)
    }

    async fn read_around<E: SourceError>(
        &self,
        entry: &Entry<'_>,
        load: impl Future<Output = Result<Option<Loaded>, E>>,
        began: Duration,
    ) -> Result<Read, (E, Times)> {
        let loaded = self.load(load, began + self.settings.source_timeout).await;
        let times = Times { cache: Duration::ZERO, source: Some(self.platform().now() - began) };
        let loaded = loaded.map_err(|error| (error, times))?;
        Ok(Read {
            key: entry.value_key(),
            value: loaded.map(|Loaded { bytes, meta }| Value { etag: ETag::of(&bytes), bytes, meta }),
            source: Source::Bypass { detail: "off" },
            cache_time: times.cache,
            source_time: times.source,
        })
    }

    async fn load<T, E: SourceError>(
        &self,
        load: impl Future<Output = Result<T, E>>,
        deadline: Duration,
    ) -> Result<T, E> {
        let left = deadline.saturating_sub(self.platform().now());
        timeout(self.platform(), left, load).await.unwrap_or_else(|| Err(E::timed_out()))
    }

    /// The entry's key, the outcome, and when the cache turned out not to have the value.
    async fn lookup(&self, entry: &Entry<'_>, began: Duration) -> (String, LookupOutcome, Duration) {
        match self.look_up(entry, began).await {
            Ok((key, Some(cached))) => (key, LookupOutcome::Hit(cached), Duration::ZERO),
            Ok((key, None)) => {
                let missed = self.platform().now();
                (key, self.acquire_lease(entry, missed + self.settings.source_timeout).await, missed)
            }
            Err(error) => {
                let now = self.platform().now();
                (entry.value_key(), LookupOutcome::Bypass(bypass_detail(&error)), now)
            }
        }
    }

    /// The step that every read begins with, and that a hit consists of. A timer is most of what it costs, so it is taken
    /// without one where the connection has its own limit.
    async fn look_up(&self, entry: &Entry<'_>, began: Duration) -> Result<(String, Option<Cached>), CacheError> {
        self.admit(Step::Lookup)?;
        let mut limit = self.settings.timeout;
        if let Some(limited) = self.protocol.limited(limit) {
            if let Some(result) = self.protocol.lookup_on(&limited, entry).await {
                return self.conclude(Step::Lookup, result);
            }
            // Once more, on a new connection, in what is left of the time.
            limit = (began + limit).saturating_sub(self.platform().now());
        }
        self.observed_within(limit, Step::Lookup, self.protocol.lookup(entry)).await
    }

    /// After a miss: acquires the lease, or waits for the reader that holds it.
    async fn acquire_lease(&self, entry: &Entry<'_>, deadline: Duration) -> LookupOutcome {
        let token = self.platform().random();
        let duration = self.lease_duration();
        let lifetime = entry.ttl.unwrap_or(self.settings.ttl) + self.settings.kept();
        let mut wait = FIRST_WAIT;
        loop {
            let acquire = self.protocol.acquire(entry, token, duration, lifetime);
            match self.guarded(Step::Acquire, acquire).await {
                Ok(Acquired::Cached(cached)) => return LookupOutcome::Hit(cached),
                Ok(Acquired::Leased(lease)) => return LookupOutcome::Load(Some(lease)),
                // A write is in flight, or overtook the last reader: the next holder may not fill either.
                Ok(Acquired::Fenced) => return LookupOutcome::Load(None),
                Ok(Acquired::Wait) if self.platform().now() + wait < deadline => {
                    self.platform().sleep(wait).await;
                    wait = (wait * 2).min(LAST_WAIT);
                }
                Ok(Acquired::Wait) => return LookupOutcome::TimedOut,
                Err(CacheError::Refused { .. }) => return LookupOutcome::Load(None),
                Err(error) => return LookupOutcome::Bypass(bypass_detail(&error)),
            }
        }
    }

    /// The TTL that the value was stored with, or `None` where it was not.
    async fn fill(&self, entry: &Entry<'_>, lease: &Lease, loaded: Option<&(ETag, Loaded)>) -> Option<Duration> {
        let bytes = loaded.map(|(_, loaded)| &loaded.bytes[..]);
        let length = bytes.map_or(0, <[u8]>::len);
        if length > self.settings.max_value_bytes {
            self.release_lease(entry, Some(lease), TOO_LARGE_COOLDOWN).await;
            self.observer.fill_refused(entry.space, FillRefused::TooLarge);
            return None;
        }
        let ttl = self.jittered(entry.ttl.unwrap_or(self.settings.ttl));
        let fill = Fill {
            value: bytes,
            stamp: &Stamp::ending(loaded.map(|(etag, loaded)| (loaded, etag))),
            ttl: if bytes.is_some() { ttl } else { ttl.min(ABSENT_TTL) },
            keep: if bytes.is_some() { self.settings.kept() } else { Duration::ZERO },
            max_entries: if entry.bounded || bytes.is_none() { self.settings.max_entries } else { 0 },
        };
        let _large = (length >= LARGE_FILL).then(|| LargeFill::begin(&self.memory.large_fills));
        let refused = match self.guarded(Step::Fill, self.protocol.fill(entry, lease, fill)).await {
            Ok(Filled::Stored) => return Some(fill.ttl),
            Ok(Filled::Overtaken) => FillRefused::Overtaken,
            Ok(Filled::Full) => FillRefused::Full,
            Err(error) => {
                // A script that ends in an error keeps the lease, and each who waits for it would meet the same error.
                if matches!(error, CacheError::Refused { .. }) {
                    self.release_lease(entry, Some(lease), REFUSED_COOLDOWN).await;
                }
                FillRefused::Redis
            }
        };
        self.observer.fill_refused(entry.space, refused);
        None
    }

    /// The TTL, shortened at random by as much as the operator allows.
    fn jittered(&self, ttl: Duration) -> Duration {
        match u64::from(self.settings.ttl_jitter_percent.min(100)) {
            0 => ttl,
            percent => ttl - ttl.mul_f64((self.platform().random() % (percent * 100 + 1)) as f64 / 10_000.0),
        }
        .max(Duration::from_millis(1))
    }

    /// Gives the lease back, so that the next reader need not wait for it to run out.
    async fn release_lease(&self, entry: &Entry<'_>, lease: Option<&Lease>, cooldown: Duration) {
        if let Some(lease) = lease {
            // Where this fails the lease runs out by itself.
            let _ = self.guarded(Step::Release, self.protocol.release(entry, lease, cooldown)).await;
        }
    }

    /// The kept copy, where the source is out of order and there is one that no acknowledged write has made stale; or else
    /// the source's error.
    async fn kept_copy<E: SourceError>(&self, entry: &Entry<'_>, mut read: Read, error: E) -> Result<Read, (E, Times)> {
        if self.settings.kept().is_zero() || !error.is_outage() {
            return Err((error, read.times()));
        }
        let began = self.platform().now();
        let Ok(Some(cached)) = self.guarded(Step::Lookup, self.protocol.lookup_kept(entry)).await else {
            return Err((error, read.times()));
        };
        let now = self.platform().now();
        let age = self.protocol.redis_clock_ms(now).map(|now| now.saturating_sub(cached.stamp.stored_ms));
        read.source = Source::Stale { age: age.map(|age| Duration::from_millis(u64::try_from(age).unwrap_or(0))) };
        read.cache_time += now - began;
        read.value = value(cached);
        Ok(read)
    }

    /// What is left of a value's TTL, as far as Redis's clock is known here.
    fn ttl_left(&self, stamp: &Stamp, now: Duration) -> Option<Duration> {
        let now = self.protocol.redis_clock_ms(now)?;
        let left = stamp.stored_ms.saturating_add(stamp.ttl_ms).saturating_sub(now);
        Some(Duration::from_millis(u64::try_from(left.clamp(0, stamp.ttl_ms)).unwrap_or(0)))
    }
}

/// A large value on its way to Redis.
struct LargeFill<'a>(&'a std::sync::atomic::AtomicU32);

impl<'a> LargeFill<'a> {
    fn begin(count: &'a std::sync::atomic::AtomicU32) -> Self {
        count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        LargeFill(count)
    }
}

impl Drop for LargeFill<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
    }
}

fn value(Cached { bytes, stamp }: Cached) -> Option<Value> {
    let Stamp { etag, meta, .. } = stamp;
    etag.map(|etag| Value { bytes, etag, meta })
}

fn bypass_detail(error: &CacheError) -> &'static str {
    match error {
        CacheError::Unreachable(_) | CacheError::TimedOut(_) => "unreachable",
        CacheError::Refused { .. } => "refused",
        CacheError::CircuitOpen => "paused",
    }
}
