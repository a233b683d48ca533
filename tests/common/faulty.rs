//! The whole system with a proxy before Redis and one before the bridge.

use std::ops::Deref;
use std::time::{Duration, Instant};

use xtask::data_api::DataApi;
use xtask::log::Log;
use xtask::mongodb::MongoDb;
use xtask::project;
use xtask::redis::Redis;
use xtask::stack::{Stack, StackConfig};

use super::proxy::Proxy;
use super::system::{Answer, Client};

/// How long Redis may take, in [`Faulty`].
pub const CACHE_TIMEOUT: Duration = Duration::from_millis(150);
/// How long the store may take, in [`Faulty`].
pub const STORE_TIMEOUT: Duration = Duration::from_millis(800);

/// The system, its short timeouts, and what stands between its parts; it derefs to a client of it.
pub struct Faulty {
    client: Client,
    pub stack: Stack,
    pub to_redis: Proxy,
    pub to_store: Proxy,
    pub redis: Redis,
    _bridge: DataApi,
    _mongodb: MongoDb,
}

impl Faulty {
    /// Everything running, and the games seeded.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let redis = Redis::temporary().expect("a Redis");
        let mongodb = MongoDb::temporary().expect("a MongoDB");
        let log = project::scratch_dir().join(format!("faulty-{}-{}.log", std::process::id(), port_of(&redis.url())));
        let mut bridge =
            DataApi::new(&mongodb.uri(), "local-dev-key", "mongodb-atlas", Log::create(log).unwrap()).unwrap();
        xtask::programs::build(xtask::host::Runtime::Host).expect("the programs build");
        bridge.part.start().expect("a bridge");
        let to_redis = Proxy::before(([127, 0, 0, 1], port_of(&redis.url())).into());
        let to_store = Proxy::before(([127, 0, 0, 1], port_of(&bridge.url())).into());
        let config = StackConfig {
            redis_url: Some(format!("redis://{}", to_redis.address())),
            data_api_url: Some(
                bridge.url().replace(&port_of(&bridge.url()).to_string(), &to_store.address().port().to_string()),
            ),
            ..StackConfig::default()
        };
        let config = config
            .variable("cache_timeout_ms", &CACHE_TIMEOUT.as_millis().to_string())
            .variable("store_timeout_ms", &STORE_TIMEOUT.as_millis().to_string());
        let config = variables.iter().fold(config, |config, (name, value)| config.variable(name, value));
        let stack = Stack::start(config).expect("the system starts");
        let client = Client::new(stack.base_url());
        let system = Faulty { client, stack, to_redis, to_store, redis, _bridge: bridge, _mongodb: mongodb };
        assert_eq!(system.post("/api/initDB/all").status, 200);
        system
    }

    /// A read, and how long it took.
    pub fn timed(&self, path: &str) -> (Answer, Duration) {
        let began = Instant::now();
        let answer = self.get(path);
        (answer, began.elapsed())
    }
}

impl Deref for Faulty {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// The port in `scheme://127.0.0.1:PORT/…`.
fn port_of(url: &str) -> u16 {
    let after = url.rsplit_once("127.0.0.1:").unwrap().1;
    after.split('/').next().unwrap().parse().unwrap()
}

impl Faulty {
    /// A connection to Redis past the proxy.
    pub fn direct_redis(&self) -> redis::Connection {
        redis::Client::open(self.redis.url()).unwrap().get_connection().unwrap()
    }
}
