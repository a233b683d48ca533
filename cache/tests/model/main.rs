//! The cache protocol as a model, checked exhaustively: every interleaving of two readers and two writers with crashes,
//! TTLs and fences that run out, any key that Redis drops at any time and any number of times, steps that are lost, and a
//! Redis that comes back with older contents.
//!
//! The promise is checked in its strongest form: at no moment would a hit find a value older than a write that was
//! acknowledged, since a read that started then would be answered with it. Generations are random numbers, so that Redis's
//! clock does not appear: where it steps back, fences stand for longer, and nothing else changes.

mod protocol;

use std::time::Instant;

use protocol::{Faults, Parts, Policy, Protocol};
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
            let steps: Vec<String> = path.into_actions().iter().map(|action| format!("{action:?}")).collect();
            Err(steps.join("\n"))
        }
    }
}

fn holds(name: &str, protocol: Protocol) {
    print!("{name}: ");
    match search(protocol) {
        Ok(states) => assert!(states > 1_000, "{name}: only {states} states: nothing happened in them"),
        Err(steps) => panic!("{name}: broken by\n{steps}"),
    }
}

fn breaks(name: &str, protocol: Protocol) {
    match search(protocol) {
        Ok(states) => panic!("{name}: not noticed in {states} states"),
        Err(steps) => println!("{name}:\n{steps}\n"),
    }
}

const NONE: Faults = Faults { evicts: false, evicts_fences: false, lost: 0, restored: false };
const EVICTED: Faults = Faults { evicts: true, ..NONE };
const EVICTED_AND_LOST: Faults = Faults { lost: 1, ..EVICTED };
const ANY_EVICTED: Faults = Faults { evicts_fences: true, ..EVICTED };
const RESTORED: Faults = Faults { restored: true, ..EVICTED };
const EVERYTHING: Faults = Faults { evicts: true, evicts_fences: true, lost: 1, restored: true };

fn available(faults: Faults) -> Protocol {
    Protocol { parts: Parts::ALL, policy: Policy::Available, faults }
}

fn consistent(faults: Faults) -> Protocol {
    Protocol { policy: Policy::Consistent, ..available(faults) }
}

fn without(remove: impl FnOnce(&mut Parts), faults: Faults) -> Protocol {
    let mut parts = Parts::ALL;
    remove(&mut parts);
    Protocol { parts, ..available(faults) }
}

#[test]
fn it_holds_when_processes_die_anywhere() {
    holds("crashes", available(NONE));
}

#[test]
fn it_holds_whatever_redis_drops() {
    holds("any key evicted, available", available(ANY_EVICTED));
    holds("any key evicted, consistent", consistent(ANY_EVICTED));
}

#[test]
fn it_holds_when_a_step_is_lost_and_redis_drops_any_key_but_a_fence() {
    holds("a lost step, any key but a fence evicted", available(EVICTED_AND_LOST));
}

#[test]
fn it_holds_when_redis_comes_back_with_older_contents() {
    holds("restored, any key but a fence evicted", available(RESTORED));
}

#[test]
fn consistent_holds_under_all_faults_at_once() {
    holds("all faults, consistent", consistent(EVERYTHING));
}

#[test]
fn the_double_faults_break_available() {
    breaks("a fence evicted, and the end of its write lost", available(Faults { lost: 1, ..ANY_EVICTED }));
    breaks("restored, and the end of a write in flight lost", available(Faults { lost: 1, ..RESTORED }));
}

#[test]
fn every_part_is_needed_for_the_fault_that_it_is_there_for() {
    breaks("no stamps, evictions", without(|parts| parts.stamps = false, EVICTED));
    breaks(
        "begin leaves the generation, a lost step",
        without(|parts| parts.begin_invalidates = false, EVICTED_AND_LOST),
    );
    breaks("end leaves the generation, evictions", without(|parts| parts.end_invalidates = false, ANY_EVICTED));
    breaks("no fences, a lost step", without(|parts| parts.fences = false, Faults { lost: 1, ..NONE }));
    breaks("no run id, restored", without(|parts| parts.run_id = false, RESTORED));
}

/// The stamp names the generation that the reader took, so a value that was overtaken is not read even if it is stored: the
/// check saves a store that nobody could read.
#[test]
fn the_check_of_a_fill_is_not_needed_beside_the_stamp() {
    holds("fills check no generations", without(|parts| parts.generations = false, EVICTED_AND_LOST));
}
