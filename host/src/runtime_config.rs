//! `runtime-config.toml`: how this host, not the application, is set up.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use toml::Table;

use crate::variables::{ENVIRONMENT_PREFIX, Provider};

/// What a runtime configuration says. The default is an empty file.
#[derive(Debug, Default)]
pub struct RuntimeConfig {
    /// `[[variables_provider]]`, in the order in which they are asked.
    pub providers: Vec<Provider>,
    /// `[outbound_http]`.
    pub outbound_http: OutboundHttp,
    /// `[outbound_redis]`.
    pub outbound_redis: OutboundRedis,
    /// `max_instance_memory`: the most linear memory, in bytes, of one instance. No limit but Wasm's 4 GiB by default.
    pub max_instance_memory: Option<usize>,
}

/// `[outbound_http]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundHttp {
    /// Keep connections for the next request. On without this table; but a table that does not mention it turns it off,
    /// in Spin as here.
    #[serde(default)]
    pub connection_pooling: bool,
    max_connections: Option<usize>,
    max_concurrent_requests: Option<usize>,
}

impl OutboundHttp {
    /// How many connections there may be at a time. No limit by default. The older `max_concurrent_requests` counts one
    /// less, as Spin reads it.
    #[must_use]
    pub fn connection_limit(&self) -> Option<usize> {
        self.max_connections.or(self.max_concurrent_requests.map(|limit| limit.saturating_add(1)))
    }
}

/// `[outbound_redis]`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutboundRedis {
    /// How many connections the instances may hold together; an instance that opens one more waits. No limit by default.
    pub max_connections: Option<usize>,
}

