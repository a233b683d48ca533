//! What must be on the machine: installed where we can, said in one sentence where we cannot.

mod apt;
mod hurl;
pub mod python;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

pub use apt::program;
pub use hurl::hurl;

use crate::command;
use crate::process::CommandSpec;
use crate::progress::status;

/// Whether there is a program of this name on the PATH.
pub fn on_path(program: &str) -> bool {
    which::which(program).is_ok()
}

/// The program `redis-server`.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn redis() -> Result<()> {
    if on_path("redis-server") {
        return Ok(());
    }
    apt::install(&["redis-server"])
        .context("redis-server is missing: install Redis 7 or later, or name a running one with --redis-url")?;
    if !on_path("redis-server") {
        bail!("redis-server was installed, but is not on the PATH");
    }
    Ok(())
}

/// What the bridge's tests run its clients with: Node.js with npm, and Chromium with its driver.
///
/// # Errors
/// When something is missing and cannot be installed.
pub fn clients() -> Result<()> {
    for (program, package) in
        [("node", "nodejs"), ("npm", "npm"), ("chromedriver", "chromium-driver"), ("curl", "curl")]
    {
        if !on_path(program) {
            apt::install(&[package]).with_context(|| format!("{program} is missing: the bridge's tests need it"))?;
        }
    }
    Ok(())
}

/// A program that is a package of the same name on Debian and Ubuntu.
///
/// # Errors
/// When it cannot be installed.
pub fn package(name: &str) -> Result<()> {
    apt::install(&[name])
}

/// The program `llvm-profdata` of the LLVM that rustc has.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn llvm_profdata() -> Result<PathBuf> {
    let program = library_folder(&[])?.with_file_name("bin/llvm-profdata");
    if !program.is_file() {
        status("Installing", "the component llvm-tools of rustup");
        command::run(&CommandSpec::new("rustup").args(["component", "add", "llvm-tools"]))
            .context("llvm-profdata is missing: run `rustup component add llvm-tools`")?;
    }
    Ok(program)
}

/// Rust's standard library for the component's target.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn wasm_target() -> Result<()> {
    const TARGET: &str = "wasm32-wasip2";
    // rustc names the folder whether or not it is there.
    if library_folder(&["--target", TARGET])?.is_dir() {
        return Ok(());
    }
    if !on_path("rustup") {
        bail!("Rust's target {TARGET} is missing: install it as you installed Rust");
    }
    status("Installing", &format!("Rust's target {TARGET}"));
    command::run(&CommandSpec::new("rustup").args(["target", "add", TARGET]))
        .with_context(|| format!("Rust's target {TARGET} is missing: run `rustup target add {TARGET}`"))
}

/// The folder of Rust's standard library for a target; the empty path where rustc does not know the target.
fn library_folder(target: &[&str]) -> Result<PathBuf> {
    let folder = Command::new("rustc").args(["--print", "target-libdir"]).args(target).output();
    let folder = folder.context("rustc is missing: install Rust, https://rustup.rs")?;
    Ok(PathBuf::from(String::from_utf8_lossy(&folder.stdout).trim()))
}
