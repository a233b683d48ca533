//! The instructions of a request, counted by callgrind: the same on a busy machine as on a quiet one.
//!
//! Two runs of the host that differ only in how many requests they answer, divided by that difference: what the process
//! does besides drops out.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use testkit::install;
use testkit::progress::status;
use testkit::runtime::Runtime;

use super::peers::{self, Peer, Peers};
use crate::callgrind::InstructionCount;
use crate::interleaved::{self, DOCUMENT};

/// How many requests one run answers, and the other. Multiples of how many an instance serves.
const FEW: usize = 128;
const MANY: usize = 5 * FEW;

/// What is asked for.
#[derive(Clone, Copy)]
enum Case {
    /// A component that asks nobody.
    Bare,
    /// The same, asking Redis once.
    OneCall,
    /// The listing, from the cache.
    Hit,
    /// One document, from the cache.
    DocumentHit,
    /// The listing, unchanged.
    Unchanged,
    /// A listing that nobody has asked for yet.
    Miss,
}

impl Case {
    const ALL: [(Self, &str); 6] = [
        (Self::Bare, "without Redis"),
        (Self::OneCall, "one call to Redis"),
        (Self::Hit, "hit, listing"),
        (Self::DocumentHit, "hit, one document"),
        (Self::Unchanged, "304"),
        (Self::Miss, "miss, listing"),
    ];

    fn component(self) -> Peer {
        match self {
            Self::Bare => Peer::Bare,
            Self::OneCall => Peer::OneCall,
            Self::Hit | Self::DocumentHit | Self::Unchanged | Self::Miss => Peer::Store,
        }
    }
}

/// Counts, and prints a table.
///
/// # Errors
/// When something cannot be built or started.
pub fn run() -> Result<ExitCode> {
    if !install::on_path("valgrind") {
        install::package("valgrind").context("valgrind is missing, of which callgrind is a part")?;
    }
    let store_host = peers::build_hosts(Runtime::Tuned)?;
    let peers = Peers::backends(Runtime::Tuned, store_host, None)?;
    for case in [Case::Bare, Case::Hit] {
        status("Compiling", "a component for the processor that Valgrind simulates");
        count(&peers, case, 0)?;
    }
    println!("{:<20} {:>12} {:>12} {:>12}", "instructions of a", "in the guest", "in the host", "together");
    for (case, name) in Case::ALL {
        status("Counting", name);
        let few = count(&peers, case, FEW)?;
        let many = count(&peers, case, MANY)?;
        let each = |counted: fn(&InstructionCount) -> u64| {
            (counted(&many).saturating_sub(counted(&few))) / (MANY - FEW) as u64
        };
        let (guest, host) = (each(|counted| counted.guest), each(|counted| counted.host));
        println!("{name:<20} {guest:>12} {host:>12} {:>12}", guest + host);
    }
    Ok(ExitCode::SUCCESS)
}

fn count(peers: &Peers, case: Case, requests: usize) -> Result<InstructionCount> {
    let (mut host, url, counts) = peers.counted(case.component())?;
    host.start()?;
    let client = interleaved::client();
    let listing = format!("{url}/api/showDB/games");
    // Also of the bare component, for which this is like any other request.
    interleaved::get(&client, &listing)?;
    let answer = client.get(&listing).call()?;
    let etag = answer.headers().get("etag").context("no ETag")?.to_str()?.to_owned();
    drop(answer);
    // Another one in each run, and in both of them all documents.
    let first_limit = 1000 - if requests == FEW { 0 } else { FEW };
    for number in 0..requests {
        let request = match case {
            Case::Bare | Case::OneCall | Case::Hit => client.get(&listing),
            Case::DocumentHit => client.get(format!("{url}/api/get/games/{DOCUMENT}")),
            Case::Unchanged => client.get(&listing).header("if-none-match", &etag),
            Case::Miss => client.get(format!("{listing}?limit={}", first_limit - number)),
        };
        let mut answer = request.call()?;
        answer.body_mut().read_to_vec()?;
        let expected = if matches!(case, Case::Unchanged) { 304 } else { 200 };
        ensure!(answer.status() == expected, "{url} answered {}", answer.status());
    }
    drop(client);
    host.stop()?;
    InstructionCount::read(&counts)
}
