//! Connections to Redis: one for each `open`, or one per address for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How soon a shared connection must answer a `PING` to be given to one more instance.
///
/// A component that gave up on a hanging connection opens a new one, and must not be handed the same again.
const ANSWERS_WITHIN: Duration = Duration::from_millis(100);

/// What a component holds as a `connection`.
pub struct Connection {
    pub(super) redis: MultiplexedConnection,
    /// Counts against `[outbound_redis] max_connections` for as long as the component holds the connection.
    _permit: Option<OwnedSemaphorePermit>,
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
    shared: Option<Mutex<HashMap<String, Arc<SharedConnection>>>>,
}

/// The shared connection to one address. The async mutex makes those that find it missing wait for the one that
/// connects, instead of opening a connection each.
#[derive(Default)]
struct SharedConnection(tokio::sync::Mutex<Option<Numbered>>);

/// A connection and a number that tells it from the one that replaces it.
#[derive(Clone)]
struct Numbered {
    number: u64,
    redis: MultiplexedConnection,
}

impl Numbered {
    async fn answers(&self) -> bool {
        let mut redis = self.redis.clone();
        let ping = redis::cmd("PING");
        matches!(timeout(ANSWERS_WITHIN, ping.query_async::<()>(&mut redis)).await, Ok(Ok(())))
    }
}

impl Connections {
    /// No connection yet.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            permits: limits.connections.map(|most| Arc::new(Semaphore::new(most))),
            time_limit: limits.time,
            shared: limits.shares.then(Mutex::default),
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
    pub async fn open(&self, address: &str, client: &Client) -> RedisResult<Connection> {
        let opening = self.open_untimed(address, client);
        match self.time_limit {
            None => opening.await,
            Some(limit) => {
                let timed_out = || RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
                timeout(limit, opening).await.unwrap_or_else(|_| Err(timed_out()))
            }
        }
    }

    async fn open_untimed(&self, address: &str, client: &Client) -> RedisResult<Connection> {
        let permit = match &self.permits {
            None => None,
            // The semaphore is never closed.
            Some(permits) => permits.clone().acquire_owned().await.ok(),
        };
        let redis = match &self.shared {
            None => self.connect(client).await?,
            Some(by_address) => {
                let shared = {
                    let mut by_address = by_address.lock().unwrap_or_else(PoisonError::into_inner);
                    by_address.entry(address.to_owned()).or_default().clone()
                };
                shared.get(async || self.connect(client).await).await?
            }
        };
        Ok(Connection { redis, _permit: permit })
    }

    async fn connect(&self, client: &Client) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new();
        let config = match self.time_limit {
            None => config,
            Some(limit) => config.set_response_timeout(limit),
        };
        client.get_multiplexed_async_connection_with_config(&config).await
    }
}

impl SharedConnection {
    /// The connection that exists, or a new one where there is none or it does not answer.
    async fn get(
        &self,
        connect: impl AsyncFnOnce() -> RedisResult<MultiplexedConnection>,
    ) -> RedisResult<MultiplexedConnection> {
        // The check is made without the lock: it takes its time where the connection hangs, and need not queue up.
        let known = self.0.lock().await.clone();
        if let Some(known) = &known
            && known.answers().await
        {
            return Ok(known.redis.clone());
        }
        let mut current = self.0.lock().await;
        let failed = known.map(|known| known.number);
        if let Some(replaced) = current.as_ref().filter(|current| Some(current.number) != failed) {
            return Ok(replaced.redis.clone());
        }
        let redis = connect().await?;
        let number = failed.map_or(0, |number| number + 1);
        *current = Some(Numbered { number, redis: redis.clone() });
        Ok(redis)
    }
}
