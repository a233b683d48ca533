//! The functions of `spin:redis` that a component calls.

use redis::{Client, Cmd, FromRedisValue};
use wasmtime::component::{Accessor, Resource};

use super::reply::{Flat, other, other_or_type, value_within_limit};
use super::{Connection, Connections};
use crate::allowed_hosts::Destination;
use crate::bindings::redis::{Error, Host, HostConnection, HostConnectionWithStore, RedisParameter, RedisResult};
use crate::guest::{Guest, HasGuest};

type Answer<T> = wasmtime::Result<Result<T, Error>>;
type Handle = Resource<Connection>;

/// The most connections that an instance may hold, as in Spin.
const MAX_CONNECTIONS: usize = 1024;

impl Host for &mut Guest {}

impl HostConnection for &mut Guest {
    fn drop(&mut self, connection: Handle) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        self.redis_connections -= 1;
        Ok(())
    }
}

/// What Redis replies to a command on the connection behind a handle.
async fn query<T: Send, A: FromRedisValue>(
    accessor: &Accessor<T, HasGuest>,
    handle: &Handle,
    command: Cmd,
) -> wasmtime::Result<redis::RedisResult<A>> {
    let way = accessor.with(|mut access| access.get().table.get(handle).map(|connection| connection.way.clone()))?;
    Ok(way.query(&command).await)
}

impl<T: Send> HostConnectionWithStore<T> for HasGuest {
    async fn open(accessor: &Accessor<T, Self>, address: String) -> Answer<Handle> {
        let component = accessor.with(|mut access| access.get().component.clone());
        let Ok(destination) = Destination::parse(&address, "redis") else {
            // Without the address, which may hold a password.
            tracing::warn!("A component tried to make a request to a url that could not be parsed");
            return Ok(Err(Error::InvalidAddress));
        };
        if !component.allowed_hosts.allow(&destination) {
            destination.warn_denied();
            return Ok(Err(Error::InvalidAddress));
        }
        let opened = match open(&component.app.redis, &address).await {
            Ok(opened) => opened,
            Err(error) => return Ok(Err(error)),
        };
        accessor.with(|mut access| {
            let guest = access.get();
            if guest.redis_connections >= MAX_CONNECTIONS {
                return Ok(Err(Error::TooManyConnections));
            }
            guest.redis_connections += 1;
            Ok(Ok(guest.table.push(opened)?))
        })
    }

    async fn publish(accessor: &Accessor<T, Self>, this: Handle, channel: String, payload: Vec<u8>) -> Answer<()> {
        let answer = query(accessor, &this, Cmd::publish(channel, payload)).await?;
        Ok(answer.map_err(other))
    }

    async fn get(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Answer<Option<Vec<u8>>> {
        let answer = query(accessor, &this, Cmd::get(key)).await?;
        Ok(answer.map_err(other).and_then(value_within_limit))
    }

    async fn set(accessor: &Accessor<T, Self>, this: Handle, key: String, value: Vec<u8>) -> Answer<()> {
        let answer = query(accessor, &this, Cmd::set(key, value)).await?;
        Ok(answer.map_err(other))
    }

    async fn incr(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Answer<i64> {
        let answer = query(accessor, &this, Cmd::incr(key, 1)).await?;
        Ok(answer.map_err(other))
    }

    async fn del(accessor: &Accessor<T, Self>, this: Handle, keys: Vec<String>) -> Answer<u32> {
        let answer = query(accessor, &this, Cmd::del(keys)).await?;
        Ok(answer.map_err(other))
    }

    async fn sadd(accessor: &Accessor<T, Self>, this: Handle, key: String, values: Vec<String>) -> Answer<u32> {
        let answer = query(accessor, &this, Cmd::sadd(key, values)).await?;
        Ok(answer.map_err(other_or_type))
    }

    async fn smembers(accessor: &Accessor<T, Self>, this: Handle, key: String) -> Answer<Vec<String>> {
        let answer = query(accessor, &this, Cmd::smembers(key)).await?;
        Ok(answer.map_err(other))
    }

    async fn srem(accessor: &Accessor<T, Self>, this: Handle, key: String, values: Vec<String>) -> Answer<u32> {
        let answer = query(accessor, &this, Cmd::srem(key, values)).await?;
        Ok(answer.map_err(other))
    }

    async fn execute(
        accessor: &Accessor<T, Self>,
        this: Handle,
        command: String,
        arguments: Vec<RedisParameter>,
    ) -> Answer<Vec<RedisResult>> {
        let mut line = redis::cmd(&command);
        for argument in arguments {
            match argument {
                RedisParameter::Int64(number) => line.arg(number),
                RedisParameter::Binary(bytes) => line.arg(bytes),
            };
        }
        let answer = query::<_, Flat>(accessor, &this, line).await?;
        Ok(answer.map_err(other).and_then(Flat::within_limit))
    }
}

/// An address that redis-rs cannot read is `invalid-address`; a Redis that cannot be reached is `other`.
async fn open(connections: &Connections, address: &str) -> Result<Connection, Error> {
    let client = Client::open(address).map_err(|_| Error::InvalidAddress)?;
    connections.open(address, client).await.map_err(other)
}
