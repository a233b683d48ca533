//! The functions of `spin:redis` that a component calls.

use redis::aio::MultiplexedConnection;
use redis::{AsyncCommands, FromRedisValue, ToRedisArgs};
use wasmtime::component::{Accessor, Resource};

use super::reply::{Flat, other, other_or_type};
use super::{Connection, Connections};
use crate::allowed_hosts::Destination;
use crate::bindings::redis::{Error, Host, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult};
use crate::guest::{Guest, HasGuest};

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Handle = Resource<Connection>;

impl Host for &mut Guest {}

impl HostConnection for &mut Guest {
    fn drop(&mut self, connection: Handle) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}

/// The connection behind a handle. A clone: the call may be cancelled and the handle dropped at any time; the connection
/// itself keeps replies and commands in step.
fn connection<T: Send>(accessor: &Accessor<T, HasGuest>, handle: &Handle) -> wasmtime::Result<MultiplexedConnection> {
    accessor.with(|mut access| Ok(access.get().table.get(handle)?.redis.clone()))
}

async fn query<T: FromRedisValue>(
    mut connection: MultiplexedConnection,
    command: &str,
    key: &str,
    arguments: impl ToRedisArgs,
) -> redis::RedisResult<T> {
    redis::cmd(command).arg(key).arg(arguments).query_async(&mut connection).await
}

impl<T: Send> HostConnectionWithStore<T> for HasGuest {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Answer<Handle> {
        let shared = accessor.with(|mut access| access.get().shared.clone());
        let Ok(destination) = Destination::parse(&address, "redis") else {
            tracing::warn!("the component opened Redis at an address that is none");
            return Ok(Err(Error::InvalidAddress));
        };
        if !shared.allowed_hosts.allow(&destination) {
            destination.warn_denied();
            return Ok(Err(Error::InvalidAddress));
        }
        let opened = match open(&shared.redis, &address).await {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        Ok(Ok(accessor.with(|mut access| access.get().table.push(opened))?))
    }

    async fn publish(accessor: &Accessor<T, Self>, this: Handle, channel: String, payload: Vec<u8>) -> Answer<()> {
        let answer = query(connection(accessor, &this)?, "PUBLISH", &channel, payload).await;
        Ok(answer.map_err(other))
    }

    async fn get(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Answer<Option<Vec<u8>>> {
        let mut connection = connection(accessor, &this)?;
        Ok(connection.get(key).await.map_err(other))
    }

    async fn set(accessor: &Accessor<T, Self>, this: Handle, key: String, value: Vec<u8>) -> Answer<()> {
        let mut connection = connection(accessor, &this)?;
        Ok(connection.set(key, value).await.map_err(other))
    }

    async fn incr(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Answer<i64> {
        let mut connection = connection(accessor, &this)?;
        Ok(connection.incr(key, 1).await.map_err(other))
    }

    async fn del(accessor: &Accessor<T, Self>, this: Handle, keys: Vec<String>) -> Answer<u32> {
        let mut connection = connection(accessor, &this)?;
        Ok(connection.del(keys).await.map_err(other))
    }

    async fn sadd(accessor: &Accessor<T, Self>, this: Handle, key: String, values: Vec<String>) -> Answer<u32> {
        let answer = query(connection(accessor, &this)?, "SADD", &key, values).await;
        Ok(answer.map_err(other_or_type))
    }

    async fn smembers(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Answer<Vec<String>> {
        let mut connection = connection(accessor, &this)?;
        Ok(connection.smembers(key).await.map_err(other))
    }

    async fn srem(accessor: &Accessor<T, Self>, this: Handle, key: String, values: Vec<String>) -> Answer<u32> {
        let answer = query(connection(accessor, &this)?, "SREM", &key, values).await;
        Ok(answer.map_err(other))
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        this: Handle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<RedisResult>> {
        let mut connection = connection(accessor, &this)?;
        let mut line = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => line.arg(number),
                RedisParameter::Binary(bytes) => line.arg(bytes),
            };
        }
        let answer = line.query_async::<Flat>(&mut connection).await;
        Ok(answer.map(|Flat(results)| results).map_err(other))
    }
}

/// An address that redis-rs cannot read is `invalid-address`; a Redis that cannot be reached is `other`.
async fn open(connections: &Connections, address: &str) -> Result<Connection, Error> {
    connections.open(address).await.map_err(|error| match error.kind() {
        redis::ErrorKind::InvalidClientConfig => Error::InvalidAddress,
        _ => other(error),
    })
}
