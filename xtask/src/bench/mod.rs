//! `cargo xtask bench`: how fast the parts are.
//!
//! - [`store`] is the benchmark of the store: hits beside peers that do the same, writes, memory, cold starts. [`bridge`]
//!   is that of the Data API bridge.
//! - For both: [`load`] drives a server with wrk, [`turns`] times single requests, [`samples`] makes many measurements one
//!   figure, [`table`] prints, [`callgrind`] counts
//!   instructions, and [`machine`] says on what it was measured.

mod bridge;
mod callgrind;
mod load;
mod machine;
mod samples;
mod store;
mod table;
mod turns;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};

/// What to measure.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct BenchOptions {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    store: store::StoreOptions,
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
        None => store::run(&options.store),
        Some(What::Bridge(options)) => bridge::run(options),
    }
}
