//! The steps of the protocol, each of them atomic on Redis.
//!
//! Any step may be taken twice, where the answer to the first try was lost; the scripts are written so that this does no
//! harm.

use std::time::Duration;

use bytes::Bytes;

use crate::connection::{Connections, Greeting, Limited};
use crate::keys::LookupKeys;
use crate::redis::{Argument, RedisValue};
use crate::scripts::{ACQUIRE, ADD_UP, BEGIN_WRITE, COUNT, Call, END_WRITE, FILL, RELEASE};
use crate::stamp::Stamp;
use crate::{CacheError, Entry, Platform, Ports, Refusal, Scope, Space};

/// How much longer than its values a generation is kept. Losing one costs a fill, never the promise.
const GENERATION_MARGIN: Duration = Duration::from_secs(10 * 60);

/// How many values a call of a write deletes of an index that its two calls cannot empty: so few that a write among 300,000
/// values costs hardly more than one among none, and more than a write adds.
const WRITE_SHARE: i64 = 8;

/// The same for a purge, which calls until nothing is left: as many as a call deletes at most.
const PURGE_SHARE: i64 = i64::MAX;

/// A cached value and what its stamp says of it; or that there is no such value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cached {
    /// The value; empty where its stamp says that it does not exist.
    pub bytes: Bytes,
    /// Its stamp.
    pub stamp: Stamp,
}

/// What a reader that missed was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Acquired {
    /// The value is there by now.
    Cached(Cached),
    /// The reader has the lease: it loads the value and fills with this.
    Leased(Lease),
    /// Another reader has the lease: the value will be there soon.
    Wait,
    /// A write is in flight, or the last reader could not fill: load the value, and leave the cache alone.
    Fenced,
}

/// What a lease holder must show to fill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Names its holder.
    pub token: u64,
    /// The generations of the entry's scopes, in their order, joined by commas.
    pub generations: Bytes,
}

/// What a fill stores.
#[derive(Clone, Copy, Debug)]
pub struct Fill<'a> {
    /// The value; `None` where it does not exist.
    pub value: Option<&'a [u8]>,
    /// The end of its stamp.
    pub stamp: &'a str,
    /// How long it lives.
    pub ttl: Duration,
    /// For how much longer a copy of it is kept.
    pub keep: Duration,
    /// How many entries its group may have; zero is any number.
    pub max_entries: u64,
}

/// What became of a fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Filled {
    /// It is stored.
    Stored,
    /// It is not: a write on one of the scopes has begun or ended since the lease was acquired.
    Overtaken,
    /// It is not: the group has as many entries as it may have.
    Full,
}

/// The steps, on one Redis.
pub struct Protocol<P: Ports> {
    connections: Connections<P>,
    platform: P::Platform,
    spaces: Vec<Space>,
}

impl<P: Ports> Protocol<P> {
    /// The steps on the Redis that `connector` leads to, for these spaces.
    pub fn new(connector: P::Connector, platform: P::Platform, spaces: Vec<Space>) -> Self {
        Protocol { connections: Connections::new(connector), platform, spaces }
    }

    /// Time and randomness.
    pub fn platform(&self) -> &P::Platform {
        &self.platform
    }

    /// The spaces that are in use.
    pub fn spaces(&self) -> &[Space] {
        &self.spaces
    }

    /// Redis's clock at a time of the platform's, in milliseconds, where it is known.
    pub fn redis_clock_ms(&self, now: Duration) -> Option<i64> {
        self.connections.redis_clock_ms(now)
    }

    /// What is to be reported of the last greeting.
    pub fn take_greeting(&self) -> Option<Greeting> {
        self.connections.take_greeting()
    }

    /// The entry's key, and its value, if it proves itself by its stamp: one `MGET`, the whole cost of a hit.
    pub async fn lookup(&self, entry: &Entry<'_>) -> Result<(String, Option<Cached>), CacheError> {
        let keys = entry.lookup_keys(false);
        let answer = self.mget(&keys).await?;
        let cached = proven(&answer);
        Ok((keys.into_first(), cached))
    }

    /// The connection, where it is open and ends every command within `limit` by itself.
    pub(crate) fn limited(&self, limit: Duration) -> Option<Limited<P>> {
        self.connections.limited(limit)
    }

    /// Like [`lookup`](Self::lookup), on that connection. `None` where it turns out to be broken.
    pub(crate) async fn lookup_on(
        &self,
        limited: &Limited<P>,
        entry: &Entry<'_>,
    ) -> Option<Result<(String, Option<Cached>), CacheError>> {
        let keys = entry.lookup_keys(false);
        let (line, count) = command_line(&keys);
        let answer = self.connections.execute_on(limited, "MGET", &line[..count]).await?;
        Some(answer.map(|answer| (keys.into_first(), proven(&answer))))
    }

    /// The kept copy of an entry, if it proves itself: then no write that was acknowledged has begun since it was filled.
    pub async fn lookup_kept(&self, entry: &Entry<'_>) -> Result<Option<Cached>, CacheError> {
        let answer = self.mget(&entry.lookup_keys(true)).await?;
        let [RedisValue::Bytes(copy), generations @ ..] = answer.as_slice() else { return Ok(None) };
        let Some(end) = copy.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let stamp = Stamp::proven(&copy.slice(..end), generations);
        Ok(stamp.map(|stamp| Cached { bytes: copy.slice(end + 1..), stamp }))
    }

