//! The cache protocol as a model, checked exhaustively: every interleaving of two readers and two writers with crashes,
//! lost leases, a Redis that is emptied, steps that are lost, and TTLs and fences that run out.
//!
//! One document and the listing that holds it are the two entries; a write makes both untrue. The promise is checked in
//! its strongest form: at no moment does the cache hold a value older than a write that was acknowledged, since a read
//! that started then would be answered with it.

mod protocol;

use std::time::Instant;

use protocol::{Action, Faults, Parts, Policy, Protocol};
use stateright::{Checker, Model};

/// The interleaving that breaks the promise, one step a line; or how many states there were without one.
fn search(protocol: Protocol) -> Result<usize, String> {
    let began = Instant::now();
    let checker = protocol.checker().threads(2).spawn_bfs().join();
    match checker.discovery("promise") {
        None => {
            println!("{} states in {:.1?}", checker.unique_state_count(), began.elapsed());
            Ok(checker.unique_state_count())
        }
        Some(path) => {
            let steps: Vec<String> = path.into_actions().iter().map(Action::to_string).collect();
            Err(steps.join("\n"))
        }
    }
}

fn holds(name: &str, protocol: Protocol) {
    print!("{name}: ");
    match search(protocol) {
        Ok(states) => assert!(states > 10_000, "{name}: only {states} states: nothing happened in them"),
        Err(steps) => panic!("{name}: broken by\n{steps}"),
    }
}

fn breaks(name: &str, protocol: Protocol) {
    match search(protocol) {
        Ok(states) => panic!("{name}: not noticed in {states} states"),
        Err(steps) => println!("{name}:\n{steps}\n"),
    }
}

const WHOLE: Protocol = Protocol { parts: Parts::ALL, policy: Policy::Available, faults: Faults::CRASHES };
const CONSISTENT: Protocol = Protocol { policy: Policy::Consistent, ..WHOLE };

fn without(remove: impl FnOnce(&mut Parts), faults: Faults) -> Protocol {
    let mut parts = Parts::ALL;
    remove(&mut parts);
    Protocol { parts, faults, ..WHOLE }
}

#[test]
fn it_holds_when_components_die_anywhere() {
    holds("crashes, available", WHOLE);
    holds("crashes, consistent", CONSISTENT);
}

#[test]
fn it_holds_when_redis_is_emptied() {
    holds("emptied, available", Protocol { faults: Faults::EMPTIED, ..WHOLE });
    holds("emptied, consistent", Protocol { faults: Faults::EMPTIED, ..CONSISTENT });
}

#[test]
fn it_holds_when_a_step_is_lost() {
    holds("a lost step, available", Protocol { faults: Faults::LOST, ..WHOLE });
    holds("a lost step, consistent", Protocol { faults: Faults::LOST, ..CONSISTENT });
}

#[test]
fn the_double_fault_breaks_available_and_not_consistent() {
    breaks("a lost step and Redis emptied, available", Protocol { faults: Faults::BOTH, ..WHOLE });
    holds("a lost step and Redis emptied, consistent", Protocol { faults: Faults::BOTH, ..CONSISTENT });
}

#[test]
fn every_part_is_needed_for_the_fault_that_it_is_there_for() {
    breaks("no generations, crashes", without(|parts| parts.generations = false, Faults::CRASHES));
    breaks("generations not made when taken, emptied", without(|parts| parts.made_when_taken = false, Faults::EMPTIED));
    breaks("no fences, a lost step", without(|parts| parts.fences = false, Faults::LOST));
    breaks("fences too short, a lost step", without(|parts| parts.fences_outlive = false, Faults::LOST));
    breaks("no deletes at the end, a lost step", without(|parts| parts.deletes = false, Faults::LOST));
}

/// As the design's table says: a part that stops a graver fault is not needed for a lesser one.
#[test]
fn no_part_is_needed_for_a_lesser_fault() {
    holds("generations not made when taken, crashes", without(|parts| parts.made_when_taken = false, Faults::CRASHES));
    holds("no fences, crashes", without(|parts| parts.fences = false, Faults::CRASHES));
    holds("no fences, emptied", without(|parts| parts.fences = false, Faults::EMPTIED));
    holds("fences too short, emptied", without(|parts| parts.fences_outlive = false, Faults::EMPTIED));
}
