//! The command line: the names and meanings of `spin up`'s flags, so that one can stand in for the other.

use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::range::Range;
use crate::variable_arg::VariableArg;

/// Runs a Spin HTTP application on this machine, without Spin.
///
/// store-host reads a Spin manifest (spin.toml), compiles the WebAssembly components that it names, and answers HTTP
/// requests with them. It is meant for development and tests: it offers outbound HTTP, Redis and variables, and says
/// clearly where an application asks for more. What it offers behaves as in Spin, its flaws included, unless --tuned is
/// given.
///
/// When it accepts requests, it prints "Serving http://ADDRESS". SIGTERM or Ctrl-C stops it at once, as it stops Spin;
/// with --tuned, requests that are being answered get up to 10 seconds to finish.
///
/// It logs to stderr. The environment variable RUST_LOG says what, as in RUST_LOG=warn,store_host=debug.
#[derive(Debug, Parser)]
#[command(name = "store-host", version)]
pub struct Cli {
    /// The Spin manifest, or the folder that holds a spin.toml.
    #[arg(short = 'f', long = "from", value_name = "FILE OR FOLDER", default_value = "spin.toml")]
    pub from: PathBuf,

    /// The address to listen on. Port 0 takes any free port; the line "Serving …" says which.
    #[arg(
        long,
        value_name = "ADDRESS:PORT",
        env = "SPIN_HTTP_LISTEN_ADDR",
        default_value = "127.0.0.1:3000",
        value_parser = listen_address
    )]
    pub listen: SocketAddr,

    /// A runtime configuration (variable providers and limits). Without this flag none is read, not even a
    /// runtime-config.toml beside the manifest.
    #[arg(long, value_name = "FILE", env = "RUNTIME_CONFIG_FILE")]
    pub runtime_config_file: Option<PathBuf>,

    /// Sets a variable of the application; may be repeated, the last one wins. KEY=@FILE takes the file's content as
    /// the value; @FILE.json and @FILE.toml hold a map of names to values.
    ///
    /// Where a variable's value comes from, first match: this flag, the providers in the runtime configuration, the
    /// environment (SPIN_VARIABLE_<NAME>), the manifest's default.
    #[arg(long, value_name = "KEY=VALUE | KEY=@FILE | @FILE.json | @FILE.toml")]
    pub variable: Vec<VariableArg>,

    /// How many requests an instance of a component serves before it is dropped: a number, or a range (1..8) from
    /// which each instance draws its own.
    #[arg(long, value_name = "COUNT", default_value = "128", value_parser = Range::parse_count)]
    pub max_instance_reuse_count: Range<usize>,

    /// How many requests an instance serves at the same time: a number or a range.
    #[arg(long, value_name = "COUNT", default_value = "16", value_parser = Range::parse_count)]
    pub max_instance_concurrent_reuse_count: Range<usize>,

    /// How long an instance may be idle before it is dropped: 1s, 250ms, 100us, 100ns, or a range of these.
    #[arg(long, value_name = "DURATION", default_value = "1s", value_parser = Range::parse_duration)]
    pub idle_instance_timeout: Range<Duration>,

    /// How long a component may take to answer a request; after that the client gets a 500. No limit by default.
    #[arg(long, value_name = "DURATION", value_parser = Range::parse_duration)]
    pub request_timeout: Option<Range<Duration>>,

    /// How long Redis may take to answer a command of a component, or to be connected to: 250ms, 1s. A call that takes longer
    /// fails. A component finds the limit in its environment, as STORE_HOST_REDIS_TIMEOUT_MS, and can do without a timer of
    /// its own. No limit by default, as in Spin; commands that block, such as BLPOP, need none, or a long one.
    #[arg(long, value_name = "DURATION", value_parser = redis_timeout)]
    pub redis_timeout: Option<Duration>,

    /// Turns on what Spin does not do: each core has a runtime of its own; a response's head and body leave together, without
    /// delay (TCP_NODELAY); the instances of a core share one connection per Redis address; requests queue up instead of
    /// failing where there are too many; and stopping waits for requests that are being answered.
    #[arg(long)]
    pub tuned: bool,

    /// Has Linux's perf know the components' functions by name (/tmp/perf-<process id>.map).
    #[arg(long)]
    pub perf_map: bool,
}

/// Resolves `localhost:3000` and the like. 127.0.0.1 is preferred to `::1`, as Spin does.
fn listen_address(text: &str) -> Result<SocketAddr, String> {
    let addresses: Vec<SocketAddr> = text
        .to_socket_addrs()
        .map_err(|error| format!("expected ADDRESS:PORT, such as 127.0.0.1:3000 ({error})"))?
        .collect();
    addresses
        .iter()
        .find(|address| address.ip() == Ipv4Addr::LOCALHOST)
        .or_else(|| addresses.first())
        .copied()
        .ok_or_else(|| "this name has no address".to_owned())
}

/// A whole number of milliseconds, since components are told it so.
fn redis_timeout(text: &str) -> Result<Duration, String> {
    match Range::parse_duration(text)? {
        Range::Value(limit) if !limit.is_zero() && limit.subsec_nanos() % 1_000_000 == 0 => Ok(limit),
        _ => Err(format!("{text:?} is not a time of whole milliseconds, at least 1ms, such as 250ms")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_defaults_are_spins() {
        let cli = Cli::parse_from(["store-host"]);
        assert_eq!(cli.from, PathBuf::from("spin.toml"));
        assert_eq!(cli.max_instance_reuse_count, Range::Value(128));
        assert_eq!(cli.max_instance_concurrent_reuse_count, Range::Value(16));
        assert_eq!(cli.idle_instance_timeout, Range::Value(Duration::from_secs(1)));
        assert_eq!(cli.request_timeout, None);
        assert_eq!(cli.runtime_config_file, None);
        assert_eq!(cli.redis_timeout, None);
        assert!(!cli.tuned);
    }

    #[test]
    fn a_time_limit_for_redis_is_whole_milliseconds() {
        assert_eq!(redis_timeout("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(redis_timeout("1s"), Ok(Duration::from_secs(1)));
        for text in ["0ms", "1us", "1500us", "1s..2s", "fast", ""] {
            assert!(redis_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn localhost_means_ipv4() {
        assert_eq!(listen_address("localhost:81"), Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, 81))));
        assert!(listen_address("localhost").is_err());
    }
}
