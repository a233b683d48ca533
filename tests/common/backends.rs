//! What a host needs, running: Redis, and the bridge before a MongoDB.

use std::net::SocketAddr;

use tempfile::TempDir;
use testkit::log::Log;
use testkit::progress::Progress;
use testkit::runtime::Runtime;
use testkit::services::data_api::DataApi;
use testkit::services::mongodb::MongoDb;
use testkit::services::redis::Redis;
use testkit::{programs, project};

const KEY: &str = "local-dev-key";

/// The servers behind a host, stopped when dropped.
pub struct Backends {
    pub redis: Redis,
    pub bridge: DataApi,
    pub mongodb: MongoDb,
    _folder: TempDir,
}

impl Backends {
    pub fn start() -> Self {
        let redis = Redis::temporary().expect("a Redis");
        let mongodb = MongoDb::temporary().expect("a MongoDB");
        let folder = testkit::project::temporary_folder().unwrap();
        let log = Log::create(folder.path().join("bridge.log")).unwrap();
        let mut bridge = DataApi::new(&project::data_api(), &mongodb.uri(), KEY, "mongodb-atlas", log).unwrap();
        programs::build(Runtime::from_environment().unwrap(), &Progress::quiet()).expect("the programs build");
        bridge.service.start().expect("a bridge");
        Backends { redis, bridge, mongodb, _folder: folder }
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
