//! A child process that does not outlive us: [`CommandSpec`] says what to start, [`Process`] is it running.

mod command_spec;
mod spawner;

use std::process::{Child, ChildStderr, ChildStdout, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;

pub use command_spec::{CommandSpec, DeathSignal};

use crate::interrupt::{self, Interrupted};

/// A child process and the process group that it leads. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

/// What becomes of the two streams of a process.
pub struct Streams {
    /// Its standard output.
    pub stdout: Stdio,
    /// Its standard error.
    pub stderr: Stdio,
}

impl Process {
    /// Starts it. It cannot read the terminal: its standard input is empty.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn spawn(spec: &CommandSpec, streams: Streams) -> Result<Self> {
        let mut command = spec.command();
        command.stdin(Stdio::null()).stdout(streams.stdout).stderr(streams.stderr);
        let child = spawner::spawn(command).with_context(|| format!("cannot start {}", spec.program().display()))?;
        Ok(Self { child })
    }

    /// Its process id, which is also its group's.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output, where that was piped; once.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }

    /// Its standard error, where that was piped; once.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// How it ended, or `None` while it runs.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn status(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("cannot ask for the state of a child process")
    }

    /// Waits for its end. On Ctrl-C it is stopped, and the error is [`interrupt::Interrupted`].
    ///
    /// # Errors
    /// When interrupted.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        self.wait_until(|| false)
    }

    /// As [`Process::wait`]; and where `given_up` says so, it is stopped as on Ctrl-C.
    ///
    /// # Errors
    /// When interrupted.
    pub fn wait_until(&mut self, given_up: impl Fn() -> bool) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            if given_up() || interrupt::check().is_err() {
                self.stop(Duration::from_secs(2))?;
                return Err(Interrupted.into());
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Sends a signal to it and its children. One that has ended already is no error.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn signal(&mut self, signal: Signal) -> Result<()> {
        // Once it is reaped, its number may belong to somebody else.
        if self.status()?.is_some() {
            return Ok(());
        }
        let group = i32::try_from(self.id()).context("a process id beyond the system's own range")?;
        match killpg(Pid::from_raw(group), signal) {
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("cannot send {signal} to process {group}")),
        }
    }

    /// SIGTERM, and SIGKILL to what is still there after `grace`, or when the user asks for the second time. Returns
    /// when it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn stop(&mut self, grace: Duration) -> Result<()> {
        self.signal(Signal::SIGTERM)?;
        // One that is paused takes the signal only once it runs again.
        self.signal(Signal::SIGCONT)?;
        let began = Instant::now();
        while self.status()?.is_none() {
            if began.elapsed() >= grace || interrupt::count() > 1 {
                return self.kill();
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// SIGKILL. Returns when it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.signal(Signal::SIGKILL)?;
        self.child.wait().context("cannot wait for a child process")?;
        Ok(())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Nobody is left to tell; and a child that cannot be killed is gone already.
        let _ = self.kill();
    }
}
