//! Redis, the bridge and MongoDB misbehave in every way that a network and a full disk allow, and reads stay right.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::thread::sleep;
use std::time::Duration;

use common::faulty::{CACHE_TIMEOUT, Faulty, STORE_TIMEOUT};
use serde_json::json;
use testkit::proxy::Mode;
use testkit::runtime::Runtime;

const CELESTE: &str = "/api/get/games/5a1f00000000000000000008";
/// How long reads leave Redis alone after it failed.
const BREAKER: Duration = Duration::from_secs(1);
/// What a request may take on a machine that is busy compiling, beside what it waits for.
const SLACK: Duration = Duration::from_secs(2);

/// What no Redis answers: no protocol at all, a string that never ends, an array cut short, an unknown error.
const REDIS_GARBAGE: [&[u8]; 4] =
    [b"\xff\x00!garbage?\r\n\r\n", b"$1000000000\r\nabc", b"*2\r\n:1\r\n", b"-ERR something broke\r\n"];

/// What no Data API answers: no protocol at all, its own failures, a document that is none, half a body, nothing.
const STORE_GARBAGE: [&[u8]; 6] = [
    b"\xff\x00!garbage?\r\n\r\n",
    b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 13\r\n\r\n{\"error\":\"x\"}",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n<html>no!",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"documents\":7}",
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 400\r\n\r\n{\"documents\":[{",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
];

/// Reads a while, and says how many reads took as long as a timeout.
fn reads_are_right(system: &Faulty, mode: Mode) {
    let mut slow = 0;
    for n in 0..20 {
        let (answer, took) = system.timed(CELESTE);
        assert_eq!(answer.status, 200, "{mode:?}, read {n}");
        assert_eq!(answer.json()["item"], "Celeste", "{mode:?}");
        assert!(took < CACHE_TIMEOUT * 3 + SLACK, "{mode:?}, read {n} took {took:?}");
        slow += usize::from(took >= CACHE_TIMEOUT);
    }
    // Once per breaker period, and these reads are over within few; a busy machine makes others slow, too.
    assert!(slow <= 10, "{mode:?}: {slow} of 20 reads waited for Redis");
}

fn becomes_a_hit(system: &Faulty, mode: Mode) {
    sleep(BREAKER * 2);
    system.get(CELESTE);
    let again = system.get(CELESTE);
    assert_eq!(again.header("x-cache"), "HIT", "after {mode:?}: {}", again.header("cache-status"));
}

#[test]
fn reads_are_right_while_the_way_to_redis_is_broken_and_recover() {
    reads_are_right_however_redis_fails(&Faulty::start(&[]));
}

/// The component sets no timer for a hit then.
#[test]
fn the_same_where_the_host_ends_calls_of_redis_by_itself() {
    if Runtime::from_environment().unwrap() == Runtime::Spin {
        // Spin has no such limit, and so there is nothing else to try than above.
        return;
    }
    reads_are_right_however_redis_fails(&Faulty::start_on(Runtime::Tuned, &[]));
}

fn reads_are_right_however_redis_fails(system: &Faulty) {
    let garbage = REDIS_GARBAGE.map(Mode::Answer);
    let broken = [Mode::Refuse, Mode::Hang, Mode::Slow(CACHE_TIMEOUT * 2), Mode::CutAnswers];
    for mode in broken.into_iter().chain(garbage) {
        system.to_redis.set(mode);
        reads_are_right(system, mode);
        // A write goes through, and the next read shows it.
        let price = json!({ "price": 20.5 });
        let write = system.put("/api/update/games/5a1f00000000000000000008", &price);
        assert_eq!(write.status, 200, "{mode:?}");
        assert_eq!(system.get(CELESTE).json()["price"], 20.5, "{mode:?}");
        system.to_redis.set(Mode::Pass);
        becomes_a_hit(system, mode);
    }
}

/// How to make a Redis refuse writes, and how to undo that.
const REFUSALS: [(&str, &str); 3] = [
    // It is full.
    ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 0"),
    ("CONFIG SET min-replicas-to-write 1", "CONFIG SET min-replicas-to-write 0"),
    // It becomes a replica of a server that nobody runs, and so is read-only.
    ("REPLICAOF 127.0.0.1 1", "REPLICAOF NO ONE"),
];

fn command(system: &Faulty, line: &str) {
    let words: Vec<_> = line.split(' ').collect();
    let () = redis::cmd(words[0]).arg(&words[1..]).query(&mut system.backends.redis_connection()).unwrap();
}

#[test]
fn a_redis_that_will_not_write_is_read_around() {
    let ttl = Duration::from_secs(2);
    let system = Faulty::start(&[("cache_ttl_seconds", "2")]);
    command(&system, "CONFIG SET maxmemory-policy noeviction");
    for ((refuse, undo), price) in REFUSALS.into_iter().zip([30.5, 31.5, 32.5]) {
        system.get(CELESTE);
        command(&system, refuse);
        let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": price }));
        assert_eq!(write.status, 200, "{refuse}");
        match write.header("cache-status") {
            "" => {}
            // Nothing can be deleted in such a Redis: the write says so, and the TTL bounds how long that matters.
            "redis; fwd=method; detail=not-invalidated" => sleep(ttl),
            other => panic!("{refuse}: {other}"),
        }
        for _ in 0..3 {
            let answer = system.get(CELESTE);
            assert_eq!((answer.status, answer.json()["price"].clone()), (200, json!(price)), "{refuse}");
        }
        command(&system, undo);
        sleep(BREAKER);
        system.get(CELESTE);
        assert_eq!(system.get(CELESTE).header("x-cache"), "HIT", "{refuse}");
    }
}

#[test]
fn consistent_writes_nothing_to_the_store_that_redis_will_not_record() {
    let system = Faulty::start(&[("cache_write_policy", "consistent")]);
    let before = system.get(CELESTE).json();
    // A Redis that is full still deletes, and a script that has deleted may write its fence, too.
    for (refuse, undo) in &REFUSALS[1..] {
        command(&system, refuse);
        let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": 1.25 }));
        assert_eq!((write.status, write.header("retry-after")), (503, "1"), "{refuse}");
        assert_eq!(system.get(CELESTE).json(), before, "{refuse}");
        command(&system, undo);
    }
    let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": 1.25 }));
    assert_eq!(write.status, 200);
    assert_eq!(system.get(CELESTE).json()["price"], 1.25);
}

#[test]
fn a_redis_that_asks_for_another_password_is_read_around() {
    let system = Faulty::start(&[]);
    let mut redis = system.backends.redis_connection();
    let () = redis::cmd("CONFIG").arg(&["SET", "requirepass", "secret"]).query(&mut redis).unwrap();
    let () = redis::cmd("CLIENT").arg(&["KILL", "TYPE", "normal", "SKIPME", "yes"]).query(&mut redis).unwrap();
    reads_are_right(&system, Mode::Pass);
    assert_eq!(system.get(CELESTE).header("x-cache"), "BYPASS");
    let () = redis::cmd("CONFIG").arg(&["SET", "requirepass", ""]).query(&mut redis).unwrap();
    becomes_a_hit(&system, Mode::Pass);
}

#[test]
fn the_write_policy_consistent_writes_nothing_that_it_cannot_record() {
    let system = Faulty::start(&[("cache_write_policy", "consistent")]);
    let before = system.get(CELESTE).json();
    system.to_redis.set(Mode::Refuse);
    let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": 1.25 }));
    assert_eq!(write.status, 503);
    assert_eq!(write.header("retry-after"), "1");
    assert_eq!(system.get(CELESTE).json(), before);
}

#[test]
fn while_the_store_is_broken_hits_go_on_and_nothing_wrong_is_cached() {
    let system = Faulty::start(&[("cache_ttl_seconds", "600")]);
    system.get("/api/showDB/games");
    let broken = [(Mode::Refuse, [502, 503].as_slice()), (Mode::Hang, &[504]), (Mode::CutAnswers, &[502])];
    let garbage = STORE_GARBAGE.map(|answer| (Mode::Answer(answer), [502].as_slice()));
    for (n, (mode, statuses)) in broken.into_iter().chain(garbage).enumerate() {
        system.to_store.set(mode);
        let hit = system.get("/api/showDB/games");
        assert_eq!((hit.status, hit.header("x-cache")), (200, "HIT"), "{mode:?}");
        let path = format!("/api/showDB/games?item=nobody-sells-this-{n}");
        for _ in 0..2 {
            let (miss, took) = system.timed(&path);
            assert!(statuses.contains(&miss.status), "{mode:?}: {}", miss.status);
            assert_eq!(miss.header("content-type"), "application/problem+json");
            assert!(took < STORE_TIMEOUT + Duration::from_millis(100) + SLACK, "{mode:?} took {took:?}");
        }
        system.to_store.set(Mode::Pass);
        // Until the host has seen that its connections are closed.
        sleep(Duration::from_millis(200));
        let miss = system.get(&path);
        assert_eq!((miss.status, miss.body.as_slice()), (200, b"[]".as_slice()), "{mode:?}");
    }
}

#[test]
fn what_is_kept_answers_for_a_broken_store_and_says_so() {
    let variables = [("cache_ttl_seconds", "1"), ("cache_keep_seconds", "600"), ("cache_write_policy", "consistent")];
    let system = Faulty::start(&variables);
    assert_eq!(system.add("games", &json!({"_id": "ac3", "item": "1942"})).status, 201);
    // One is known by its id, the other by the value of a field that might be an id.
    let (by_id, by_field) = ("/api/get/games/ac3", "/api/get/games/1942");
    for path in ["/api/get/games/ac3?field=_id", by_field] {
        assert_eq!((system.get(path).status, system.get(path).header("x-cache")), (200, "HIT"), "{path}");
    }
    sleep(Duration::from_millis(1500));
    system.to_store.set(Mode::Refuse);
    for path in [by_id, by_field, by_id, by_field] {
        let stale = system.get(path);
        assert_eq!((stale.status, stale.header("x-cache")), (200, "STALE"), "{path}: {stale:?}");
        assert_eq!(stale.json()["item"], "1942");
        assert!(stale.header("cache-status").contains("hit; fwd=stale; detail=store-failed"), "{stale:?}");
        assert!(stale.header("age").parse::<u64>().unwrap() >= 1, "{stale:?}");
    }
    system.to_store.set(Mode::Pass);
    sleep(Duration::from_millis(200));
    assert_eq!(system.put("/api/update/games/ac3", &json!({"item": "1943"})).status, 200);
    system.to_store.set(Mode::Refuse);
    for path in [by_id, by_field] {
        assert!(matches!(system.get(path).status, 502 | 503), "{path}: a write has changed it");
    }
}

#[test]
fn a_read_whose_connection_was_just_closed_is_asked_again_and_a_write_is_not() {
    let system = Faulty::start(&[("cache_ttl_seconds", "0")]);
    for path in ["/api/showDB/games", CELESTE, "/api/get/games/Celeste"] {
        system.to_store.set(Mode::CloseOnce);
        assert_eq!(system.get(path).status, 200, "{path}");
    }
    let posts = system.to_store.posts();
    system.to_store.set_at("/action/updateOne", Mode::CloseOnce);
    let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": 1.25 }));
    assert_eq!(write.status, 502);
    assert!(write.json()["detail"].as_str().unwrap().contains("unknown"));
    // The document is read first, for the types of its values.
    assert_eq!(system.to_store.posts(), posts + 2);
}

#[test]
fn a_write_that_timed_out_leaves_its_scopes_uncached() {
    let system = Faulty::start(&[("cache_ttl_seconds", "600")]);
    system.get(CELESTE);
    assert_eq!(system.get(CELESTE).header("x-cache"), "HIT");
    system.to_store.set_at("/action/updateOne", Mode::Hang);
    let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": 1.25 }));
    assert_eq!(write.status, 504);
    assert!(write.json()["detail"].as_str().unwrap().contains("unknown"));
    system.to_store.set(Mode::Pass);
    for _ in 0..3 {
        assert_eq!(system.get(CELESTE).header("x-cache"), "MISS", "its fence stands");
    }
    // Two store timeouts, the longest fill (a store timeout, a cache timeout, a second), and a second.
    sleep(STORE_TIMEOUT * 3 + CACHE_TIMEOUT + Duration::from_secs(2));
    system.get(CELESTE);
    assert_eq!(system.get(CELESTE).header("x-cache"), "HIT");
}
