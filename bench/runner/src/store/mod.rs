//! `cargo xtask bench`: a hit beside peers that do the same, and what else the store promises to be quick at.
//!
//! [`peers`] builds and starts who takes part, [`hits`] measures them in turns. [`misses`], [`pages`], [`instances`], [`writes`] and [`large`] measure
//! what has no peers. [`goals`] has the figures that should be reached, [`report`] makes a page of it, [`plot`] its picture.
//! [`instructions`] counts instead of measuring.

mod goals;
mod hits;
mod instances;
mod instructions;
mod large;
mod misses;
mod pages;
mod peers;
mod plot;
mod report;
mod writes;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use testkit::install;
use testkit::progress::status;
use testkit::runtime::Runtime;

use super::table::Row;
use super::{load, machine, table};
use hits::Case;

/// How to measure.
#[derive(Debug, Args)]
pub struct StoreOptions {
    /// What runs the component: this repository's host, as Spin or tuned, or the program `spin`
    #[arg(long, value_enum, default_value_t = Runtime::Tuned)]
    runtime: Runtime,

    /// A MongoDB to measure with, whose database storeDB is overwritten; without it, SecantusDB is installed and started
    #[arg(long, value_name = "URI")]
    mongodb_uri: Option<String>,

    /// How often everything is measured, in turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// How long each measurement of a round takes
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,

    /// Only hits beside their peers: no writes, cold starts, memory
    #[arg(long)]
    hits: bool,

    /// Writes docs/benchmarks.md and its plots: of the host, and of Spin where `spin` is on the PATH
    #[arg(long, conflicts_with_all = ["hits", "instructions"])]
    report: bool,

    /// Counts the instructions of a hit and of a miss with callgrind instead: the same on a busy machine
    #[arg(long)]
    instructions: bool,
}

/// What was seen on one runtime.
struct Measured {
    runtime: Runtime,
    rows: Vec<Row>,
    hits: Vec<Case>,
}

pub(super) fn run(options: &StoreOptions) -> Result<ExitCode> {
    if options.instructions {
        return instructions::run();
    }
    load::install()?;
    let runtimes = match options.report && install::on_path("spin") {
        true => vec![Runtime::Tuned, Runtime::Spin],
        false => vec![options.runtime],
    };
    let mut measured = Vec::new();
    for runtime in runtimes {
        let store_host = peers::build(runtime)?;
        let seen = measure(runtime, store_host, options)?;
        println!("{}", table::markdown(&seen.rows));
        measured.push(seen);
    }
    let machine = machine::describe();
    println!("{}", machine.join("\n"));
    if options.report {
        status("Writing", "docs/benchmarks.md and its plots");
        report::write(&measured, &machine, options)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn measure(runtime: Runtime, store_host: PathBuf, options: &StoreOptions) -> Result<Measured> {
    let mut peers = peers::Peers::start(runtime, store_host, options.mongodb_uri.as_deref())?;
    let hits = hits::measure(&peers, options)?;
    let mut rows = goals::of_hits(&hits, runtime);
    // At once, since what follows takes minutes.
    println!("{}\n\n{}", runtime.name(), hits::markdown(&hits));
    if !options.hits {
        rows.push(misses::measure(&peers, options)?);
        rows.extend(writes::measure(&peers, options)?);
        peers.stop_others()?;
        rows.push(pages::measure(&peers, options)?);
        rows.push(instances::cold_start(&peers, options)?);
        // With Spin the process that serves is a child of the one that was started.
        if runtime != Runtime::Spin {
            rows.push(instances::memory(&peers)?);
            rows.extend(large::measure(&peers)?);
        }
    }
    peers.stop()?;
    Ok(Measured { runtime, rows, hits })
}
