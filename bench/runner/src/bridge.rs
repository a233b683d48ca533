//! The bridge beside the driver.
//!
//! What measures is an example of the bridge's package, since it needs the driver, and this crate does not.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::Args;
use testkit::cargo::cargo;
use testkit::log::Log;
use testkit::probe::Probe;
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::service::Service;
use testkit::services::mongodb::MongoDb;
use testkit::{command, port, project};

const KEY: &str = "bench-key";

/// Where MongoDB is.
#[derive(Debug, Args)]
pub struct BridgeOptions {
    /// A MongoDB that runs already; the database `bench_bridge` in it is dropped. One is started without
    #[arg(long, value_name = "URI")]
    mongodb_uri: Option<String>,
}

/// Builds the bridge as it is shipped, and its benchmark.
///
/// # Errors
/// When it does not compile.
pub fn build() -> Result<()> {
    command::run(&cargo().args([
        "build",
        "--release",
        "--package",
        "data-api",
        "--bin",
        "data-api",
        "--example",
        "bench",
    ]))
}

/// The bridge as it is shipped.
pub fn program() -> PathBuf {
    project::target().join("release/data-api")
}

pub(super) fn run(options: &BridgeOptions) -> Result<ExitCode> {
    status("Building", "the bridge and its benchmark, optimised for release");
    build()?;
    let folder = project::temporary_folder()?;
    let started = match options.mongodb_uri {
        None => Some(MongoDb::temporary()?),
        Some(_) => None,
    };
    let started_uri = started.as_ref().map(MongoDb::uri);
    let uri = options.mongodb_uri.clone().or(started_uri).context("there is no MongoDB")?;
    let address = format!("127.0.0.1:{}", port::free()?);
    let spec = CommandSpec::new(program())
        .args(["--listen", &address, "--log-level", "warn"])
        .env("MONGODB_URI", &uri)
        .env("DATA_API_KEYS", KEY)
        .env_remove("DATA_API_NO_AUTH");
    let log = Log::create(folder.path().join("data-api.log"))?;
    let mut bridge = Service::new("data-api", spec, Probe::Http(format!("http://{address}/health")), log);
    bridge.start()?;
    let id = bridge.id().context("the bridge has ended")?;
    let measure = CommandSpec::new(project::target().join("release/examples/bench"))
        .env("MONGODB_URI", &uri)
        .env("BRIDGE_URL", format!("http://{address}"))
        .env("BRIDGE_KEY", KEY)
        .env("BRIDGE_PID", id.to_string());
    let (exit, _) = command::tee(&measure)?;
    bridge.stop()?;
    Ok(if exit.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
