//! Every kind of response leaves in one piece, on a host that does not set `TCP_NODELAY`: Spin's.
//!
//! A body that leaves after its head waits for the client's delayed acknowledgement, 40 ms
//! (`docs/explanation/a-body-after-its-head.md`). `host/tests/host/pieces.rs` has the counterpart: a component that ends its
//! responses in the wrong order, and fails these bounds.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::fmt;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use common::system::System;
use serde_json::json;
use testkit::stack::StackConfig;

/// How many responses of each kind are counted.
const COUNT: usize = 1_000;

/// A response in pieces that takes longer has waited for an acknowledgement. (One in a single piece has nothing to wait
/// for: if it takes longer, the machine was busy.)
const STALL: Duration = Duration::from_millis(30);

/// One kept connection, read as it comes.
struct Connection(TcpStream);

/// A response as it arrived.
struct Arrival {
    status: u16,
    head: String,
    /// How many reads it took.
    pieces: usize,
    elapsed: Duration,
}

/// What was counted of one kind of response.
#[derive(Debug, Default)]
struct Tally {
    in_pieces: usize,
    stalls: usize,
}

impl Connection {
    fn to(system: &System) -> Self {
        let stream = TcpStream::connect(system.base_url().trim_start_matches("http://")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends a request in one write and reads the response, however it comes.
    fn ask(&mut self, method: &str, path: &str, headers: &str, body: &str) -> Arrival {
        let length = body.len();
        let request =
            format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {length}\r\n{headers}\r\n{body}");
        let started = Instant::now();
        self.0.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        let mut buffer = vec![0; 1 << 20];
        let mut pieces = 0;
        loop {
            let count = self.0.read(&mut buffer).unwrap();
            assert!(count > 0, "{method} {path}: closed after {:?}", String::from_utf8_lossy(&bytes));
            pieces += 1;
            bytes.extend_from_slice(&buffer[..count]);
            let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
            let status = head[9..12].parse().unwrap();
            let announced = header(&head, "content-length").map_or(0, |length| length.parse::<usize>().unwrap());
            let has_body = method != "HEAD" && status != 304 && status != 204;
            if bytes.len() >= end + 4 + if has_body { announced } else { 0 } {
                return Arrival { status, head, pieces, elapsed: started.elapsed() };
            }
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

impl Tally {
    fn add(&mut self, arrival: &Arrival) {
        self.in_pieces += usize::from(arrival.pieces > 1);
        self.stalls += usize::from(arrival.pieces > 1 && arrival.elapsed > STALL);
    }

    /// At most one in a thousand comes in pieces, and so may stall.
    #[track_caller]
    fn check(&self, what: impl fmt::Display) {
        let Self { in_pieces, stalls } = self;
        assert!(*in_pieces <= 1, "{what}: {in_pieces} of {COUNT} arrived in more than one piece, {stalls} stalled");
    }
}

#[test]
fn what_is_read_arrives_in_one_piece() {
    let system = System::start(&[("cache_ttl_seconds", "600")]);
    system.post("/api/initDB/games");
    let mut connection = Connection::to(&system);
    let listing = connection.ask("GET", "/api/showDB/games", "", "");
    let etag = header(&listing.head, "etag").unwrap().to_owned();
    let validator = format!("If-None-Match: {etag}\r\n");
    for (what, method, path, headers, status) in [
        ("hit", "GET", "/api/showDB/games", "", 200),
        ("HEAD", "HEAD", "/api/showDB/games", "", 200),
        ("304", "GET", "/api/showDB/games", validator.as_str(), 304),
        ("unknown collection", "GET", "/api/showDB/nope", "", 404),
        ("wrong method", "PUT", "/api/showDB/games", "", 405),
        ("no content", "OPTIONS", "/api/showDB/games", "", 204),
    ] {
        let mut tally = Tally::default();
        for _ in 0..COUNT {
            let arrival = connection.ask(method, path, headers, "");
            assert_eq!(arrival.status, status, "{what}: {}", arrival.head);
            tally.add(&arrival);
        }
        tally.check(what);
    }
}

/// An instance reads the variables in its first request, and Spin reads them in a blocking section: what that wakes runs
/// beside the task.
#[test]
fn the_first_response_of_an_instance_arrives_in_one_piece() {
    let config = StackConfig::default().host_argument("--max-instance-reuse-count=1");
    let system = System::start_with(config, &[("cache_ttl_seconds", "600")]);
    system.post("/api/initDB/games");
    let mut connection = Connection::to(&system);
    for path in ["/health/live", "/api/showDB/games"] {
        let mut tally = Tally::default();
        for _ in 0..COUNT {
            let arrival = connection.ask("GET", path, "", "");
            assert_eq!(arrival.status, 200, "{path}: {}", arrival.head);
            tally.add(&arrival);
        }
        tally.check(path);
    }
}

#[test]
fn misses_and_writes_arrive_in_one_piece() {
    let system = System::start(&[]);
    system.post("/api/initDB/games");
    let mut connection = Connection::to(&system);
    let mut misses = Tally::default();
    for number in 0..COUNT {
        let arrival = connection.ask("GET", &format!("/api/showDB/games?skip={number}"), "", "");
        assert_eq!(arrival.status, 200, "{}", arrival.head);
        assert_eq!(header(&arrival.head, "x-cache"), Some("miss"), "{}", arrival.head);
        misses.add(&arrival);
    }
    misses.check("miss");

    let added = connection.ask(
        "POST",
        "/api/add/games",
        "Content-Type: application/json\r\n",
        &json!({ "item": "Pieces" }).to_string(),
    );
    let location = header(&added.head, "location").unwrap();
    let path = format!("/api/update/games/{}", location.rsplit('/').next().unwrap());
    let mut writes = Tally::default();
    for number in 0..COUNT {
        let body = json!({ "available": number }).to_string();
        let arrival = connection.ask("PUT", &path, "Content-Type: application/json\r\n", &body);
        assert_eq!(arrival.status, 200, "{}", arrival.head);
        writes.add(&arrival);
    }
    writes.check("write");
}

#[test]
fn a_listing_of_30_mb_arrives_whole() {
    let system = System::start(&[]);
    let text = "x".repeat(1_000_000);
    for number in 0..31 {
        assert_eq!(system.add("games", &json!({ "item": format!("Large {number}"), "text": text })).status, 201);
    }
    let mut connection = Connection::to(&system);
    for _ in 0..5 {
        let arrival = connection.ask("GET", "/api/showDB/games", "", "");
        assert_eq!(arrival.status, 200, "{}", arrival.head);
        assert!(header(&arrival.head, "content-length").unwrap().parse::<usize>().unwrap() > 30_000_000);
    }
}
