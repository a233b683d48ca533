//! Hits: every peer under the same load, in turns.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use testkit::progress::status;

use super::StoreOptions;
use super::peers::{Peer, Peers};
use crate::interleaved;
use crate::load::{Load, LoadResult};
use crate::samples::Samples;
use crate::table::{Goal, Row, markdown as rows_as_markdown};

/// How many connections a load has.
pub const CONNECTIONS: [usize; 3] = [1, 16, 64];

/// How long a load lasts before the first round, which is not counted: compilers compile, caches fill.
const WARM_UP: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The listing of `games`.
    Listing,
    /// The same, with the entity tag that it has: 304.
    Unchanged,
    /// One document by its id.
    Document,
}

impl Request {
    fn name(self) -> &'static str {
        match self {
            Self::Listing => "listing",
            Self::Unchanged => "304",
            Self::Document => "document",
        }
    }
}

/// One load on one peer, and what was seen in each round.
#[derive(Clone, Debug)]
pub struct Case {
    /// Who.
    pub peer: Peer,
    /// What.
    pub asked: Request,
    /// By how many connections.
    pub connections: usize,
    /// Round by round.
    pub seen: Vec<LoadResult>,
    load: Load,
}

/// Measures every case as often as there are rounds. What a case is divided by is measured in the same round.
///
/// # Errors
/// When a peer fails.
pub fn measure(peers: &Peers, options: &StoreOptions) -> Result<Vec<Case>> {
    let mut cases = cases(peers, Duration::from_secs(options.seconds))?;
    for case in cases.iter().filter(|case| case.connections == 16) {
        status("Warming", &case.title());
        Load { duration: WARM_UP, ..case.load.clone() }.run()?;
    }
    for round in 0..options.rounds as usize {
        let count = cases.len();
        status("Measuring", &format!("round {} of {}", round + 1, options.rounds));
        for turn in 0..count {
            // Nobody is always the first, nor always behind the same.
            let case = &mut cases[(turn + 3 * round) % count];
            let seen = case.load.run()?;
            case.seen.push(seen);
        }
    }
    Ok(cases)
}

fn cases(peers: &Peers, duration: Duration) -> Result<Vec<Case>> {
    let store = peers.url(Peer::Store);
    let agent = interleaved::client();
    let mut etag = String::new();
    let mut id = String::new();
    // Twice: the first one fills the cache.
    for source in ["MISS", "HIT"] {
        let mut listing = agent.get(format!("{store}/api/showDB/games")).call()?;
        let header = |name: &str| listing.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        ensure!(header("x-cache") == source, "the listing is no {source}");
        etag = header("etag").to_owned();
        let documents: Value = serde_json::from_str(&listing.body_mut().read_to_string()?)?;
        id = documents[0]["_id"].as_str().context("a document without an id")?.to_owned();
        agent.get(format!("{store}/api/get/games/{id}")).call()?;
    }

    let mut cases = Vec::new();
    let mut add = |peer: Peer, asked: Request, connections: usize| {
        let path = match asked {
            Request::Listing | Request::Unchanged => "/api/showDB/games".to_owned(),
            Request::Document => format!("/api/get/games/{id}"),
        };
        let header = (asked == Request::Unchanged).then(|| format!("If-None-Match: {etag}"));
        let load = Load { url: format!("{}{path}", peers.url(peer)), connections, duration, header };
        cases.push(Case { peer, asked, connections, seen: Vec::new(), load });
    };
    for connections in CONNECTIONS {
        for peer in Peer::ALL {
            add(peer, Request::Listing, connections);
        }
    }
    add(Peer::Store, Request::Unchanged, 16);
    add(Peer::Store, Request::Document, 16);
    Ok(cases)
}

impl Case {
    fn title(&self) -> String {
        format!("{}, {}, {} connections", self.peer.name(), self.asked.name(), self.connections)
    }

    /// Answers a second, round by round.
    pub fn rates(&self) -> Vec<f64> {
        self.seen.iter().map(|seen| seen.rate).collect()
    }
}

/// The absolute figures, which hold for this machine alone.
pub fn markdown(cases: &[Case]) -> String {
    let rows: Vec<Row> = cases
        .iter()
        .flat_map(|case| {
            let row = |what: &str, unit, value: fn(&LoadResult) -> f64| Row {
                what: format!("{}: {what}", case.title()),
                goal: Goal::None,
                samples: Samples::new(case.seen.iter().map(value)),
                unit,
            };
            [
                row("rate", "/s", |seen| seen.rate),
                row("p50", " ms", |seen| seen.p50),
                row("p99", " ms", |seen| seen.p99),
            ]
        })
        .collect();
    rows_as_markdown(&rows)
}
