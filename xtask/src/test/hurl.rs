//! The Hurl files, run against a system that was started for them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::stack::{Stack, StackConfig};
use testkit::{command, project};

use super::counts::Counts;

/// The files `tests/*.hurl` whose name contains the filter, in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(filter: Option<&str>) -> Result<Vec<PathBuf>> {
    let folder = project::root().join("tests");
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let mut files: Vec<PathBuf> = names
        .filter(|name| name.ends_with(".hurl") && name.contains(filter.unwrap_or_default()))
        .map(|name| Path::new("tests").join(name))
        .collect();
    files.sort();
    Ok(files)
}

/// Starts a system and runs the files against it.
///
/// # Errors
/// When the system or hurl does not start, and on Ctrl-C.
pub fn run(program: &Path, files: &[PathBuf], config: StackConfig) -> Result<Counts> {
    status("Testing", "the Hurl files");
    let stack = Stack::start(config)?;
    let hurl = CommandSpec::new(program)
        .folder(project::root())
        // One file after the other: they share the collections.
        .args(["--test", "--jobs", "1", "--variable", &format!("base={}", stack.base_url())])
        .args(files);
    let (exit, output) = command::tee(&hurl)?;
    Ok(Counts::of_hurl(&output).with_exit(exit.success()))
}
