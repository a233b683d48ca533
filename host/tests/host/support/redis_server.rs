//! A Redis of one test's own.

use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use super::app::Host;
use super::{eventually, free_port};

pub struct RedisServer {
    child: Child,
    pub port: u16,
}

impl RedisServer {
    pub fn start() -> Self {
        Self::start_on(free_port())
    }

    pub fn start_on(port: u16) -> Self {
        Self::start_with(port, &["--port", &port.to_string()])
    }

    /// One that listens on `port`, as `arguments` say.
    pub fn start_with(port: u16, arguments: &[&str]) -> Self {
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"])
            .args(arguments)
            .arg("--dir")
            .arg(std::env::temp_dir())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let server = Self { child, port };
        eventually("Redis accepts connections", || TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
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

impl Drop for RedisServer {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
