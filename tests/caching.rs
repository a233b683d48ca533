//! What Redis holds, when, and for how long: what a client over HTTP alone cannot see.

mod common;

use std::thread::sleep;
use std::time::Duration;

use common::system::System;
use serde_json::{Value, json};
use testkit::client::Response;

const CELESTE: &str = "5a1f00000000000000000008";
const ZELDA: &str = "5a1f00000000000000000002";

/// The local configuration's TTL is short; tests that look at what is cached need it to stay.
fn seeded() -> System {
    let system = System::start(&[("cache_ttl_seconds", "60")]);
    assert_eq!(system.post("/api/initDB/all").status, 200);
    system
}

/// A read of every kind, so that every kind of key is there: of `games` and of `clients`.
fn fill_all(system: &System) {
    for path in [
        "/api/showDB/all".to_owned(),
        "/api/showDB/games?sort=-price&limit=3".to_owned(),
        "/api/showDB/games?publisher=Nintendo".to_owned(),
        "/api/get/games/Celeste".to_owned(),
        "/api/get/games/Celeste?field=item".to_owned(),
        format!("/api/get/games/{CELESTE}"),
        format!("/api/get/games/{ZELDA}"),
        "/api/showDB/clients?membership=Gold".to_owned(),
        "/api/get/clients/5a1f00000000000000000101".to_owned(),
    ] {
        assert_eq!(system.get(&path).status, 200, "{path}");
        assert_eq!(system.get(&path).header("x-cache"), "HIT", "{path}");
    }
}

/// The keys that hold values, without the bookkeeping.
fn values(system: &System, collection: &str) -> Vec<String> {
    let mut keys = system.keys(&format!("{collection}:*"));
    keys.retain(|key| !key.contains(":~"));
    keys.sort();
    keys
}

#[test]
fn the_listing_is_held_byte_for_byte() {
    let system = System::start(&[]);
    system.post("/api/initDB/games");
    let miss = system.get("/api/showDB/games");
    assert_eq!((miss.status, miss.header("x-cache")), (200, "MISS"));
    assert_eq!(system.value("games:list").unwrap(), miss.body);
    // The local configuration's TTL is six seconds.
    let ttl = system.ttl_ms("games:list");
    assert!((4_000..=6_000).contains(&ttl), "{ttl}");
    let hit = system.get("/api/showDB/games");
    assert_eq!(hit.header("x-cache"), "HIT");
    assert_eq!(hit.body, miss.body);
    assert_eq!(hit.header("etag"), miss.header("etag"));
    assert_eq!(hit.header("content-length"), hit.body.len().to_string());
}

#[test]
fn a_document_and_a_lookup_are_held_byte_for_byte_under_the_contracts_keys() {
    let system = seeded();
    let document = system.get(&format!("/api/get/games/{CELESTE}"));
    assert_eq!(system.value(&format!("games:id:{CELESTE}")).unwrap(), document.body);
    let lookup = system.get("/api/get/games/Ratchet%20%26%20Clank?field=item");
    // printf 'field=item&lookup=Ratchet & Clank' | sha1sum
    let key = "games:list:c16e679442f1b9aa6d4e27741d14c45e89968ec7";
    assert_eq!(system.value(key).unwrap(), lookup.body);
    let listing = system.get("/api/showDB/games?sort=-price&limit=2");
    // printf 'limit=2&sort=-price' | sha1sum
    let key = "games:list:8639b2cc23ecf668fbfbb5f8f4f78e500c99bd09";
    assert_eq!(system.value(key).unwrap(), listing.body);
}

#[test]
fn after_the_ttl_it_is_a_miss_again() {
    let system = System::start(&[("cache_ttl_seconds", "1")]);
    system.post("/api/initDB/games");
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "MISS");
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "HIT");
    sleep(Duration::from_millis(1100));
    assert_eq!(system.value("games:list"), None);
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "MISS");
}

#[test]
fn every_key_has_a_ttl() {
    let system = seeded();
    fill_all(&system);
    system.put(&format!("/api/update/games/{CELESTE}"), &json!({ "price": 1.5 }));
    system.get("/api/get/games/ffffffffffffffffffffffff");
    fill_all(&system);
    let keys = system.keys("*");
    assert!(keys.len() > 10);
    for key in keys {
        assert!(system.ttl_ms(&key) > 0, "{key} would live for ever");
    }
}

