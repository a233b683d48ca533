//! One multiplexed connection per address, replaced when it broke or hangs.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisError, RedisResult};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How soon the shared connection must answer a `PING` to be given to one more instance.
///
/// A component that gave up on a hanging connection opens a new one, and must not be handed the same again.
const ANSWERS_WITHIN: Duration = Duration::from_millis(100);

/// What a component holds as a `connection`.
pub struct Connection {
    pub(super) redis: MultiplexedConnection,
    /// Counts against `[outbound_redis] max_connections` for as long as the component holds the connection.
    _permit: Option<OwnedSemaphorePermit>,
}

/// The connections of this process, by address.
#[derive(Debug)]
pub struct Connections {
    // A std mutex: held for a look-up only, never across an await.
    by_address: Mutex<HashMap<String, Arc<Slot>>>,
    limit: Option<Arc<Semaphore>>,
}

/// The place of one address. The async mutex makes those who find it empty wait for the one that connects, instead of
/// opening a connection each.
#[derive(Debug, Default)]
struct Slot(tokio::sync::Mutex<Option<Live>>);

#[derive(Clone, Debug)]
struct Live {
    redis: MultiplexedConnection,
    /// Set when the task that reads and writes the socket has ended: Redis closed the connection, or sent nonsense.
    is_closed: Arc<AtomicBool>,
}

impl Live {
    async fn answers(&self) -> bool {
        let mut redis = self.redis.clone();
        let ping = redis::cmd("PING");
        !self.is_closed.load(Ordering::Acquire)
            && matches!(timeout(ANSWERS_WITHIN, ping.query_async::<()>(&mut redis)).await, Ok(Ok(())))
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.is_closed, &other.is_closed)
    }
}

impl Connections {
    /// No connection yet; at most `limit` held by components at a time.
    #[must_use]
    pub fn new(limit: Option<usize>) -> Self {
        Self { by_address: Mutex::default(), limit: limit.map(|limit| Arc::new(Semaphore::new(limit))) }
    }

    /// The connection to `address` (`redis://[user:password@]host[:port][/database]`): the one that exists, or a new one
    /// where there is none or it does not answer.
    ///
    /// Neither connecting nor a command has a time limit, as in Spin (redis-rs 1.x would give up a command after 500 ms by
    /// default): a component that wants one sets it itself.
    ///
    /// # Errors
    /// What redis-rs says of the address, or of the attempt to connect.
    pub async fn open(&self, address: &str) -> RedisResult<Connection> {
        let permit = match &self.limit {
            None => None,
            Some(limit) => limit.clone().acquire_owned().await.ok(),
        };
        let slot = {
            let mut by_address = self.by_address.lock().unwrap_or_else(PoisonError::into_inner);
            match by_address.get(address) {
                Some(slot) => slot.clone(),
                None => by_address.entry(address.to_owned()).or_default().clone(),
            }
        };
        // The check is made without the lock: it takes its time where the connection hangs, and need not queue up.
        let known = slot.0.lock().await.clone();
        if let Some(live) = &known
            && live.answers().await
        {
            return Ok(Connection { redis: live.redis.clone(), _permit: permit });
        }
        let mut current = slot.0.lock().await;
        let replaced = current.as_ref().filter(|live| known.as_ref().is_none_or(|known| !known.is(live)));
        let redis = match replaced {
            Some(live) => live.redis.clone(),
            None => current.insert(connect(address).await?).redis.clone(),
        };
        Ok(Connection { redis, _permit: permit })
    }
}

async fn connect(address: &str) -> RedisResult<Live> {
    let info = address.into_connection_info()?;
    let ConnectionAddr::Tcp(host, port) = info.addr() else {
        return Err(RedisError::from((
            ErrorKind::InvalidClientConfig,
            "store-host connects to redis:// only, without TLS",
        )));
    };
    let socket = TcpStream::connect((host.as_str(), *port)).await?;
    // Commands are small and someone waits for each.
    socket.set_nodelay(true)?;
    let config = AsyncConnectionConfig::new().set_response_timeout(None).set_connection_timeout(None);
    let (redis, driver) = MultiplexedConnection::new_with_config(info.redis_settings(), socket, config).await?;
    let is_closed = Arc::new(AtomicBool::new(false));
    tokio::spawn({
        let is_closed = is_closed.clone();
        async move {
            driver.await;
            is_closed.store(true, Ordering::Release);
        }
    });
    Ok(Live { redis, is_closed })
}
