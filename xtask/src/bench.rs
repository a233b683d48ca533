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
    // In Spin, Wasmtime ends a stack by an error for each timer that is cancelled; the error's backtrace would take 5 % of a hit.
    Err(bench.env_remove("RUST_BACKTRACE").exec())
}
