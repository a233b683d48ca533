//! Requests that are wrong: each gets a clear answer, and nothing is written.

use serde_json::json;

use crate::bridge::{Bridge, KEY};

#[test]
fn fields_that_are_missing_wrong_or_unknown() {
    let bridge = Bridge::start();
    for (action, fields, code, text) in [
        ("updateOne", json!({"filter": {}}), "MissingParameter", "the field `update` is missing"),
        ("updateMany", json!({"update": {}}), "MissingParameter", "the field `filter` is missing"),
        ("replaceOne", json!({"filter": {}}), "MissingParameter", "the field `replacement` is missing"),
        ("insertOne", json!({}), "MissingParameter", "the field `document` is missing"),
        ("insertMany", json!({}), "MissingParameter", "the field `documents` is missing"),
        ("deleteOne", json!({}), "MissingParameter", "the field `filter` is missing"),
        ("aggregate", json!({}), "MissingParameter", "the field `pipeline` is missing"),
        ("insertOne", json!({"document": [1]}), "InvalidParameter", "the field `document` must be an object"),
        (
            "insertMany",
            json!({"documents": {}}),
            "InvalidParameter",
            "the field `documents` must be an array of objects",
        ),
        ("insertMany", json!({"documents": [{}, 1]}), "InvalidParameter", "`documents[1]` must be an object"),
        ("insertMany", json!({"documents": []}), "InvalidParameter", "the field `documents` must not be empty"),
        ("find", json!({"filter": "x"}), "InvalidParameter", "the field `filter` must be an object"),
        // Null is left out: in a field that must be there, that is missing.
        ("deleteMany", json!({"filter": null}), "MissingParameter", "the field `filter` is missing"),
        ("insertOne", json!({"document": null}), "MissingParameter", "the field `document` is missing"),
        ("updateOne", json!({"filter": {}, "update": null}), "MissingParameter", "the field `update` is missing"),
        ("aggregate", json!({"pipeline": null}), "MissingParameter", "the field `pipeline` is missing"),
        ("find", json!({"limit": -1}), "InvalidParameter", "the field `limit` must be a whole number from 0 on"),
        ("find", json!({"skip": "1"}), "InvalidParameter", "the field `skip` must be a whole number from 0 on"),
        ("updateOne", json!({"filter": {}, "update": 1}), "InvalidParameter", "the field `update` must be an object"),
        (
            "updateOne",
            json!({"filter": {}, "update": {"$set": {"a": 1}}, "upsert": 1}),
            "InvalidParameter",
            "the field `upsert` must be true or false",
        ),
        ("aggregate", json!({"pipeline": [1]}), "InvalidParameter", "`pipeline[0]` must be an object"),
        ("find", json!({"fitler": {}}), "InvalidParameter", "the field `fitler` is unknown"),
        ("insertOne", json!({"document": {}, "filter": {}}), "InvalidParameter", "the field `filter` is unknown"),
        (
            "updateOne",
            json!({"filter": {}, "update": {"a": 1}}),
            "InvalidParameter",
            "update document must only contain update modifiers",
        ),
        (
            "replaceOne",
            json!({"filter": {}, "replacement": {"$set": {}}}),
            "InvalidParameter",
            "replacement document must not contain update modifiers",
        ),
    ] {
        let error = bridge.call(action, fields.clone()).error(400, code);
        assert!(error.starts_with(text), "{action} {fields}: {error}");
    }
    assert_eq!(bridge.ok("find", json!({})), json!({"documents": []}), "nothing was written");
}