    async fn mget(&self, keys: &LookupKeys) -> Result<Vec<RedisValue>, CacheError> {
        let (line, count) = command_line(keys);
        self.connections.execute(&self.platform, &self.spaces, "MGET", &line[..count]).await
    }

    /// After a miss: the value if it has come, or else the generations and, for one reader at a time, the lease.
    /// `lifetime` is how long what is filled may live in all.
    pub async fn acquire(
        &self,
        entry: &Entry<'_>,
        token: u64,
        duration: Duration,
        lifetime: Duration,
    ) -> Result<Acquired, CacheError> {
        let mut keys = vec![entry.value_key(), entry.stamp_key(), entry.lease_key()];
        push_generations_and_fences(entry, &mut keys);
        let arguments = vec![
            number(token),
            milliseconds(duration),
            milliseconds(lifetime + GENERATION_MARGIN),
            number(self.platform.random()),
        ];
        let answer = self.call(Call { script: &ACQUIRE, keys, arguments }).await?;
        match answer.as_slice() {
            [RedisValue::Number(1 | 2), RedisValue::Bytes(value), RedisValue::Bytes(stamp)] => Stamp::parse(stamp)
                .map(|stamp| Acquired::Cached(Cached { bytes: value.clone(), stamp }))
                .ok_or_else(|| not_understood(&answer)),
            [RedisValue::Number(3), RedisValue::Number(now_ms), RedisValue::Bytes(generations)] => {
                self.connections.set_redis_clock(&self.platform, *now_ms);
                Ok(Acquired::Leased(Lease { token, generations: generations.clone() }))
            }
            [RedisValue::Number(4)] => Ok(Acquired::Wait),
            [RedisValue::Number(5)] => Ok(Acquired::Fenced),
            _ => Err(not_understood(&answer)),
        }
    }

    /// Stores a value and its stamp, unless a fence stands or a generation has changed. Gives the lease back unless Redis ends it with an error;
    /// where nothing was stored, readers neither lead nor wait for a moment.
    pub async fn fill(&self, entry: &Entry<'_>, lease: &Lease, fill: Fill<'_>) -> Result<Filled, CacheError> {
        let mut keys =
            vec![entry.value_key(), entry.stamp_key(), entry.kept_key(), entry.lease_key(), entry.index_key()];
        push_generations_and_fences(entry, &mut keys);
        let mode: &[u8] = if fill.value.is_some() { b"value" } else { b"absent" };
        let arguments = vec![
            number(lease.token),
            Argument::Bytes(&lease.generations),
            Argument::Bytes(mode),
            milliseconds(fill.ttl),
            milliseconds(fill.keep),
            Argument::Number(i64::try_from(fill.max_entries).unwrap_or(i64::MAX)),
            Argument::Bytes(entry.name.as_bytes()),
            Argument::Bytes(fill.stamp.as_bytes()),
            Argument::Bytes(fill.value.unwrap_or_default()),
        ];
        let answer = self.call(Call { script: &FILL, keys, arguments }).await?;
        match answer.as_slice() {
            [RedisValue::Number(1)] => Ok(Filled::Stored),
            [RedisValue::Number(0)] => Ok(Filled::Overtaken),
            [RedisValue::Number(2)] => Ok(Filled::Full),
            _ => Err(not_understood(&answer)),
        }
    }

    /// Gives the lease back without filling; nobody is to lead or to wait for `cooldown` then.
    pub async fn release(&self, entry: &Entry<'_>, lease: &Lease, cooldown: Duration) -> Result<(), CacheError> {
        let arguments = vec![number(lease.token), milliseconds(cooldown)];
        self.call(Call { script: &RELEASE, keys: vec![entry.lease_key()], arguments }).await.map(drop)
    }

