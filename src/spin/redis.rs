//! Connections to Redis by way of the host, which multiplexes: many requests of an instance share one.

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisValue};
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

    async fn open(&self) -> Result<SpinConnection, String> {
        redis::Connection::open(self.url.reveal()).await.map(SpinConnection).map_err(error_message)
    }
}

impl Connection for SpinConnection {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, String> {
        let value = self.0.get(key).await.map_err(error_message)?;
        Ok(value.map(Bytes::from))
    }

    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, String> {
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Number(number) => RedisParameter::Int64(*number),
            Argument::Bytes(bytes) => RedisParameter::Binary(bytes.to_vec()),
        });
        let results = self.0.execute(command, arguments).await.map_err(error_message)?;
        let values = results.into_iter().map(|result| match result {
            RedisResult::Nil => RedisValue::Nil,
            RedisResult::Int64(number) => RedisValue::Number(number),
            RedisResult::Status(status) => RedisValue::Bytes(Bytes::from(status)),
            RedisResult::Binary(bytes) => RedisValue::Bytes(Bytes::from(bytes)),
        });
        Ok(values.collect())
    }
}

fn error_message(error: Error) -> String {
    match error {
        Error::InvalidAddress => "its address is invalid, or not what the variable redis_origin allows".to_owned(),
        Error::TooManyConnections => "the host has too many connections open".to_owned(),
        Error::TypeError => "a value is not of the type it should be".to_owned(),
        Error::Other(message) => message,
    }
}
