//! `cargo xtask bench`: how fast the parts are.

mod bridge;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchOptions {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The Data API bridge beside MongoDB's driver alone: the same operations over HTTP and without it, in one run
    Bridge(bridge::BridgeOptions),
}

/// Measures, and prints a table.
///
/// # Errors
/// When something cannot be built or started, and on Ctrl-C.
pub fn bench(options: &BenchOptions) -> Result<ExitCode> {
    match &options.what {
        What::Bridge(options) => bridge::run(options),
    }
}
