//! Cache-aside, and the protocol that keeps it true.
//!
//! - [`Cache`] is the port: the atomic steps that the protocol takes.
//! - [`redis`] takes them on Redis: each is a Lua script (`*.lua`, called by [`scripts`]) but for the `GET` of a hit.
//! - [`keys`] names what is kept there.
//! - [`aside`] is the read path, [`write`] the write path: the two halves of the protocol.
//! - [`guard`] keeps a slow or broken Redis from slowing or breaking a request.
//! - [`freshness`] knows how long a hit has still to live.
//!
//! The promise: once a write is acknowledged, no read that starts after it is answered from older data. A [`Scope`] is
//! what a write can make untrue. It has a *generation*, which every finished write changes, and *fences*, one for each
//! write in flight. A read that missed takes the generations of the scopes that its value depends on, reads the store,
//! and fills the cache only if they are unchanged and no fence stands. Leases, the answer to stampedes, are those of
//! Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013).

pub mod aside;
pub mod freshness;
pub mod guard;
pub mod keys;
pub mod redis;
pub mod scripts;
pub mod write;

use std::fmt;
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

/// What one write can make untrue.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Every listing and lookup of the collection: any write changes them.
    Listings,
    /// One document by the text of its id.
    Document(String),
    /// Every document of the collection by its id: `initDB` and `cleanDB` change them all.
    Documents,
}

/// A cached value: where it lives, and what must hold for it to be true.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The collection's part of every key: its name, or `{name}`; see [`crate::config::Config::key_prefix`].
    pub prefix: String,
    /// The rest of the key: `list`, `list:<sha1>` or `id:<_id>`.
    pub suffix: String,
    /// The scopes whose writes make the value untrue.
    pub scopes: Vec<Scope>,
}

/// What a reader that missed was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The value is there by now.
    Value(Bytes),
    /// The document is known not to exist.
    Absent,
    /// The reader has the lease: it reads the store and fills with this permit.
    Lead(Permit),
    /// Another reader has the lease: the value will be there soon.
    Follow,
    /// A write is in flight, or has overtaken the last reader: read the store, and leave the cache alone.
    Unfillable,
}

/// What a lease holder must show to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
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

/// Why a step on the cache failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CacheError {
    /// Redis could not be reached, did not answer in time, or the connection broke. Whether the step was taken is unknown.
    Unreachable(String),
    /// Redis answered that it will not: it is full, or read-only.
    Refused(String),
    /// Redis failed a moment ago and is left alone for now; it was not asked.
    Paused,
}

impl fmt::Display for CacheError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CacheError::Unreachable(why) => write!(f, "Redis could not be reached: {why}"),
            CacheError::Refused(why) => write!(f, "Redis refused: {why}"),
            CacheError::Paused => f.write_str("Redis failed a moment ago and is left alone"),
        }
    }
}

impl std::error::Error for CacheError {}

/// The port: the steps of the protocol, each of them atomic on Redis.
///
/// Any step may be taken twice by an adapter that lost the answer to the first try; the scripts are written so that
/// this does no harm.
pub trait Cache {
    /// The value of an entry: one `GET`, the whole cost of a hit.
    fn get(&self, entry: &Entry) -> impl Future<Output = Result<Option<Bytes>, CacheError>>;

    /// What is left of an entry's TTL, or `None` where there is no such entry.
    fn ttl(&self, entry: &Entry) -> impl Future<Output = Result<Option<Duration>, CacheError>>;

    /// After a miss: the value if it has come, or else the generations and, for one reader at a time, the lease.
    fn take(&self, entry: &Entry, token: u64, lease: Duration) -> impl Future<Output = Result<Taken, CacheError>>;

    /// Stores a value, unless a fence stands, a generation has changed, or `permit` is older than `max_age`.
    /// Gives the lease back in any case. Whether it was stored; where it was not, readers do not follow one another for a
    /// moment.
    fn fill(
        &self,
        entry: &Entry,
        token: u64,
        permit: &Permit,
        max_age: Duration,
        fill: Fill<'_>,
        ttl: Duration,
    ) -> impl Future<Output = Result<bool, CacheError>>;

    /// Gives the lease back without filling: the store failed.
    fn release(&self, entry: &Entry, token: u64) -> impl Future<Output = Result<(), CacheError>>;

    /// Puts the writer's fence on the scopes, for `deadline` at most, and deletes their keys.
    fn begin_write(
        &self,
        prefix: &str,
        scopes: &[Scope],
        token: u64,
        deadline: Duration,
    ) -> impl Future<Output = Result<(), CacheError>>;

    /// Changes the generations of the scopes, deletes their keys, and lifts the writer's fence.
    fn end_write(&self, prefix: &str, scopes: &[Scope], token: u64) -> impl Future<Output = Result<(), CacheError>>;

    /// Counts one more request under the key, in a window that begins with the first: how many that makes, and what is
    /// left of the window.
    fn count(&self, key: &str, window: Duration) -> impl Future<Output = Result<(u64, Duration), CacheError>>;

    /// Whether Redis answers.
    fn ping(&self) -> impl Future<Output = Result<(), CacheError>>;
}
