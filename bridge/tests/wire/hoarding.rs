//! What a client could pile up in the server: names, error texts, stages, answers that it does not read.

use std::io::Read as _;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bridge::{Bridge, KEY, hash};
use crate::folder::Folder;
use crate::raw::{answer, connect, request};

const MIB: usize = 1 << 20;

fn find(bridge: &Bridge, action: &str) -> String {
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
    request("POST", &format!("/app/x/endpoint/data/v1/action/{action}"), &headers, &body)
}

/// Sends a request, and reads of its answer the head only.
fn unread(bridge: &Bridge, from: &str, action: &str) -> (TcpStream, u16) {
    let mut stream = connect(bridge, from);
    let (status, _) = answer(&mut stream, &find(bridge, action)).unwrap();
    (stream, status)
}

/// The same, once there is a place for it: an answer's place is free a moment after its client has read it.
fn served(bridge: &Bridge, from: &str, action: &str) -> TcpStream {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match unread(bridge, from, action) {
            (stream, 200) => return stream,
            (_, status) => assert!(status == 503 && Instant::now() < deadline, "{status}"),
        }
    }
}

#[test]
fn refused_logins_leave_nothing_behind() {
    let bridge = Bridge::start();
    let url = format!("{}/api/client/v2.0/app/x/auth/providers/local-userpass/login", bridge.url);
    let try_one = |number: usize| {
        let body = json!({"username": format!("{number}{}", "x".repeat(60_000)), "password": "guess"}).to_string();
        bridge.post(&url, &[("Content-Type", "application/json")], body.as_bytes()).status
    };
    // So many that the address has to wait.
    let first: Vec<_> = (0..60).map(try_one).collect();
    assert_eq!(first.last(), Some(&429), "{first:?}");
    bridge.reset_peak_memory();
    let before = bridge.peak_memory();
    for number in 100..700 {
        assert!(matches!(try_one(number), 401 | 429));
    }
    let grown = bridge.peak_memory() - before;
    assert!(grown < 24 * MIB, "600 logins that were refused took {} MiB", grown / MIB);
}

#[test]
fn errors_do_not_quote_what_is_long() {
    let bridge = Bridge::start();
    let long = "x".repeat(5_000_000);
    for (action, fields) in [
        ("find", format!(r#"{{"{long}":1}}"#)),
        ("find", format!(r#"{{"filter":{{"{long}":{{"$where":1}}}}}}"#)),
        ("find", format!(r#"{{"filter":{{"$_{long}":1}}}}"#)),
        ("find", format!(r#"{{"filter":{{"{long}":{{"$oid":1}}}}}}"#)),
        ("find", format!(r#"{{"collation":{{"{long}":1}}}}"#)),
        ("find", format!(r#"{{"filter":{{"a":{{"${long}":1}}}}}}"#)),
    ] {
        let reply = bridge.call_text(action, "application/json", &fields);
        assert_eq!(reply.status, 400);
        assert!(reply.text.len() < 8192, "{} bytes: {:.80}", reply.text.len(), reply.text);
    }
    let unknown = bridge.call("find", json!({"fitler": {}})).error(400, "InvalidParameter");
    assert!(unknown.starts_with("the field `fitler` is unknown; this action takes dataSource, "), "{unknown}");
}

#[test]
fn an_answer_that_is_not_read_keeps_its_place() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-requests", "1"]);
    // More than the kernel takes; a single document leaves in one piece.
    bridge.ok("insertOne", json!({"document": {"text": "x".repeat(15 * MIB)}}));
    let reader = served(&bridge, "127.0.0.1", "findOne");
    bridge.call("find", json!({"limit": 1, "projection": {"_id": 1}})).error(503, "ServiceUnavailable");
    drop(reader);
    let deadline = Instant::now() + Duration::from_secs(10);
    while bridge.call("find", json!({"projection": {"_id": 1}})).status != 200 {
        assert!(Instant::now() < deadline, "the place is taken for ever");
    }
}

#[test]
fn readers_of_one_address_do_not_take_all_places() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-requests", "4"]);
    let documents: Vec<_> = (0..30).map(|_| json!({"text": "x".repeat(1_000_000)})).collect();
    for documents in documents.chunks(10) {
        bridge.ok("insertMany", json!({"documents": documents}));
    }
    let _readers = [served(&bridge, "127.0.0.1", "find"), served(&bridge, "127.0.0.1", "find")];
    for _ in 0..2 {
        assert_eq!(unread(&bridge, "127.0.0.1", "find").1, 503);
    }
    let (mut other, status) = unread(&bridge, "127.0.0.2", "find");
    assert_eq!(status, 200);
    assert!(other.read(&mut [0; 100]).unwrap() > 0);
}

const DENIED: &str = r#"fields = { deny = ["a.b.c.d.e", "f.g.h.i.j", "k.l.m.n.o"] }"#;

/// A bridge with an account that has a restricted rule, and how it aggregates.
fn restricted(flags: &[&str]) -> (Bridge, Folder) {
    let folder = Folder::new();
    let access = format!(
        "[[keys]]\nname = \"a\"\nhash = \"{}\"\n\
         rules = [{{ database = \"*\", collections = [\"*\"], access = \"read\", {DENIED} }}]\n",
        hash("restricted")
    );
    let file = folder.write("access.toml", access);
    (Bridge::start_with(&[&["--api-key", KEY, "--access-file", &file], flags].concat()), folder)
}

fn aggregate(bridge: &Bridge, key: &str, pipeline: &Value) -> crate::bridge::Reply {
    let body = json!({
        "dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "pipeline": pipeline,
    });
    let headers = [("apiKey", key), ("Content-Type", "application/json")];
    bridge.post(&bridge.action_url("aggregate"), &headers, body.to_string().as_bytes())
}

#[test]
fn pipelines_with_more_stages_than_mongodb_takes() {
    let (bridge, _folder) = restricted(&[]);
    let stages = |count: usize| vec![json!({"$match": {}}); count];
    for key in [KEY, "restricted"] {
        assert_eq!(aggregate(&bridge, key, &json!(stages(100))).status, 200);
        for pipeline in [
            json!(stages(1001)),
            json!([{"$facet": {"a": stages(500), "b": stages(500)}}]),
            json!([{"$lookup": {"from": "d", "pipeline": stages(1000), "as": "x"}}]),
            json!([{"$unionWith": {"coll": "d", "pipeline": [{"$unionWith": {"coll": "e", "pipeline": stages(999)}}]}}]),
        ] {
            let error = aggregate(&bridge, key, &pipeline).error(400, "InvalidParameter");
            assert_eq!(error, "the field `pipeline` has more than 1000 stages, with those of nested pipelines");
        }
    }
}

#[test]
fn what_a_rule_adds_to_a_pipeline_counts_as_memory() {
    let (bridge, _folder) = restricted(&["--memory-budget", "8000000"]);
    let unions = |count: usize| json!(vec![json!({"$unionWith": "d"}); count]);
    assert_eq!(aggregate(&bridge, "restricted", &unions(1)).status, 200);
    let error = aggregate(&bridge, "restricted", &unions(900)).error(413, "InvalidParameter");
    assert!(error.contains("of memory"), "{error}");
}
