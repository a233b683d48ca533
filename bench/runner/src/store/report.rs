//! docs/benchmarks.md: what was measured, on what, and how to repeat it.

use std::fs;

use anyhow::{Context, Result};
use testkit::project;

use super::hits::Case;
use super::{StoreOptions, plot};

/// Writes the page and its plot.
///
/// # Errors
/// When a file cannot be written.
pub fn write(goals: &str, absolute: &str, machine: &[String], cases: &[Case], options: &StoreOptions) -> Result<()> {
    let StoreOptions { rounds, seconds, .. } = options;
    let machine: String = machine.iter().map(|line| format!("- {line}\n")).collect();
    let page = format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --report`, which starts and measures everything itself; where the time goes, and what \
         was tried, is in [performance.md](explanation/performance.md).\n\n\
         A hit is `GET /api/showDB/games` from a full cache: eight documents, 1.6 kB, keep-alive connections. All servers run on \
         one machine, together with Redis and the load generator, so only ratios mean anything, and only ratios of figures from the \
         same round are taken: {rounds} rounds, in each of which every server is under load for {seconds} s, in turns.\n\n\
         ![Hits a second of store-api and its peers](benchmarks.svg)\n\n\
         ## Against the goals\n\n{goals}\n\
         - *without Redis*: a component that answers the same bytes, in the same host, and asks nobody.\n\
         - *Fastify + ioredis*: Node, one process, auto-pipelining. *axum + redis-rs*: native, one multiplexed connection, \
         `TCP_NODELAY`. Both do for a hit what the store does: one `GET`, the SHA-1 of the body as entity tag, the same headers.\n\n\
         ## Absolute figures\n\n{absolute}\n\
         ## Machine and versions\n\n{machine}"
    );
    for (name, text) in [("benchmarks.md", page), ("benchmarks.svg", plot::svg(cases))] {
        let path = project::root().join("docs").join(name);
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}
