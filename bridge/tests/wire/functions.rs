//! `functions/call`: what the `mongoClient()` of MongoDB's client libraries sends.

use serde_json::{Value, json};

use crate::bridge::{Bridge, KEY, Reply, hash};
use crate::folder::Folder;

fn post(bridge: &Bridge, key: &str, body: &Value) -> Reply {
    let url = format!("{}/api/client/v2.0/app/any-app/functions/call", bridge.url);
    let headers = [("apiKey", key), ("Content-Type", "application/json"), ("Accept", "application/json")];
    bridge.post(&url, &headers, body.to_string().as_bytes())
}

fn body(bridge: &Bridge, name: &str, mut argument: Value) -> Value {
    argument["database"] = json!(bridge.database);
    argument["collection"] = json!("c");
    json!({"name": name, "service": "mongodb-atlas", "arguments": [argument]})
}

fn call(bridge: &Bridge, name: &str, argument: Value) -> Reply {
    post(bridge, KEY, &body(bridge, name, argument))
}

fn int(number: i32) -> Value {
    json!({"$numberInt": number.to_string()})
}

#[test]
fn every_function() {
    let bridge = Bridge::start();
    let document = |id: i32, n: i32| json!({"_id": int(id), "n": int(n)});
    for (name, argument, answer) in [
        ("insertOne", json!({"document": {"_id": 1, "n": 1}}), json!({"insertedId": int(1)})),
        (
            "insertMany",
            json!({"documents": [{"_id": 2, "n": 2}, {"_id": 3, "n": 3}]}),
            json!({"insertedIds": [int(2), int(3)]}),
        ),
        ("find", json!({"query": {}}), json!([document(1, 1), document(2, 2), document(3, 3)])),
        (
            "find",
            json!({"query": {"n": {"$gt": 1}}, "project": {"n": 1, "_id": 0}, "sort": {"n": -1}, "limit": {"$numberInt": "1"}}),
            json!([{"n": int(3)}]),
        ),
        ("find", json!({"query": {"n": 9}}), json!([])),
        ("findOne", json!({"query": {"n": 2}}), document(2, 2)),
        ("findOne", json!({"query": {"n": 9}}), json!(null)),
        ("findOne", json!({"query": {}, "sort": {"n": -1}, "project": {"n": 0}}), json!({"_id": int(3)})),
        ("count", json!({"query": {}}), int(3)),
        ("count", json!({"query": {"n": {"$gt": 1}}, "limit": 1}), int(1)),
        ("count", json!({"query": {"n": 9}}), int(0)),
        (
            "aggregate",
            json!({"pipeline": [{"$group": {"_id": null, "sum": {"$sum": "$n"}}}]}),
            json!([{"_id": null, "sum": int(6)}]),
        ),
        (
            "updateOne",
            json!({"query": {"n": 1}, "update": {"$set": {"g": [1, 5]}}}),
            json!({"matchedCount": int(1), "modifiedCount": int(1)}),
        ),
        (
            "updateMany",
            json!({"query": {"_id": 1}, "update": {"$set": {"g.$[e]": 0}}, "arrayFilters": [{"e": {"$gt": 4}}]}),
            json!({"matchedCount": int(1), "modifiedCount": int(1)}),
        ),
        ("findOne", json!({"query": {"_id": 1}}), json!({"_id": int(1), "n": int(1), "g": [int(1), int(0)]})),
        (
            "updateOne",
            json!({"query": {"_id": 9}, "update": {"$set": {"n": 9}}, "upsert": true}),
            json!({"matchedCount": int(0), "modifiedCount": int(0), "upsertedId": int(9)}),
        ),
        ("findOneAndUpdate", json!({"filter": {"_id": 2}, "update": {"$inc": {"n": 10}}}), document(2, 2)),
        (
            "findOneAndUpdate",
            json!({"filter": {"_id": 2}, "update": {"$inc": {"n": 10}}, "returnNewDocument": true}),
            document(2, 22),
        ),
        (
            "findOneAndUpdate",
            json!({"filter": {}, "sort": {"_id": -1}, "update": {"$set": {"n": 0}}, "projection": {"_id": 1}}),
            json!({"_id": int(9)}),
        ),
        ("findOneAndUpdate", json!({"filter": {"_id": 8}, "update": {"$set": {"n": 0}}}), json!(null)),
        (
            "findOneAndReplace",
            json!({"filter": {"_id": 3}, "update": {"n": 33}, "returnNewDocument": true}),
            document(3, 33),
        ),
        (
            "findOneAndReplace",
            json!({"filter": {"_id": 4}, "update": {"n": 4}, "upsert": true, "returnNewDocument": true}),
            document(4, 4),
        ),
        ("findOneAndDelete", json!({"filter": {"_id": 4}}), document(4, 4)),
        ("findOneAndDelete", json!({"filter": {"_id": 4}}), json!(null)),
        ("deleteOne", json!({"query": {"_id": 9}}), json!({"deletedCount": int(1)})),
        ("deleteMany", json!({"query": {}}), json!({"deletedCount": int(3)})),
    ] {
        let reply = call(&bridge, name, argument.clone());
        assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")), "{name}: {reply:?}");
        assert_eq!(reply.json(), answer, "{name} {argument}");
    }
}

