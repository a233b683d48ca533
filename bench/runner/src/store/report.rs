//! docs/benchmarks.md: what was measured, on what, and how to repeat it.

use std::fs;

use anyhow::{Context, Result};
use testkit::project;
use testkit::runtime::Runtime;

use super::{Measured, StoreOptions, hits, plot};
use crate::table;

/// Writes the page and its plots.
///
/// # Errors
/// When a file cannot be written.
pub fn write(measured: &[Measured], machine: &[String], options: &StoreOptions) -> Result<()> {
    let StoreOptions { rounds, seconds, .. } = options;
    let machine: String = machine.iter().map(|line| format!("- {line}\n")).collect();
    let mut page = format!(
        "# Benchmarks\n\n\
         Written by `cargo xtask bench --report`, which starts and measures everything itself; where the time goes, and what \
         was tried, is in [performance.md](explanation/performance.md).\n\n\
         A hit is `GET /api/showDB/games` from a full cache: eight documents, 1.4 kB, keep-alive connections. All servers run on \
         one machine, together with Redis and the load generator, so only ratios mean anything, and only ratios of figures from the \
         same round are taken: {rounds} rounds, in each of which every server is under load for {seconds} s, in turns. `store-host` \
         runs with `--tuned --redis-timeout=250ms`; Spin as `spin up` starts it.\n\n\
         - *without Redis*: a component that answers the same bytes, in the same host, and asks nobody. *one call to Redis*: the \
         same component, which asks for the keys of a hit with a time limit and drops the answer.\n\
         - *Fastify + ioredis*: Node, one process, auto-pipelining. *axum + redis-rs*: native, one multiplexed connection, \
         `TCP_NODELAY`. Both do for a hit one `GET`, the SHA-1 of the body as entity tag, and the same headers; the store's hit is \
         one `MGET` of the value with what proves it.\n"
    );
    for Measured { runtime, rows, hits } in measured {
        let (name, file) = section(*runtime);
        page.push_str(&format!(
            "\n## {name}\n\n![Hits a second of the store on {name} and its peers]({file})\n\n{}\n{}",
            table::markdown(rows),
            hits::markdown(hits),
        ));
        save(file, &plot::svg(hits))?;
    }
    page.push_str(&format!("\n## Machine and versions\n\n{machine}"));
    save("benchmarks.md", &page)
}

/// The heading of a runtime's part, and its plot.
fn section(runtime: Runtime) -> (&'static str, &'static str) {
    match runtime {
        Runtime::Host | Runtime::Tuned => ("store-host --tuned", "benchmarks.svg"),
        Runtime::Spin => ("Spin", "benchmarks-spin.svg"),
    }
}

fn save(name: &str, text: &str) -> Result<()> {
    let path = project::root().join("docs").join(name);
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}
