//! Large answers: they leave while they grow, and what goes wrong on the way is never taken for an answer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bridge::{Bridge, KEY};

fn fill(bridge: &Bridge, count: usize, size: usize) {
    let text = "x".repeat(size);
    let documents: Vec<Value> = (0..count).map(|n| json!({"_id": n, "text": text})).collect();
    for part in documents.chunks(100) {
        bridge.ok("insertMany", json!({"documents": part}));
    }
}

/// The raw answer, up to the end of the connection.
fn raw(bridge: &Bridge, fields: &str) -> String {
    let mut answer = Vec::new();
    // A connection that is cut is what some of these are about.
    let _ = connect(bridge, fields).read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn connect(bridge: &Bridge, fields: &str) -> TcpStream {
    let database = &bridge.database;
    let body = format!(r#"{{"dataSource":"mongodb-atlas","database":"{database}","collection":"c",{fields}}}"#);
    let mut connection = TcpStream::connect(bridge.address()).unwrap();
    let head = format!(
        "POST /app/x/endpoint/data/v1/action/find HTTP/1.1\r\nHost: x\r\napiKey: {KEY}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection
}

#[test]
fn a_large_answer_is_whole() {
    let bridge = Bridge::start();
    fill(&bridge, 400, 50_000);
    for action in ["find", "aggregate"] {
        let reply = bridge.call(action, if action == "find" { json!({}) } else { json!({"pipeline": []}) });
        assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
        let documents = reply.json()["documents"].as_array().unwrap().clone();
        assert_eq!(documents.len(), 400);
        for (place, document) in documents.iter().enumerate() {
            assert_eq!((&document["_id"], document["text"].as_str().unwrap().len()), (&json!(place), 50_000));
        }
    }
}

#[test]
fn a_limit_that_is_met_on_the_way_breaks_the_answer_off() {
    let flags = ["--api-key", KEY, "--max-answer-bytes", "3000000", "--max-documents", "500"];
    let bridge = Bridge::start_with(&flags);
    fill(&bridge, 501, 6000);
    for (fields, why) in [
        (r#""filter":{}"#, "the answer is larger than 3000000 bytes"),
        (
            r#""filter":{},"projection":{"text":{"$substrBytes":["$text",0,5500]}}"#,
            "the answer has more than 500 documents",
        ),
    ] {
        let answer = raw(&bridge, fields);
        assert!(answer.starts_with("HTTP/1.1 200"), "{}", &answer[..100]);
        let last = &answer[answer.len() - 500..];
        assert!(last.contains(why) && last.contains(r#""error_code":"InvalidParameter""#), "{last}");
        assert!(!answer.ends_with("0\r\n\r\n"), "an orderly end would make it an answer");
        assert!(answer.matches("\"_id\"").count() <= 500);
    }
}

#[test]
fn memory_does_not_grow_with_the_answer() {
    let bridge = Bridge::start();
    fill(&bridge, 2000, 100_000);
    bridge.ok("find", json!({"limit": 5}));
    bridge.reset_peak_memory();
    let idle = bridge.peak_memory();
    let mut connection = connect(&bridge, r#""filter":{}"#);
    let (mut buffer, mut length) = (vec![0; 1 << 16], 0);
    while let Ok(read @ 1..) = connection.read(&mut buffer) {
        length += read;
    }
    assert!(length > 200_000_000, "{length}");
    // MongoDB sends 16 MB at a time, of which a few are there at once: read, being written, and given back but kept.
    let grown = bridge.peak_memory() - idle;
    assert!(grown < 128 << 20, "200 MB answered took {} MiB", grown >> 20);
}

#[test]
fn a_client_that_leaves_in_the_middle_frees_its_place() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-requests", "1"]);
    fill(&bridge, 300, 100_000);
    let deadline = Instant::now() + Duration::from_secs(10);
    // The place of an answer is free a moment after its client has read it.
    let connection = loop {
        let mut connection = connect(&bridge, r#""filter":{}"#);
        let mut begin = [0; 12];
        connection.read_exact(&mut begin).unwrap();
        if begin.ends_with(b" 200") {
            break connection;
        }
        assert!(Instant::now() < deadline, "the last insert keeps its place");
    };
    let busy = bridge.call("findOne", json!({}));
    assert_eq!(busy.error(503, "ServiceUnavailable"), "too many requests at the same time; try again in a moment");
    assert_eq!(busy.header("retry-after"), Some("1"));
    drop(connection);
    let deadline = Instant::now() + Duration::from_secs(10);
    while bridge.call("findOne", json!({})).status != 200 {
        assert!(Instant::now() < deadline, "the place is taken for ever");
        std::thread::sleep(Duration::from_millis(20));
    }
}
