//! `cargo xtask bench`: how fast the store and the bridge are.
//!
//! - [`store`] is the benchmark of the store: hits beside peers that do the same, writes, memory, cold starts. [`bridge`]
//!   is that of the Data API bridge. [`optimized`] builds the host that both ship and measure.
//! - For both: [`load`] drives a server with wrk, [`interleaved`] times single requests, [`samples`] makes many measurements one
//!   figure, [`table`] prints, [`callgrind`] counts
//!   instructions, and [`machine`] says on what it was measured.

mod bridge;
mod callgrind;
mod interleaved;
mod load;
mod machine;
mod optimized;
mod samples;
mod store;
mod table;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use testkit::interrupt;

/// Measures the store beside its peers; or what the subcommand names.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench", bin_name = "cargo xtask bench", args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    what: Option<What>,
    #[command(flatten)]
    store: store::StoreOptions,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The Data API bridge beside MongoDB's driver alone: the same operations over HTTP and without it, in one run
    Bridge(bridge::BridgeOptions),
    /// Builds store-host as it is shipped, compiled by what runs in it under load, and prints its path
    Optimized(optimized::OptimizedOptions),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match interrupt::listen().and_then(|()| measure(&cli)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn measure(cli: &Cli) -> Result<ExitCode> {
    match &cli.what {
        None => store::run(&cli.store),
        Some(What::Bridge(options)) => bridge::run(options),
        Some(What::Optimized(options)) => optimized::run(options),
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
}
