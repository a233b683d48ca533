//! An instance holds `max_in_flight_bytes` of requests and answers at a time, and answers 503 to what would be more.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use common::backends::Backends;
use common::faulty::Node;
use serde_json::{Value, json};
use testkit::client::Response;

/// A document that takes more than half of the budget; in an array, since the answer to that is small and holds nothing.
fn large(item: &str) -> Value {
    json!([{ "item": item, "publisher": "x".repeat(400_000) }])
}

fn is_refused_for_now(answer: &Response) -> bool {
    if answer.status != 503 {
        return false;
    }
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.json()["detail"].as_str().unwrap().contains("try again"), "{answer:?}");
    true
}

/// Asks again until it is refused for want of room. The host may give a request to another of its instances, which has
/// room; one that is idle for a second ends, and the one with the upload is left.
fn until_refused(ask: impl Fn(usize) -> Response) {
    for attempt in 1..20 {
        let answer = ask(attempt);
        if is_refused_for_now(&answer) {
            return;
        }
        thread::sleep(Duration::from_millis(2500));
    }
    panic!("never refused");
}

/// A slow upload: all of it but the last byte.
struct Upload {
    stream: TcpStream,
    last: u8,
}

impl Upload {
    fn begin(node: &Node, document: &Value) -> Self {
        let body = document.to_string();
        let (last, most) = body.as_bytes().split_last().unwrap();
        let address = node.base_url().strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let head =
            "POST /api/add/games HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nConnection: close";
        write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n", body.len()).unwrap();
        stream.write_all(most).unwrap();
        Upload { stream, last: *last }
    }

    fn end(mut self) -> String {
        self.stream.write_all(&[self.last]).unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

#[test]
fn what_would_be_more_than_an_instance_may_hold_is_503_and_nothing_is_lost() {
    let backends = Backends::start();
    let node = Node::start(
        &backends,
        &[
            ("max_listing_bytes", "700000"),
            ("max_body_bytes", "700000"),
            ("max_in_flight_bytes", "700000"),
            ("body_timeout_ms", "600000"),
            ("cache_ttl_seconds", "600"),
            ("cache_timeout_ms", "5000"),
            ("store_timeout_ms", "20000"),
        ],
    );
    let mut expected = vec!["first"];
    assert_eq!(node.add("games", &large("first")).status, 201);
    let listing = "/api/showDB/games?item=first";
    // Another body is refused, unless it was read before the upload arrived, which is refused then.
    let mut upload = Upload::begin(&node, &large("slow"));
    for attempt in 0.. {
        thread::sleep(Duration::from_millis(500));
        let second = node.add("games", &large("second"));
        if is_refused_for_now(&second) {
            break;
        }
        assert_eq!(second.status, 201);
        assert!(attempt < 20, "never refused");
        expected.push("second");
        upload = Upload::begin(&node, &large("slow"));
    }
    // An answer of the database, each time another one, since an instance with room caches it.
    until_refused(|attempt| node.get(&format!("/api/showDB/games?item=first&limit={attempt}")));
    until_refused(|attempt| node.get(&format!("/api/showDB/games?item=first&count=true&limit={attempt}")));
    // What is small has its place beside it.
    assert_eq!(node.get("/api/showDB/clients").status, 200);
    assert_eq!(node.add("clients", &json!({ "name": "Ann" })).status, 201);

    // The upload was not disturbed, and gives its place back.
    assert!(upload.end().starts_with("HTTP/1.1 201"), "the slow upload");
    expected.push("slow");
    let read = node.get(listing);
    assert_eq!((read.status, read.json()[0]["item"].clone()), (200, json!("first")));
    assert_eq!(node.add("games", &large("third")).status, 201);
    expected.push("third");
    let items = node.get("/api/showDB/games?fields=item").json();
    let mut items: Vec<&str> = items.as_array().unwrap().iter().map(|game| game["item"].as_str().unwrap()).collect();
    // Of ids from the same second any may be the first.
    items.sort_unstable();
    expected.sort_unstable();
    assert_eq!(items, expected);

    // A client that leaves gives its place back, too.
    for _ in 0..5 {
        drop(Upload::begin(&node, &large("gone")));
    }
    let added = (0..200).any(|_| node.add("games", &large("last")).status == 201);
    assert!(added, "what those who left held is not given back");
}
