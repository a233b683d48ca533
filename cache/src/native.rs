//! The ports for a native program: redis-rs and tokio.

use std::time::{Duration, Instant};

use ::redis::aio::MultiplexedConnection;
use ::redis::{Client, ErrorKind, Value, cmd};
use bytes::Bytes;

use crate::redis::{Argument, Connection, Connector, RedisError, RedisValue};
use crate::{Platform, Refusal};

/// Opens multiplexed connections of redis-rs.
#[derive(Clone)]
pub struct RedisRs(Client);

impl RedisRs {
    /// For the Redis at this address, `redis://[user:password@]host:port[/db]`.
    ///
    /// # Errors
    /// Where redis-rs does not understand the address.
    pub fn new(url: &str) -> ::redis::RedisResult<Self> {
        Client::open(url).map(RedisRs)
    }
}

/// A connection that carries many commands at once.
pub struct RedisRsConnection(MultiplexedConnection);

impl Connector for RedisRs {
    type Connection = RedisRsConnection;

    async fn open(&self) -> Result<RedisRsConnection, RedisError> {
        let opened = self.0.get_multiplexed_async_connection().await;
        opened.map(RedisRsConnection).map_err(|error| failure(&error))
    }
}

impl Connection for RedisRsConnection {
    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, RedisError> {
        let mut line = cmd(command);
        for argument in arguments {
            match argument {
                Argument::Number(number) => line.arg(*number),
                Argument::Bytes(bytes) => line.arg(*bytes),
            };
        }
        let answer: Value = line.query_async(&mut self.0.clone()).await.map_err(|error| failure(&error))?;
        let mut values = Vec::new();
        flatten(answer, &mut values)?;
        Ok(values)
    }
}

fn failure(error: &::redis::RedisError) -> RedisError {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::Server(_) | ErrorKind::Extension | ErrorKind::AuthenticationFailed => {
            RedisError::Answered(Refusal::find(&text).unwrap_or(Refusal::Other), text)
        }
        _ => RedisError::Broken(text),
    }
}

fn flatten(value: Value, into: &mut Vec<RedisValue>) -> Result<(), RedisError> {
    match value {
        Value::Nil => into.push(RedisValue::Nil),
        Value::Int(number) => into.push(RedisValue::Number(number)),
        Value::BulkString(bytes) => into.push(RedisValue::Bytes(Bytes::from(bytes))),
        Value::SimpleString(text) => into.push(RedisValue::Bytes(Bytes::from(text))),
        Value::Okay => into.push(RedisValue::Bytes(Bytes::from_static(b"OK"))),
        Value::Array(values) => {
            for value in values {
                flatten(value, into)?;
            }
        }
        Value::ServerError(error) => {
            let text = error.to_string();
            return Err(RedisError::Answered(Refusal::find(&text).unwrap_or(Refusal::Other), text));
        }
        other => return Err(RedisError::Answered(Refusal::Other, format!("an unexpected value: {other:?}"))),
    }
    Ok(())
}

/// Time by tokio, and randomness by the operating system.
#[derive(Clone, Copy)]
pub struct TokioPlatform(Instant);

impl Default for TokioPlatform {
    fn default() -> Self {
        TokioPlatform(Instant::now())
    }
}

impl Platform for TokioPlatform {
    fn now(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    fn random(&self) -> u64 {
        // Without randomness, only the clock is left as a source of unique names.
        getrandom::u64().unwrap_or_else(|_| self.0.elapsed().as_nanos() as u64)
    }
}