#[test]
fn a_document_that_mongodb_would_not_store_has_mongodbs_code() {
    let bridge = Bridge::start();
    // As BSON each of these takes some twelve bytes.
    let zeros = vec!["0"; 1_600_000].join(",");
    let body =
        format!(r#"{{"dataSource":"mongodb-atlas","database":"d","collection":"large","document":{{"x":[{zeros}]}}}}"#);
    let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
    let refused = bridge.post(&bridge.action_url("insertOne"), &headers, body.as_bytes());
    assert_eq!(refused.json()["code"], 10_334, "{refused:?}");
    assert!(refused.error(400, "MongoDBError").starts_with("(BSONObjectTooLarge)"), "{refused:?}");
}

#[test]
fn namespaces_that_are_none() {
    let bridge = Bridge::start();
    let post = |body: serde_json::Value| {
        let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
        bridge.post(&bridge.action_url("find"), &headers, body.to_string().as_bytes())
    };
    for name in ["dataSource", "database", "collection"] {
        let with = |value: Option<serde_json::Value>| {
            let mut body = json!({"dataSource": "mongodb-atlas", "database": "d", "collection": "c"});
            match value {
                Some(value) => body[name] = value,
                None => drop(body.as_object_mut().unwrap().remove(name)),
            }
            post(body)
        };
        assert_eq!(with(None).error(400, "MissingParameter"), format!("the field `{name}` is missing"));
        assert_eq!(with(Some(json!(null))).error(400, "MissingParameter"), format!("the field `{name}` is missing"));
        for wrong in [json!(1), json!(""), json!({}), json!("a\0b")] {
            let error = with(Some(wrong)).error(400, "InvalidParameter");
            assert!(error.contains(&format!("the field `{name}` must be a string")), "{error}");
        }
    }
    let other = post(json!({"dataSource": "other", "database": "d", "collection": "c"}));
    assert_eq!(other.error(400, "InvalidParameter"), "the dataSource `other` is unknown");
    for (database, collection, wrong) in
        [(64, 1, "database` must be a string of 63"), (1, 256, "collection` must be a string of 255")]
    {
        let body = json!({
            "dataSource": "mongodb-atlas", "database": "d".repeat(database), "collection": "c".repeat(collection),
        });
        let error = post(body).error(400, "InvalidParameter");
        assert_eq!(error, format!("the field `{wrong} bytes or fewer"));
    }
}

#[test]
fn bodies_that_are_no_json_object() {
    let bridge = Bridge::start();
    let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
    for body in
        ["", "{", "[]", "null", "{\"a\":1,}", "{\"a\":NaN}", "{\"dataSource\":\"x\",\"dataSource\":\"y\"}", "\u{0}"]
    {
        bridge.post(&bridge.action_url("find"), &headers, body.as_bytes()).error(400, "InvalidParameter");
    }
    bridge.post(&bridge.action_url("find"), &headers, b"{\"a\":\"\xff\"}").error(400, "InvalidParameter");
    for nested in ["[".repeat(2000), "[".repeat(1_000_000), "{\"a\":".repeat(1_000_000)] {
        let error = bridge.post(&bridge.action_url("find"), &headers, format!("{{\"a\":{nested}").as_bytes());
        assert!(error.error(400, "InvalidParameter").contains("nested deeper than 200 levels"));
    }
    for (value, error) in [
        ("1e400", "at `document.a[1]`: the number 1e400 is beyond a double"),
        (r#"{"$uuid":"8787d264--4b3-4b69-90e8-e7d1dfc0d4a1"}"#, "at `document.a[1].$uuid`: must be a UUID"),
        (r#"{"$numberDecimal":"-+32.4"}"#, "at `document.a[1].$numberDecimal`: must be a 128-bit decimal"),
        (r#"{"$numberDecimal":".e+1"}"#, "at `document.a[1].$numberDecimal`: must be a 128-bit decimal"),
    ] {
        let reply = bridge.call_text("insertOne", "*/*", &format!(r#"{{"document":{{"a":[1,{value}]}}}}"#));
        let text = reply.error(400, "InvalidParameter");
        assert!(text.starts_with(error), "{text}");
    }
    let error = bridge.call_text("insertOne", "*/*", r#"{"document":{"_id":{"$oid":"nope"}}}"#);
    assert!(error.error(400, "InvalidParameter").starts_with("at `document._id.$oid`: must be 24 hex digits"));
}

#[test]
fn operators_that_nobody_may_use() {
    let bridge = Bridge::start();
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    for (action, fields, path) in [
        ("find", json!({"filter": {"$where": "true"}}), "filter.$where"),
        ("find", json!({"filter": {"$or": [{"a": 1}, {"$where": "true"}]}}), "filter.$or[1].$where"),
        ("find", json!({"filter": {}, "projection": {"x": {"$function": {}}}}), "projection.x.$function"),
        ("findOne", json!({"filter": {"$expr": {"$function": {}}}}), "filter.$expr.$function"),
        ("deleteMany", json!({"filter": {"$nor": [{"$where": "false"}]}}), "filter.$nor[0].$where"),
        (
            "updateOne",
            json!({"filter": {}, "update": [{"$set": {"a": {"$function": {}}}}]}),
            "update[0].$set.a.$function",
        ),
        ("updateMany", json!({"filter": {"$where": "1"}, "update": {"$set": {"a": 1}}}), "filter.$where"),
        ("replaceOne", json!({"filter": {"$where": "1"}, "replacement": {}}), "filter.$where"),
        ("aggregate", json!({"pipeline": [{"$out": "x"}]}), "pipeline[0].$out"),
        ("aggregate", json!({"pipeline": [{"$merge": {"into": "x"}}]}), "pipeline[0].$merge"),
        (
            "aggregate",
            json!({"pipeline": [{"$facet": {"a": [{"$group": {"_id": 1, "v": {"$accumulator": {}}}}]}}]}),
            "pipeline[0].$facet.a[0].$group.v.$accumulator",
        ),
        ("aggregate", json!({"pipeline": [{"$currentOp": {}}]}), "pipeline[0].$currentOp"),
    ] {
        let error = bridge.call(action, fields).error(400, "InvalidParameter");
        assert!(error.ends_with(&format!("is not allowed here: `{path}`")), "{error}");
    }
    assert_eq!(bridge.ok("find", json!({})), json!({"documents": [{"_id": 1}]}));
    // In a document they are data.
    bridge.ok("insertOne", json!({"document": {"_id": 2, "a": {"$where": 1}}}));
}

#[test]
fn what_mongodb_refuses_keeps_its_code() {
    let bridge = Bridge::start();
    bridge.ok("insertOne", json!({"document": {"_id": "twice", "n": 1}}));
    for (action, fields) in [
        ("insertOne", json!({"document": {"_id": "twice"}})),
        ("insertMany", json!({"documents": [{"_id": "once"}, {"_id": "twice"}, {"_id": "never"}]})),
    ] {
        let reply = bridge.call(action, fields);
        let error = reply.error(400, "MongoDBError");
        assert!(error.starts_with("(DuplicateKey) E11000") && error.contains("twice"), "{error}");
        assert_eq!(reply.json()["code"], 11000);
    }
    assert_eq!(
        bridge.ok("find", json!({"filter": {"_id": "never"}})),
        json!({"documents": []}),
        "in order, up to the first error"
    );
    for (action, fields, code) in [
        ("find", json!({"filter": {"$nope": 1}}), 2),
        ("updateOne", json!({"filter": {}, "update": {"$set": {"_id": 2}}}), 66),
        ("updateOne", json!({"filter": {}, "update": {"$inc": {"n": "x"}}}), 14),
    ] {
        let reply = bridge.call(action, fields.clone());
        reply.error(400, "MongoDBError");
        assert_eq!(reply.json()["code"], code, "{fields}: {reply:?}");
    }
    bridge.call("aggregate", json!({"pipeline": [{"$nope": {}}]})).error(400, "MongoDBError");
}
