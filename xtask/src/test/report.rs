//! The steps of a test run: what each came to, and how long it took.

use std::time::{Duration, Instant};

use anyhow::Result;
use testkit::interrupt::Interrupted;

use super::counts::Counts;

/// The steps so far.
#[derive(Debug, Default)]
pub struct Report {
    steps: Vec<Step>,
}

#[derive(Debug)]
struct Step {
    name: String,
    counts: Counts,
    took: Duration,
}

impl Report {
    /// Runs a step and notes what it came to; one that could not run is one failure. Returns whether it could run.
    ///
    /// # Errors
    /// Only on Ctrl-C.
    pub fn step(&mut self, name: &str, work: impl FnOnce() -> Result<Counts>) -> Result<bool> {
        let began = Instant::now();
        let outcome = work();
        let took = began.elapsed();
        let ran = outcome.is_ok();
        let counts = match outcome {
            Ok(counts) => counts,
            Err(error) if error.is::<Interrupted>() => return Err(error),
            Err(error) => {
                eprintln!("xtask: {name}: {error:#}");
                Counts::FAILED
            }
        };
        self.steps.push(Step { name: name.to_owned(), counts, took });
        Ok(ran)
    }

    /// Notes a step that took no time.
    pub fn add(&mut self, name: &str, counts: Counts) {
        self.steps.push(Step { name: name.to_owned(), counts, took: Duration::ZERO });
    }

    /// All steps together.
    pub fn total(&self) -> Counts {
        self.steps.iter().fold(Counts::default(), |total, step| total + step.counts)
    }

    /// Prints a table of the steps: those in which no test was run are left out, but for the builds.
    pub fn print(&self) {
        println!();
        for Step { name, counts, took } in &self.steps {
            let seconds = took.as_secs_f64();
            if !counts.is_empty() {
                println!("{name:<36} {seconds:>7.1} s  {counts}");
            } else if seconds >= 1.0 {
                println!("{name:<36} {seconds:>7.1} s");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_step_that_cannot_run_is_one_failure_and_the_next_runs() -> Result<()> {
        let mut report = Report::default();
        assert!(!report.step("broken", || Err(anyhow!("does not compile")))?);
        assert!(report.step("whole", || Ok(Counts { passed: 3, ..Counts::default() }))?);
        assert_eq!(report.total(), Counts { passed: 3, failed: 1, skipped: 0 });
        Ok(())
    }

    #[test]
    fn an_interrupt_ends_the_run() {
        let mut report = Report::default();
        assert!(report.step("long", || Err(Interrupted.into())).is_err());
        assert!(report.total().is_empty());
    }
}
