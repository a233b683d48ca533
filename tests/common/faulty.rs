//! Hosts with a proxy before Redis and one before the bridge, each to be broken.

use std::ops::Deref;
use std::time::{Duration, Instant};

use testkit::client::{Client, Response};
use testkit::proxy::Proxy;
use testkit::runtime::Runtime;

use super::backends::Backends;
use super::host::Host;

/// How long Redis may take.
pub const CACHE_TIMEOUT: Duration = Duration::from_millis(150);
/// How long the store may take.
pub const STORE_TIMEOUT: Duration = Duration::from_millis(800);

/// A host, and its ways to Redis and to the store; it derefs to a client of it.
pub struct Node {
    pub host: Host,
    pub to_redis: Proxy,
    pub to_store: Proxy,
}

impl Node {
    /// A host on these servers, with short timeouts, and these variables.
    pub fn start(backends: &Backends, variables: &[(&str, &str)]) -> Self {
        Self::start_on(Runtime::from_environment().unwrap(), backends, variables)
    }

    /// The same on this runtime.
    pub fn start_on(runtime: Runtime, backends: &Backends, variables: &[(&str, &str)]) -> Self {
        let to_redis = Proxy::before(backends.redis_address());
        let to_store = Proxy::before(backends.bridge_address());
        let redis_url = format!("redis://{}", to_redis.address());
        let direct = backends.bridge_address().to_string();
        let data_api_url = backends.bridge.url().replace(&direct, &to_store.address().to_string());
        let cache_timeout = CACHE_TIMEOUT.as_millis().to_string();
        let store_timeout = STORE_TIMEOUT.as_millis().to_string();
        let mut all = vec![
            ("redis_url", redis_url.as_str()),
            ("data_api_url", data_api_url.as_str()),
            ("cache_timeout_ms", &cache_timeout),
            ("store_timeout_ms", &store_timeout),
        ];
        all.extend(variables);
        Node { host: Host::start_on(runtime, &all), to_redis, to_store }
    }

    /// A read, and how long it took.
    pub fn timed(&self, path: &str) -> (Response, Duration) {
        let began = Instant::now();
        let answer = self.get(path);
        (answer, began.elapsed())
    }
}

impl Deref for Node {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.host
    }
}

/// One node and its servers, the games seeded; it derefs to the node.
pub struct Faulty {
    // Dropped first: it has connections to the others.
    node: Node,
    pub backends: Backends,
}

impl Faulty {
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_on(Runtime::from_environment().unwrap(), variables)
    }

    /// The same on this runtime.
    pub fn start_on(runtime: Runtime, variables: &[(&str, &str)]) -> Self {
        let backends = Backends::start();
        let node = Node::start_on(runtime, &backends, variables);
        assert_eq!(node.post("/api/initDB/all").status, 200);
        Faulty { node, backends }
    }
}

impl Deref for Faulty {
    type Target = Node;

    fn deref(&self) -> &Node {
        &self.node
    }
}
