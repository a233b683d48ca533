//! Cache-aside on Redis that is never stale.
//!
//! - [`ReadThrough`] is the cache: `read` is the read path, `write` the write path, the two halves of the protocol.
//! - [`Entry`] and [`Scope`] say what is cached and what a write invalidates.
//! - [`Ports`] is what it stands on: [`Cache`], the atomic steps that the protocol takes, and [`Platform`], time and
//!   randomness.
//! - [`redis`] takes the steps on Redis: each is a Lua script (`lua/*.lua`, called by [`scripts`]) but for the `GET` of a
//!   hit.
//! - [`breaker`] keeps a slow or broken Redis from slowing or breaking a request.
//! - [`freshness`] knows how long a hit has still to live.
//!
//! The promise: once a write is acknowledged, no read that starts after it is answered from older data. A [`Scope`] is
//! what a write can make stale. It has a *generation*, which every finished write changes, and *fences*, one for each
//! write in flight. A read that missed takes the generations of the scopes that its value depends on, reads the source,
//! and fills the cache only if they are unchanged and no fence stands. Leases, the answer to stampedes, are those of
//! Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013).

pub mod breaker;
mod entry;
mod error;
mod etag;
pub mod freshness;
mod keys;
mod platform;
mod read;
pub mod redis;
pub mod scripts;
mod settings;
mod write;

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use breaker::CircuitBreaker;
use freshness::Freshness;

pub use entry::{Entry, Scope};
pub use error::{CacheError, SourceError};
pub use etag::ETag;
pub use platform::{Platform, timeout};
pub use read::{Loaded, MAX_LEASE, Read, Source, Value};
pub use settings::{Settings, WritePolicy};
pub use write::{Invalidation, WriteError};

/// What the cache stands on.
pub trait Ports {
    /// The steps on Redis.
    type Cache: Cache;
    /// Time and randomness.
    type Platform: Platform;
}

/// The cache as an instance sees it: the ports, and what the instance remembers. Nothing of that is needed for
/// correctness.
pub struct ReadThrough<P: Ports> {
    settings: Settings,
    cache: P::Cache,
    platform: P::Platform,
    breaker: CircuitBreaker,
    freshness: Freshness,
}

impl<P: Ports> ReadThrough<P> {
    /// A cache over these ports.
    pub fn new(settings: Settings, cache: P::Cache, platform: P::Platform) -> Self {
        ReadThrough { settings, cache, platform, breaker: CircuitBreaker::default(), freshness: Freshness::default() }
    }

    /// What the operator has set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Time and randomness.
    pub fn platform(&self) -> &P::Platform {
        &self.platform
    }

    /// Counts one more request under the key, in a window that begins with the first: how many that makes, and what is
    /// left of the window.
    ///
    /// # Errors
    /// Redis's, or that it is left alone at the moment.
    pub async fn count(&self, key: &str, window: Duration) -> Result<(u64, Duration), CacheError> {
        self.guarded(self.cache.count(key, window)).await
    }

    /// Whether Redis answers. Asked even while reads leave it alone: this is the question whether it is back.
    ///
    /// # Errors
    /// Redis's.
    pub async fn health(&self) -> Result<(), CacheError> {
        self.breaker.write(&self.platform, self.settings.timeout, self.cache.ping()).await
    }
}

/// What a reader that missed was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The value is there by now.
    Value(Bytes),
    /// The document is known not to exist.
    Absent,
    /// The reader has the lease: it reads the store and fills with this lease.
    Leased(Lease),
    /// Another reader has the lease: the value will be there soon.
    Wait,
    /// A write is in flight, or has overtaken the last reader: read the store, and leave the cache alone.
    Fenced,
}

/// What a lease holder must show to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Redis's clock when the generations were taken, in milliseconds.
    pub taken_at_ms: i64,
    /// The generations of the entry's scopes, in their order.
    pub generations: Vec<i64>,
}

/// What a fill stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fill<'a> {
    /// The value: exactly the bytes that the client gets.
    Value(&'a [u8]),
    /// That there is no such document.
    Absent,
}

/// The port: the steps of the protocol, each of them atomic on Redis.
///
/// Any step may be taken twice by an adapter that lost the answer to the first try; the scripts are written so that
/// this does no harm.
pub trait Cache {
    /// The value of an entry: one `GET`, the whole cost of a hit.
    fn get(&self, entry: &Entry<'_>) -> impl Future<Output = Result<Option<Bytes>, CacheError>>;

    /// What is left of an entry's TTL, or `None` where there is no such entry.
    fn ttl(&self, entry: &Entry<'_>) -> impl Future<Output = Result<Option<Duration>, CacheError>>;

    /// After a miss: the value if it has come, or else the generations and, for one reader at a time, the lease.
    fn acquire(
        &self,
        entry: &Entry<'_>,
        token: u64,
        duration: Duration,
    ) -> impl Future<Output = Result<Acquired, CacheError>>;

    /// Stores a value, unless a fence stands, a generation has changed, or `lease` is older than `max_age`.
    /// Gives the lease back in any case. Whether it was stored; where it was not, readers do not follow one another for a
    /// moment.
    fn fill(
        &self,
        entry: &Entry<'_>,
        token: u64,
        lease: &Lease,
        max_age: Duration,
        fill: Fill<'_>,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, CacheError>>;

    /// Gives the lease back without filling: the store failed.
    fn release(&self, entry: &Entry<'_>, token: u64) -> impl Future<Output = Result<(), CacheError>>;

    /// Puts the writer's fence on the scopes, for `deadline` at most, and deletes their keys.
    fn begin_write(
        &self,
        space: &str,
        scopes: &[Scope<'_>],
        token: u64,
        deadline: Duration,
    ) -> impl Future<Output = Result<(), CacheError>>;

    /// Changes the generations of the scopes, deletes their keys, and lifts the writer's fence.
    fn end_write(&self, space: &str, scopes: &[Scope<'_>], token: u64) -> impl Future<Output = Result<(), CacheError>>;

    /// Counts one more request under the key, in a window that begins with the first: how many that makes, and what is
    /// left of the window.
    fn count(&self, key: &str, window: Duration) -> impl Future<Output = Result<(u64, Duration), CacheError>>;

    /// Whether Redis answers.
    fn ping(&self) -> impl Future<Output = Result<(), CacheError>>;
}
