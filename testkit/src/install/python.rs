//! Python programs, each in an environment of its own under `target/`: SecantusDB, and what tests check by.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::{apt, on_path};
use crate::command;
use crate::process::CommandSpec;
use crate::progress::status;
use crate::project;

/// Pinned: it is beta, and its data format may change.
const SECANTUS: &str = "SecantusDB==0.7.0b3";

/// The program, once [`secantus`] has installed it.
pub fn secantus_program() -> PathBuf {
    environment().join("bin/secantusd-py")
}

/// Installs it where it is not.
///
/// # Errors
/// When Python is missing and cannot be installed, or the package cannot be had.
pub fn secantus() -> Result<()> {
    install(&environment(), SECANTUS, &[SECANTUS])
        .with_context(|| format!("{SECANTUS} cannot be installed: name a running MongoDB with --mongodb-uri"))
}

/// A Python that has the packages of this requirements file, in an environment of this name.
///
/// # Errors
/// When Python is missing and cannot be installed, or a package cannot be had.
pub fn with_requirements(name: &str, requirements: &Path) -> Result<PathBuf> {
    let environment = project::target().join(format!("python-{name}"));
    let packages = fs::read_to_string(requirements)?;
    let file = requirements.to_str().context("the requirements' path is not text")?;
    install(&environment, &packages, &["--requirement", file])?;
    Ok(python(&environment))
}

/// Makes the environment, where it is not there, and installs `packages` into it, which are `what`.
fn install(environment: &Path, what: &str, packages: &[&str]) -> Result<()> {
    // The programs in an environment name it by its path, so a moved one is not complete either.
    let complete = format!("{what} in {}\n", environment.display());
    let marker = environment.join("complete");
    let is_complete = || fs::read_to_string(&marker).is_ok_and(|text| text == complete) && python(environment).exists();
    if is_complete() {
        return Ok(());
    }
    // Tests of several programs may come here at the same time.
    fs::create_dir_all(project::target()).context("cannot make the folder target")?;
    let lock = File::create(environment.with_extension("lock")).context("cannot write into target")?;
    lock.lock().context("cannot lock the Python environment")?;
    if is_complete() {
        return Ok(());
    }
    make_environment(environment)?;
    status("Installing", what.trim());
    // Not compiled: Python compiles what is imported, and much is not.
    let pip = CommandSpec::new(python(environment)).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-compile",
    ]);
    command::run(&pip.args(packages))?;
    // Last: an environment without it is half made, and made anew.
    fs::write(&marker, complete).with_context(|| format!("cannot write {}", marker.display()))
}

fn environment() -> PathBuf {
    project::target().join("python")
}

fn python(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

fn make_environment(folder: &Path) -> Result<()> {
    const MISSING: &str = "Python 3 with venv is missing: install it, or name a running MongoDB with --mongodb-uri";
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    }
    status("Making", "a Python environment for the local MongoDB server");
    let venv = CommandSpec::new("python3").args(["-m", "venv", "--clear"]).arg(folder);
    if on_path("python3") && command::run(&venv).is_ok() {
        return Ok(());
    }
    crate::interrupt::check()?;
    // Debian's Python comes without pip, which venv wants to copy.
    apt::install(&["python3", "python3-venv"]).context(MISSING)?;
    command::run(&venv).context(MISSING)
}