impl Default for OutboundHttp {
    fn default() -> Self {
        Self { connection_pooling: true, max_connections: None, max_concurrent_requests: None }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundNetworking {
    #[serde(default)]
    block_networks: Vec<String>,
    max_total_connections: Option<usize>,
    max_socket_connections: Option<usize>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default, alias = "config_provider")]
    variables_provider: Vec<Table>,
    #[serde(default)]
    outbound_http: OutboundHttp,
    #[serde(default)]
    outbound_redis: OutboundRedis,
    #[serde(default)]
    outbound_networking: OutboundNetworking,
    max_instance_memory: Option<usize>,
    state_dir: Option<String>,
    log_dir: Option<String>,
    #[serde(flatten)]
    rest: Table,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Static {
    values: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Environment {
    prefix: Option<String>,
    dotenv_path: Option<PathBuf>,
}

impl RuntimeConfig {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// The file, and the key in it, that cannot be used.
    pub fn load(path: &Path) -> Result<Self> {
        let shown = path.display();
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read the runtime configuration {shown}"))?;
        Self::parse(&text).with_context(|| format!("the runtime configuration {shown} cannot be used"))
    }

    fn parse(text: &str) -> Result<Self> {
        let file: File = toml::from_str(text)?;
        if let Some(key) = file.rest.keys().next() {
            bail!("{key}: not supported by store-host");
        }
        if file.outbound_http.max_connections.is_some() && file.outbound_http.max_concurrent_requests.is_some() {
            bail!(
                "cannot set both `max_connections` and `max_concurrent_requests` in `[outbound_http]`; use \
                 `max_connections` only"
            );
        }
        // Leaving out a limit makes a local run only more permissive; leaving out a block would be a hole.
        if !file.outbound_networking.block_networks.is_empty() {
            bail!("[outbound_networking] block_networks: not supported by store-host");
        }
        for (key, is_set) in [
            ("[outbound_networking] max_total_connections", file.outbound_networking.max_total_connections.is_some()),
            ("[outbound_networking] max_socket_connections", file.outbound_networking.max_socket_connections.is_some()),
            ("state_dir", file.state_dir.is_some()),
            ("log_dir", file.log_dir.is_some()),
        ] {
            if is_set {
                tracing::warn!("the runtime configuration sets {key}, which store-host does not heed");
            }
        }
        Ok(Self {
            providers: file.variables_provider.into_iter().map(provider).collect::<Result<_>>()?,
            outbound_http: file.outbound_http,
            outbound_redis: file.outbound_redis,
            max_instance_memory: file.max_instance_memory,
        })
    }
}

fn provider(mut table: Table) -> Result<Provider> {
    let kind = table.remove("type");
    match kind.as_ref().and_then(|kind| kind.as_str()) {
        Some("static") => {
            let fixed: Static = table.try_into().context("[[variables_provider]] of type \"static\"")?;
            Ok(Provider::Table(fixed.values))
        }
        Some("env") => {
            let config: Environment = table.try_into().context("[[variables_provider]] of type \"env\"")?;
            environment(config.prefix, config.dotenv_path.as_deref())
        }
        Some(other) => {
            bail!("[[variables_provider]] type = {other:?}: store-host supports \"static\" and \"env\"")
        }
        None => bail!("[[variables_provider]] has no type"),
    }
}

/// The provider that stands behind all others: `SPIN_VARIABLE_<NAME>`, with a file `.env` in the working directory
/// behind the process's own environment, as Spin has it.
///
/// # Errors
/// A `.env` that cannot be understood.
pub fn default_environment() -> Result<Provider> {
    environment(None, Some(Path::new(".env")).filter(|path| path.is_file()))
}

fn environment(prefix: Option<String>, dotenv: Option<&Path>) -> Result<Provider> {
    let mut values = HashMap::new();
    if let Some(path) = dotenv {
        let entries = dotenvy::from_path_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("cannot read the dotenv file {}", path.display()))?;
        values.extend(entries);
    }
    // A value that is not UTF-8 cannot be a variable's; the environment may hold such for others.
    let process = std::env::vars_os();
    values.extend(process.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))));
    Ok(Provider::Environment { prefix: prefix.unwrap_or_else(|| ENVIRONMENT_PREFIX.to_owned()), values })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_file_is_the_default() {
        let config = RuntimeConfig::parse("").unwrap();
        assert!(config.providers.is_empty());
        assert!(config.outbound_http.connection_pooling);
        assert_eq!(config.outbound_redis.max_connections, None);
    }

    #[test]
    fn providers_keep_their_order() {
        let config = RuntimeConfig::parse(
            r#"
            max_instance_memory = 1048576
            [[variables_provider]]
            type = "static"
            values = { a = "1" }
            [[variables_provider]]
            type = "env"
            prefix = "SHOP"
            [outbound_http]
            connection_pooling = false
            [outbound_redis]
            max_connections = 3
            "#,
        )
        .unwrap();
        assert!(matches!(&config.providers[0], Provider::Table(values) if values["a"] == "1"));
        assert!(matches!(&config.providers[1], Provider::Environment { prefix, .. } if prefix == "SHOP"));
        assert!(!config.outbound_http.connection_pooling);
        assert_eq!(config.outbound_redis.max_connections, Some(3));
        assert_eq!(config.max_instance_memory, Some(1 << 20));
    }

    #[test]
    fn a_table_for_outbound_http_turns_pooling_off_unless_it_says_otherwise() {
        let http = |text: &str| RuntimeConfig::parse(text).unwrap().outbound_http;
        assert_eq!(http("").connection_limit(), None);
        let limited = http("[outbound_http]\nmax_connections = 4");
        assert_eq!((limited.connection_pooling, limited.connection_limit()), (false, Some(4)));
        assert_eq!(http("[outbound_http]\nmax_concurrent_requests = 4").connection_limit(), Some(5));
        assert!(http("[outbound_http]\nconnection_pooling = true").connection_pooling);
    }

    #[test]
    fn what_is_not_supported_is_named() {
        for (text, named) in [
            ("[[variables_provider]]\ntype = \"vault\"\nurl = \"x\"", "\"vault\""),
            ("[[variables_provider]]\ntype = \"azure_key_vault\"", "\"azure_key_vault\""),
            ("[[variables_provider]]\nvalues = {}", "no type"),
            ("[[variables_provider]]\ntype = \"static\"\nvalue = {}", "static"),
            ("[outbound_networking]\nblock_networks = [\"private\"]", "block_networks"),
            ("[[client_tls]]\nhosts = [\"x\"]", "client_tls"),
            ("[key_value_store.default]\ntype = \"redis\"", "key_value_store"),
            ("[outbound_redis]\nmax = 1", "max"),
            ("[outbound_http]\nmax_connections = 1\nmax_concurrent_requests = 1", "cannot set both"),
        ] {
            let message = format!("{:#}", RuntimeConfig::parse(text).unwrap_err());
            assert!(message.contains(named), "{text}: {message}");
        }
    }
}
