//! HTTP/2 by hand: a client that makes room for its answer when it likes.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::bridge::{Bridge, KEY};
use crate::raw::connect;

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// A document of a megabyte; a client that says nothing has room for 64 KiB.
const LENGTH: usize = 1 << 20;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// A header that HPACK does not shorten.
fn header(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u8::try_from(text.len()).unwrap();
    [&[0, length(name)], name.as_bytes(), &[length(value)], value.as_bytes()].concat()
}

/// Asks for the document, and gives the connection on which the answer comes.
fn ask(bridge: &Bridge) -> TcpStream {
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    let head: Vec<u8> = [
        (":method", "POST"),
        (":scheme", "http"),
        (":authority", "127.0.0.1"),
        (":path", "/app/x/endpoint/data/v1/action/findOne"),
        ("apikey", KEY),
        ("content-type", "application/json"),
    ]
    .into_iter()
    .flat_map(|(name, value)| header(name, value))
    .collect();
    let mut stream = connect(bridge, "127.0.0.1");
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").unwrap();
    stream.write_all(&frame(SETTINGS, 0, 0, &[])).unwrap();
    stream.write_all(&frame(HEADERS, END_HEADERS, 1, &head)).unwrap();
    stream.write_all(&frame(DATA, END_STREAM, 1, body.as_bytes())).unwrap();
    stream
}

/// Reads so many bytes, where they come before the connection is closed.
fn fill(stream: &mut TcpStream, bytes: &mut [u8]) -> bool {
    match stream.read_exact(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("neither an answer nor an end"),
        result => result.is_ok(),
    }
}

/// How much of the answer comes until its end, or that of the connection; and whether it was the former.
fn read(stream: &mut TcpStream) -> (usize, bool) {
    let (mut length, mut head) = (0, [0; 9]);
    while fill(stream, &mut head) {
        let mut payload = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        if !fill(stream, &mut payload) {
            break;
        }
        if head[3] == DATA {
            length += payload.len();
            if head[4] & END_STREAM != 0 {
                return (length, true);
            }
        }
    }
    (length, false)
}

#[test]
fn an_answer_waits_for_a_client_that_makes_room_late() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--idle-timeout", "300ms"]);
    bridge.ok("insertOne", json!({"document": {"text": "x".repeat(LENGTH)}}));
    let mut stream = ask(&bridge);
    // Longer than a connection may be idle, and than one that is closed in order may take.
    thread::sleep(Duration::from_secs(3));
    for of in [0, 1] {
        // Where the server has closed it, reading shows that.
        let _ = stream.write_all(&frame(WINDOW_UPDATE, 0, of, &(1_u32 << 30).to_be_bytes()));
    }
    let (length, ended) = read(&mut stream);
    assert!(ended && length > LENGTH, "{length} bytes, and the connection was closed");
}

#[test]
fn a_client_that_makes_no_room_is_left() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--write-timeout", "500ms"]);
    bridge.ok("insertOne", json!({"document": {"text": "x".repeat(LENGTH)}}));
    let (length, ended) = read(&mut ask(&bridge));
    assert!(!ended && length < LENGTH, "{length} bytes");
}
