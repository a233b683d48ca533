//! `cargo xtask`: see the library.

use std::process::ExitCode;

use clap::Parser;
use xtask::cli::{Cli, Command};
use xtask::{bench, interrupt, test, up};

fn main() -> ExitCode {
    let cli = Cli::parse();
    let outcome = interrupt::listen().and_then(|()| match cli.command {
        Command::Up(options) => up::up(options),
        Command::Test(options) => test::test(&options),
        Command::Bench(options) => bench::bench(&options),
    });
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
