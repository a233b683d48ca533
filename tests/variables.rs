//! Spin variables: what they do, and what a bad one does.

mod common;

use common::system::System;
use serde_json::json;

#[test]
fn a_value_that_cannot_be_used_is_a_500_that_names_its_variable() {
    let system = System::start(&[]);
    for (variable, value) in [
        ("cache_ttl_seconds", "soon"),
        ("collections", "games,,"),
        ("max_body_bytes", "-7"),
        ("redis_url", "127.0.0.1:6379"),
        ("redis_url", "memcached://127.0.0.1:11211"),
        ("redis_url", "redis://10.0.0.1:redis"),
        ("max_in_flight_bytes", "1000000"),
    ] {
        let host = system.second_host(&[(variable, value)]);
        for path in ["/api/", "/api/showDB/games", "/health/live"] {
            let answer = host.get(path);
            assert_eq!(answer.status, 500, "{variable} {path}");
            let detail = answer.json()["detail"].as_str().unwrap().to_owned();
            assert!(detail.contains(&format!("`{variable}`")), "{detail}");
            assert!(!detail.contains(value), "{detail}: it might be secret");
        }
    }
}

#[test]
fn the_operator_says_which_collections_are_open() {
    let system = System::start(&[("collections", "orders,games")]);
    assert_eq!(system.get("/api/showDB/clients").status, 404);
    assert_eq!(system.get("/api/showDB/orders").json(), json!([]));
    // It has no seed data, but is cleaned with the others.
    assert_eq!(system.post("/api/initDB/orders").status, 404);
    assert_eq!(system.add("orders", &json!({ "number": 1 })).status, 201);
    assert_eq!(system.post("/api/initDB/all").json()["inserted"], 8);
    assert_eq!(system.get("/api/showDB/orders").json()[0]["number"], 1);
    assert_eq!(system.post("/api/cleanDB/all").json()["deleted"], 9);
}

#[test]
fn the_data_apis_key_is_checked_and_never_shown() {
    let system = System::start(&[]);
    let host = system.second_host(&[("data_api_key", "a-key-that-is-not-the-bridges")]);
    let answer = host.get("/api/showDB/games");
    assert_eq!(answer.status, 502);
    assert!(!answer.text().contains("a-key-that"));
}
