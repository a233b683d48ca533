//! A private MongoDB server: SecantusDB, which speaks MongoDB's wire protocol over MongoDB's own storage engine.
//!
//! For machines without MongoDB, which no package registry ships. It is GPL-2.0, so it is a process of its own and
//! never linked; and it is beta: good for local use and tests, not for production.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::install::python;
use crate::log::Log;
use crate::port;
use crate::probe::Probe;
use crate::process::CommandSpec;
use crate::project;
use crate::service::Service;

/// A SecantusDB process on 127.0.0.1.
#[derive(Debug)]
pub struct MongoDb {
    /// The process.
    pub service: Service,
    port: u16,
    /// Held as long as this lives; the system lets go of it however we end.
    _lock: File,
    /// Where its data are, when nobody wants to keep them.
    _folder: Option<TempDir>,
}

impl MongoDb {
    /// A running server for a test that needs no more than that, installed first where it is missing. Its data go
    /// with it.
    ///
    /// # Errors
    /// When it cannot be installed or does not start.
    pub fn temporary() -> Result<Self> {
        python::secantus()?;
        let folder = project::temporary_folder()?;
        let log = Log::create(folder.path().join("mongodb.log"))?;
        let mut mongodb = Self::new(&folder.path().join("data"), log)?;
        mongodb._folder = Some(folder);
        mongodb.service.start()?;
        Ok(mongodb)
    }

    /// A server on a free port with its data in this folder, not yet started. Its program must be installed:
    /// [`python::secantus`].
    ///
    /// # Errors
    /// When the folder is another server's or cannot be written, or when there is no free port.
    pub fn new(data_dir: &Path, log: Log) -> Result<Self> {
        let data_dir = absolute(data_dir)?;
        fs::create_dir_all(&data_dir).with_context(|| format!("cannot make the folder {}", data_dir.display()))?;
        let lock = lock(&data_dir)?;
        let port = port::free()?;
        let spec = CommandSpec::new(python::secantus_program())
            .args(["--host", "127.0.0.1", "--port", &port.to_string(), "--log-level", "WARNING"])
            // Without it a kill -9 loses writes that were acknowledged, up to some hundred milliseconds of them.
            .arg("--sync-on-commit")
            .arg("--storage-path")
            .arg(data_dir.join("mongodb"));
        // In the data's own folder it finds no stranger's secantusd.toml.
        let spec = spec.folder(data_dir);
        let service = Service::new("mongodb", spec, Probe::Tcp(uri(port)), log);
        Ok(Self { service, port, _lock: lock, _folder: None })
    }

    /// `mongodb://127.0.0.1:PORT`
    pub fn uri(&self) -> String {
        uri(self.port)
    }
}

fn uri(port: u16) -> String {
    format!("mongodb://127.0.0.1:{port}")
}

fn absolute(folder: &Path) -> Result<PathBuf> {
    std::path::absolute(folder).with_context(|| format!("{} is no folder's name", folder.display()))
}

/// Takes the folder for us. The storage engine has a lock too, but says it in a stack trace.
fn lock(data_dir: &Path) -> Result<File> {
    let path = data_dir.join("lock");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "the data in {} are in use by another `cargo xtask`: stop it, or choose another folder with --data-dir",
            data_dir.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| format!("cannot lock {}", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_server_for_one_folder() -> Result<()> {
        let folder = project::temporary_folder()?;
        let first = lock(folder.path())?;
        assert!(lock(folder.path()).is_err_and(|error| error.to_string().contains("in use by another")));
        drop(first);
        lock(folder.path()).map(drop)
    }
}