/// realm-web 2.0.1 sends this for `findOneAndDelete()`.
#[test]
fn a_replacement_by_nothing_deletes() {
    let bridge = Bridge::start();
    bridge.ok("insertMany", json!({"documents": [{"_id": 1}, {"_id": 2}]}));
    assert_eq!(call(&bridge, "findOneAndReplace", json!({"filter": {"_id": 1}})).json(), json!({"_id": int(1)}));
    assert_eq!(bridge.ok("find", json!({})), json!({"documents": [{"_id": 2}]}));
    // Not where it can only have been forgotten.
    for more in [json!({"upsert": true}), json!({"returnNewDocument": false})] {
        let mut argument = json!({"filter": {"_id": 2}});
        argument.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = call(&bridge, "findOneAndReplace", argument).error(400, "MissingParameter");
        assert_eq!(error, "the field `replacement` is missing");
    }
    assert_eq!(bridge.ok("find", json!({})), json!({"documents": [{"_id": 2}]}));
}

#[test]
fn types_survive() {
    let bridge = Bridge::start();
    let document = json!({
        "_id": {"$oid": "5a1f00000000000000000001"},
        "at": {"$date": {"$numberLong": "1614834367089"}},
        "price": {"$numberDouble": "30.0"},
        "big": {"$numberLong": "5"},
        "exact": {"$numberDecimal": "0.10"},
    });
    let inserted = call(&bridge, "insertOne", json!({"document": document})).json();
    assert_eq!(inserted, json!({"insertedId": {"$oid": "5a1f00000000000000000001"}}));
    assert_eq!(call(&bridge, "findOne", json!({"query": {}})).json(), document);
    assert_eq!(
        call(&bridge, "find", json!({"query": {"at": {"$lt": {"$date": "2022-01-01T00:00:00Z"}}}})).json(),
        json!([document])
    );
}

#[test]
fn a_listing_that_grows_large_is_whole() {
    let bridge = Bridge::start();
    let documents: Vec<_> = (0..30).map(|n| json!({"_id": n, "text": "x".repeat(100_000)})).collect();
    bridge.ok("insertMany", json!({"documents": documents}));
    let reply = call(&bridge, "find", json!({"query": {}}));
    assert_eq!(reply.header("transfer-encoding"), Some("chunked"));
    assert_eq!(reply.json().as_array().unwrap().len(), 30);
}

