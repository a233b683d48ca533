//! What a host needs, running: Redis, and the bridge before a MongoDB.

use std::net::SocketAddr;

use xtask::data_api::DataApi;
use xtask::host::Runtime;
use xtask::log::Log;
use xtask::mongodb::MongoDb;
use xtask::programs;
use xtask::redis::Redis;
use xtask::stack::Scratch;

const KEY: &str = "local-dev-key";

/// The servers behind a host, stopped when dropped.
pub struct Backends {
    pub redis: Redis,
    pub bridge: DataApi,
    pub mongodb: MongoDb,
    _scratch: Scratch,
}

impl Backends {
    pub fn start() -> Self {
        let redis = Redis::temporary().expect("a Redis");
        let mongodb = MongoDb::temporary().expect("a MongoDB");
        let scratch = Scratch::new().unwrap();
        let log = Log::create(scratch.path().join("bridge.log")).unwrap();
        let mut bridge = DataApi::new(&mongodb.uri(), KEY, "mongodb-atlas", log).unwrap();
        programs::build(Runtime::Host).expect("the programs build");
        bridge.part.start().expect("a bridge");
        Backends { redis, bridge, mongodb, _scratch: scratch }
    }

    pub fn redis_address(&self) -> SocketAddr {
        address(&self.redis.url())
    }

    pub fn bridge_address(&self) -> SocketAddr {
        address(&self.bridge.url())
    }

    /// A connection to Redis, past all proxies.
    pub fn redis_connection(&self) -> redis::Connection {
        redis::Client::open(self.redis.url()).unwrap().get_connection().unwrap()
    }
}

/// The address in `scheme://127.0.0.1:PORT/…`.
fn address(url: &str) -> SocketAddr {
    let after = url.split_once("://").unwrap().1;
    after.split('/').next().unwrap().parse().unwrap()
}
