//! The whole system, running, and a client of it.

use std::ops::Deref;

use redis::Commands;
use testkit::client::Client;
use testkit::project;
use testkit::stack::{Stack, StackConfig};

use super::host::Host;

/// The whole system, stopped when dropped; it derefs to a client of it.
pub struct System {
    stack: Stack,
    client: Client,
}

impl System {
    /// The system with the local runtime configuration, as `cargo xtask up` runs it, and these variables.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        Self::start_with(StackConfig::default(), variables)
    }

    /// The same, started otherwise as `config` says.
    pub fn start_with(config: StackConfig, variables: &[(&str, &str)]) -> Self {
        let config = StackConfig { runtime_config: Some(runtime_config()), ..config };
        let config = variables.iter().fold(config, |config, (name, value)| config.variable(name, value));
        let stack = Stack::start(config).expect("the system starts");
        let client = Client::new(stack.base_url());
        System { stack, client }
    }

    /// A host of its own, with these variables, on the same Redis and Data API.
    pub fn second_host(&self, variables: &[(&str, &str)]) -> Host {
        let mut all = vec![("redis_url", self.stack.redis_url()), ("data_api_url", self.stack.data_api_url())];
        all.extend(variables);
        Host::start(&all)
    }

    pub fn stop_redis(&mut self) {
        self.stack.redis().unwrap().kill().unwrap();
    }

    pub fn restart_redis(&mut self) {
        self.stop_redis();
        self.stack.redis().unwrap().start().unwrap();
    }

    pub fn stop_data_api(&mut self) {
        self.stack.data_api().unwrap().kill().unwrap();
    }

    /// The end of the host's log.
    pub fn log(&mut self) -> String {
        self.stack.host().log().tail(100)
    }

    fn redis(&self) -> redis::Connection {
        redis::Client::open(self.stack.redis_url()).unwrap().get_connection().unwrap()
    }

    /// The keys in Redis that match a pattern.
    pub fn keys(&self, pattern: &str) -> Vec<String> {
        self.redis().keys(pattern).unwrap()
    }

    /// The value of a key, where there is one.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.redis().get(key).unwrap()
    }

    /// What is left of a key's TTL, or less than zero.
    pub fn ttl_ms(&self, key: &str) -> i64 {
        self.redis().pttl(key).unwrap()
    }
}

impl Deref for System {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

/// What `cargo xtask up` gives the host.
fn runtime_config() -> std::path::PathBuf {
    project::root().join("runtime-config.toml")
}
