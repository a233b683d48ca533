//! Our own programs, built when they are needed: the bridge, the host, the component.

use std::env;
use std::sync::Mutex;

use anyhow::{Result, anyhow};

use crate::cargo::cargo;
use crate::process::CommandSpec;
use crate::progress::status;
use crate::services::host::Runtime;
use crate::{command, install};

/// Set for the tests that `cargo xtask test` runs, which has built the programs already.
pub const BUILT: &str = "XTASK_PROGRAMS_BUILT";

/// Builds what of them is not built or not up to date; once per process.
///
/// # Errors
/// When something does not compile.
pub fn build(runtime: Runtime) -> Result<()> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().map_err(|_| anyhow!("another thread panicked while it built the programs"))?;
    if *done || env::var_os(BUILT).is_some() {
        return Ok(());
    }
    install::wasm_target()?;
    status("Building", "the bridge, the host and the component");
    command::run(&native(runtime))?;
    command::run(&component())?;
    *done = true;
    Ok(())
}

/// The whole workspace is selected, and of it the programs: cargo unites the features of what is selected, so this
/// shares every compiled dependency with `cargo test --workspace` and `cargo clippy --workspace`.
fn native(runtime: Runtime) -> CommandSpec {
    let build = cargo().args(["build", "--workspace", "--bin", "data-api"]);
    match runtime {
        Runtime::Host => build.args(["--bin", "store-host"]),
        Runtime::Spin => build,
    }
}

/// The command that `spin build` runs too.
fn component() -> CommandSpec {
    cargo().args(["build", "--release", "--target", "wasm32-wasip2", "--package", "store-api"])
}
