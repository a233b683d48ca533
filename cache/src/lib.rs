//! Cache-aside on Redis that is never stale.
//!
//! The promise: once a write is acknowledged, no read that starts after it is answered from older data; not with readers
//! and writers interleaved in any way, not when a process dies anywhere, not when Redis drops any of its keys, comes back
//! empty or with older contents, or becomes unreachable in the middle of a write.
//!
//! How: a [`Scope`] is what one write can make stale. It has a *generation*, a random number that the first reader who
//! misses makes, and that the beginning and the end of every write delete; and *fences*, one for each write in flight.
//! A value is stored beside its *stamp*, which names the generations that its reader took before it asked the source. A
//! hit is one `MGET` of value, stamp and generations, and counts only if the stamp names the generations that stand. So
//! whatever Redis loses, a value or its proof, costs a miss. Leases, the answer to stampedes, are those of Nishtala et
//! al., "Scaling Memcache at Facebook" (NSDI 2013).
//!
//! - [`ReadThrough`] is the cache: [`read`](ReadThrough::read), [`write`](ReadThrough::write),
//!   [`purge`](ReadThrough::purge), [`health`](ReadThrough::health).
//! - [`Entry`] and [`Scope`] say what is cached and what a write invalidates.
//! - [`Ports`] is what it stands on: connections to [`redis`], a [`Platform`] with time and randomness, and an
//!   [`Observer`] that hears what happens.
//! - [`protocol`] has the steps that reads and writes take, each one atomic: Lua scripts (`lua/*.lua`, [`scripts`]) but
//!   for the `MGET`.
//! - [`Refusal`] says what each error that Redis answers means.

mod breaker;
mod connection;
mod entry;
mod error;
mod etag;
mod guarded;
mod health;
mod keys;
#[cfg(feature = "redis")]
pub mod native;
mod observer;
mod platform;
pub mod protocol;
mod read;
pub mod redis;
mod refusal;
pub mod scripts;
mod settings;
mod stamp;
mod write;

use std::time::Duration;

use bytes::Bytes;
use guarded::Memory;
use protocol::Protocol;

pub use breaker::OPEN_FOR;
pub use connection::Greeting;
pub use entry::{Entry, Scope};
pub use error::{CacheError, SourceError};
pub use etag::ETag;
pub use health::{Health, Problem};
pub use observer::{FillRefused, Notice, Observer, ReadOutcome, Step, Times};
pub use platform::{Platform, timeout};
pub use read::{Loaded, MAX_LEASE, Read, Source, Value};
pub use refusal::Refusal;
pub use settings::{Settings, Space, WritePolicy, space_key};
pub use stamp::Stamp;
pub use write::{Invalidation, WriteError};

/// What the cache stands on.
pub trait Ports {
    /// Connections to Redis.
    type Connector: redis::Connector;
    /// Time and randomness.
    type Platform: Platform;
    /// Hears what happens.
    type Observer: Observer;
}

/// The cache as an instance sees it. Nothing that it remembers is needed for correctness.
pub struct ReadThrough<P: Ports> {
    settings: Settings,
    protocol: Protocol<P>,
    observer: P::Observer,
    memory: Memory,
}

impl<P: Ports> ReadThrough<P> {
    /// A cache over these ports.
    pub fn new(settings: Settings, connector: P::Connector, platform: P::Platform, observer: P::Observer) -> Self {
        let protocol = Protocol::new(connector, platform, settings.spaces.clone());
        ReadThrough { settings, protocol, observer, memory: Memory::default() }
    }

    /// What the operator has set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Time and randomness.
    pub fn platform(&self) -> &P::Platform {
        self.protocol.platform()
    }

    /// Hears what happens.
    pub fn observer(&self) -> &P::Observer {
        &self.observer
    }

    /// Whether Redis failed a moment ago and reads leave it alone.
    pub fn is_circuit_open(&self) -> bool {
        self.memory.breaker.is_open()
    }

    /// Counts one more request under the key, in a window that begins with the first: how many that makes, and what is
    /// left of the window.
    ///
    /// # Errors
    /// Redis's, or that it is left alone at the moment.
    pub async fn count(&self, key: &str, window: Duration) -> Result<(u64, Duration), CacheError> {
        self.guarded(Step::Count, self.protocol.count(key, window)).await
    }

    /// Adds to counters that several processes share, under the key; they are kept for so long after the last addition. All
    /// of them by their names, where `read` asks for them.
    ///
    /// # Errors
    /// Redis's, or that it is left alone at the moment. Where Redis did not answer in time, it may have added all the same.
    pub async fn add_up(
        &self,
        key: &str,
        increments: &[(String, u64)],
        kept: Duration,
        read: bool,
    ) -> Result<Vec<(Bytes, u64)>, CacheError> {
        self.guarded(Step::AddUp, self.protocol.add_up(key, increments, kept, read)).await
    }
}
