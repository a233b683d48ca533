//! The program `store-host`: see the library.

use std::env;
use std::io::IsTerminal;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use mimalloc::MiMalloc;
use store_host::cli::Cli;
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// A request is many small allocations, made by one thread and freed by another: measured faster than glibc's
/// allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    match logged() {
        Ok(logged) => log_to_stderr(logged),
        Err(error) => return failure(&error),
    }
    // One provider for every TLS client, whichever features another crate turns on. Nobody else installs one.
    _ = rustls::crypto::ring::default_provider().install_default();
    match store_host::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure(&error),
    }
}

/// What is logged: by `RUST_LOG`, in the form of `warn,store_host=debug`.
fn logged() -> anyhow::Result<Targets> {
    match env::var("RUST_LOG") {
        Ok(text) if !text.is_empty() => text.parse().with_context(|| format!("RUST_LOG={text}")),
        _ => Ok(Targets::new().with_default(Level::WARN).with_target("store_host", Level::INFO)),
    }
}

fn log_to_stderr(logged: Targets) {
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time();
    tracing_subscriber::registry().with(logged).with(lines).init();
}

fn failure(error: &anyhow::Error) -> ExitCode {
    eprintln!("store-host: {error:#}");
    ExitCode::FAILURE
}
