//! `cargo xtask`: the project's commands, each a thin layer over `testkit` or the benchmark.

mod bench;
mod cli;
mod import;
mod test;
mod up;

use std::process::ExitCode;

use clap::Parser;
use cli::{Cli, Command};
use testkit::interrupt;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = interrupt::listen().and_then(|()| match cli.command {
        Command::Up(options) => up::up(options),
        Command::Test(options) => test::test(&options),
        Command::Bench(options) => bench::bench(&options),
        Command::Import(options) => import::import(&options),
    });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