#[test]
fn what_is_wrong() {
    let bridge = Bridge::start();
    let good = || body(&bridge, "find", json!({"query": {}}));
    let with = |name: &str, value: Value| {
        let mut body = good();
        body[name] = value;
        post(&bridge, KEY, &body)
    };
    assert_eq!(with("name", json!("find")).status, 200);
    assert_eq!(with("name", json!("watch")).error(404, "FunctionNotFound"), "function not found: 'watch'");
    assert_eq!(with("name", json!(null)).error(400, "MissingParameter"), "the field `name` is missing");
    assert_eq!(with("service", json!("mongo-db")).error(404, "ServiceNotFound"), "service not found: 'mongo-db'");
    assert_eq!(with("service", json!(null)).error(404, "FunctionNotFound"), "function not found: 'find'");
    with("service", json!(1)).error(400, "InvalidParameter");
    assert_eq!(with("arguments", json!(null)).error(400, "MissingParameter"), "the field `arguments` is missing");
    for wrong in [json!({}), json!([]), json!(["x"]), json!([{}, {}])] {
        let error = with("arguments", wrong).error(400, "InvalidParameter");
        assert_eq!(error, "the field `arguments` must be an array of one object");
    }
    for (name, argument, code) in [
        ("find", json!({"qeury": {}}), "InvalidParameter"),
        ("find", json!({"query": {}, "filter": {}}), "InvalidParameter"),
        ("find", json!({"query": {"$where": "1"}}), "InvalidParameter"),
        ("find", json!({"dataSource": "mongodb-atlas"}), "InvalidParameter"),
        ("deleteMany", json!({}), "MissingParameter"),
        ("deleteMany", json!({"query": null}), "MissingParameter"),
        ("findOneAndUpdate", json!({"filter": {}}), "MissingParameter"),
        ("findOneAndUpdate", json!({"filter": {}, "update": {"a": 1}}), "InvalidParameter"),
        ("findOneAndDelete", json!({}), "MissingParameter"),
        ("aggregate", json!({"pipeline": [{"$out": "x"}]}), "InvalidParameter"),
        ("insertOne", json!({}), "MissingParameter"),
    ] {
        call(&bridge, name, argument.clone()).error(400, code);
    }
    let url = format!("{}/api/client/v2.0/app/any-app/functions/call", bridge.url);
    let text = good().to_string();
    bridge.post(&url, &[("Content-Type", "application/json")], text.as_bytes()).error(400, "InvalidParameter");
    // A page of another origin could send it without being asked for more.
    bridge
        .post(&url, &[("apiKey", KEY), ("Content-Type", "text/plain")], text.as_bytes())
        .error(400, "InvalidParameter");
    bridge.post(&url, &[("apiKey", "wrong"), ("Content-Type", "application/json")], b"{}").error(401, "InvalidSession");
}

#[test]
fn the_rules_of_the_account_apply() {
    let folder = Folder::new();
    let access = format!(
        r#"
        [[keys]]
        name = "reader"
        hash = "{}"
        rules = [{{ database = "*", collections = ["c"], access = "read" }}]

        [[keys]]
        name = "nobody"
        hash = "{}"
        "#,
        hash("reader"),
        hash("nobody"),
    );
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", access)]);
    let reads = [
        ("find", json!({"query": {}})),
        ("findOne", json!({"query": {}})),
        ("count", json!({"query": {}})),
        ("aggregate", json!({"pipeline": []})),
    ];
    let writes = [
        ("insertOne", json!({"document": {}})),
        ("insertMany", json!({"documents": [{}]})),
        ("updateOne", json!({"query": {}, "update": {"$set": {"a": 1}}})),
        ("updateMany", json!({"query": {}, "update": {"$set": {"a": 1}}})),
        ("replaceOne", json!({"query": {}, "update": {}})),
        ("deleteOne", json!({"query": {}})),
        ("deleteMany", json!({"query": {}})),
        ("findOneAndUpdate", json!({"filter": {}, "update": {"$set": {"a": 1}}})),
        ("findOneAndReplace", json!({"filter": {}, "update": {}})),
        ("findOneAndReplace", json!({"filter": {}})),
        ("findOneAndDelete", json!({"filter": {}})),
    ];
    for (name, argument) in &reads {
        assert_eq!(post(&bridge, "reader", &body(&bridge, name, argument.clone())).status, 200, "{name}");
        post(&bridge, "nobody", &body(&bridge, name, argument.clone())).error(403, "NoMatchingRuleFound");
    }
    for (name, argument) in &writes {
        for key in ["reader", "nobody"] {
            post(&bridge, key, &body(&bridge, name, argument.clone())).error(403, "NoMatchingRuleFound");
        }
    }
    let beside = json!({"pipeline": [{"$unionWith": "closed"}]});
    post(&bridge, "reader", &body(&bridge, "aggregate", beside)).error(403, "NoMatchingRuleFound");
}
