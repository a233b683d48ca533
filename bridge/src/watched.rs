//! A value that is read from files, and read again when one of them changes.
//!
//! The files are looked at once a second. That works with every file system, and with the symbolic links by which Kubernetes
//! changes mounted secrets; being told of changes works with neither.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

/// How often the files are looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// The files that a value was read from, with what they held.
#[derive(Default)]
pub struct Files(Vec<(PathBuf, Option<Vec<u8>>)>);

impl Files {
    /// Reads a file, and remembers that the value depends on it.
    ///
    /// # Errors
    /// Where the file cannot be read.
    pub fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        let read = std::fs::read(path);
        self.0.push((path.to_owned(), read.as_ref().ok().cloned()));
        read
    }

    fn changed(&self) -> bool {
        self.0.iter().any(|(path, held)| std::fs::read(path).ok() != *held)
    }
}

/// Makes the value; it is given the one that is in force, except for the first time.
type Load<T> = Box<dyn Fn(&mut Files, Option<&T>) -> Result<T, String> + Send + Sync>;

/// The value that is in force.
pub struct Watched<T> {
    /// What logs call it.
    name: &'static str,
    load: Load<T>,
    current: ArcSwap<T>,
    /// What it was last read from, in vain or not.
    files: std::sync::Mutex<Files>,
}

impl<T: Send + Sync + 'static> Watched<T> {
    /// Reads it for the first time.
    ///
    /// # Errors
    /// What `load` says.
    pub fn new(
        name: &'static str,
        load: impl Fn(&mut Files, Option<&T>) -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Arc<Self>, String> {
        let mut files = Files::default();
        let value = load(&mut files, None)?;
        let current = ArcSwap::from_pointee(value);
        Ok(Arc::new(Watched { name, load: Box::new(load), current, files: std::sync::Mutex::new(files) }))
    }

    /// The value that is in force.
    pub fn get(&self) -> Arc<T> {
        self.current.load_full()
    }

    /// Follows the files for as long as the program runs. What cannot be used is logged, and changes nothing: a file may be
    /// half written, or one of two that belong together may still be the old one.
    pub async fn follow(self: Arc<Self>) {
        loop {
            tokio::time::sleep(POLL_INTERVAL).await;
            let this = Arc::clone(&self);
            // Files are read and parsed: not on a thread that serves.
            if let Err(error) = tokio::task::spawn_blocking(move || this.poll()).await {
                tracing::error!(%error, "following {} failed", self.name);
            }
        }
    }

    fn poll(&self) {
        let Ok(mut files) = self.files.lock() else { return };
        if !files.changed() {
            return;
        }
        let mut read = Files::default();
        match (self.load)(&mut read, Some(&self.current.load())) {
            Ok(value) => {
                self.current.store(Arc::new(value));
                tracing::info!("{} has changed and is in force", self.name);
            }
            Err(why) => tracing::error!("{why}; {} from before stays in force", self.name),
        }
        // Also what could not be used: it is logged once, and looked at again when it changes.
        *files = read;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(path: &Path) -> impl Fn(&mut Files, Option<&u32>) -> Result<u32, String> + use<> {
        let path = path.to_owned();
        move |files, _| {
            let text = files.read(&path).map_err(|error| error.to_string())?;
            String::from_utf8_lossy(&text).parse().map_err(|_| "not a number".to_owned())
        }
    }

    #[test]
    fn what_parses_is_in_force() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("number");
        assert!(Watched::new("the number", number(&path)).is_err(), "at first there must be one");
        std::fs::write(&path, "1").unwrap();
        let watched = Watched::new("the number", number(&path)).unwrap();
        for (text, in_force) in [("2", 2), ("x", 2), ("x", 2), ("2", 2), ("3", 3)] {
            std::fs::write(&path, text).unwrap();
            watched.poll();
            assert_eq!(*watched.get(), in_force, "after {text}");
        }
        std::fs::remove_file(&path).unwrap();
        watched.poll();
        assert_eq!(*watched.get(), 3, "a file that is gone");
        std::fs::write(&path, "4").unwrap();
        watched.poll();
        assert_eq!(*watched.get(), 4);
    }
}
