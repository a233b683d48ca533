//! Requests that no HTTP library would send, or that are too much.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use common::system::System;
use serde_json::json;

/// Sends `request`, which asks for the connection to be closed, as it is, and reads what comes.
fn raw(system: &System, request: &[u8]) -> String {
    exchange(system, request, false)
}

/// Sends `request` and no more, where more was announced, and reads what comes.
fn cut_off(system: &System, request: &[u8]) -> String {
    exchange(system, request, true)
}

fn exchange(system: &System, request: &[u8], close: bool) -> String {
    let address = system.base_url().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    if close {
        stream.shutdown(Shutdown::Write).unwrap();
    }
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").into_bytes()
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or("none")
}

#[test]
fn paths_as_they_are() {
    let system = System::start(&[]);
    for (path, expected) in [
        ("/api/showDB/../games", "404"),
        ("/api/showDB/games%00", "404"),
        ("/api/showDB//games", "404"),
        ("//api/showDB/games", "404"),
        ("/api/get/games/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "404"),
        ("/api/get/games/%24where", "404"),
        ("/api/get/games/%ff", "400"),
        ("/api/get/games/%0d%0aX-Injected:%20yes", "404"),
    ] {
        let answer = raw(&system, &get(path));
        assert_eq!(status(&answer), expected, "{path}: {answer}");
        assert!(!answer.to_ascii_lowercase().contains("\nx-injected"), "{answer}");
    }
    // Bytes that are no ASCII have no place in a request's target; a server may be lenient, and then it is a name.
    let answer = raw(&system, &get("/api/showDB/système"));
    assert!(matches!(status(&answer), "400" | "404"), "{answer}");
}

#[test]
fn a_query_of_100_kb_is_refused_by_the_server() {
    let system = System::start(&[]);
    let answer = raw(&system, &get(&format!("/api/showDB/games?item={}", "x".repeat(100_000))));
    assert!(matches!(status(&answer), "414" | "431"), "{}", &answer[..answer.len().min(200)]);
    assert_eq!(system.get("/api/showDB/games").status, 200);
}

#[test]
fn a_body_that_is_too_large_is_413_and_nothing_is_written() {
    let system = System::start(&[]);
    system.post("/api/initDB/games");
    let before = system.get("/api/showDB/games").body;
    let large = json!({ "item": "x".repeat(10 * 1024 * 1024) });
    let answer = system.add("games", &large);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.json()["detail"], "the body is larger than 1048576 bytes");
    // Just below the limit it is taken.
    let fits = json!({ "item": "x".repeat(1024 * 1024 - 11) });
    assert_eq!(fits.to_string().len(), 1024 * 1024);
    let taken = system.add("games", &fits);
    assert_eq!(taken.status, 201);
    assert_eq!(system.delete(&format!("/api/delete/games/{}", taken.json()["id"].as_str().unwrap())).status, 200);
    assert_eq!(system.get("/api/showDB/games").body, before);
}

#[test]
fn a_listing_that_is_too_large_asks_for_a_part_of_it() {
    let system = System::start(&[("max_listing_bytes", "1000")]);
    assert_eq!(system.post("/api/initDB/games").status, 200);
    for path in ["/api/showDB/games", "/api/showDB/all"] {
        let answer = system.get(path);
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("larger than 1000 bytes"));
    }
    assert_eq!(system.get("/api/showDB/games?limit=2").status, 200);
    assert_eq!(system.get("/api/showDB/games?fields=item").status, 200);
}

#[test]
fn a_body_that_is_cut_off_is_not_acted_on() {
    let system = System::start(&[]);
    system.post("/api/initDB/games");
    let before = system.get("/api/showDB/games").body;
    let head =
        "POST /api/add/games HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close\r\n";
    // Half of what was announced, and what there is of it would be JSON; then half a chunk.
    let announced = format!("{head}Content-Length: 100\r\n\r\n{{\"item\":\"cut\"}}");
    let chunked = format!("{head}Transfer-Encoding: chunked\r\n\r\n40\r\n{{\"item\":\"cut\"}}");
    for request in [announced, chunked] {
        let answer = cut_off(&system, request.as_bytes());
        // A server may close without a word on a client that did.
        assert!(answer.is_empty() || status(&answer) == "400", "{answer}");
    }
    assert_eq!(system.get("/api/showDB/games").body, before);
}

#[test]
fn deep_nesting_is_refused() {
    let system = System::start(&[]);
    for levels in [101_usize, 2000] {
        let body = format!("{{\"item\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
        let answer = system.send("POST", "/api/add/games", Some("application/json"), body.as_bytes());
        assert_eq!(answer.status, 400, "{levels}");
        assert_eq!(answer.json()["detail"], "the body is nested deeper than 100 levels");
    }
}

#[test]
fn every_answer_has_its_length_or_needs_none() {
    let system = System::start(&[]);
    for (method, path) in [("GET", "/"), ("GET", "/nope"), ("HEAD", "/"), ("OPTIONS", "/"), ("PATCH", "/")] {
        let request = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let answer = raw(&system, request.as_bytes()).to_ascii_lowercase();
        assert!(!answer.contains("transfer-encoding"), "{method} {path}: {answer}");
        assert_eq!(answer.contains("content-length"), method != "OPTIONS", "{method} {path}: {answer}");
    }
}
