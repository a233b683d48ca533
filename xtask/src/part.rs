//! One part of the running system: a server process, how it is started, how it is asked, where it logs.

use std::fmt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use nix::sys::signal::Signal;

use crate::interrupt;
use crate::log::Log;
use crate::probe::Probe;
use crate::process::{Launch, Process, Streams};

/// How long a part may take until it answers. On a machine that is busy compiling, SecantusDB has taken several seconds.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How long a part may take to end. The host gives requests in flight 10 seconds.
const STOP_LIMIT: Duration = Duration::from_secs(12);

/// How many lines of the log are shown of a part that died.
const SHOWN_LINES: usize = 15;

/// A server that we run. Dropping it kills it.
#[derive(Debug)]
pub struct Part {
    name: &'static str,
    launch: Launch,
    probe: Probe,
    log: Log,
    echo: bool,
    start_limit: Duration,
    process: Option<Process>,
}

/// A part's unexpected end.
#[derive(Debug)]
pub struct Death {
    name: &'static str,
    status: ExitStatus,
    log: Log,
}

impl fmt::Display for Death {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ended by itself ({})", self.name, self.status)?;
        match self.log.tail(SHOWN_LINES) {
            tail if tail.is_empty() => Ok(()),
            tail => write!(formatter, "; the last lines of {}:\n{tail}", self.log.path().display()),
        }
    }
}

impl std::error::Error for Death {}

impl Part {
    /// A part, not yet started.
    pub fn new(name: &'static str, launch: Launch, probe: Probe, log: Log) -> Self {
        Self { name, launch, probe, log, echo: false, start_limit: START_LIMIT, process: None }
    }

    /// Shows on our stderr what the part says on its own, beside logging it.
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
        let mut process = Process::spawn(&self.launch, streams)?;
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
            if let Some(death) = self.death()? {
                return Err(death.into());
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
    pub fn death(&mut self) -> Result<Option<Death>> {
        let Some(process) = &mut self.process else { return Ok(None) };
        let Some(status) = process.status()? else { return Ok(None) };
        self.process = None;
        Ok(Some(Death { name: self.name, status, log: self.log.clone() }))
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

    /// Lets it run on after [`Part::pause`].
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    pub fn resume(&mut self) -> Result<()> {
        self.running()?.signal(Signal::SIGCONT)
    }

    /// Stops it and starts it again, on the same port with the same data.
    ///
    /// # Errors
    /// As [`Part::stop`] and [`Part::start`].
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

    use super::*;
    use crate::project;

    fn part(script: &str, port: u16) -> Result<Part> {
        let log = Log::create(project::scratch_dir().join(format!("part-{port}.log")))?;
        let launch = Launch::new("sh").args(["-c", script]);
        Ok(Part::new("thing", launch, Probe::Tcp(format!("http://127.0.0.1:{port}")), log))
    }

    #[test]
    fn a_death_at_the_start_shows_its_status_and_log() -> Result<()> {
        let mut part = part("echo first; echo the reason >&2; exit 7", crate::port::free()?)?;
        let error = part.start().err().context("it started")?.to_string();
        assert!(error.starts_with("thing ended by itself (exit status: 7)"), "{error}");
        assert!(error.ends_with("first\nthe reason"), "{error}");
        Ok(std::fs::remove_file(part.log().path())?)
    }

    #[test]
    fn one_that_is_paused_stops_at_once() -> Result<()> {
        let mut part = part("sleep 60", crate::port::free()?)?;
        part.spawn()?;
        part.pause()?;
        let began = Instant::now();
        part.stop()?;
        assert!(began.elapsed() < STOP_LIMIT / 2);
        assert!(part.death()?.is_none(), "stopping it is no death");
        assert!(part.stop().is_err(), "it no longer runs");
        Ok(std::fs::remove_file(part.log().path())?)
    }
}
