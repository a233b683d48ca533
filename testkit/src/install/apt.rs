//! Packages of Debian and Ubuntu.

use std::process::Command;

use anyhow::{Result, bail};

use super::on_path;
use crate::command;
use crate::process::CommandSpec;
use crate::progress::status;

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

fn apt_get() -> CommandSpec {
    CommandSpec::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive")
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
