//! From what was seen to the figures that have a goal.

use super::hits::{Case, Request};
use testkit::runtime::Runtime;

use super::peers::Peer;
use crate::samples::Samples;
use crate::table::{Goal, Row};

/// The rows about hits.
pub fn of_hits(cases: &[Case], runtime: Runtime) -> Vec<Row> {
    let find = |peer, asked, connections| {
        let case = cases.iter().find(|case| (case.peer, case.asked, case.connections) == (peer, asked, connections));
        case.map(Case::rates).unwrap_or_default()
    };
    let listing = |peer, connections| find(peer, Request::Listing, connections);
    let row = |what: String, goal, samples| Row { what, goal, samples, unit: "" };
    let mut rows = Vec::new();
    let goals = match runtime {
        Runtime::Host | Runtime::Tuned => {
            [(Peer::Bare, Goal::AtLeast(0.85)), (Peer::Node, Goal::AtLeast(1.25)), (Peer::Native, Goal::AtLeast(0.6))]
        }
        Runtime::Spin => [(Peer::Bare, Goal::AtLeast(0.7)), (Peer::Node, Goal::None), (Peer::Native, Goal::None)],
    };
    for (peer, goal) in goals {
        for connections in [16, 64] {
            let what = format!("hit ÷ {}, {connections} connections", peer.name());
            let ratios = Samples::ratios(&listing(Peer::Store, connections), &listing(peer, connections));
            rows.push(row(what, goal, ratios));
        }
    }
    // What is left of the runtime's rate where a component asks Redis once and does nothing else, and what the store leaves of that.
    for (one, other) in [(Peer::OneCall, Peer::Bare), (Peer::Store, Peer::OneCall)] {
        let name = if one == Peer::Store { "hit" } else { one.name() };
        let what = format!("{name} ÷ {}, 16 connections", other.name());
        rows.push(row(what, Goal::None, Samples::ratios(&listing(one, 16), &listing(other, 16))));
    }
    // What is left of the native server's rate, and of Node's, when there is a component to be asked and nothing else: the most
    // that a hit can reach in this runtime.
    for peer in [Peer::Node, Peer::Native] {
        let what = format!("without Redis ÷ {}, 16 connections", peer.name());
        rows.push(row(what, Goal::None, Samples::ratios(&listing(Peer::Bare, 16), &listing(peer, 16))));
    }
    let scaling = |peer| Samples::ratios(&listing(peer, 16), &listing(peer, 1));
    let native = scaling(Peer::Native);
    let goal = native.as_ref().map_or(Goal::None, |native| Goal::AtLeast(native.median()));
    rows.push(row("hits a second, 16 connections ÷ 1".to_owned(), goal, scaling(Peer::Store)));
    rows.push(row("the same of axum + redis-rs".to_owned(), Goal::None, native));
    let at_16 = |case: &&Case| (case.peer, case.asked, case.connections) == (Peer::Store, Request::Listing, 16);
    let seen = cases.iter().find(at_16).map(|case| case.seen.as_slice()).unwrap_or_default();
    let spread = Samples::new(seen.iter().map(|seen| seen.p99 / seen.p50));
    rows.push(row("p99 ÷ p50 of a hit, 16 connections".to_owned(), Goal::AtMost(4.0), spread));
    for (what, asked) in
        [("304 ÷ hit", Request::Unchanged), ("hit of one document ÷ of the listing", Request::Document)]
    {
        let ratios = Samples::ratios(&find(Peer::Store, asked, 16), &listing(Peer::Store, 16));
        rows.push(row(format!("{what}, 16 connections"), Goal::AtLeast(1.0), ratios));
    }
    rows
}
