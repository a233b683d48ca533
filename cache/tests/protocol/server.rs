//! A Redis of its own, the steps of the protocol on it, and a connection beside them.

use std::time::Duration;

use fenced_cache::native::{RedisRs, TokioPlatform};
use fenced_cache::protocol::{Acquired, Fill, Filled, Lease, Protocol};
use fenced_cache::{Entry, Ports, ReadThrough, Scope, Settings, Space, WritePolicy};
use redis::aio::MultiplexedConnection;
use redis::{Client, Value, cmd};
use testkit::port;
use testkit::services::redis::Redis;

pub const LEASE: Duration = Duration::from_secs(2);
pub const TTL: Duration = Duration::from_secs(60);
pub const FENCE: Duration = Duration::from_secs(20);
pub const LISTINGS: Scope = Scope::group("list");
pub const DOCUMENT: Scope = Scope::single("id:1");
pub const DOCUMENTS: Scope = Scope::group("id");

pub struct Native;

impl Ports for Native {
    type Connector = RedisRs;
    type Platform = TokioPlatform;
    type Observer = ();
}

pub struct TestRedis {
    pub protocol: Protocol<Native>,
    connection: MultiplexedConnection,
    pub server: Redis,
}

/// Starts a Redis, with these arguments beside the usual ones.
pub async fn started(arguments: &[&str]) -> TestRedis {
    let server = Redis::temporary_on(port::free().unwrap(), arguments).unwrap();
    let client = Client::open(server.url()).unwrap();
    TestRedis {
        protocol: Protocol::new(RedisRs::new(&server.url()).unwrap(), TokioPlatform::default(), spaces()),
        connection: client.get_multiplexed_async_connection().await.unwrap(),
        server,
    }
}

pub fn spaces() -> Vec<Space> {
    ["games", "clients"]
        .map(|key| Space { key: key.to_owned(), groups: vec!["list".to_owned(), "id".to_owned()] })
        .into()
}

/// The whole cache, on the Redis at this address.
pub fn cache(url: &str, write_policy: WritePolicy) -> ReadThrough<Native> {
    let settings = Settings { spaces: spaces(), write_policy, ..Settings::default() };
    ReadThrough::new(settings, RedisRs::new(url).unwrap(), TokioPlatform::default(), ())
}

pub fn listing() -> Entry<'static> {
    Entry::new("games", "list", &[LISTINGS])
}

pub fn document() -> Entry<'static> {
    Entry::new("games", DOCUMENT.name, &[DOCUMENT, DOCUMENTS])
}

pub fn value(value: &[u8]) -> Fill<'_> {
    Fill { value: Some(value), stamp: "\"tag\" meta", ttl: TTL, keep: Duration::ZERO, max_entries: 0 }
}

impl TestRedis {
    /// Runs a command, as `redis-cli` would.
    pub async fn command(&mut self, words: &[&str]) -> Value {
        let mut command = cmd(words[0]);
        command.arg(&words[1..]);
        command.query_async(&mut self.connection).await.unwrap()
    }

    /// Every key.
    pub async fn keys(&mut self, pattern: &str) -> Vec<String> {
        cmd("KEYS").arg(pattern).query_async(&mut self.connection).await.unwrap()
    }

    /// Every key that would live for ever.
    pub async fn keys_without_ttl(&mut self) -> Vec<String> {
        let mut eternal = Vec::new();
        for key in self.keys("*").await {
            let ttl: i64 = cmd("PTTL").arg(&key).query_async(&mut self.connection).await.unwrap();
            if ttl == -1 {
                eternal.push(key);
            }
        }
        eternal
    }

    pub async fn acquire(&self, entry: &Entry<'_>, token: u64) -> Acquired {
        self.protocol.acquire(entry, token, LEASE, TTL).await.unwrap()
    }

    pub async fn lease(&self, entry: &Entry<'_>, token: u64) -> Lease {
        match self.acquire(entry, token).await {
            Acquired::Leased(lease) => lease,
            other => panic!("no lease: {other:?}"),
        }
    }

    pub async fn fill(&self, entry: &Entry<'_>, lease: &Lease, bytes: &str) -> Filled {
        self.protocol.fill(entry, lease, value(bytes.as_bytes())).await.unwrap()
    }

    /// Stores a value, as a reader does.
    pub async fn store(&self, entry: &Entry<'_>, bytes: &str) {
        let lease = self.lease(entry, 77 << 20).await;
        assert_eq!(self.fill(entry, &lease, bytes).await, Filled::Stored);
    }

    /// The cached value.
    pub async fn cached(&self, entry: &Entry<'_>) -> Option<String> {
        let (_, cached) = self.protocol.lookup(entry).await.unwrap();
        cached.map(|cached| String::from_utf8_lossy(&cached.bytes).into_owned())
    }

    pub async fn begin(&self, scopes: &[Scope<'_>], token: u64) {
        self.protocol.begin_write("games", scopes, token, FENCE).await.unwrap();
    }

    pub async fn end(&self, scopes: &[Scope<'_>], token: u64) -> u64 {
        self.protocol.end_write("games", scopes, token).await.unwrap()
    }
}
