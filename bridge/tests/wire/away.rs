//! A MongoDB that freezes, and clients that leave: nobody waits for nothing.

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bridge::{Bridge, KEY};
use crate::way::Way;

#[test]
fn a_mongodb_that_freezes_is_noticed_and_found_again() {
    let way = Way::open();
    let bridge = Bridge::start_at(&way.uri(), &["--api-key", KEY]);
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    way.block(true);
    let started = Instant::now();
    for (action, fields) in [("find", json!({})), ("insertOne", json!({"document": {"_id": 2}}))] {
        bridge.call(action, fields).error(503, "ServiceUnavailable");
    }
    assert!(started.elapsed() < Duration::from_secs(6), "{:?}", started.elapsed());
    bridge.get("/health/ready").error(503, "ServiceUnavailable");
    way.block(false);
    let deadline = Instant::now() + Duration::from_secs(15);
    while bridge.call("find", json!({})).status != 200 {
        assert!(Instant::now() < deadline, "it must recover by itself");
    }
}

#[test]
fn a_client_that_leaves_takes_its_operation_along() {
    let way = Way::open();
    let bridge = Bridge::start_at(&way.uri(), &["--api-key", KEY, "--server-selection-timeout", "20s"]);
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    for (action, fields) in [("find", r#""filter":{}"#), ("updateMany", r#""filter":{},"update":{"$set":{"a":1}}"#)] {
        // A connection that is there already: one that is being opened does not yet carry the operation.
        bridge.ok("find", json!({}));
        let closed = way.closed();
        way.block(true);
        let connection = send(&bridge, action, fields);
        thread::sleep(Duration::from_millis(500));
        assert_eq!(way.closed(), closed, "the operation runs");
        drop(connection);
        let deadline = Instant::now() + Duration::from_secs(3);
        while way.closed() == closed {
            assert!(Instant::now() < deadline, "MongoDB must be told by a closed connection: {action}");
            thread::sleep(Duration::from_millis(10));
        }
        way.block(false);
    }
    assert!(way.sees(b"currentOp"), "a write is looked for, to be ended");
    let deadline = Instant::now() + Duration::from_secs(5);
    while !bridge.get("/metrics").text.contains(r#"data_api_requests_total{action="updateMany",outcome="gone"} 1"#) {
        assert!(Instant::now() < deadline, "{}", bridge.get("/metrics").text);
    }
}

#[test]
fn many_who_ask_whether_it_is_ready_share_a_ping() {
    let way = Way::open();
    let bridge = Bridge::start_at(&way.uri(), &["--api-key", KEY]);
    for _ in 0..100 {
        assert_eq!(bridge.get("/health/ready").status, 200);
    }
    // One a second: a busy machine may take some.
    let pings = way.count("ping");
    assert!((1..50).contains(&pings), "{pings} pings");
}

#[test]
fn reads_carry_the_time_limit() {
    let way = Way::open();
    let bridge = Bridge::start_at(&way.uri(), &["--api-key", KEY, "--operation-timeout", "7777ms"]);
    bridge.ok("find", json!({}));
    // An Int64, or an Int32: BSON's byte for the type is before the name.
    let field = [b"maxTimeMS\0".as_slice(), &7777_i32.to_le_bytes()].concat();
    assert!(way.sees(&field), "maxTimeMS");
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    assert!(way.sees(b"majority\0"), "the write concern");
    assert!(way.sees(b"txnNumber\0"), "retryable writes");
}

fn send(bridge: &Bridge, action: &str, fields: &str) -> TcpStream {
    let database = &bridge.database;
    let body = format!(r#"{{"dataSource":"mongodb-atlas","database":"{database}","collection":"c",{fields}}}"#);
    let mut connection = TcpStream::connect(bridge.address()).unwrap();
    let head = format!(
        "POST /app/x/endpoint/data/v1/action/{action} HTTP/1.1\r\nHost: x\r\napiKey: {KEY}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.write_all(head.as_bytes()).unwrap();
    connection
}
