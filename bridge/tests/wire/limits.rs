//! Limits: each has a clear error, and nothing is silently cut off.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::bridge::{Bridge, KEY, hash};
use crate::folder::Folder;

#[test]
fn bodies_larger_than_allowed() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-body-bytes", "1000"]);
    assert_eq!(bridge.call("insertOne", json!({"document": {"text": "x".repeat(800)}})).status, 201);
    for length in [1000, 100_000, 20_000_000] {
        let reply = bridge.call("insertOne", json!({"document": {"text": "x".repeat(length)}}));
        assert_eq!(reply.error(413, "InvalidParameter"), "the body is larger than 1000 bytes");
    }
    assert_eq!(bridge.ok("find", json!({}))["documents"].as_array().unwrap().len(), 1);
}

#[test]
fn more_documents_than_allowed() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-documents", "150"]);
    let documents: Vec<_> = (0..151).map(|n| json!({"_id": n})).collect();
    bridge.ok("insertMany", json!({"documents": documents}));
    for fields in
        [json!({}), json!({"limit": 0}), json!({"limit": 151}), json!({"limit": 9_000_000_000_000_000_000_i64})]
    {
        let error = bridge.call("find", fields).error(400, "InvalidParameter");
        assert!(error.starts_with("the answer has more than 150 documents"), "{error}");
    }
    bridge.call("aggregate", json!({"pipeline": []})).error(400, "InvalidParameter");
    for fields in [json!({"limit": 150}), json!({"skip": 1})] {
        assert_eq!(bridge.ok("find", fields)["documents"].as_array().unwrap().len(), 150);
    }
}

#[test]
fn a_limit_above_ours_is_refused_before_the_answer_begins() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-documents", "150"]);
    // More than what leaves in one piece: without an own look the status would have been 200.
    let documents: Vec<_> = (0..152).map(|n| json!({"_id": n, "text": "x".repeat(10_000)})).collect();
    bridge.ok("insertMany", json!({"documents": documents}));
    for fields in
        [json!({"limit": 151}), json!({"limit": 1000, "skip": 1}), json!({"limit": i64::MAX, "sort": {"_id": -1}})]
    {
        let error = bridge.call("find", fields).error(400, "InvalidParameter");
        assert!(error.starts_with("the answer has more than 150 documents"), "{error}");
    }
    // If fewer documents match, a client that sends a large limit to get all of them gets all of them.
    for fields in [json!({"limit": 151, "filter": {"_id": {"$lt": 150}}}), json!({"limit": i64::MAX, "skip": 2})] {
        assert_eq!(bridge.ok("find", fields)["documents"].as_array().unwrap().len(), 150);
    }
    assert_eq!(bridge.call("find", json!({"limit": i64::MAX, "skip": i64::MAX})).status, 200);
}

#[test]
fn a_limit_above_ours_under_a_rule_with_a_filter_or_hidden_fields() {
    let folder = Folder::new();
    let rules = r#"[[keys]]
        name = "a"
        hash = "HASH"
        rules = [
          { database = "*", collections = ["c"], access = "read", filter = { mine = true } },
          { database = "*", collections = ["d"], access = "read", filter = { mine = true }, fields = { deny = ["secret"] } },
        ]"#;
    let file = folder.write("access.toml", rules.replace("HASH", &hash("restricted")));
    let bridge = Bridge::start_with(&["--api-key", KEY, "--access-file", &file, "--max-documents", "150"]);
    let documents: Vec<_> =
        (0..304).map(|n| json!({"_id": n, "mine": n % 2 == 0, "text": "x".repeat(10_000)})).collect();
    let call = |key: &str, action: &str, collection: &str, mut fields: serde_json::Value| {
        fields["dataSource"] = json!("mongodb-atlas");
        fields["database"] = json!(bridge.database);
        fields["collection"] = json!(collection);
        let headers = [("apiKey", key), ("Content-Type", "application/json")];
        bridge.post(&bridge.action_url(action), &headers, fields.to_string().as_bytes())
    };
    for collection in ["c", "d"] {
        assert_eq!(call(KEY, "insertMany", collection, json!({"documents": documents})).status, 201);
        let find = |fields| call("restricted", "find", collection, fields);
        for fields in
            [json!({"limit": 151}), json!({"limit": 1000, "skip": 1}), json!({"limit": i64::MAX, "sort": {"_id": -1}})]
        {
            let error = find(fields).error(400, "InvalidParameter");
            assert!(error.starts_with("the answer has more than 150 documents"), "{error}");
        }
        for fields in [json!({"limit": 151, "filter": {"_id": {"$lt": 300}}}), json!({"limit": i64::MAX, "skip": 2})] {
            let reply = find(fields);
            assert_eq!(reply.json()["documents"].as_array().unwrap().len(), 150);
        }
        assert_eq!(find(json!({"limit": i64::MAX, "skip": i64::MAX})).status, 200);
    }
}

#[test]
fn answers_larger_than_allowed() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-answer-bytes", "1000"]);
    bridge.ok("insertMany", json!({"documents": [{"text": "x".repeat(600)}, {"text": "x".repeat(600)}]}));
    let error = bridge.call("find", json!({})).error(400, "InvalidParameter");
    assert!(error.starts_with("the answer is larger than 1000 bytes"), "{error}");
    assert_eq!(bridge.call("find", json!({"limit": 1})).status, 200);
}

#[test]
fn documents_larger_than_mongodb_takes() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--max-body-bytes", "100000000"]);
    let reply = bridge.call("insertOne", json!({"document": {"text": "x".repeat(16 << 20)}}));
    assert_eq!(reply.status, 400, "{}", reply.text);
    let nearly = bridge.call("insertOne", json!({"document": {"_id": 1, "text": "x".repeat((16 << 20) - 100)}}));
    assert_eq!(nearly.status, 201, "{}", nearly.text);
    assert!(bridge.call("findOne", json!({})).text.len() > (16 << 20) - 100);
}

#[test]
fn an_operation_out_of_time() {
    let patient = Bridge::start();
    let documents: Vec<_> = (0..2000).map(|n| json!({"_id": n, "text": "x".repeat(50)})).collect();
    patient.ok("insertMany", json!({"documents": documents}));
    let mut bridge = Bridge::start_with(&["--api-key", KEY, "--operation-timeout", "50ms"]);
    bridge.database.clone_from(&patient.database);
    let cross = json!([
        {"$lookup": {"from": "c", "pipeline": [{"$match": {"text": {"$regex": "y"}}}], "as": "all"}},
        {"$lookup": {"from": "c", "pipeline": [{"$match": {"text": {"$regex": "z"}}}], "as": "more"}},
    ]);
    let started = Instant::now();
    let error = bridge.call("aggregate", json!({"pipeline": cross})).error(504, "FunctionExecutionTimeLimitExceeded");
    assert_eq!(error, "the operation did not finish within its time limit");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}
