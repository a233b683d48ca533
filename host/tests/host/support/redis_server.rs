//! A Redis of one test's own.

use testkit::services::redis::Redis;

use super::free_port;

pub struct RedisServer {
    _redis: Redis,
    pub port: u16,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_on(free_port())
    }

    pub fn start_on(port: u16) -> Self {
        Self { _redis: Redis::temporary_on(port, &[]).expect("a Redis"), port }
    }

    /// The flag that tells the application about this server.
    pub fn variable(&self) -> String {
        format!("redis_url=redis://127.0.0.1:{}", self.port)
    }
}
