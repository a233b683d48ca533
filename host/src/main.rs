//! The program `store-host`: see the library.

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;
use store_host::cli::Cli;
use tracing_subscriber::EnvFilter;

/// A request is many small allocations, made by one thread and freed by another: measured faster than glibc's
/// allocator.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    // RUST_LOG=store_host=debug says more.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,store_host=info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
    // One provider for every TLS client, whichever features another crate turns on. Nobody else installs one.
    _ = rustls::crypto::ring::default_provider().install_default();
    match store_host::run(cli).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("store-host: {error:#}");
            ExitCode::FAILURE
        }
    }
}
