//! Load on a server, by wrk.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use testkit::process::CommandSpec;
use testkit::{command, install};

/// What wrk is to do.
#[derive(Clone, Debug)]
pub struct Load {
    /// What is asked for.
    pub url: String,
    /// How many connections, each of which asks as soon as it was answered.
    pub connections: usize,
    /// For how long.
    pub duration: Duration,
    /// A header for every request, `Name: value`.
    pub header: Option<String>,
}

/// What wrk saw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LoadResult {
    /// Answers a second.
    pub rate: f64,
    /// The median of the times to an answer, in milliseconds.
    pub p50: f64,
    /// What 99 of 100 answers did not exceed, in milliseconds.
    pub p99: f64,
}

impl Load {
    /// Puts the load on.
    ///
    /// # Errors
    /// When wrk cannot be run, and when an answer was an error: what is fast because it fails is not fast.
    pub fn run(&self) -> Result<LoadResult> {
        let wrk = CommandSpec::new("wrk")
            .args(["--threads", "1", "--latency", "--connections", &self.connections.to_string()])
            .args(["--duration", &format!("{}s", self.duration.as_secs().max(1))])
            .args(self.header.iter().flat_map(|header| ["--header", header]))
            .arg(&self.url);
        let (exit, text) = command::output(&wrk)?;
        ensure!(exit.success(), "wrk failed ({exit}): {text}");
        parse(&text).with_context(|| format!("{} under load: wrk says {text}", self.url))
    }
}

/// The program wrk.
///
/// # Errors
/// When it is missing and cannot be installed.
pub fn install() -> Result<()> {
    if install::on_path("wrk") {
        return Ok(());
    }
    install::package("wrk").context("the load generator wrk is missing")
}

fn parse(text: &str) -> Result<LoadResult> {
    let value = |label: &str| {
        let line = text.lines().map(str::trim).find_map(|line| line.strip_prefix(label));
        line.map(str::trim).with_context(|| format!("there is no {label:?}"))
    };
    for label in ["Non-2xx or 3xx responses:", "Socket errors:"] {
        if let Ok(count) = value(label) {
            bail!("{label} {count}");
        }
    }
    Ok(LoadResult {
        rate: value("Requests/sec:")?.parse()?,
        p50: milliseconds(value("50%")?)?,
        p99: milliseconds(value("99%")?)?,
    })
}

/// `780.00us`, `1.80ms`, `2.01s`
fn milliseconds(text: &str) -> Result<f64> {
    for (unit, factor) in [("us", 0.001), ("ms", 1.0), ("s", 1000.0)] {
        if let Some(number) = text.strip_suffix(unit) {
            return Ok(number.parse::<f64>()? * factor);
        }
    }
    bail!("{text:?} is no time")
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Running 2s test @ http://127.0.0.1:1/\n  1 threads and 16 connections\n  \
        Thread Stats   Avg      Stdev     Max   +/- Stdev\n    Latency   781.11us  300.00us   5.00ms   80.00%\n  \
        Latency Distribution\n     50%  780.00us\n     75%    1.00ms\n     90%    1.20ms\n     99%    1.80ms\n  \
        40000 requests in 2.00s, 70.00MB read\nRequests/sec:  20000.12\nTransfer/sec:     35.00MB\n";

    #[test]
    fn what_wrk_prints() -> Result<()> {
        assert_eq!(parse(TEXT)?, LoadResult { rate: 20000.12, p50: 0.78, p99: 1.8 });
        assert_eq!(milliseconds("2.50s")?, 2500.0);
        Ok(())
    }

    #[test]
    fn an_error_is_no_measurement() {
        for line in ["  Non-2xx or 3xx responses: 7\n", "  Socket errors: connect 0, read 9, write 0, timeout 0\n"] {
            assert!(parse(&format!("{TEXT}{line}")).is_err(), "{line}");
        }
        assert!(parse("unable to connect to 127.0.0.1:1 Connection refused").is_err());
    }
}
