//! `cargo xtask bench`: the benchmark is a program of its own, so that no other command waits for its compilation.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use testkit::cargo::cargo;

/// What `bench` is called with: all of it is the benchmark's own.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct BenchOptions {
    /// The benchmark's arguments; `--help` lists them.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

/// Becomes `cargo run --package bench`, which then gets Ctrl-C itself.
///
/// # Errors
/// When cargo cannot be started.
pub fn bench(options: &BenchOptions) -> Result<ExitCode> {
    let bench = cargo().args(["run", "--quiet", "--package", "bench", "--"]).args(&options.arguments);
    // Spin makes an error with each request, which would be looked up in its debug information: 5 % of a hit's time.
    Err(bench.env_remove("RUST_BACKTRACE").exec())
}
