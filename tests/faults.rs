//! Redis, the bridge and MongoDB misbehave in every way that a network and a full disk allow, and reads stay right.

mod common;

use std::thread::sleep;
use std::time::Duration;

use common::faulty::{CACHE_TIMEOUT, Faulty, STORE_TIMEOUT};
use common::proxy::Mode;
use serde_json::json;

const CELESTE: &str = "/api/get/games/5a1f00000000000000000008";
/// How long reads leave Redis alone after it failed.
const BREAKER: Duration = Duration::from_secs(1);
/// What a request may take on a machine that is busy compiling, beside what it waits for.
const SLACK: Duration = Duration::from_millis(400);

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
    // Once per breaker period, and these reads are over within two.
    assert!(slow <= 3, "{mode:?}: {slow} of 20 reads waited for Redis");
}

fn becomes_a_hit(system: &Faulty, mode: Mode) {
    sleep(BREAKER * 2);
    system.get(CELESTE);
    let again = system.get(CELESTE);
    assert_eq!(again.header("x-cache"), "HIT", "after {mode:?}: {}", again.header("cache-status"));
}

#[test]
fn reads_are_right_while_the_way_to_redis_is_broken_and_recover() {
    let system = Faulty::start(&[]);
    for mode in [Mode::Refuse, Mode::Hang, Mode::Slow(CACHE_TIMEOUT * 2), Mode::CutAnswers, Mode::Garbage] {
        system.to_redis.set(mode);
        reads_are_right(&system, mode);
        // A write goes through, and the next read shows it.
        let price = json!({ "price": 20.5 });
        let write = system.put("/api/update/games/5a1f00000000000000000008", &price);
        assert_eq!(write.status, 200, "{mode:?}");
        assert_eq!(system.get(CELESTE).json()["price"], 20.5, "{mode:?}");
        system.to_redis.set(Mode::Pass);
        becomes_a_hit(&system, mode);
    }
}

#[test]
fn a_redis_that_will_not_write_is_read_around() {
    let system = Faulty::start(&[]);
    let mut redis = system.direct_redis();
    for (setting, value, back) in [("maxmemory", "1", "0"), ("min-replicas-to-write", "1", "0")] {
        let policy: () =
            redis::cmd("CONFIG").arg(&["SET", "maxmemory-policy", "noeviction"]).query(&mut redis).unwrap();
        let () = policy;
        let () = redis::cmd("CONFIG").arg(&["SET", setting, value]).query(&mut redis).unwrap();
        let write = system.put("/api/update/games/5a1f00000000000000000008", &json!({ "price": 30.5 }));
        assert_eq!(write.status, 200, "{setting}");
        for _ in 0..3 {
            let answer = system.get(CELESTE);
            assert_eq!((answer.status, answer.json()["price"].clone()), (200, json!(30.5)), "{setting}");
        }
        let () = redis::cmd("CONFIG").arg(&["SET", setting, back]).query(&mut redis).unwrap();
        sleep(BREAKER);
        system.get(CELESTE);
        assert_eq!(system.get(CELESTE).header("x-cache"), "HIT", "{setting}");
    }
}

#[test]
fn a_redis_that_asks_for_another_password_is_read_around() {
    let system = Faulty::start(&[]);
    let mut redis = system.direct_redis();
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
    for (mode, statuses) in [
        (Mode::Refuse, [502, 503].as_slice()),
        (Mode::Hang, &[504]),
        (Mode::CutAnswers, &[502]),
        (Mode::Garbage, &[502]),
    ] {
        system.to_store.set(mode);
        let hit = system.get("/api/showDB/games");
        assert_eq!((hit.status, hit.header("x-cache")), (200, "HIT"), "{mode:?}");
        let path = format!("/api/showDB/games?item={mode:?}");
        for _ in 0..2 {
            let (miss, took) = system.timed(&path.replace(' ', ""));
            assert!(statuses.contains(&miss.status), "{mode:?}: {}", miss.status);
            assert_eq!(miss.header("content-type"), "application/problem+json");
            assert!(took < STORE_TIMEOUT + Duration::from_millis(100) + SLACK, "{mode:?} took {took:?}");
        }
        system.to_store.set(Mode::Pass);
        let miss = system.get(&path);
        assert_eq!((miss.status, miss.body.as_slice()), (200, b"[]".as_slice()), "{mode:?}");
    }
}

#[test]
fn a_write_that_timed_out_leaves_its_scopes_uncached() {
    let system = Faulty::start(&[("cache_ttl_seconds", "600")]);
    system.get(CELESTE);
    assert_eq!(system.get(CELESTE).header("x-cache"), "HIT");
    system.to_store.set(Mode::Hang);
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
