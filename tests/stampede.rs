//! Many clients miss at once, on two hosts: the store is asked once, and a holder that dies is waited for no longer than
//! its lease.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::backends::Backends;
use common::faulty::Node;
use fenced_cache::MAX_LEASE;
use serde_json::json;
use testkit::client::{Client, Response};
use testkit::proxy::Mode;

const CLIENTS: usize = 40;

/// Two hosts on the same servers, the games seeded, and nothing cached.
fn two_hosts(variables: &[(&str, &str)]) -> ([Node; 2], Backends) {
    let backends = Backends::start();
    let nodes = [(); 2].map(|()| Node::start(&backends, variables));
    assert_eq!(nodes[0].post("/api/initDB/all").status, 200);
    (nodes, backends)
}

/// Sends the same request from many clients to both hosts at the same time.
fn all_at_once(nodes: &[Node; 2], path: &str) -> Vec<(Response, Duration)> {
    let ready = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let ready = &ready;
        let clients = (0..CLIENTS).map(|n| {
            let client = Client::new(nodes[n % 2].base_url());
            scope.spawn(move || {
                ready.wait();
                let began = Instant::now();
                (client.get(path), began.elapsed())
            })
        });
        let clients: Vec<_> = clients.collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn asked(nodes: &[Node; 2]) -> u64 {
    nodes.iter().map(|node| node.to_store.posts()).sum()
}

#[test]
fn simultaneous_misses_ask_the_store_once() {
    let (nodes, _backends) = two_hosts(&[("store_timeout_ms", "5000"), ("cache_timeout_ms", "2000")]);
    // Slow enough that all have missed before the first is answered.
    for node in &nodes {
        node.to_store.set(Mode::Slow(Duration::from_millis(700)));
    }
    for path in ["/api/showDB/games", "/api/get/games/5a1f00000000000000000008", "/api/showDB/games?sort=-price"] {
        let before = asked(&nodes);
        let answers = all_at_once(&nodes, path);
        assert_eq!(asked(&nodes) - before, 1, "{path}");
        let misses = answers.iter().filter(|(answer, _)| answer.header("x-cache") == "MISS").count();
        let hits = answers.iter().filter(|(answer, _)| answer.header("x-cache") == "HIT").count();
        assert_eq!((misses, hits), (1, CLIENTS - 1), "{path}");
        assert!(answers.iter().all(|(answer, _)| answer.status == 200 && answer.body == answers[0].0.body), "{path}");
    }
    // And once for an id that nobody has: as an `_id`, and then as the value of any field.
    let before = asked(&nodes);
    let answers = all_at_once(&nodes, "/api/get/games/5a1f0000000000000000ffff");
    assert!(answers.iter().all(|(answer, _)| answer.status == 404));
    assert_eq!(asked(&nodes) - before, 2);
}

#[test]
fn a_lease_holder_that_dies_costs_its_lease_and_one_more_read() {
    let (mut nodes, _backends) = two_hosts(&[("store_timeout_ms", "5000"), ("cache_timeout_ms", "2000")]);
    nodes[0].to_store.set(Mode::Hang);
    nodes[1].to_store.set(Mode::Slow(Duration::from_millis(200)));
    let path = "/api/showDB/games";
    thread::scope(|scope| {
        let holder = Client::new(nodes[0].base_url());
        scope.spawn(move || assert!(holder.try_send("GET", path, None, b"").is_err(), "its host was killed"));
        while nodes[0].to_store.posts() == 0 {
            thread::sleep(Duration::from_millis(5));
        }
        let began = Instant::now();
        let followers = (0..CLIENTS).map(|_| {
            let client = Client::new(nodes[1].base_url());
            scope.spawn(move || (client.get(path), began.elapsed()))
        });
        let followers: Vec<_> = followers.collect();
        nodes[0].host.service.kill().unwrap();
        for (answer, took) in followers.into_iter().map(|follower| follower.join().unwrap()) {
            assert_eq!((answer.status, answer.json().as_array().unwrap().len()), (200, 8));
            assert!(took < MAX_LEASE + Duration::from_secs(3), "it waited {took:?}");
        }
    });
    assert_eq!(nodes[1].to_store.posts(), 1, "of all who followed, one leads next");
    assert_eq!(nodes[1].get(path).header("x-cache"), "HIT");
}

#[test]
fn followers_of_a_store_that_hangs_wait_no_longer_than_the_store_may_take() {
    let limit = Duration::from_secs(3);
    let (nodes, _backends) = two_hosts(&[("store_timeout_ms", "3000"), ("cache_timeout_ms", "2000")]);
    for node in &nodes {
        node.to_store.set(Mode::Hang);
    }
    for (answer, took) in all_at_once(&nodes, "/api/showDB/games") {
        assert_eq!(answer.status, 504);
        // A tenth of a second more is the promise; the rest is for a busy machine.
        assert!(took < limit + Duration::from_millis(1400), "{took:?}");
    }
}

#[test]
fn readers_do_not_queue_behind_writes_that_never_pause() {
    let (nodes, _backends) = two_hosts(&[("store_timeout_ms", "5000"), ("cache_timeout_ms", "2000")]);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let writer = Client::new(nodes[0].base_url());
        let stop = &stop;
        scope.spawn(move || {
            for n in 0.. {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                assert_eq!(
                    writer.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": n })).status,
                    200
                );
            }
        });
        for _ in 0..3 {
            for (answer, took) in all_at_once(&nodes, "/api/showDB/games") {
                assert_eq!(answer.status, 200);
                assert!(took < Duration::from_secs(4), "{took:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    });
}
