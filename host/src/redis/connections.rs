//! Connections to Redis: one for each `open`, or one per address for all.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::{Arg, AsyncConnectionConfig, Client, Cmd, FromRedisValue, RedisError, RedisResult, Value};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How soon a shared connection must answer a `PING` to be given to one more instance.
///
/// A component that gave up on a hanging connection opens a new one, and must not be handed the same again.
const ANSWERS_WITHIN: Duration = Duration::from_millis(100);

/// From how many bytes of a command or its reply on a shared connection is given up for a new one: redis-rs keeps the
/// buffers that carried them for as long as the connection lasts.
const LARGE: usize = 1 << 20;

/// What a component holds as a `connection`.
pub struct Connection {
    pub(super) way: Way,
    /// Counts against `[outbound_redis] max_connections` for as long as the component holds the connection.
    _permit: Option<OwnedSemaphorePermit>,
}

/// How the commands of a connection get to Redis. Cheap to clone, and a call works with a clone: it may be cancelled, and the
/// component's handle dropped, at any time. redis-rs keeps replies and commands in step.
#[derive(Clone)]
pub(super) enum Way {
    Own(MultiplexedConnection),
    Shared(Arc<SharedConnection>, Handed),
}

/// What components may have of Redis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// The most connections that they hold at a time.
    pub connections: Option<usize>,
    /// The longest that a command or connecting takes.
    pub time: Option<Duration>,
    /// Whether all instances share one connection per address.
    pub shares: bool,
}

/// The connections of this process.
pub struct Connections {
    permits: Option<Arc<Semaphore>>,
    time_limit: Option<Duration>,
    /// Set with `--tuned`. A std mutex: held for a look-up only, never across an await.
    shared: Option<std::sync::Mutex<HashMap<String, Arc<SharedConnection>>>>,
}

/// The shared connection to one address. The async mutex makes those that find it missing wait for the one that
/// connects, instead of opening a connection each.
pub(super) struct SharedConnection {
    server: Server,
    current: Mutex<Current>,
}

#[derive(Default)]
struct Current {
    connection: Option<Numbered>,
    /// How many there were before.
    earlier: u64,
}

/// A connection, and what tells it from the one that replaces it.
#[derive(Clone)]
struct Numbered {
    handed: Handed,
    redis: MultiplexedConnection,
}

/// Which connection, to which Redis, a component was handed. It may know things of that Redis, such as that it holds nothing
/// older than what was written last, and must hear of it where it is another one now.
#[derive(Clone)]
pub(super) struct Handed {
    number: u64,
    /// Redis's own name for its process, where it may be asked.
    run_id: Option<Arc<str>>,
}

impl Handed {
    /// Whether a connection can replace the one that was handed out unnoticed: it leads to the same process.
    fn can_be(&self, other: &Handed) -> bool {
        self.number == other.number || (self.run_id.is_some() && self.run_id == other.run_id)
    }
}

impl Numbered {
    async fn answers(&self) -> bool {
        let mut redis = self.redis.clone();
        let ping = redis::cmd("PING");
        matches!(timeout(ANSWERS_WITHIN, ping.query_async::<()>(&mut redis)).await, Ok(Ok(())))
    }
}

/// Where a Redis is, and how long connecting to it, or a command, may take.
struct Server {
    client: Client,
    time_limit: Option<Duration>,
}

impl Server {
    /// A connection that ends its commands at the time limit. Connecting has no limit here: callers run it [`within`] theirs.
    async fn connect(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new();
        let config = match self.time_limit {
            None => config,
            Some(limit) => config.set_response_timeout(limit),
        };
        self.client.get_multiplexed_async_connection_with_config(&config).await
    }
}

async fn within<T>(limit: Option<Duration>, work: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    let Some(limit) = limit else { return work.await };
    let timed_out = || RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
    timeout(limit, work).await.unwrap_or_else(|_| Err(timed_out()))
}

