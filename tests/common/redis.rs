//! The port `Cache` on a real Redis, natively, and what the port does not show of it.

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisCache, RedisValue};
use redis::aio::MultiplexedConnection;
use redis::{Client, Value, cmd};
use testkit::services::redis::Redis;

/// A Redis of its own, stopped when dropped, the cache on it, and a connection beside it.
pub struct TestRedis {
    pub cache: RedisCache<Native>,
    connection: MultiplexedConnection,
    _server: Redis,
}

/// Starts a Redis.
pub async fn connected() -> TestRedis {
    let server = Redis::temporary().expect("a Redis");
    let client = Client::open(server.url()).unwrap();
    TestRedis {
        cache: RedisCache::new(Native(client.clone())),
        connection: client.get_multiplexed_async_connection().await.unwrap(),
        _server: server,
    }
}

impl TestRedis {
    /// Runs a command, as `redis-cli` would.
    pub async fn command(&mut self, words: &[&str]) -> Value {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection).await.unwrap()
    }

    /// Every key that would live for ever.
    pub async fn keys_without_ttl(&mut self) -> Vec<String> {
        keys_without_ttl(&mut self.connection).await
    }
}

/// Every key that would live for ever.
pub async fn keys_without_ttl(connection: &mut MultiplexedConnection) -> Vec<String> {
    let keys: Vec<String> = cmd("KEYS").arg("*").query_async(connection).await.unwrap();
    let mut eternal = Vec::new();
    for key in keys {
        let ttl: i64 = cmd("PTTL").arg(&key).query_async(connection).await.unwrap();
        if ttl == -1 {
            eternal.push(key);
        }
    }
    eternal
}

/// Connections of the Rust client, which the hosts use, too.
pub struct Native(Client);

pub struct NativeConnection(MultiplexedConnection);

impl Connector for Native {
    type Connection = NativeConnection;

    async fn open(&self) -> Result<NativeConnection, String> {
        let opened = self.0.get_multiplexed_async_connection().await;
        opened.map(NativeConnection).map_err(|error| error.to_string())
    }
}

impl Connection for NativeConnection {
    async fn get(&self, key: &str) -> Result<Option<Bytes>, String> {
        let value: Result<Option<Vec<u8>>, _> = cmd("GET").arg(key).query_async(&mut self.0.clone()).await;
        value.map(|value| value.map(Bytes::from)).map_err(|error| error.to_string())
    }

    async fn execute(&self, command: &str, arguments: &[Argument<'_>]) -> Result<Vec<RedisValue>, String> {
        let mut command = cmd(command);
        for argument in arguments {
            match argument {
                Argument::Number(number) => command.arg(*number),
                Argument::Bytes(bytes) => command.arg(*bytes),
            };
        }
        let answer: Result<Value, _> = command.query_async(&mut self.0.clone()).await;
        let mut reply = Vec::new();
        flatten(answer.map_err(|error| error.to_string())?, &mut reply)?;
        Ok(reply)
    }
}

/// As the hosts do with arrays.
fn flatten(value: Value, into: &mut Vec<RedisValue>) -> Result<(), String> {
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
        other => return Err(format!("an unexpected value: {other:?}")),
    }
    Ok(())
}
