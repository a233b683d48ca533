//! `cargo xtask up`: the whole system, until somebody stops it.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Args;
use testkit::address::masked;
use testkit::interrupt::{self, Interrupted};
use testkit::runtime::{self, Runtime};
use testkit::stack::{Stack, StackConfig};
use testkit::{port, probe, project};

/// What `up` is called with.
#[derive(Debug, Args)]
pub struct UpOptions {
    /// Where the store listens; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:3000", value_parser = port::parse_listen)]
    pub listen: SocketAddr,

    /// What runs the component: this repository's host, or the program `spin`.
    #[arg(long, value_enum, env = runtime::VARIABLE, default_value_t)]
    pub runtime: Runtime,

    /// A Redis that runs already. Without, a private one is started: empty, on a free port.
    #[arg(long, value_name = "URL")]
    pub redis_url: Option<String>,

    /// A MongoDB that runs already: one server, a replica set, Atlas. Without, a private one is started on a free port.
    #[arg(long, value_name = "URI")]
    pub mongodb_uri: Option<String>,

    /// A Data API that runs already, by its base URL (http://HOST/app/APP/endpoint/data/v1). Neither bridge nor MongoDB
    /// are started then; its key is the variable data_api_key.
    #[arg(long, value_name = "URL", conflicts_with = "mongodb_uri")]
    pub data_api_url: Option<String>,

    /// Where the private MongoDB keeps its data from one run to the next [default: target/store-data]
    #[arg(long, value_name = "DIR", conflicts_with_all = ["mongodb_uri", "data_api_url"])]
    pub data_dir: Option<PathBuf>,

    /// Sets a variable of the component, such as cache_ttl_seconds=60; may be repeated. It goes before
    /// runtime-config.toml, the environment and spin.toml.
    #[arg(long = "variable", value_name = "NAME=VALUE", value_parser = parse_variable)]
    pub variables: Vec<(String, String)>,
}

/// Runs the system until Ctrl-C, SIGTERM (success) or the end of a service (failure).
///
/// # Errors
/// When it cannot be started; nothing runs any more then.
pub fn up(options: UpOptions) -> Result<ExitCode> {
    check(&options)?;
    let mut stack = match Stack::start(config(options)) {
        Ok(stack) => stack,
        Err(error) if error.is::<Interrupted>() => return Ok(ExitCode::SUCCESS),
        Err(error) => return Err(error),
    };
    announce(&stack)?;
    let unexpected_exit = interrupt::wait_for(Duration::MAX, || stack.unexpected_exit());
    let stopped = stack.stop();
    match unexpected_exit {
        Ok(Some(unexpected_exit)) => Err(unexpected_exit.into()),
        Ok(None) => stopped.map(|()| ExitCode::SUCCESS),
        Err(error) if error.is::<Interrupted>() => stopped.map(|()| ExitCode::SUCCESS),
        Err(error) => Err(error),
    }
}

/// What can be said before minutes of compiling: a taken port, a server that is not there, a program that is missing.
fn check(options: &UpOptions) -> Result<()> {
    port::check_free(options.listen)?;
    let given = [
        ("Redis", &["redis", "rediss"], &options.redis_url),
        ("MongoDB", &["mongodb", "mongodb+srv"], &options.mongodb_uri),
        ("the Data API", &["http", "https"], &options.data_api_url),
    ];
    for (name, schemes, url) in given {
        if let Some(url) = url {
            probe::check_given(name, schemes, url)?;
        }
    }
    options.runtime.check()
}

fn config(options: UpOptions) -> StackConfig {
    StackConfig {
        listen: Some(options.listen),
        runtime: Some(options.runtime),
        redis_url: options.redis_url,
        mongodb_uri: options.mongodb_uri,
        data_api_program: None,
        store_host_program: None,
        data_api_url: options.data_api_url,
        data_dir: Some(options.data_dir.unwrap_or_else(project::data_dir)),
        log_dir: Some(project::log_dir()),
        runtime_config: Some(project::root().join("runtime-config.toml")),
        variables: options.variables,
        host_arguments: Vec::new(),
        verbose: true,
    }
}

/// Says where everything is, on stdout, in one piece.
fn announce(stack: &Stack) -> Result<()> {
    let mongodb = stack.mongodb_uri().map(masked);
    let lines = [
        ("store-api", stack.base_url().to_owned()),
        ("data-api", masked(stack.data_api_url())),
        ("redis", masked(stack.redis_url())),
        ("mongodb", mongodb.unwrap_or_else(|| "(behind the Data API that was given)".to_owned())),
    ];
    let mut text: String = lines.iter().map(|(name, url)| format!("{name:<10} {url}\n")).collect();
    text.push_str("ready\n");
    let mut stdout = std::io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()?;
    Ok(())
}

/// `NAME=VALUE`; the value may be empty and may hold further equals signs.
fn parse_variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        // They would fight with what `up` sets itself.
        Some(("redis_url", _)) => Err("use --redis-url".to_owned()),
        Some(("data_api_url", _)) => Err("use --data-api-url".to_owned()),
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}