#[test]
fn a_write_to_one_document_deletes_its_keys_and_no_others() {
    let system = seeded();
    let (celeste, zelda) = (format!("games:id:{CELESTE}"), format!("games:id:{ZELDA}"));
    let clients = {
        fill_all(&system);
        values(&system, "clients")
    };
    assert_eq!(clients.len(), 3);
    type Write = (&'static str, Box<dyn Fn(&System) -> u16>);
    let writes: [Write; 5] = [
        ("add", Box::new(|s| s.add("games", &json!({ "item": "New" })).status)),
        ("update by id", Box::new(|s| s.put(&format!("/api/update/games/{CELESTE}"), &json!({ "price": 2.5 })).status)),
        (
            "update by field",
            Box::new(|s| s.put("/api/update/games/Celeste?field=item", &json!({ "price": 3.5 })).status),
        ),
        ("delete by field", Box::new(|s| s.delete("/api/delete/games/Celeste?field=item").status)),
        (
            "add with its id",
            Box::new(|s| s.add("games", &json!({ "_id": CELESTE, "item": "Celeste", "publisher": "M" })).status),
        ),
    ];
    for (name, write) in writes {
        if name != "add with its id" {
            fill_all(&system);
            assert_eq!(values(&system, "games").len(), 7, "before {name}");
        }
        let status = write(&system);
        assert!(matches!(status, 200 | 201), "{name}: {status}");
        let left = values(&system, "games");
        match name {
            // Its id is new, so no document's key is untrue.
            "add" => assert_eq!(left, [zelda.as_str(), celeste.as_str()], "{name}"),
            _ => assert_eq!(left, [zelda.as_str()], "{name}"),
        }
        assert_eq!(values(&system, "clients"), clients, "{name}");
    }
    fill_all(&system);
    assert_eq!(system.delete(&format!("/api/delete/games/{CELESTE}")).status, 200);
    assert_eq!(values(&system, "games"), [zelda]);
}

#[test]
fn a_write_to_a_collection_deletes_all_its_keys() {
    let system = seeded();
    for path in ["/api/initDB/games", "/api/cleanDB/games"] {
        system.post("/api/initDB/games");
        fill_all(&system);
        let clients = values(&system, "clients");
        assert_eq!(system.post(path).status, 200);
        assert_eq!(values(&system, "games"), Vec::<String>::new(), "{path}");
        assert_eq!(values(&system, "clients"), clients, "{path}");
    }
    for path in ["/api/initDB/all", "/api/cleanDB/all"] {
        system.post("/api/initDB/all");
        fill_all(&system);
        assert_eq!(system.post(path).status, 200);
        assert_eq!(values(&system, "*"), Vec::<String>::new(), "{path}");
    }
    assert_eq!(system.get("/api/showDB/all").json(), json!({ "games": [], "clients": [] }));
}

#[test]
fn a_404_is_cached_and_undone_by_the_documents_arrival() {
    let system = seeded();
    let id = "5a1f0000000000000000abcd";
    let path = format!("/api/get/games/{id}?field=_id");
    let first = system.get(&path);
    assert_eq!((first.status, first.header("x-cache")), (404, "MISS"));
    let second = system.get(&path);
    assert_eq!((second.status, second.header("x-cache")), (404, "HIT"));
    assert!(system.ttl_ms(&format!("games:~stamp:id:{id}")) <= 5_000);
    assert_eq!(system.add("games", &json!({ "_id": id, "item": "Late" })).status, 201);
    let third = system.get(&path);
    assert_eq!((third.status, third.header("x-cache")), (200, "MISS"));
}

#[test]
fn a_ttl_of_zero_turns_caching_off() {
    let system = System::start(&[("cache_ttl_seconds", "0")]);
    system.post("/api/initDB/games");
    for _ in 0..2 {
        let read = system.get("/api/showDB/games");
        assert_eq!((read.status, read.header("x-cache")), (200, "BYPASS"));
        assert_eq!(read.header("cache-status"), "redis; fwd=bypass; detail=off; key=\"games:list\"");
    }
    // The health check, which `up` and this test's start have asked, notes which Redis it found; and requests are counted.
    let of_caching = |key: &String| !key.ends_with(":~run-id") && !key.ends_with(":~metrics");
    let keys: Vec<String> = system.keys("*").into_iter().filter(of_caching).collect();
    assert_eq!(keys, Vec::<String>::new());
}

#[test]
fn a_collections_ttl_of_zero_turns_its_caching_off() {
    let system = System::start(&[("cache_ttl_seconds", "60"), ("cache_ttl_overrides", "games=0")]);
    system.post("/api/initDB/all");
    for _ in 0..2 {
        assert_eq!(system.get("/api/showDB/games").header("x-cache"), "BYPASS");
    }
    system.get("/api/showDB/clients");
    assert_eq!(system.get("/api/showDB/clients").header("x-cache"), "HIT");
}

#[test]
fn a_purge_works_where_caching_is_off() {
    let system = System::start(&[("cache_ttl_seconds", "600")]);
    system.post("/api/initDB/games");
    system.get("/api/showDB/games");
    let off = system.second_host(&[("cache_ttl_seconds", "0")]);
    assert_eq!(off.put("/api/update/games/5a1f00000000000000000008", &json!({"price": 1.25})).status, 200);
    assert_eq!(off.post("/api/purge/games").status, 200);
    let read = system.get("/api/showDB/games");
    assert_eq!(read.header("x-cache"), "MISS");
    assert_eq!(read.json()[7]["price"], 1.25);
}

#[test]
fn what_is_refused_leaves_no_trace() {
    let system = seeded();
    let before: Value = system.get("/api/showDB/games").json();
    let keys = || {
        // Requests are counted, these too.
        let mut keys = system.keys("*");
        keys.retain(|key| !key.ends_with(":~metrics"));
        keys.sort();
        keys
    };
    let keys_before = keys();
    for path in ["/api/showDB/nope", "/api/get/nope/x", "/api/showDB/games?limit=x", "/api/get/games/x?field=$where"] {
        assert!(system.get(path).status >= 400);
    }
    for body in
        [json!({}), json!({ "$set": {} }), json!({ "price": { "$gt": 0 } }), json!({ "_id": CELESTE }), json!([])]
    {
        assert_eq!(system.put(&format!("/api/update/games/{CELESTE}"), &body).status, 400, "{body}");
    }
    assert_eq!(keys(), keys_before);
    assert_eq!(system.get("/api/showDB/games").json(), before);
}

#[test]
fn a_restarted_redis_costs_no_more_than_one_bypass() {
    let mut system = seeded();
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "MISS");
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "HIT");
    system.restart_redis();
    let answers: Vec<_> = (0..10).map(|_| system.get("/api/showDB/games")).collect();
    assert!(answers.iter().all(|answer| answer.status == 200));
    let told: Vec<_> = answers.iter().map(|answer| answer.header("x-cache")).collect();
    assert!(told.iter().filter(|told| **told == "BYPASS").count() <= 1, "{told:?}");
    sleep(Duration::from_millis(1100));
    system.get("/api/showDB/games");
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "HIT");
}

