//! `cargo xtask bench`: a hit beside peers that do the same, and what else the store promises to be quick at.
//!
//! [`peers`] builds and starts who takes part, [`hits`] measures them in turns. [`instances`], [`writes`] and [`large`] measure
//! what has no peers. [`goals`] has the figures that should be reached, [`report`] makes a page of it, [`plot`] its picture.
//! [`instructions`] counts instead of measuring.

mod goals;
mod hits;
mod instances;
mod instructions;
mod large;
mod peers;
mod plot;
mod report;
mod writes;

use std::process::ExitCode;

use anyhow::Result;
use clap::Args;
use testkit::progress::status;
use testkit::runtime::Runtime;

use super::{load, machine, table};

/// How to measure.
#[derive(Debug, Args)]
pub struct StoreOptions {
    /// What runs the component: this repository's host, or the program `spin`
    #[arg(long, value_enum, default_value_t)]
    runtime: Runtime,

    /// How often everything is measured, in turns
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,

    /// How long each measurement of a round takes
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..))]
    seconds: u64,

    /// Only hits beside their peers: no writes, cold starts, memory
    #[arg(long)]
    hits: bool,

    /// Writes docs/benchmarks.md and docs/benchmarks.svg
    #[arg(long, conflicts_with_all = ["hits", "instructions"])]
    report: bool,

    /// Counts the instructions of a hit and of a miss with callgrind instead: the same on a busy machine
    #[arg(long)]
    instructions: bool,
}

pub(super) fn run(options: &StoreOptions) -> Result<ExitCode> {
    if options.instructions {
        return instructions::run();
    }
    load::install()?;
    peers::build(options.runtime)?;
    let mut peers = peers::Peers::start(options.runtime)?;
    let measured = hits::measure(&peers, options)?;
    let mut rows = goals::of_hits(&measured);
    if !options.hits {
        rows.extend(writes::measure(&peers, options)?);
        peers.stop_others()?;
        rows.extend(instances::measure(&peers, options)?);
        rows.extend(large::measure(&peers)?);
    }
    peers.stop()?;
    let table = table::markdown(&rows);
    let absolute = hits::markdown(&measured);
    println!("{table}\n{absolute}");
    let machine = machine::describe();
    println!("{}", machine.join("\n"));
    if options.report {
        status("Writing", "docs/benchmarks.md, docs/benchmarks.svg");
        report::write(&table, &absolute, &machine, &measured, options)?;
    }
    Ok(ExitCode::SUCCESS)
}
