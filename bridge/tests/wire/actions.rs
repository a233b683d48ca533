//! The ten actions, and what they answer.

use serde_json::json;

use crate::bridge::Bridge;

#[test]
fn insert_and_find() {
    let bridge = Bridge::start();
    let inserted = bridge.call("insertOne", json!({"document": {"item": "Doom", "year": 1993}}));
    assert_eq!(inserted.status, 201);
    let id = inserted.json()["insertedId"].as_str().unwrap().to_owned();
    assert_eq!(id.len(), 24);

    let found = bridge.call("findOne", json!({"filter": {"_id": {"$oid": id}}}));
    assert_eq!(found.status, 200);
    assert_eq!(found.text, format!(r#"{{"document":{{"_id":"{id}","item":"Doom","year":1993}}}}"#));
    assert_eq!(bridge.call("findOne", json!({"filter": {"item": "Quake"}})).text, r#"{"document":null}"#);
    assert_eq!(
        bridge.ok("findOne", json!({"filter": {}, "projection": {"_id": 0, "year": 1}})),
        json!({"document": {"year": 1993}})
    );
}

#[test]
fn insert_many_keeps_the_order_of_ids() {
    let bridge = Bridge::start();
    let reply = bridge.call("insertMany", json!({"documents": [{"_id": "b"}, {"_id": 7}, {"_id": "a"}, {"n": 1}]}));
    assert_eq!(reply.status, 201);
    let ids = reply.json()["insertedIds"].clone();
    assert_eq!((&ids[0], &ids[1], &ids[2]), (&json!("b"), &json!(7), &json!("a")));
    assert_eq!(ids[3].as_str().unwrap().len(), 24);
}

#[test]
fn find_sorts_limits_skips_and_projects() {
    let bridge = Bridge::start();
    let documents: Vec<_> = (0..250).map(|n| json!({"_id": n, "even": n % 2 == 0})).collect();
    bridge.ok("insertMany", json!({"documents": documents}));

    let all = bridge.ok("find", json!({"filter": {}}));
    assert_eq!(all["documents"].as_array().unwrap().len(), 250, "more than one of MongoDB's default batches");
    assert_eq!(bridge.ok("find", json!({})), all, "no filter is every document");
    assert_eq!(bridge.ok("find", json!({"filter": {}, "limit": 0})), all, "MongoDB's 0 is no limit");
    assert_eq!(
        bridge.ok("find", json!({"filter": {"even": true}, "sort": {"_id": -1}, "skip": 1, "limit": 2})),
        json!({"documents": [{"_id": 246, "even": true}, {"_id": 244, "even": true}]})
    );
    assert_eq!(
        bridge.ok("find", json!({"filter": {"_id": {"$lt": 2}}, "projection": {"_id": 1}, "limit": 5.0})),
        json!({"documents": [{"_id": 0}, {"_id": 1}]})
    );
    assert_eq!(bridge.call("find", json!({"filter": {"_id": -1}})).text, r#"{"documents":[]}"#);
}

#[test]
fn updates_and_replacements() {
    let bridge = Bridge::start();
    bridge.ok("insertMany", json!({"documents": [{"_id": 1, "n": 1}, {"_id": 2, "n": 1}, {"_id": 3, "n": 2}]}));
    for (action, fields, answer) in [
        (
            "updateOne",
            json!({"filter": {"n": 1}, "update": {"$set": {"a": 1}}}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "updateOne",
            json!({"filter": {"_id": 1}, "update": {"$set": {"n": 1}}}),
            json!({"matchedCount": 1, "modifiedCount": 0}),
        ),
        (
            "updateOne",
            json!({"filter": {"n": 9}, "update": {"$set": {"a": 1}}}),
            json!({"matchedCount": 0, "modifiedCount": 0}),
        ),
        (
            "updateMany",
            json!({"filter": {"n": 1}, "update": {"$inc": {"n": 10}}}),
            json!({"matchedCount": 2, "modifiedCount": 2}),
        ),
        (
            "updateOne",
            json!({"filter": {"_id": 9}, "update": {"$set": {"n": 9}}, "upsert": true}),
            json!({"matchedCount": 0, "modifiedCount": 0, "upsertedId": 9}),
        ),
        (
            "updateOne",
            json!({"filter": {"_id": 9}, "update": {"$set": {"n": 10}}, "upsert": true}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "updateOne",
            json!({"filter": {"_id": 9}, "update": [{"$set": {"m": {"$add": ["$n", 1]}}}]}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "replaceOne",
            json!({"filter": {"_id": 3}, "replacement": {"r": true}}),
            json!({"matchedCount": 1, "modifiedCount": 1}),
        ),
        (
            "replaceOne",
            json!({"filter": {"_id": 4}, "replacement": {"r": true}, "upsert": true}),
            json!({"matchedCount": 0, "modifiedCount": 0, "upsertedId": 4}),
        ),
    ] {
        let reply = bridge.call(action, fields.clone());
        assert_eq!((reply.status, reply.json()), (200, answer), "{action} {fields}");
    }
    assert_eq!(bridge.ok("findOne", json!({"filter": {"_id": 3}}))["document"], json!({"_id": 3, "r": true}));
    assert_eq!(bridge.ok("findOne", json!({"filter": {"_id": 9}}))["document"], json!({"_id": 9, "n": 10, "m": 11}));
}

#[test]
fn deletes() {
    let bridge = Bridge::start();
    bridge.ok("insertMany", json!({"documents": [{"n": 1}, {"n": 1}, {"n": 1}, {"n": 2}]}));
    assert_eq!(bridge.ok("deleteOne", json!({"filter": {"n": 1}})), json!({"deletedCount": 1}));
    assert_eq!(bridge.ok("deleteMany", json!({"filter": {"n": 1}})), json!({"deletedCount": 2}));
    assert_eq!(bridge.ok("deleteMany", json!({"filter": {"n": 1}})), json!({"deletedCount": 0}));
    bridge.call("deleteMany", json!({})).error(400, "MissingParameter");
    assert_eq!(
        bridge.ok("find", json!({}))["documents"].as_array().unwrap().len(),
        1,
        "a forgotten filter deletes nothing"
    );
}

#[test]
fn aggregates() {
    let bridge = Bridge::start();
    bridge.ok("insertMany", json!({"documents": [{"k": "a", "n": 1}, {"k": "b", "n": 2}, {"k": "a", "n": 3}]}));
    let pipeline = json!([{"$group": {"_id": "$k", "sum": {"$sum": "$n"}}}, {"$sort": {"_id": 1}}]);
    assert_eq!(
        bridge.ok("aggregate", json!({"pipeline": pipeline})),
        json!({"documents": [{"_id": "a", "sum": 4}, {"_id": "b", "sum": 2}]})
    );
    assert_eq!(bridge.ok("aggregate", json!({"pipeline": []}))["documents"].as_array().unwrap().len(), 3);
}

#[test]
fn counts_in_extended_json_have_types() {
    let bridge = Bridge::start();
    let ejson = |action, fields| bridge.call_text(action, "application/ejson", fields).text;
    assert_eq!(
        ejson("insertOne", r#"{"document":{"_id":{"$numberLong":"1"}}}"#),
        r#"{"insertedId":{"$numberLong":"1"}}"#
    );
    assert_eq!(
        ejson("updateOne", r#"{"filter":{},"update":{"$set":{"a":1}}}"#),
        r#"{"matchedCount":{"$numberInt":"1"},"modifiedCount":{"$numberInt":"1"}}"#
    );
    assert_eq!(ejson("deleteMany", r#"{"filter":{}}"#), r#"{"deletedCount":{"$numberInt":"1"}}"#);
}

#[test]
fn the_old_alias_of_v1() {
    let bridge = Bridge::start();
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    let url = bridge.action_url("find").replace("/v1/", "/beta/");
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "filter": {}});
    let headers = [("api-key", crate::bridge::KEY), ("Content-Type", "application/ejson")];
    assert_eq!(bridge.post(&url, &headers, body.to_string().as_bytes()).text, r#"{"documents":[{"_id":1}]}"#);
}
