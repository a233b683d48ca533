//! What a stack is started with.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::host::Runtime;

/// What a stack is started with. The default is for tests: everything private, on free ports, with data that are
/// gone when the stack is, and with the variables' defaults.
#[derive(Clone, Debug, Default)]
pub struct StackConfig {
    /// Where the store listens; on a free port of 127.0.0.1 without.
    pub listen: Option<SocketAddr>,
    /// What runs the component.
    pub runtime: Runtime,
    /// A Redis that runs already.
    pub redis_url: Option<String>,
    /// A MongoDB that runs already.
    pub mongodb_uri: Option<String>,
    /// A Data API that runs already, by its base URL (`…/app/store/endpoint/data/v1`). Neither bridge nor MongoDB are
    /// started then.
    pub data_api_url: Option<String>,
    /// Where the private MongoDB keeps its data; in a folder that goes with the stack without.
    pub data_dir: Option<PathBuf>,
    /// Where the parts log; in a folder that goes with the stack without.
    pub log_dir: Option<PathBuf>,
    /// The runtime configuration file (`runtime-config.toml`); none is read without.
    pub runtime_config: Option<PathBuf>,
    /// The component's variables, before every other source; the last of a name counts.
    pub variables: Vec<(String, String)>,
    /// Further flags for the host, such as `--max-instance-reuse-count=1`.
    pub host_arguments: Vec<String>,
    /// Says on stderr what is being started, and passes on what the store and the bridge say there.
    pub verbose: bool,
}

impl StackConfig {
    /// Sets a variable of the component.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a flag for the host.
    #[must_use]
    pub fn host_argument(mut self, argument: &str) -> Self {
        self.host_arguments.push(argument.to_owned());
        self
    }

    /// The key that the store will send to the Data API, for the bridge to know: as given here, in the environment,
    /// or the manifest's default.
    pub(super) fn data_api_key(&self) -> String {
        const LOCAL: &str = "local-dev-key";
        let given = self.variables.iter().rev().find(|(name, _)| name == "data_api_key");
        match given {
            Some((_, key)) => key.clone(),
            None => std::env::var("SPIN_VARIABLE_DATA_API_KEY").unwrap_or_else(|_| LOCAL.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bridge_knows_the_key_that_the_store_sends() {
        assert_eq!(StackConfig::default().data_api_key(), "local-dev-key");
        let config = StackConfig::default().variable("data_api_key", "one").variable("data_api_key", "two");
        assert_eq!(config.data_api_key(), "two");
    }
}
