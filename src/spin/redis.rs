//! Connections to Redis by way of the host, which multiplexes: many requests of an instance share one.

use std::time::Duration;

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
pub struct SpinConnection {
    redis: redis::Connection,
    time_limit: Option<Duration>,
}

/// The environment variable in which a host says after how many milliseconds it ends a call to Redis. Spin sets none.
const TIME_LIMIT: &str = "STORE_HOST_REDIS_TIMEOUT_MS";

/// What such a host says of a call that it has ended.
const TIMED_OUT: &str = "timed out";

impl SpinRedis {
    /// For the Redis at `url`.
    pub fn new(url: Secret) -> Self {
        SpinRedis { url }
    }
}

impl Connector for SpinRedis {
    type Connection = SpinConnection;

    async fn open(&self) -> Result<SpinConnection, RedisError> {
        let time_limit = std::env::var(TIME_LIMIT).ok().and_then(|text| text.parse().ok()).map(Duration::from_millis);
        match redis::Connection::open(self.url.reveal()).await {
            Ok(redis) => Ok(SpinConnection { redis, time_limit }),
            Err(error) => Err(redis_error(error, time_limit)),
        }
    }
}

impl Connection for SpinConnection {
    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, RedisError> {
        let arguments = arguments.iter().map(|argument| match argument {
            Argument::Number(number) => RedisParameter::Int64(*number),
            Argument::Bytes(bytes) => RedisParameter::Binary(bytes.to_vec()),
        });
        let results =
            self.redis.execute(command, arguments).await.map_err(|error| redis_error(error, self.time_limit))?;
        let values = results.into_iter().map(|result| match result {
            RedisResult::Nil => RedisValue::Nil,
            RedisResult::Int64(number) => RedisValue::Number(number),
            RedisResult::Status(status) => RedisValue::Bytes(Bytes::from(status)),
            RedisResult::Binary(bytes) => RedisValue::Bytes(Bytes::from(bytes)),
        });
        Ok(values.collect())
    }

    fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }
}

fn redis_error(error: Error, time_limit: Option<Duration>) -> RedisError {
    match error {
        Error::InvalidAddress => {
            RedisError::Broken("its address is invalid, or not what the variable redis_origin allows".to_owned())
        }
        Error::TooManyConnections => RedisError::Broken("the host has too many connections open".to_owned()),
        Error::TypeError => RedisError::Answered(Refusal::Other, "a value of an unexpected type".to_owned()),
        Error::Other(text) => match time_limit {
            Some(limit) if text == TIMED_OUT => RedisError::TimedOut(limit),
            _ => RedisError::from_text(text),
        },
    }
}
