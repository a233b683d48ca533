//! Packages of Debian and Ubuntu.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::on_path;
use crate::command;
use crate::process::CommandSpec;
use crate::progress::status;
use crate::project;

/// Installs packages as root on Debian or Ubuntu; elsewhere an error. The caller says what is missing and why.
///
/// # Errors
/// When this is another system or user, or apt fails.
pub fn install(packages: &[&str]) -> Result<()> {
    if !on_path("apt-get") {
        bail!("there is no apt-get here that could install {}", packages.join(" "));
    }
    if !is_root() {
        bail!("not root, so not installed here; on Debian and Ubuntu: sudo apt-get install {}", packages.join(" "));
    }
    status("Installing", &packages.join(" "));
    // A fresh machine has no package lists, an old one stale lists; most others need no update.
    if command::run(&apt_get().args(["install", "--yes", "--quiet"]).args(packages)).is_ok() {
        return Ok(());
    }
    crate::interrupt::check()?;
    command::run(&apt_get().args(["update", "--quiet"]))?;
    command::run(&apt_get().args(["install", "--yes", "--quiet"]).args(packages))
}

/// A program that is on the PATH, or else from the package of its name, unpacked under `target/tools` and not installed:
/// installing would start its service. `path` is where the program is in the package. It must need no library that is not on
/// every system.
///
/// # Errors
/// When this is another system, or the package cannot be had.
pub fn program(package: &str, path: &str) -> Result<PathBuf> {
    if on_path(package) {
        return Ok(package.into());
    }
    let folder = project::target().join("tools").join(package);
    let unpacked = folder.join(path);
    if unpacked.is_file() {
        return Ok(unpacked);
    }
    status("Fetching", package);
    let download = project::temporary_folder()?;
    let fetch = || {
        apt_get().args(["--option", "APT::Sandbox::User=root", "download", "--quiet", package]).folder(download.path())
    };
    if command::run(&fetch()).is_err() {
        crate::interrupt::check()?;
        command::run(&apt_get().args(["update", "--quiet"]))?;
        command::run(&fetch())?;
    }
    let file =
        fs::read_dir(download.path())?.next().with_context(|| format!("apt-get left no file of {package}"))??;
    command::run(&CommandSpec::new("dpkg").arg("--extract").arg(file.path()).arg(&folder))?;
    Ok(unpacked)
}

fn apt_get() -> CommandSpec {
    CommandSpec::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
