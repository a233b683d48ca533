//! One service of the running system: a server process, how it is started, how it is asked, where it logs.

use std::fmt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::Signal;

use crate::interrupt;
use crate::log::Log;
use crate::probe::Probe;
use crate::process::{CommandSpec, Process, Streams};

/// How long a service may take until it answers. On a machine that is busy compiling, SecantusDB has taken several seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a service may take to end. The host gives requests in flight 10 seconds.
const STOP_LIMIT: Duration = Duration::from_secs(12);

/// How many lines of the log are shown of a service that died.
const SHOWN_LINES: usize = 15;

/// A server that we run. Dropping it kills it.
#[derive(Debug)]
pub struct Service {
    name: &'static str,
    spec: CommandSpec,
    probe: Probe,
    log: Log,
    echo: bool,
    start_limit: Duration,
    process: Option<Process>,
}

/// A service that ended although nobody stopped it.
#[derive(Debug)]
pub struct UnexpectedExit {
    name: &'static str,
    status: ExitStatus,
    log: Log,
}

impl fmt::Display for UnexpectedExit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ended by itself ({})", self.name, self.status)?;
        match self.log.tail(SHOWN_LINES) {
            tail if tail.is_empty() => Ok(()),
            tail => write!(formatter, "; the last lines of {}:\n{tail}", self.log.path().display()),
        }
    }
}

impl std::error::Error for UnexpectedExit {}

impl Service {
    /// A service, not yet started.
    pub fn new(name: &'static str, spec: CommandSpec, probe: Probe, log: Log) -> Self {
        Self { name, spec, probe, log, echo: false, start_limit: START_LIMIT, process: None }
    }

    /// Shows on our stderr what the service says on its own, beside logging it.
    #[must_use]
    pub fn echo(mut self, echo: bool) -> Self {
        self.echo = echo;
        self
    }

    /// Gives it so long until it answers.
    #[must_use]
    pub fn start_limit(mut self, limit: Duration) -> Self {
        self.start_limit = limit;
        self
    }

    /// Its name, as `up` prints it.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Its log.
    pub fn log(&self) -> &Log {
        &self.log
    }

    /// Its process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.process.as_ref().map(Process::id)
    }

    /// Starts it and waits until it answers. One that runs already is an error.
    ///
    /// # Errors
    /// When it does not start, dies, or does not answer in time.
    pub fn start(&mut self) -> Result<()> {
        self.spawn()?;
        self.wait()
    }

    /// Starts it without waiting.
    ///
    /// # Errors
    /// When it runs already or does not start.
    pub fn spawn(&mut self) -> Result<()> {
        if self.process.is_some() {
            bail!("{} runs already", self.name);
        }
        let stderr = if self.echo { Stdio::piped() } else { self.log.stream()? };
        let streams = Streams { stdout: self.log.stream()?, stderr };
        let mut process = Process::spawn(&self.spec, streams)?;
        if let Some(stderr) = process.take_stderr() {
            self.log.echo(self.name, stderr)?;
        }
        self.process = Some(process);
        Ok(())
    }

    /// Waits until it answers.
    ///
    /// # Errors
    /// When it dies, or does not answer in time.
    pub fn wait(&mut self) -> Result<()> {
        let mut failure = None;
        let answered = interrupt::wait_for(self.start_limit, || {
            if let Some(unexpected_exit) = self.unexpected_exit()? {
                return Err(unexpected_exit.into());
            }
            match self.probe.ask() {
                Ok(()) => Ok(Some(())),
                Err(error) => {
                    failure = Some(error);
                    Ok(None)
                }
            }
        })?;
        answered.ok_or_else(|| {
            let seconds = self.start_limit.as_secs();
            let failure = failure.unwrap_or_else(|| anyhow!("it was never asked"));
            anyhow!(
                "{} did not answer within {seconds} s: {failure:#}; its log is {}",
                self.name,
                self.log.path().display()
            )
        })
    }

    /// How it ended, if it has ended and nobody stopped it. Says so once.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn unexpected_exit(&mut self) -> Result<Option<UnexpectedExit>> {
        let Some(process) = &mut self.process else { return Ok(None) };
        let Some(status) = process.status()? else { return Ok(None) };
        self.process = None;
        Ok(Some(UnexpectedExit { name: self.name, status, log: self.log.clone() }))
    }

    /// Stops it in an orderly way: SIGTERM, then SIGKILL when it takes too long.
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    pub fn stop(&mut self) -> Result<()> {
        self.running()?.stop(STOP_LIMIT)?;
        self.process = None;
        Ok(())
    }

    /// Kills it (SIGKILL): what a crash is to the others.
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.running()?.kill()?;
        self.process = None;
        Ok(())
    }

    /// Makes it hang (SIGSTOP): its connections stand, nothing is answered.
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    pub fn pause(&mut self) -> Result<()> {
        self.running()?.signal(Signal::SIGSTOP)
    }

    /// Lets it run on after [`Service::pause`].
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.running()?.signal(Signal::SIGCONT)
    }

    /// Stops it and starts it again, on the same port with the same data.
    ///
    /// # Errors
    /// As [`Service::stop`] and [`Service::start`].
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.start()
    }

    fn running(&mut self) -> Result<&mut Process> {
        let name = self.name;
        self.process.as_mut().with_context(|| format!("{name} does not run"))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use tempfile::TempDir;

    use super::*;
    use crate::{port, project};

    fn service(folder: &TempDir, script: &str) -> Result<Service> {
        let log = Log::create(folder.path().join("thing.log"))?;
        let port = port::free()?;
        let spec = CommandSpec::new("sh").args(["-c", script]);
        Ok(Service::new("thing", spec, Probe::Tcp(format!("http://127.0.0.1:{port}")), log))
    }

    #[test]
    fn an_exit_at_the_start_shows_its_status_and_log() -> Result<()> {
        let folder = project::temporary_folder()?;
        let mut service = service(&folder, "echo first; echo the reason >&2; exit 7")?;
        let error = service.start().err().context("it started")?.to_string();
        assert!(error.starts_with("thing ended by itself (exit status: 7)"), "{error}");
        assert!(error.ends_with("first\nthe reason"), "{error}");
        Ok(())
    }

    #[test]
    fn one_that_is_paused_stops_at_once() -> Result<()> {
        let folder = project::temporary_folder()?;
        let mut service = service(&folder, "sleep 60")?;
        service.spawn()?;
        service.pause()?;
        let began = Instant::now();
        service.stop()?;
        assert!(began.elapsed() < STOP_LIMIT / 2);
        assert!(service.unexpected_exit()?.is_none(), "a service that was stopped has not exited unexpectedly");
        assert!(service.stop().is_err(), "it no longer runs");
        Ok(())
    }
}
