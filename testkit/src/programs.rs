//! Our own programs, built when they are needed: the bridge, the host, the component.

use std::env;
use std::sync::Mutex;

use anyhow::{Result, anyhow};

use crate::cargo::cargo;
use crate::process::CommandSpec;
use crate::progress::{Progress, side_by_side, status};
use crate::runtime::Runtime;
use crate::{command, install, project};

/// Set for the tests that `cargo xtask test` runs, which has built the programs already.
pub const BUILT: &str = "XTASK_PROGRAMS_BUILT";

/// The steps of [`build`], by their names in the progress.
pub const STEPS: [&str; 2] = [COMPONENT, NATIVE];
const COMPONENT: &str = "build the component";
const NATIVE: &str = "build the bridge and the host";

/// Cargo's own variable.
const INCREMENTAL: &str = "CARGO_INCREMENTAL";

/// Builds what of them is not built or not up to date; once per process.
///
/// # Errors
/// When something does not compile.
pub fn build(runtime: Runtime, progress: &Progress) -> Result<()> {
    static DONE: Mutex<bool> = Mutex::new(false);
    let mut done = DONE.lock().map_err(|_| anyhow!("another thread panicked while it built the programs"))?;
    if *done || env::var_os(BUILT).is_some() {
        return Ok(());
    }
    install::wasm_target()?;
    status("Building", "the bridge, the host and the component");
    let run = |spec: CommandSpec| command::run_until(&spec, || progress.has_failed());
    // Side by side: cargo locks a folder for each target and profile, and neither build keeps two cores busy to its end.
    side_by_side(|| progress.step(COMPONENT, || run(component())), || progress.step(NATIVE, || run(native(runtime))))?;
    *done = true;
    Ok(())
}

/// The whole workspace is selected, and of it the programs: cargo unites the features of what is selected, so this
/// shares every compiled dependency with `cargo test --workspace` and `cargo clippy --workspace`.
fn native(runtime: Runtime) -> CommandSpec {
    let mut build = cargo().args(["build", "--workspace", "--bin", "data-api"]);
    // What makes the next build faster makes the first one slower, and most users never need a second.
    if env::var_os(INCREMENTAL).is_none() && !project::data_api().exists() {
        build = build.env(INCREMENTAL, "0");
    }
    match runtime {
        Runtime::Host | Runtime::Tuned => build.args(["--bin", "store-host"]),
        Runtime::Spin => build,
    }
}

/// The command that `spin build` runs too.
fn component() -> CommandSpec {
    cargo()
        .args(["build", "--release", "--target", "wasm32-wasip2", "--package", "store-api", "--package", "site"])
        // Its bar and that of the build beside it would overwrite each other.
        .env("CARGO_TERM_PROGRESS_WHEN", "never")
}
