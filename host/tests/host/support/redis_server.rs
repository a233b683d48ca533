//! A Redis of one test's own.

use std::io::{Read, Write};
use std::net::TcpStream;

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
        Self::start_with(port, &[])
    }

    /// One that listens on `port`, with further arguments.
    pub fn start_with(port: u16, arguments: &[&str]) -> Self {
        Self { _redis: Redis::temporary_on(port, arguments).expect("a Redis"), port }
    }

    /// How many connections it has, beside the one that asks. A host is not asked: that would keep its instances busy.
    pub fn connections(&self) -> usize {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("Redis accepts connections");
        stream.write_all(b"CLIENT LIST\r\nQUIT\r\n").expect("Redis reads");
        let mut clients = String::new();
        stream.read_to_string(&mut clients).expect("Redis answers");
        clients.matches(" laddr=").count() - 1
    }

    /// The flag that tells the application about this server.
    pub fn variable(&self) -> String {
        format!("redis_url=redis://127.0.0.1:{}", self.port)
    }
}
