//! Connections to Redis by way of the host, which multiplexes: many requests of an instance share one.

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisValue};
use spin_sdk::redis::{Connection as SpinConnection, Error, RedisParameter, RedisResult};

/// Opens connections to one Redis.
pub struct SpinRedis {
    url: String,
}

impl SpinRedis {
    /// For the Redis at `url`.
    pub fn new(url: String) -> Self {
        SpinRedis { url }
    }
}

/// A connection that the host carries many commands over at once.
pub struct HostConnection(SpinConnection);

impl Connector for SpinRedis {
    type Connection = HostConnection;

    async fn open(&self) -> Result<HostConnection, String> {
        SpinConnection::open(&self.url).await.map(HostConnection).map_err(words)
    }
}

impl Connection for HostConnection {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, String> {
        let value = self.0.get(key).await.map_err(words)?;
        Ok(value.map(Bytes::from))
    }

    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, String> {
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Number(number) => RedisParameter::Int64(*number),
            Argument::Bytes(bytes) => RedisParameter::Binary(bytes.to_vec()),
        });
        let results = self.0.execute(command, arguments).await.map_err(words)?;
        let reply = results.into_iter().map(|result| match result {
            RedisResult::Nil => RedisValue::Nil,
            RedisResult::Int64(number) => RedisValue::Number(number),
            RedisResult::Status(status) => RedisValue::Bytes(Bytes::from(status)),
            RedisResult::Binary(bytes) => RedisValue::Bytes(Bytes::from(bytes)),
        });
        Ok(reply.collect())
    }
}

fn words(error: Error) -> String {
    match error {
        Error::InvalidAddress => "its address is invalid, or not what the variable redis_origin allows".to_owned(),
        Error::TooManyConnections => "the host has too many connections open".to_owned(),
        Error::TypeError => "a value is not of the type it should be".to_owned(),
        Error::Other(words) => words,
    }
}