impl Connections {
    /// No connection yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            permits: limits.connections.map(|most| Arc::new(Semaphore::new(most))),
            time_limit: limits.time,
            shared: limits.shares.then(std::sync::Mutex::default),
        }
    }

    /// The longest that connecting takes, or a command on a connection. Without, a component that wants a limit sets it
    /// itself, as in Spin.
    #[must_use]
    pub fn time_limit(&self) -> Option<Duration> {
        self.time_limit
    }

    /// A connection to the address of `client`, as soon as `max_connections` allows one more.
    ///
    /// # Errors
    /// What redis-rs says of the attempt to connect, or of one that took too long.
    pub async fn open(&self, address: &str, client: Client) -> RedisResult<Connection> {
        within(self.time_limit, self.open_untimed(address, client)).await
    }

    async fn open_untimed(&self, address: &str, client: Client) -> RedisResult<Connection> {
        let permit = match &self.permits {
            None => None,
            // The semaphore is never closed.
            Some(permits) => permits.clone().acquire_owned().await.ok(),
        };
        let server = Server { client, time_limit: self.time_limit };
        let way = match &self.shared {
            None => Way::Own(server.connect().await?),
            Some(by_address) => {
                let shared = {
                    let mut by_address = by_address.lock().unwrap_or_else(PoisonError::into_inner);
                    let new = || Arc::new(SharedConnection { server, current: Mutex::default() });
                    by_address.entry(address.to_owned()).or_insert_with(new).clone()
                };
                let handed = shared.check().await?;
                Way::Shared(shared, handed)
            }
        };
        Ok(Connection { way, _permit: permit })
    }
}

impl Way {
    /// What Redis replies to a command.
    ///
    /// # Errors
    /// What redis-rs says of the connection, or Redis of the command.
    pub(super) async fn query<T: FromRedisValue>(self, command: &Cmd) -> RedisResult<T> {
        match self {
            Way::Own(mut redis) => command.query_async(&mut redis).await,
            Way::Shared(shared, handed) => T::from_owned_redis_value(shared.query(&handed, command).await?),
        }
    }
}

impl SharedConnection {
    /// Makes sure that there is a connection and that it answers.
    async fn check(&self) -> RedisResult<Handed> {
        // The check is made without the lock: it takes its time where the connection hangs, and need not queue up.
        let known = self.current.lock().await.connection.clone();
        if let Some(known) = known {
            if known.answers().await {
                return Ok(known.handed);
            }
            self.give_up(known).await;
        }
        self.get().await.map(|connection| connection.handed)
    }

    /// The connection that exists, or a new one.
    async fn get(&self) -> RedisResult<Numbered> {
        let mut current = self.current.lock().await;
        if let Some(connection) = &current.connection {
            return Ok(connection.clone());
        }
        let mut redis = self.server.connect().await?;
        let run_id = run_id(&mut redis).await;
        let connection = Numbered { handed: Handed { number: current.earlier, run_id }, redis };
        current.earlier += 1;
        current.connection = Some(connection.clone());
        Ok(connection)
    }

    /// Takes this connection out of use, unless another has replaced it. It is closed once nobody waits for a reply on it.
    async fn give_up(&self, connection: Numbered) {
        let mut current = self.current.lock().await;
        if current.connection.as_ref().is_some_and(|current| current.handed.number == connection.handed.number) {
            current.connection = None;
        }
    }

    /// What Redis replies to a command of a component that was handed this.
    async fn query(&self, handed: &Handed, command: &Cmd) -> RedisResult<Value> {
        let known = self.current.try_lock().ok().and_then(|current| current.connection.clone());
        if let Some(connection) = known {
            return self.query_on(handed, connection, command).await;
        }
        // Connecting and the command have one limit together.
        within(self.server.time_limit, async { self.query_on(handed, self.get().await?, command).await }).await
    }

    async fn query_on(&self, handed: &Handed, mut connection: Numbered, command: &Cmd) -> RedisResult<Value> {
        if !handed.can_be(&connection.handed) {
            return Err(std::io::Error::new(std::io::ErrorKind::BrokenPipe, "Redis was restarted, or replaced").into());
        }
        let reply = connection.redis.req_packed_command(command).await?.extract_error()?;
        if sent(command) > LARGE || received(&reply) > LARGE {
            self.give_up(connection).await;
            // To the task that owns the buffers: they need not be there any more when the reply is copied to the component.
            tokio::task::yield_now().await;
        }
        Ok(reply)
    }
}

/// The run id of a Redis, which a new process has a new one of.
async fn run_id(redis: &mut MultiplexedConnection) -> Option<Arc<str>> {
    let info: String = redis::cmd("INFO").arg("server").query_async(redis).await.ok()?;
    info.lines().find_map(|line| line.strip_prefix("run_id:")).map(Arc::from)
}

/// How many bytes a command carries.
fn sent(command: &Cmd) -> usize {
    let bytes = |argument: Arg<&[u8]>| match argument {
        Arg::Simple(bytes) => bytes.len(),
        Arg::Cursor => 0,
    };
    command.args_iter().map(bytes).sum()
}

/// How many bytes a reply carries, about.
fn received(reply: &Value) -> usize {
    match reply {
        Value::BulkString(bytes) => bytes.len(),
        Value::Array(values) => values.iter().map(received).sum(),
        _ => 0,
    }
}
