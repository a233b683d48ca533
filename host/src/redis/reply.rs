//! Redis's values and errors, as Spin hands them to a component.

use redis::{ErrorKind, FromRedisValue, RedisError, Value};

use crate::bindings::redis::{Error, RedisResult};

/// The largest reply that a component is given, in bytes: Spin's `MAX_HOST_BUFFERED_BYTES`.
pub(super) const MAX_REPLY_BYTES: usize = 128 << 20;

/// A reply of any shape as a flat list: arrays within arrays give their elements one after the other.
#[derive(Debug)]
pub(super) struct Flat(pub(super) Vec<RedisResult>);

impl FromRedisValue for Flat {
    fn from_redis_value(value: &Value) -> redis::RedisResult<Self> {
        Self::from_owned_redis_value(value.clone())
    }

    fn from_owned_redis_value(value: Value) -> redis::RedisResult<Self> {
        let mut results = Vec::new();
        flatten(value, &mut results)?;
        Ok(Self(results))
    }
}

fn flatten(value: Value, results: &mut Vec<RedisResult>) -> redis::RedisResult<()> {
    let unsupported = |what: &str| {
        let detail = format!("{what} not supported");
        Err(RedisError::from((ErrorKind::TypeError, "Could not convert Redis response", detail)))
    };
    results.push(match value {
        Value::Array(values) | Value::Set(values) => {
            return values.into_iter().try_for_each(|value| flatten(value, results));
        }
        Value::Nil => RedisResult::Nil,
        Value::Int(number) => RedisResult::Int64(number),
        Value::Boolean(truth) => RedisResult::Int64(truth.into()),
        Value::BulkString(bytes) => RedisResult::Binary(bytes),
        Value::BigNumber(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".to_owned()),
        // All but the last come with RESP3 only, which a component cannot ask for.
        Value::Map(_) => return unsupported("Redis Map type is"),
        Value::Attribute { .. } => return unsupported("Redis Attribute type is"),
        Value::VerbatimString { .. } => return unsupported("Redis string with format attribute is"),
        Value::Push { .. } => return unsupported("Redis Pub/Sub types are"),
        Value::ServerError(error) => {
            let detail = format!("{error:?}");
            return Err(RedisError::from((ErrorKind::ResponseError, "Server error", detail)));
        }
    });
    Ok(())
}

impl Flat {
    /// The list, unless it is too large for a component.
    pub(super) fn within_limit(self) -> Result<Vec<RedisResult>, Error> {
        let bytes: usize = self.0.iter().map(memory_size).sum();
        check_size(size_of::<Vec<RedisResult>>() + bytes)?;
        Ok(self.0)
    }
}

/// What a value takes in memory, as Spin counts it.
fn memory_size(value: &RedisResult) -> usize {
    size_of::<RedisResult>()
        + match value {
            RedisResult::Nil | RedisResult::Int64(_) => 0,
            RedisResult::Status(text) => text.len(),
            RedisResult::Binary(bytes) => bytes.len(),
        }
}

/// The answer to `GET`, unless it is too large for a component.
pub(super) fn value_within_limit(value: Option<Vec<u8>>) -> Result<Option<Vec<u8>>, Error> {
    check_size(size_of::<Option<Vec<u8>>>() + value.as_ref().map_or(0, Vec::len))?;
    Ok(value)
}

fn check_size(bytes: usize) -> Result<(), Error> {
    match bytes > MAX_REPLY_BYTES {
        true => Err(Error::Other(format!("query result exceeds limit of {MAX_REPLY_BYTES} bytes"))),
        false => Ok(()),
    }
}

/// Why a command failed. Spin says `other` for all but a reply of the wrong type to `sadd`, with redis-rs's text.
pub(super) fn other(error: RedisError) -> Error {
    Error::Other(error.to_string())
}

/// Like [`other`], for the one command for which Spin tells a reply of the wrong type apart.
pub(super) fn other_or_type(error: RedisError) -> Error {
    match error.kind() {
        ErrorKind::TypeError => Error::TypeError,
        _ => other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_flattened() {
        let value = Value::Array(vec![
            Value::Int(1),
            Value::Array(vec![Value::Nil, Value::Okay]),
            Value::BulkString(b"x".to_vec()),
            Value::SimpleString("PONG".into()),
            Value::Array(vec![]),
            Value::Boolean(true),
            Value::Double(1.5),
        ]);
        let Flat(results) = Flat::from_owned_redis_value(value).unwrap();
        let shown: Vec<_> = results.iter().map(|result| format!("{result:?}")).collect();
        assert_eq!(shown.len(), 7, "{shown:?}");
        assert!(matches!(&results[1], RedisResult::Nil));
        assert!(matches!(&results[2], RedisResult::Status(text) if text == "OK"));
        assert!(matches!(&results[5], RedisResult::Int64(1)));
        assert!(matches!(&results[6], RedisResult::Binary(bytes) if bytes == b"1.5"));
    }

    #[test]
    fn a_map_is_refused_in_spins_words() {
        let error = Flat::from_owned_redis_value(Value::Map(vec![])).unwrap_err().to_string();
        assert!(error.contains("Redis Map type is not supported"), "{error}");
    }

    #[test]
    fn a_reply_just_above_the_limit_is_refused() {
        let overhead = size_of::<Vec<RedisResult>>() + size_of::<RedisResult>();
        let reply = |length| Flat(vec![RedisResult::Binary(vec![0; length])]).within_limit();
        assert!(reply(MAX_REPLY_BYTES - overhead).is_ok());
        let error = format!("{:?}", reply(MAX_REPLY_BYTES - overhead + 1).unwrap_err());
        assert!(error.contains("query result exceeds limit of 134217728 bytes"), "{error}");
    }
}
