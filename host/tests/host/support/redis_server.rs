//! A Redis of one test's own.

use testkit::services::redis::Redis;

use super::app::Host;
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
        Self::start_with(port, &[])
    }

    /// One that listens on `port`, with further arguments.
    pub fn start_with(port: u16, arguments: &[&str]) -> Self {
        Self { _redis: Redis::temporary_on(port, arguments).expect("a Redis"), port }
    }

    /// How many connections it has; `host` asks it, on one of them.
    pub fn connections(&self, host: &Host) -> usize {
        let clients = host.get("/redis/execute?line=CLIENT,LIST").ok();
        clients.matches("addr=").count() - clients.matches("laddr=").count()
    }

    /// The flag that tells the application about this server.
    pub fn variable(&self) -> String {
        format!("redis_url=redis://127.0.0.1:{}", self.port)
    }
}
