//! Redis's values and errors, as Spin hands them to a component.

use redis::{ErrorKind, FromRedisValue, ParsingError, RedisError, Value};

use crate::bindings::redis::{Error, RedisResult};

/// A reply of any shape as a flat list: arrays within arrays give their elements one after the other.
#[derive(Debug)]
pub(super) struct Flat(pub(super) Vec<RedisResult>);

impl FromRedisValue for Flat {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut results = Vec::new();
        flatten(value, &mut results)?;
        Ok(Self(results))
    }
}

fn flatten(value: Value, results: &mut Vec<RedisResult>) -> Result<(), ParsingError> {
    results.push(match value {
        Value::Array(values) | Value::Set(values) => {
            return values.into_iter().try_for_each(|value| flatten(value, results));
        }
        Value::Nil => RedisResult::Nil,
        Value::Int(number) => RedisResult::Int64(number),
        Value::Boolean(truth) => RedisResult::Int64(truth.into()),
        Value::BulkString(bytes) | Value::BigNumber(bytes) => RedisResult::Binary(bytes),
        Value::Double(number) => RedisResult::Binary(number.to_string().into_bytes()),
        Value::SimpleString(text) => RedisResult::Status(text),
        Value::Okay => RedisResult::Status("OK".to_owned()),
        // These come with RESP3 only, which a component cannot ask for; and with errors inside arrays.
        other => {
            return Err(format!("Redis answered with a value that a component cannot be given: {other:?}").into());
        }
    });
    Ok(())
}

/// Why a command failed. Spin says `other` for all but a reply of the wrong type to `sadd`, with redis-rs's text.
pub(super) fn other(error: RedisError) -> Error {
    Error::Other(text(&error))
}

/// Like [`other`], for the one command for which Spin tells a reply of the wrong type apart.
pub(super) fn other_or_type(error: RedisError) -> Error {
    match error.kind() {
        ErrorKind::UnexpectedReturnType | ErrorKind::Parse => Error::TypeError,
        _ => other(error),
    }
}

/// The text of an error as Spin 4.1 gives it, which has redis-rs 0.32; version 1 words the server's errors differently.
/// Components recognise errors by these texts, as the interface has no codes.
fn text(error: &RedisError) -> String {
    let (ErrorKind::Server(_) | ErrorKind::Extension) = error.kind() else {
        return error.to_string();
    };
    let code = error.code().unwrap_or("ERR");
    let detail = error.detail().unwrap_or_default();
    let name = match code {
        "ERR" => "ResponseError",
        "EXECABORT" => "ExecAbortError",
        "LOADING" => "BusyLoadingError",
        "NOSCRIPT" => "NoScriptError",
        "MOVED" => "Moved",
        "ASK" => "Ask",
        "TRYAGAIN" => "TryAgain",
        "CLUSTERDOWN" => "ClusterDown",
        "CROSSSLOT" => "CrossSlot",
        "MASTERDOWN" => "MasterDown",
        "READONLY" => "ReadOnly",
        "NOTBUSY" => "NotBusy",
        "NOSUB" => "NoSub",
        // `WRONGTYPE: Operation against a key …`
        _ => return format!("{code}: {detail}"),
    };
    format!("An error was signalled by the server - {name}: {detail}")
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
        let Flat(results) = Flat::from_redis_value(value).unwrap();
        let shown: Vec<_> = results.iter().map(|result| format!("{result:?}")).collect();
        assert_eq!(shown.len(), 7, "{shown:?}");
        assert!(matches!(&results[1], RedisResult::Nil));
        assert!(matches!(&results[2], RedisResult::Status(text) if text == "OK"));
        assert!(matches!(&results[5], RedisResult::Int64(1)));
        assert!(matches!(&results[6], RedisResult::Binary(bytes) if bytes == b"1.5"));
    }

    #[test]
    fn a_map_is_refused() {
        assert!(Flat::from_redis_value(Value::Map(vec![])).is_err());
    }
}
