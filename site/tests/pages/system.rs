//! The whole running system, and a client of it.

use std::ops::Deref;

use testkit::client::Client;
use testkit::project;
use testkit::stack::{Stack, StackConfig};

/// The whole system, stopped when dropped; it derefs to a client of it.
pub struct System {
    stack: Stack,
    client: Client,
}

impl System {
    /// The system with the local runtime configuration, as `cargo xtask up` runs it, and these variables.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let runtime_config = Some(project::root().join("runtime-config.toml"));
        let config = StackConfig { runtime_config, ..StackConfig::default() };
        let config = variables.iter().fold(config, |config, (name, value)| config.variable(name, value));
        let stack = Stack::start(config).expect("the system starts");
        let client = Client::new(stack.base_url());
        System { stack, client }
    }

    pub fn stop_redis(&mut self) {
        self.stack.redis().unwrap().kill().unwrap();
    }
}

impl Deref for System {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
