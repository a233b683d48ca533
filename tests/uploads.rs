//! Uploads that never end, by clients that may not upload at all.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::backends::Backends;
use common::faulty::Node;
use testkit::descriptors;

const READ: &str = "read-token-read-token-read-token-1";
const WRITE: &str = "write-token-write-token-write-token";
const UPLOADS: usize = 1000;

#[test]
fn a_thousand_slow_uploads_without_a_credential_keep_nobody_from_an_answer() {
    // Both ends of each connection, at most, and what the host needs besides.
    descriptors::allow(2 * UPLOADS as u64 + 500).unwrap();
    let backends = Backends::start();
    let closed = [
        ("access", "closed"),
        ("read_token", READ),
        ("write_token", WRITE),
        ("body_timeout_ms", "600000"),
        ("cache_timeout_ms", "5000"),
        ("store_timeout_ms", "20000"),
    ];
    let node = Node::start(&backends, &closed);
    let address = node.base_url().strip_prefix("http://").unwrap();
    let begin = |number: usize| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // Some guess.
        let credential = if number.is_multiple_of(2) {
            ""
        } else {
            "Authorization: Bearer a-guess-at-a-token-that-is-long-enough\r\n"
        };
        let head = "POST /api/add/games HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n";
        write!(stream, "{head}{credential}Content-Length: 100000\r\n\r\n{{").unwrap();
        stream
    };
    let uploads: Vec<TcpStream> = (0..UPLOADS).map(begin).collect();

    // All of them are still open, and none has come to its end.
    let (reader, writer) = (format!("Bearer {READ}"), format!("Bearer {WRITE}"));
    for number in 0..20 {
        assert_eq!(node.get("/health/live").status, 200);
        assert_eq!(node.with("GET", "/api/showDB/games", &[("Authorization", &reader)], b"").status, 200);
        let headers = [("Authorization", writer.as_str()), ("Content-Type", "application/json")];
        let body = format!("{{\"item\":\"Game {number}\"}}");
        assert_eq!(node.with("POST", "/api/add/games", &headers, body.as_bytes()).status, 201);
    }
    // Each was refused by its head, without a wait for the rest.
    for mut upload in uploads {
        let mut status = [0; 12];
        upload.read_exact(&mut status).unwrap();
        assert_eq!(&status, b"HTTP/1.1 401");
    }
}