    /// Invalidates the scopes and puts the writer's fence on them, for `deadline` at most.
    pub async fn begin_write(
        &self,
        space: &str,
        scopes: &[Scope<'_>],
        token: u64,
        deadline: Duration,
    ) -> Result<(), CacheError> {
        let mut call = write_call(space, scopes, token, WRITE_SHARE);
        call.script = &BEGIN_WRITE;
        call.arguments.push(milliseconds(deadline));
        self.count_left(call).await.map(drop)
    }

    /// Invalidates the scopes once more and lifts the writer's fence. How many values that are stale now are still there,
    /// for nobody to read.
    pub async fn end_write(&self, space: &str, scopes: &[Scope<'_>], token: u64) -> Result<u64, CacheError> {
        self.count_left(write_call(space, scopes, token, WRITE_SHARE)).await
    }

    /// Invalidates the scopes, and deletes as many of their values as a call deletes at most. How many are left.
    pub async fn purge(&self, space: &str, scopes: &[Scope<'_>], token: u64) -> Result<u64, CacheError> {
        self.count_left(write_call(space, scopes, token, PURGE_SHARE)).await
    }

    async fn count_left(&self, call: Call<'_>) -> Result<u64, CacheError> {
        let answer = self.call(call).await?;
        match answer.as_slice() {
            [RedisValue::Number(left)] => Ok(u64::try_from(*left).unwrap_or(0)),
            _ => Err(not_understood(&answer)),
        }
    }

    /// Counts one more request under the key, in a window that begins with the first: how many that makes, and what is
    /// left of the window.
    pub async fn count(&self, key: &str, window: Duration) -> Result<(u64, Duration), CacheError> {
        let arguments = vec![milliseconds(window)];
        let answer = self.call(Call { script: &COUNT, keys: vec![key.to_owned()], arguments }).await?;
        match answer.as_slice() {
            [RedisValue::Number(count), RedisValue::Number(left)] => {
                let number = |number: i64| u64::try_from(number).unwrap_or(0);
                Ok((number(*count), Duration::from_millis(number(*left))))
            }
            _ => Err(not_understood(&answer)),
        }
    }

    /// Adds to counters that several processes share, a hash that is kept for so long after the last addition. All of them
    /// by their names, where `read` asks for them.
    pub async fn add_up(
        &self,
        key: &str,
        increments: &[(String, u64)],
        kept: Duration,
        read: bool,
    ) -> Result<Vec<(Bytes, u64)>, CacheError> {
        let mut arguments = vec![milliseconds(kept), Argument::Number(i64::from(read))];
        for (name, increment) in increments {
            let increment = i64::try_from(*increment).unwrap_or(i64::MAX);
            arguments.extend([Argument::Bytes(name.as_bytes()), Argument::Number(increment)]);
        }
        let answer = self.call(Call { script: &ADD_UP, keys: vec![key.to_owned()], arguments }).await?;
        let counter = |pair: &[RedisValue]| match pair {
            [RedisValue::Bytes(name), RedisValue::Bytes(value)] => {
                Some((name.clone(), std::str::from_utf8(value).ok()?.parse().ok()?))
            }
            _ => None,
        };
        let counters: Option<Vec<_>> = answer.chunks(2).map(counter).collect();
        counters.ok_or_else(|| not_understood(&answer))
    }

    async fn call(&self, call: Call<'_>) -> Result<Vec<RedisValue>, CacheError> {
        self.connections.call(&self.platform, &self.spaces, &call).await
    }
}

/// The keys as arguments, and how many of the array they are.
fn command_line(keys: &LookupKeys) -> ([Argument<'_>; crate::keys::MAX_SCOPES + 2], usize) {
    let mut line = [Argument::Number(0); crate::keys::MAX_SCOPES + 2];
    let mut count = 0;
    for (argument, key) in line.iter_mut().zip(keys.iter()) {
        *argument = Argument::Bytes(key.as_bytes());
        count += 1;
    }
    (line, count)
}

/// The value in the answer to a look-up, if it proves itself by its stamp.
fn proven(answer: &[RedisValue]) -> Option<Cached> {
    let [value, RedisValue::Bytes(stamp), generations @ ..] = answer else { return None };
    Stamp::proven(stamp, generations).and_then(|stamp| match value {
        _ if stamp.etag.is_none() => Some(Cached { bytes: Bytes::new(), stamp }),
        RedisValue::Bytes(bytes) => Some(Cached { bytes: bytes.clone(), stamp }),
        _ => None,
    })
}

fn push_generations_and_fences(entry: &Entry<'_>, keys: &mut Vec<String>) {
    keys.extend(entry.scopes.iter().map(|scope| scope.generation_key(entry.space)));
    keys.extend(entry.scopes.iter().map(|scope| scope.fence_key(entry.space)));
}

/// The call of `end_write.lua`, and of `begin_write.lua` but for its last argument.
fn write_call<'a>(space: &'a str, scopes: &[Scope<'_>], token: u64, share: i64) -> Call<'a> {
    debug_assert!(!scopes.is_empty(), "a write that makes nothing stale");
    let mut keys = Vec::with_capacity(scopes.len() * 6);
    for scope in scopes {
        let entry = Entry { space, name: scope.name, scopes: &[], ttl: None, bounded: false };
        keys.extend([
            scope.generation_key(space),
            scope.fence_key(space),
            entry.value_key(),
            entry.stamp_key(),
            entry.kept_key(),
        ]);
    }
    keys.extend(scopes.iter().filter_map(|scope| scope.index_key(space)));
    let arguments = vec![
        number(token),
        Argument::Number(scopes.len() as i64),
        Argument::Bytes(space.as_bytes()),
        Argument::Number(share),
    ];
    Call { script: &END_WRITE, keys, arguments }
}

/// Random numbers travel as numbers, which cost no allocation; Redis compares them as the text that it got.
fn number(random: u64) -> Argument<'static> {
    Argument::Number((random >> 1) as i64)
}

fn milliseconds(duration: Duration) -> Argument<'static> {
    Argument::Number(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

fn not_understood(answer: &[RedisValue]) -> CacheError {
    CacheError::Refused { refusal: Refusal::Other, reason: format!("a script cannot answer {answer:?}") }
}
