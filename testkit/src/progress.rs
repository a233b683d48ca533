//! What the commands say while they work, on stderr, in the form of cargo's own messages.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Error, Result, anyhow};

use crate::interrupt::Interrupted;

/// Says one thing that is being done: a verb and its object.
pub fn status(verb: &str, what: &str) {
    eprintln!("{verb:>12} {what}");
}

/// The steps of something long, some of which run side by side. After each step a line says what is done and what is
/// left.
#[derive(Debug)]
pub struct Progress {
    began: Instant,
    steps: usize,
    left: Mutex<Vec<String>>,
    failed: AtomicBool,
    quiet: bool,
}

impl Progress {
    /// Of these steps: each begins with a verb, such as `build the component`.
    pub fn new(steps: Vec<String>) -> Self {
        Self {
            began: Instant::now(),
            steps: steps.len(),
            left: Mutex::new(steps),
            failed: AtomicBool::new(false),
            quiet: false,
        }
    }

    /// For tests: says nothing.
    pub fn quiet() -> Self {
        Self { quiet: true, ..Self::new(Vec::new()) }
    }

    /// Runs a step and says that it is done, or notes that it failed.
    ///
    /// # Errors
    /// What the step fails with.
    pub fn step(&self, name: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        let outcome = work();
        match outcome {
            Ok(()) => self.done(name),
            Err(_) => self.failed.store(true, Ordering::Relaxed),
        }
        outcome
    }

    /// Whether a step has failed, so that those beside it need not go on.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    fn done(&self, name: &str) {
        // Poisoned only where another step panicked, and then the whole ends anyway.
        let Ok(mut left) = self.left.lock() else { return };
        left.retain(|step| step != name);
        if !self.quiet {
            let (count, line) = line(name, self.steps, &left, self.began.elapsed());
            status(&count, &line);
        }
    }
}

/// Runs two steps at the same time. Where both fail, one of them was stopped because of the other, which says why.
///
/// # Errors
/// What one of them fails with.
pub fn side_by_side(one: impl FnOnce() -> Result<()> + Send, other: impl FnOnce() -> Result<()>) -> Result<()> {
    let (one, other) = thread::scope(|scope| {
        let one = scope.spawn(one);
        let other = other();
        (one.join().unwrap_or_else(|_| Err(anyhow!("a thread panicked"))), other)
    });
    match (one, other) {
        (Err(one), Err(other)) => Err(cause(one, other)),
        (one, other) => one.and(other),
    }
}

fn cause(one: Error, other: Error) -> Error {
    if one.is::<Interrupted>() { other } else { one }
}

/// `3 of 8 done`, and `build the component, after 83 s; left: start redis, start mongodb`
fn line(name: &str, steps: usize, left: &[String], elapsed: Duration) -> (String, String) {
    let count = format!("{} of {steps} done", steps - left.len().min(steps));
    let seconds = elapsed.as_secs();
    let line = match left {
        [] => format!("{name}, after {seconds} s"),
        _ => format!("{name}, after {seconds} s; left: {}", left.join(", ")),
    };
    (count, line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_and_what_is_left() {
        let left = ["start redis".to_owned(), "start mongodb".to_owned()];
        let (count, text) = line("build the component", 8, &left, Duration::from_millis(83_900));
        assert_eq!(count, "6 of 8 done");
        assert_eq!(text, "build the component, after 83 s; left: start redis, start mongodb");
        let (count, text) = line("start redis", 1, &[], Duration::from_secs(1));
        assert_eq!((count.as_str(), text.as_str()), ("1 of 1 done", "start redis, after 1 s"));
    }

    #[test]
    fn a_step_that_fails_is_left_and_noted() {
        let progress = Progress { quiet: true, ..Progress::new(vec!["a".to_owned(), "b".to_owned()]) };
        assert!(progress.step("a", || Ok(())).is_ok() && !progress.has_failed());
        assert!(progress.step("b", || Err(anyhow!("no"))).is_err() && progress.has_failed());
        assert_eq!(progress.left.into_inner().ok(), Some(vec!["b".to_owned()]));
    }

    #[test]
    fn the_step_that_failed_says_why_not_the_one_that_was_stopped_for_it() {
        let failed = || Err(anyhow!("does not compile"));
        let stopped = || Err(Interrupted.into());
        for outcome in [side_by_side(failed, stopped), side_by_side(stopped, failed)] {
            assert_eq!(outcome.map_err(|error| error.to_string()), Err("does not compile".to_owned()));
        }
        assert!(side_by_side(|| Ok(()), failed).is_err() && side_by_side(|| Ok(()), || Ok(())).is_ok());
    }
}
