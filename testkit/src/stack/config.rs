//! What a stack is started with.

use std::env;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::runtime::Runtime;

/// What a stack is started with. The default is for tests: everything private, on free ports, with data that are
/// gone when the stack is, and with the variables' defaults.
#[derive(Clone, Debug, Default)]
pub struct StackConfig {
    /// Where the store listens; on a free port of 127.0.0.1 without.
    pub listen: Option<SocketAddr>,
    /// What runs the component; as the environment says without ([`Runtime::from_environment`]).
    pub runtime: Option<Runtime>,
    /// A Redis that runs already.
    pub redis_url: Option<String>,
    /// A MongoDB that runs already.
    pub mongodb_uri: Option<String>,
    /// The bridge's program; the one in the profile `dev` without.
    pub data_api_program: Option<PathBuf>,
    /// The program of this repository's host; the one in the profile `dev` without.
    pub store_host_program: Option<PathBuf>,
    /// A Data API that runs already, by its base URL (`…/app/store/endpoint/data/v1`). Neither bridge nor MongoDB are
    /// started then.
    pub data_api_url: Option<String>,
    /// Where the private MongoDB keeps its data; in a folder that goes with the stack without.
    pub data_dir: Option<PathBuf>,
    /// Where the services log; in a folder that goes with the stack without.
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

    /// What the store will have as this variable, for the bridge to know the same: as given here, in the environment,
    /// or the manifest's default.
    pub(super) fn effective(&self, name: &str, default: &str) -> String {
        match self.variables.iter().rev().find(|(given, _)| given == name) {
            Some((_, value)) => value.clone(),
            None => env::var(format!("SPIN_VARIABLE_{}", name.to_uppercase())).unwrap_or_else(|_| default.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_value_given_counts() {
        let key = |config: StackConfig| config.effective("data_api_key", "local-dev-key");
        assert_eq!(key(StackConfig::default()), "local-dev-key");
        assert_eq!(key(StackConfig::default().variable("data_api_key", "a").variable("data_api_key", "b")), "b");
    }
}
