//! A service's log: a file that its output goes to, and what is worth showing of it.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{ChildStderr, Stdio};
use std::thread;

use anyhow::{Context, Result};

/// How much of a log's end is looked at for its last lines.
const TAIL_BYTES: u64 = 16 * 1024;

/// A log file.
#[derive(Clone, Debug)]
pub struct Log {
    path: PathBuf,
}

impl Log {
    /// An empty log at this path; the folder is made where it is missing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn create(path: PathBuf) -> Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn append(&self) -> Result<File> {
        OpenOptions::new()
            .append(true)
            .open(&self.path)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    /// For a child process to write to, without us in between.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn stream(&self) -> Result<Stdio> {
        Ok(self.append()?.into())
    }

    /// Copies what a process says into the log, and on to our own stderr with its name in front.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn echo(&self, name: &'static str, stream: ChildStderr) -> Result<()> {
        let mut file = self.append()?;
        thread::spawn(move || {
            // Ends with the process: its end of the pipe closes.
            for line in BufReader::new(stream).split(b'\n') {
                let Ok(line) = line else { return };
                let line = String::from_utf8_lossy(&line);
                // A full disk or a closed terminal is no reason to stop reading, which would stop the process.
                let _ = writeln!(file, "{line}");
                let _ = writeln!(std::io::stderr(), "{name:>12} {line}");
            }
        });
        Ok(())
    }

    /// Its last lines, at most `count`; empty when there are none, or when it cannot be read.
    pub fn tail(&self, count: usize) -> String {
        last_lines(&self.end().unwrap_or_default(), count)
    }

    fn end(&self) -> std::io::Result<String> {
        let mut file = File::open(&self.path)?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(TAIL_BYTES)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_the_last_that_say_something() {
        assert_eq!(last_lines("one\ntwo\n\nthree\n\n", 2), "two\nthree");
        assert_eq!(last_lines("one", 5), "one");
        assert_eq!(last_lines("", 5), "");
    }
}
