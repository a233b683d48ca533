//! The protocol's steps as calls of Lua scripts: which script, with which keys and arguments, and what its answer means.

use std::sync::LazyLock;
use std::time::Duration;

use bytes::Bytes;

use super::etag::hex_sha1;
use super::{Acquired, Entry, Fill, Lease, Scope};

/// How long a generation is kept after it was last taken or changed. Losing one costs a fill, never the promise: a fill
/// must find the very generation that its reader took.
const GENERATION_TTL_MS: i64 = 10 * 60 * 1000;

/// A Lua script that Redis runs atomically.
pub struct Script {
    /// Its text.
    pub source: &'static str,
    /// Its hex SHA-1, by which `EVALSHA` calls it.
    pub sha1: LazyLock<String>,
}

macro_rules! script {
    ($name:ident, $doc:literal, $source:expr) => {
        #[doc = $doc]
        pub static $name: Script =
            Script { source: $source, sha1: LazyLock::new(|| hex_sha1($name.source.as_bytes())) };
    };
}

script!(ACQUIRE, "`acquire.lua`", include_str!("lua/acquire.lua"));
script!(FILL, "`fill.lua`", include_str!("lua/fill.lua"));
script!(COUNT, "`count.lua`", include_str!("lua/count.lua"));
script!(RELEASE, "`release.lua`", include_str!("lua/release.lua"));
script!(
    BEGIN_WRITE,
    "`begin_write.lua`, behind the head that it shares with `end_write.lua`",
    concat!(include_str!("lua/delete.lua"), include_str!("lua/begin_write.lua"))
);
script!(
    END_WRITE,
    "`end_write.lua`, behind the head that it shares with `begin_write.lua`",
    concat!(include_str!("lua/delete.lua"), include_str!("lua/end_write.lua"))
);

/// A script with its keys and arguments.
pub struct Call<'a> {
    /// Which script.
    pub script: &'static Script,
    /// `KEYS`.
    pub keys: Vec<String>,
    /// `ARGV`.
    pub arguments: Vec<Argument<'a>>,
}

/// One of `ARGV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// A number.
    Number(i64),
    /// Text, or the bytes of a value.
    Bytes(&'a [u8]),
}

/// One element of a script's answer, arrays flattened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisValue {
    /// Nothing.
    Nil,
    /// A number.
    Number(i64),
    /// A status or a bulk string.
    Bytes(Bytes),
}

/// Tokens travel as numbers that a Lua double holds exactly, since Redis compares them as the text it got.
fn token_argument(token: u64) -> Argument<'static> {
    Argument::Number((token >> 12) as i64)
}

fn milliseconds(duration: Duration) -> Argument<'static> {
    Argument::Number(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// The call of `acquire.lua`.
pub fn acquire(entry: &Entry<'_>, token: u64, duration: Duration) -> Call<'static> {
    let mut keys = vec![entry.value_key(), entry.absent_key(), entry.lease_key()];
    keys.extend(generations_and_fences(entry));
    Call {
        script: &ACQUIRE,
        keys,
        arguments: vec![token_argument(token), milliseconds(duration), Argument::Number(GENERATION_TTL_MS)],
    }
}

/// What `acquire.lua` answered, or `None` where it is nothing that it answers.
pub fn acquired(reply: Vec<RedisValue>) -> Option<Acquired> {
    let mut reply = reply.into_iter();
    let Some(RedisValue::Number(kind)) = reply.next() else {
        return None;
    };
    match (kind, reply.next()) {
        (1, Some(RedisValue::Bytes(value))) => Some(Acquired::Value(value)),
        (2, None) => Some(Acquired::Absent),
        (3, Some(RedisValue::Number(taken_at_ms))) => {
            let generations = reply.map(|generation| match generation {
                RedisValue::Number(generation) => Some(generation),
                _ => None,
            });
            Some(Acquired::Leased(Lease { taken_at_ms, generations: generations.collect::<Option<_>>()? }))
        }
        (4, None) => Some(Acquired::Wait),
        (5, None) => Some(Acquired::Fenced),
        _ => None,
    }
}

/// The call of `fill.lua`. `generations` are those of `lease` as text, which is how Redis keeps them.
pub fn fill<'a>(
    entry: &Entry<'_>,
    token: u64,
    lease: &Lease,
    generations: &'a [String],
    max_age: Duration,
    fill: Fill<'a>,
    ttl: Duration,
) -> Call<'a> {
    let mut keys = vec![entry.value_key(), entry.absent_key(), entry.lease_key(), entry.index_key()];
    keys.extend(generations_and_fences(entry));
    let (mode, value): (&[u8], &[u8]) = match fill {
        Fill::Value(value) => (b"value", value),
        Fill::Absent => (b"absent", b""),
    };
    let mut arguments = vec![
        token_argument(token),
        Argument::Bytes(mode),
        milliseconds(ttl),
        Argument::Number(lease.taken_at_ms),
        milliseconds(max_age),
        Argument::Bytes(value),
    ];
    arguments.extend(generations.iter().map(|g| Argument::Bytes(g.as_bytes())));
    Call { script: &FILL, keys, arguments }
}

