//! Hurl, which runs the files `tests/*.hurl`.
//!
//! It is built from its crate: the npm package downloads a binary, and Debian has none.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use super::{apt, on_path};
use crate::cargo::cargo;
use crate::command;
use crate::progress::status;
use crate::project;

/// The newest that rustc 1.95 builds.
const VERSION: &str = "8.0.1";

/// Any of these on the PATH will do: the files use nothing of a later version.
const MAJOR: &str = "8.";

/// What it links with, and what its build finds that with.
const PACKAGES: &[&str] = &["libcurl4-openssl-dev", "libxml2-dev", "clang", "pkg-config"];

/// The program's path.
///
/// # Errors
/// When it is missing and cannot be built.
pub fn hurl() -> Result<PathBuf> {
    let tools = project::target().join("tools");
    let own = tools.join("bin/hurl");
    if version(&own).is_some_and(|version| version == VERSION) {
        return Ok(own);
    }
    if version(Path::new("hurl")).is_some_and(|version| version.starts_with(MAJOR)) {
        return Ok("hurl".into());
    }
    if !libraries_are_there() {
        apt::install(PACKAGES).context(
            "hurl is missing: install Hurl 8 (https://hurl.dev), or what its build needs: the development files of \
             libcurl and libxml2, clang, pkg-config",
        )?;
    }
    status("Installing", &format!("hurl {VERSION}: once, some minutes"));
    let install = cargo()
        .args(["install", "hurl", "--version", &format!("={VERSION}"), "--locked", "--force", "--root"])
        .arg(&tools)
        // Kept, so that an interrupted build goes on where it was.
        .arg("--target-dir")
        .arg(tools.join("build"))
        // It waits for servers, mostly: what is soon compiled is fast enough.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16");
    command::run(&install).context("hurl could not be built: install Hurl 8, https://hurl.dev")?;
    Ok(own)
}

/// The version of a hurl that works.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").output().ok()?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

/// From `hurl 8.0.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 …`.
fn parse_version(text: &str) -> Option<String> {
    Some(text.strip_prefix("hurl ")?.split_whitespace().next()?.to_owned())
}

fn libraries_are_there() -> bool {
    let found = |library| Command::new("pkg-config").args(["--exists", library]).status();
    on_path("clang") && ["libcurl", "libxml-2.0"].into_iter().all(|library| found(library).is_ok_and(|is| is.success()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_hurl_says() {
        let text = "hurl 8.0.1 (x86_64-pc-linux-gnu) libcurl/7.88.1 OpenSSL/3.0.20\nFeatures (libcurl): HTTP2\n";
        assert_eq!(parse_version(text).as_deref(), Some("8.0.1"));
        assert_eq!(parse_version("curl 8.0.1"), None);
    }
}
