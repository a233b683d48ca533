//! Redis drops keys of ours: at its memory limit, under every eviction policy that it has, and one by one.
//!
//! `EVICTION_READS=1000000` makes the races of readers against a writer longer: so many reads under each policy.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

mod race;

use common::faulty::Faulty;
use race::race;
use redis::Commands;
use serde_json::{Value, json};
use testkit::client::{Client, Response};

const ZELDA: &str = "5a1f00000000000000000002";

/// One document, read in every way.
const READS: [&str; 4] = [
    "/api/showDB/games",
    "/api/get/games/5a1f00000000000000000002",
    "/api/showDB/games?publisher=Nintendo&fields=item,version",
    "/api/get/games/The%20Legend%20of%20Zelda?field=item",
];

/// The version that the answer shows of the document.
fn version(answer: &Response) -> u64 {
    assert_eq!(answer.status, 200, "{answer:?}");
    version_of(&answer.json())
}

/// The version that was found of the document, in whichever way it was read.
fn version_of(found: &Value) -> u64 {
    let document = match found.as_array() {
        Some(documents) => documents.iter().find(|document| document["_id"] == ZELDA).unwrap(),
        None => found,
    };
    document["version"].as_u64().unwrap()
}

/// Writes a version, which must be acknowledged without a reservation.
fn write(client: &Client, version: u64) {
    let answer = client.put(&format!("/api/update/games/{ZELDA}"), &json!({ "version": version }));
    assert_eq!((answer.status, answer.header("cache-status")), (200, ""), "{answer:?}");
}

#[test]
fn no_read_is_stale_under_allkeys_lru() {
    race("allkeys-lru", &[]);
}

#[test]
fn no_read_is_stale_under_allkeys_lfu() {
    race("allkeys-lfu", &[]);
}

#[test]
fn no_read_is_stale_under_allkeys_random() {
    race("allkeys-random", &[]);
}

#[test]
fn no_read_is_stale_under_volatile_lru() {
    race("volatile-lru", &[]);
}

#[test]
fn no_read_is_stale_under_volatile_random() {
    race("volatile-random", &[]);
}

#[test]
fn no_read_is_stale_under_volatile_ttl() {
    race("volatile-ttl", &[]);
}

#[test]
fn no_read_is_stale_where_redis_is_full_and_evicts_nothing() {
    // The flood's answers go soon, so that there is room at times, and none at others.
    race("noeviction", &[("cache_ttl_overrides", "clients=1")]);
}

#[test]
fn no_read_is_stale_whichever_key_is_dropped_before_the_write_or_after_it() {
    let faulty = Faulty::start(&[
        ("cache_ttl_seconds", "600"),
        ("cache_timeout_ms", "5000"),
        ("store_timeout_ms", "20000"),
        // So that there are kept copies, too.
        ("cache_write_policy", "consistent"),
        ("cache_keep_seconds", "60"),
    ]);
    let mut redis = faulty.backends.redis_connection();
    let mut written = 0;
    write(&faulty, written);
    let warm = |written: u64| {
        for path in READS {
            assert_eq!(version(&faulty.get(path)), written);
            let again = faulty.get(path);
            assert_eq!((version(&again), again.header("x-cache")), (written, "HIT"), "{path}");
        }
    };
    warm(written);
    let keys: Vec<String> = redis.keys("games:*").unwrap();
    for kind in ["games:~index:list", "games:~index:id", "games:~stamp:list", "games:~kept:list", "games:list"] {
        assert!(keys.iter().any(|key| key == kind), "{kind}: {keys:?}");
    }
    for key in &keys {
        for after in [false, true] {
            warm(written);
            let mut drop_key = || redis.del::<_, u64>(key).unwrap();
            if !after {
                assert_eq!(drop_key(), 1, "{key}");
            }
            written += 1;
            write(&faulty, written);
            if after {
                drop_key();
            }
            for path in READS {
                assert_eq!(version(&faulty.get(path)), written, "{path} without {key}");
            }
        }
    }
}

#[test]
fn a_document_that_was_missing_is_found_once_it_is_added() {
    let faulty = Faulty::start(&[("cache_timeout_ms", "5000"), ("store_timeout_ms", "20000")]);
    let id = "5a1f0000000000000000abcd";
    let paths = [format!("/api/get/games/{id}"), "/api/get/games/Tunic?field=item".to_owned()];
    for path in &paths {
        assert_eq!(faulty.get(path).status, 404);
        let again = faulty.get(path);
        assert_eq!((again.status, again.header("x-cache")), (404, "HIT"), "that it is missing is remembered");
    }
    let document: Value = json!({ "_id": id, "item": "Tunic" });
    assert_eq!(faulty.add("games", &document).status, 201);
    for path in &paths {
        let found = faulty.get(path);
        assert_eq!((found.status, &found.json()["item"]), (200, &document["item"]), "{path}");
    }
}
