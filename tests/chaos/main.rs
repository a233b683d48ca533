//! The real system under fire: two hosts, real Redis, real bridge and MongoDB, with what stands between them delayed, cut
//! and held back, Redis killed, emptied and frozen, one key of it dropped after another, hosts and the bridge killed; and
//! the same with a Redis at its memory limit, under every eviction policy in turn.
//! Clients write numbered versions and read them back, and every read is checked against the writes that were acknowledged
//! before it began.
//!
//! `CHAOS_SECONDS=600 cargo xtask test chaos` runs for longer.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod clients;
mod cluster;
mod faults;
mod history;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use cluster::{Cluster, Memory, NODES};
use faults::Link;
use history::History;

const WRITERS: usize = 4;
const READERS: usize = 10;

/// How many times as long a run may take where too little happens: a slow or busy machine needs more time, and a run in
/// which little was cached, written or evicted would prove little.
const LONGEST: u64 = 6;

/// Reads, writes and breaks for a while; then says what it was, and fails where a read was stale.
fn run(policy: &str, memory: Memory) {
    let seconds = std::env::var("CHAOS_SECONDS").ok().and_then(|seconds| seconds.parse().ok()).unwrap_or(20);
    let cluster = Cluster::start(policy, memory);
    let history = History::new();
    let stop = AtomicBool::new(false);
    let evicted_enough = || memory == Memory::Ample || cluster.count("key evicted") > 10;
    thread::scope(|scope| {
        for number in 0..WRITERS {
            let (cluster, history, stop) = (&cluster, &history, &stop);
            scope.spawn(move || clients::write(cluster, history, stop, number));
        }
        for number in 0..READERS {
            let (cluster, history, stop) = (&cluster, &history, &stop);
            scope.spawn(move || clients::read(cluster, history, stop, number));
        }
        for number in 0..2 {
            let (cluster, history, stop) = (&cluster, &history, &stop);
            scope.spawn(move || clients::come_and_go(cluster, history, stop, number));
        }
        for node in 0..NODES {
            for link in [Link::ToRedis, Link::ToStore] {
                let (cluster, stop) = (&cluster, &stop);
                scope.spawn(move || faults::break_link(cluster, stop, node, link));
            }
        }
        scope.spawn(|| faults::drop_keys(&cluster, &stop));
        if memory == Memory::Full {
            scope.spawn(|| faults::fill_memory(&cluster, &stop));
            scope.spawn(|| faults::note_evicted(&cluster, &stop));
        }
        let of_servers = scope.spawn(|| faults::break_servers(&cluster, &stop));
        let started = Instant::now();
        let enough = || history.tells_something() && evicted_enough();
        while history.violation().is_none() && !of_servers.is_finished() {
            let since = started.elapsed().as_secs();
            if since >= seconds * LONGEST || since >= seconds && enough() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        stop.store(true, Ordering::Relaxed);
    });
    println!("{policy}, memory {memory:?}: {}; {}", history.summary(), cluster.faults());
    if let Some(violation) = history.violation() {
        panic!("{policy}: {violation}\nThe last faults:\n{}", cluster.last_faults());
    }
    assert!(history.tells_something(), "{}", history.summary());
    assert!(evicted_enough(), "{}", cluster.faults());
}

#[test]
fn available_keeps_the_promise() {
    run("available", Memory::Ample);
}

#[test]
fn consistent_keeps_the_promise() {
    run("consistent", Memory::Ample);
}

#[test]
fn available_keeps_the_promise_at_the_memory_limit() {
    run("available", Memory::Full);
}

#[test]
fn consistent_keeps_the_promise_at_the_memory_limit() {
    run("consistent", Memory::Full);
}
