//! Programs that run to their end: compilers, installers, tests.

use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{ExitStatus, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{CommandSpec, Process, Streams};

/// Runs it with all its output visible on stderr: our stdout carries results only.
///
/// # Errors
/// When it cannot be started or fails, and on Ctrl-C.
pub fn run(spec: &CommandSpec) -> Result<()> {
    run_until(spec, || false)
}

/// As [`run`]; and where `given_up` says so, it is stopped as on Ctrl-C.
///
/// # Errors
/// As [`run`].
pub fn run_until(spec: &CommandSpec, given_up: impl Fn() -> bool) -> Result<()> {
    let streams = Streams { stdout: to_stderr()?, stderr: Stdio::inherit() };
    let status = Process::spawn(spec, streams)?.wait_until(given_up)?;
    if !status.success() {
        bail!("{} failed ({status})", spec.program().display());
    }
    Ok(())
}

/// Runs it with its messages visible on stderr, and returns what it writes to stdout.
///
/// # Errors
/// When it cannot be started, and on Ctrl-C.
pub fn output(spec: &CommandSpec) -> Result<(ExitStatus, String)> {
    capture(spec, Stdio::inherit(), false)
}

/// Runs it with all its output passed on as it comes, stdout to stdout and stderr to stderr, and returns both.
///
/// # Errors
/// When it cannot be started, and on Ctrl-C.
pub fn tee(spec: &CommandSpec) -> Result<(ExitStatus, String)> {
    capture(spec, Stdio::piped(), true)
}

fn capture(spec: &CommandSpec, stderr: Stdio, show: bool) -> Result<(ExitStatus, String)> {
    let mut process = Process::spawn(spec, Streams { stdout: Stdio::piped(), stderr })?;
    let (sender, chunks) = channel();
    if let Some(stream) = process.take_stdout() {
        copy(stream, show.then(io::stdout), sender.clone());
    }
    if let Some(stream) = process.take_stderr() {
        copy(stream, show.then(io::stderr), sender.clone());
    }
    drop(sender);
    let status = process.wait()?;
    // The streams end with the program, unless it left a child behind that still holds them.
    let limit = Instant::now() + Duration::from_secs(2);
    let mut bytes = Vec::new();
    while let Ok(chunk) = chunks.recv_timeout(limit.saturating_duration_since(Instant::now())) {
        bytes.extend(chunk);
    }
    Ok((status, String::from_utf8_lossy(&bytes).into_owned()))
}

fn copy(mut from: impl Read + Send + 'static, to: Option<impl Write + Send + 'static>, chunks: Sender<Vec<u8>>) {
    thread::spawn(move || {
        let mut to = to;
        let mut buffer = vec![0; 8192];
        // In chunks, not lines: a test's name is to be seen while the test runs.
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            if let Some(to) = &mut to {
                // A closed terminal is no reason to stop reading.
                let _ = to.write_all(&buffer[..length]).and_then(|()| to.flush());
            }
            let _ = chunks.send(buffer[..length].to_vec());
        }
    });
}

fn to_stderr() -> Result<Stdio> {
    Ok(io::stderr().as_fd().try_clone_to_owned().context("no stderr")?.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_and_status() -> Result<()> {
        let (status, text) = output(&CommandSpec::new("sh").args(["-c", "echo out; exit 3"]))?;
        assert_eq!((status.code(), text.as_str()), (Some(3), "out\n"));
        Ok(())
    }

    #[test]
    fn what_is_given_up_is_stopped() {
        let began = Instant::now();
        let outcome = run_until(&CommandSpec::new("sleep").arg("60"), || true);
        assert!(outcome.is_err_and(|error| error.is::<crate::interrupt::Interrupted>()));
        assert!(began.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_child_left_behind_holds_nobody_up() -> Result<()> {
        let began = Instant::now();
        let (status, text) = output(&CommandSpec::new("sh").args(["-c", "sleep 8 & echo out"]))?;
        assert!(status.success());
        assert_eq!(text, "out\n");
        assert!(began.elapsed() < Duration::from_secs(7));
        Ok(())
    }
}