#[test]
fn without_redis_reads_are_right_and_writes_go_through() {
    let mut system = seeded();
    system.get("/api/showDB/games");
    system.stop_redis();
    let read = system.get("/api/showDB/games");
    assert_eq!((read.status, read.header("x-cache")), (200, "BYPASS"));
    let write = system.put(&format!("/api/update/games/{CELESTE}"), &json!({ "price": 99.5 }));
    assert_eq!(write.status, 200);
    assert_eq!(write.header("cache-status"), "redis; fwd=method; detail=not-invalidated");
    let read = system.get(&format!("/api/get/games/{CELESTE}"));
    assert_eq!((read.json()["price"].clone(), read.header("x-cache")), (json!(99.5), "BYPASS"));
    let ready = ready_after_a_second(&system);
    assert_eq!((ready.status, ready.json()["redis"]["status"].clone()), (503, json!("down")));
    let problem = &ready.json()["redis"]["problems"][0];
    assert_eq!((&problem["collection"], &problem["step"]), (&json!("games"), &json!("lookup")));
    assert!(!ready.text().contains("127.0.0.1"), "no address leaves");
    assert_eq!(system.get("/health/live").status, 200);
}

#[test]
fn without_the_store_hits_go_on_and_misses_are_503() {
    let mut system = seeded();
    system.get("/api/showDB/games");
    system.stop_data_api();
    assert_eq!(system.get("/api/showDB/games").header("x-cache"), "HIT");
    for answer in [
        system.get("/api/showDB/clients"),
        system.put(&format!("/api/update/games/{CELESTE}"), &json!({ "price": 1 })),
        system.post("/api/cleanDB/games"),
    ] {
        assert_eq!(answer.status, 503);
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.header("retry-after"), "1");
        assert!(!answer.text().contains("127.0.0.1"), "no upstream's address leaves");
    }
    let ready = ready_after_a_second(&system);
    assert_eq!((ready.status, ready.json()["data_api"]["status"].clone()), (503, json!("down")));
    assert_eq!(ready.json()["data_api"]["problems"][0]["reason"], "the store cannot be reached");
    assert!(!ready.text().contains("127.0.0.1"), "no address leaves");
}

/// What `/health/ready` answers once its last answer, which may be from before a fault, is too old.
fn ready_after_a_second(system: &System) -> Response {
    sleep(Duration::from_millis(1100));
    system.get("/health/ready")
}
