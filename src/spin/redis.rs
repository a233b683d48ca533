//! Connections to Redis by way of the host, which multiplexes: many requests of an instance share one.

use bytes::Bytes;
use fenced_cache::Refusal;
use fenced_cache::redis::{Argument, Connection, Connector, RedisError, RedisValue};
use spin_sdk::redis::{self, Error, RedisParameter, RedisResult};

use crate::secret::Secret;

/// Opens connections to one Redis.
pub struct SpinRedis {
    url: Secret,
}

/// A connection of the host's.
pub struct SpinConnection(redis::Connection);

impl SpinRedis {
    /// For the Redis at `url`.
    pub fn new(url: Secret) -> Self {
        SpinRedis { url }
    }
}

impl Connector for SpinRedis {
    type Connection = SpinConnection;

    async fn open(&self) -> Result<SpinConnection, RedisError> {
        redis::Connection::open(self.url.reveal()).await.map(SpinConnection).map_err(redis_error)
    }
}

impl Connection for SpinConnection {
    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, RedisError> {
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Number(number) => RedisParameter::Int64(*number),
            Argument::Bytes(bytes) => RedisParameter::Binary(bytes.to_vec()),
        });
        let results = self.0.execute(command, arguments).await.map_err(redis_error)?;
        let values = results.into_iter().map(|result| match result {
            RedisResult::Nil => RedisValue::Nil,
            RedisResult::Int64(number) => RedisValue::Number(number),
            RedisResult::Status(status) => RedisValue::Bytes(Bytes::from(status)),
            RedisResult::Binary(bytes) => RedisValue::Bytes(Bytes::from(bytes)),
        });
        Ok(values.collect())
    }
}

fn redis_error(error: Error) -> RedisError {
    match error {
        Error::InvalidAddress => {
            RedisError::Broken("its address is invalid, or not what the variable redis_origin allows".to_owned())
        }
        Error::TooManyConnections => RedisError::Broken("the host has too many connections open".to_owned()),
        Error::TypeError => RedisError::Answered(Refusal::Other, "a value of an unexpected type".to_owned()),
        Error::Other(text) => RedisError::from_text(text),
    }
}
