//! Ctrl-C and SIGTERM: noted here, acted upon by whoever waits.
//!
//! A handler that stopped the services itself would race with the code that is starting them; so everything that waits
//! in this crate waits in short slices and looks here in between.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// The error of a wait that Ctrl-C or SIGTERM cut short.
#[derive(Debug)]
pub struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

/// From now on SIGINT, SIGTERM and SIGHUP no longer end the process but are noted. For the commands; the library's
/// other users keep the system's behaviour.
pub fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        COUNT.fetch_add(1, Ordering::Relaxed);
    })
    .context("cannot listen for Ctrl-C")
}

/// How often the user has asked to stop. Twice means: without waiting any longer.
pub fn count() -> usize {
    COUNT.load(Ordering::Relaxed)
}

/// An error when the user has asked to stop.
pub fn check() -> Result<(), Interrupted> {
    if count() > 0 { Err(Interrupted) } else { Ok(()) }
}

/// Asks `done` every few milliseconds until it has an answer or `limit` is over (`None`).
///
/// # Errors
/// What `done` fails with, and [`Interrupted`].
pub fn wait_for<T>(limit: Duration, mut done: impl FnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let began = Instant::now();
    // Most services are up, or gone, within milliseconds; the others need not be asked that often.
    let mut pause = Duration::from_millis(5);
    loop {
        if let Some(answer) = done()? {
            return Ok(Some(answer));
        }
        check()?;
        if began.elapsed() >= limit {
            return Ok(None);
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}
