//! What the cache stands on: Redis, time and randomness, by way of Spin.

use std::time::Duration;

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisCache, RedisValue};
use fenced_cache::{Platform, Ports};
use spin_sdk::redis::{self, RedisParameter, RedisResult};
use spin_sdk::wasip3::clocks::monotonic_clock;
use spin_sdk::wasip3::random::random;

pub struct SpinPorts;

impl Ports for SpinPorts {
    type Cache = RedisCache<Redis>;
    type Platform = Host;
}

/// The host's clock and its random numbers.
pub struct Host;

impl Platform for Host {
    fn now(&self) -> Duration {
        Duration::from_nanos(monotonic_clock::now())
    }

    async fn sleep(&self, duration: Duration) {
        spin_sdk::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        random::get_random_u64()
    }
}

/// Opens connections to one Redis.
pub struct Redis {
    url: String,
}

impl Redis {
    pub fn new(url: String) -> Self {
        Redis { url }
    }
}

impl Connector for Redis {
    type Connection = RedisConnection;

    async fn open(&self) -> Result<RedisConnection, String> {
        redis::Connection::open(&self.url).await.map(RedisConnection).map_err(|error| error.to_string())
    }
}

/// A connection, which the host multiplexes: many requests of an instance share it.
pub struct RedisConnection(redis::Connection);

impl Connection for RedisConnection {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, String> {
        let value = self.0.get(key).await.map_err(|error| error.to_string())?;
        Ok(value.map(Bytes::from))
    }

    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, String> {
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Number(number) => RedisParameter::Int64(*number),
            Argument::Bytes(bytes) => RedisParameter::Binary(bytes.to_vec()),
        });
        let results = self.0.execute(command, arguments).await.map_err(|error| error.to_string())?;
        let values = results.into_iter().map(|result| match result {
            RedisResult::Nil => RedisValue::Nil,
            RedisResult::Int64(number) => RedisValue::Number(number),
            RedisResult::Status(status) => RedisValue::Bytes(Bytes::from(status)),
            RedisResult::Binary(bytes) => RedisValue::Bytes(Bytes::from(bytes)),
        });
        Ok(values.collect())
    }
}