/// The call of `release.lua`.
pub fn release(entry: &Entry<'_>, token: u64) -> Call<'static> {
    Call { script: &RELEASE, keys: vec![entry.lease_key()], arguments: vec![token_argument(token)] }
}

/// The call of `count.lua`.
pub fn count(key: &str, window: Duration) -> Call<'static> {
    Call { script: &COUNT, keys: vec![key.to_owned()], arguments: vec![milliseconds(window)] }
}

/// The call of `begin_write.lua`.
pub fn begin_write(space: &str, scopes: &[Scope<'_>], token: u64, deadline: Duration) -> Call<'static> {
    write_step(&BEGIN_WRITE, space, scopes, token, milliseconds(deadline))
}

/// The call of `end_write.lua`.
pub fn end_write(space: &str, scopes: &[Scope<'_>], token: u64) -> Call<'static> {
    let keep = Argument::Number(GENERATION_TTL_MS);
    write_step(&END_WRITE, space, scopes, token, keep)
}

fn write_step(
    script: &'static Script,
    space: &str,
    scopes: &[Scope<'_>],
    token: u64,
    last: Argument<'static>,
) -> Call<'static> {
    let mut keys = Vec::with_capacity(scopes.len() * 5);
    for scope in scopes {
        keys.push(scope.fence_key(space));
        keys.push(scope.generation_key(space));
    }
    keys.extend(scopes.iter().filter_map(|scope| scope.index_key(space)));
    let indexes = keys.len() - scopes.len() * 2;
    keys.extend(scopes.iter().flat_map(|scope| scope.direct_keys(space)));
    Call {
        script,
        keys,
        arguments: vec![
            token_argument(token),
            Argument::Number(scopes.len() as i64),
            Argument::Number(indexes as i64),
            last,
        ],
    }
}

fn generations_and_fences(entry: &Entry<'_>) -> impl Iterator<Item = String> {
    entry.scopes.iter().flat_map(|scope| [scope.generation_key(entry.space), scope.fence_key(entry.space)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_of_take_are_understood() {
        let value = Bytes::from_static(b"[]");
        assert_eq!(
            acquired(vec![RedisValue::Number(1), RedisValue::Bytes(value.clone())]),
            Some(Acquired::Value(value))
        );
        assert_eq!(acquired(vec![RedisValue::Number(2)]), Some(Acquired::Absent));
        assert_eq!(
            acquired([3, 1700, 17, 18].map(RedisValue::Number).to_vec()),
            Some(Acquired::Leased(Lease { taken_at_ms: 1700, generations: vec![17, 18] }))
        );
        assert_eq!(acquired(vec![RedisValue::Number(4)]), Some(Acquired::Wait));
        assert_eq!(acquired(vec![RedisValue::Number(5)]), Some(Acquired::Fenced));
    }

    #[test]
    fn nonsense_is_not_understood() {
        for nonsense in [
            vec![],
            vec![RedisValue::Nil],
            vec![RedisValue::Number(1)],
            vec![RedisValue::Number(3)],
            vec![RedisValue::Number(3), RedisValue::Number(1), RedisValue::Nil],
            vec![RedisValue::Number(9)],
            vec![RedisValue::Bytes(Bytes::from_static(b"OK"))],
        ] {
            assert_eq!(acquired(nonsense.clone()), None, "{nonsense:?}");
        }
    }

    #[test]
    fn a_script_is_called_by_its_sha1() {
        // printf '%s' of the file, by sha1sum, is what Redis makes of it.
        assert_eq!(*ACQUIRE.sha1, hex_sha1(include_bytes!("lua/acquire.lua")));
        assert_eq!(ACQUIRE.sha1.len(), 40);
    }
}
