//! Where things are in this repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// The repository's top folder, which holds `spin.toml`.
///
/// Taken when this crate is compiled, so that the commands work from any folder of the repository.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package)
}

/// Everything that is made, not written. One folder whatever `CARGO_TARGET_DIR` says, since `spin.toml` names the
/// component by its path in here.
pub fn target() -> PathBuf {
    root().join("target")
}

/// The bridge.
pub fn data_api() -> PathBuf {
    target().join("debug/data-api")
}

/// The host.
pub fn store_host() -> PathBuf {
    target().join("debug/store-host")
}

/// The application.
pub fn manifest() -> PathBuf {
    root().join("spin.toml")
}

/// The component, at the path that `spin.toml` names.
pub fn component() -> PathBuf {
    target().join("wasm32-wasip2/release/store_api.wasm")
}

/// Where `up` keeps MongoDB's data between runs, unless `--data-dir` says otherwise.
pub fn data_dir() -> PathBuf {
    target().join("store-data")
}

/// Where the services that `up` starts write their logs.
pub fn log_dir() -> PathBuf {
    target().join("log")
}

/// A new folder under `target/stacks` for data and logs that nobody keeps; dropping it removes it.
///
/// Not the system's folder for temporary files: that is often in memory, and a database's files are large.
///
/// # Errors
/// When the folder cannot be created.
pub fn temporary_folder() -> Result<TempDir> {
    let parent = target().join("stacks");
    let made = fs::create_dir_all(&parent).and_then(|()| TempDir::new_in(&parent));
    made.with_context(|| format!("cannot create a folder in {}", parent.display()))
}
