//! What the cache stands on: Redis, time and randomness, by way of Spin.

use std::time::Duration;

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisError, RedisValue};
use fenced_cache::{Notice, Observer, Platform, Ports, Refusal};
use spin_sdk::redis::{self, Error, RedisParameter, RedisResult};
use spin_sdk::wasip3::clocks::monotonic_clock;
use spin_sdk::wasip3::random::random;

pub struct SpinPorts;

impl Ports for SpinPorts {
    type Connector = Redis;
    type Platform = Host;
    type Observer = Log;
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

    async fn open(&self) -> Result<RedisConnection, RedisError> {
        redis::Connection::open(&self.url).await.map(RedisConnection).map_err(redis_error)
    }
}

/// A connection, which the host multiplexes: many requests of an instance share it.
pub struct RedisConnection(redis::Connection);

impl Connection for RedisConnection {
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

/// Tells what Redis answered from what could not be asked: only the latter is a reason to leave Redis alone for a moment.
fn redis_error(error: Error) -> RedisError {
    match error {
        Error::InvalidAddress => RedisError::Broken("its address is invalid or not allowed".to_owned()),
        Error::TooManyConnections => RedisError::Broken("the host has too many connections open".to_owned()),
        Error::TypeError => RedisError::Answered(Refusal::Other, "a value of an unexpected type".to_owned()),
        Error::Other(text) => RedisError::from_text(text),
    }
}

/// Writes what the operator should read to the log.
pub struct Log;

impl Observer for Log {
    fn notice(&self, notice: &Notice<'_>) {
        eprintln!("cache: {:?}", notice.to_string());
    }
}
