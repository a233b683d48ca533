//! A folder that lives as long as a stack.

use std::fs;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

use crate::project;

/// A folder of our own; dropping it removes it.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new folder under `target/stacks`, named after this process.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn new() -> Result<Self> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        if number == 0 {
            remove_abandoned(&project::scratch_dir());
        }
        let path = project::scratch_dir().join(format!("{}-{number}", process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make the folder {}", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is removed by the next process that makes one.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes the folders of processes that were killed, or whose stack was never dropped.
fn remove_abandoned(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        if entry.file_name().to_str().and_then(owner).is_some_and(is_gone) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn owner(folder: &str) -> Option<Pid> {
    let (process, number) = folder.split_once('-')?;
    number.parse::<usize>().ok()?;
    process.parse().ok().filter(|id| *id > 0).map(Pid::from_raw)
}

fn is_gone(process: Pid) -> bool {
    kill(process, None) == Err(Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_owner() {
        assert_eq!(owner("12-0"), Some(Pid::from_raw(12)));
        for other in ["12", "0-1", "-1-2", "part-17.log", "12-x"] {
            assert_eq!(owner(other), None, "{other}");
        }
        assert!(!is_gone(Pid::this()));
    }

    #[test]
    fn it_goes_when_it_is_dropped() -> Result<()> {
        let scratch = Scratch::new()?;
        let path = scratch.path().to_owned();
        assert!(path.is_dir());
        drop(scratch);
        assert!(!path.exists());
        Ok(())
    }
}
