//! What clients of the retired service send that another server would not expect.

use serde_json::json;

use crate::bridge::Bridge;
use crate::folder::Folder;
use crate::way::Way;

#[test]
fn null_means_left_out() {
    let bridge = Bridge::start();
    bridge.ok("insertMany", json!({"documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}], "comment": null}));
    let all = json!({"documents": [{"_id": 1, "a": 1}, {"_id": 2, "a": 2}]});
    for (action, fields, answer) in [
        ("find", json!({"filter": null, "projection": null, "sort": null, "limit": null, "skip": null}), all.clone()),
        (
            "find",
            json!({"filter": {"a": 1}, "collation": null, "hint": null, "let": null, "comment": null}),
            json!({"documents": [{"_id": 1, "a": 1}]}),
        ),
        (
            "findOne",
            json!({"filter": {"a": 2}, "projection": null, "sort": null}),
            json!({"document": {"_id": 2, "a": 2}}),
        ),
        ("findOne", json!({"filter": null}), json!({"document": {"_id": 1, "a": 1}})),
        (
            "updateOne",
            json!({"filter": {"a": 3}, "update": {"$set": {"b": 1}}, "upsert": null, "arrayFilters": null}),
            json!({"matchedCount": 0, "modifiedCount": 0}),
        ),
        (
            "updateMany",
            json!({"filter": {"a": 3}, "update": {"$set": {"b": 1}}, "upsert": null}),
            json!({"matchedCount": 0, "modifiedCount": 0}),
        ),
        (
            "replaceOne",
            json!({"filter": {"a": 3}, "replacement": {"b": 1}, "upsert": null}),
            json!({"matchedCount": 0, "modifiedCount": 0}),
        ),
        ("deleteMany", json!({"filter": {"a": 3}, "collation": null}), json!({"deletedCount": 0})),
        ("aggregate", json!({"pipeline": [], "let": null}), all.clone()),
    ] {
        assert_eq!(bridge.ok(action, fields.clone()), answer, "{action} {fields}");
    }
    // In a filter and in a document null is a value.
    assert_eq!(bridge.ok("find", json!({"filter": {"a": null}})), json!({"documents": []}));
}

#[test]
fn a_collection_is_counted_by_its_statistics() {
    let bridge = Bridge::start();
    bridge.ok("insertMany", json!({"documents": [{}, {}, {}]}));
    let count = json!([{"$collStats": {"count": {}}}, {"$group": {"_id": 1, "n": {"$sum": "$count"}}}]);
    assert_eq!(bridge.ok("aggregate", json!({"pipeline": count})), json!({"documents": [{"_id": 1, "n": 3}]}));
    let alone = bridge.ok("aggregate", json!({"pipeline": [{"$collStats": {"count": {}}}]}));
    let fields: Vec<_> = alone["documents"][0].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(fields.iter().all(|name| ["ns", "count"].contains(name)), "on which machine is not told: {fields:?}");
    for pipeline in [
        json!([{"$collStats": {}}]),
        json!([{"$collStats": {"storageStats": {}}}]),
        json!([{"$collStats": {"count": {}, "latencyStats": {}}}]),
        json!([{"$unionWith": {"coll": "c", "pipeline": [{"$collStats": {"count": {}}}]}}]),
    ] {
        let error = bridge.call("aggregate", json!({"pipeline": pipeline})).error(400, "InvalidParameter");
        assert!(error.starts_with("the operator `$collStats` is not allowed here"), "{error}");
    }
}

#[test]
fn array_filters() {
    let bridge = Bridge::start();
    let reset = || {
        bridge.ok("deleteMany", json!({"filter": {}}));
        bridge.ok("insertMany", json!({"documents": [{"_id": 1, "g": [1, 5, 9]}, {"_id": 2, "g": [7]}]}));
    };
    for (action, changed) in [("updateOne", json!([7])), ("updateMany", json!([0]))] {
        reset();
        let fields = json!({"filter": {}, "update": {"$set": {"g.$[e]": 0}}, "arrayFilters": [{"e": {"$gt": 4}}]});
        bridge.ok(action, fields);
        let documents = bridge.ok("find", json!({}))["documents"].clone();
        assert_eq!((&documents[0]["g"], &documents[1]["g"]), (&json!([1, 0, 0]), &changed), "{action}");
    }
    for (filters, why) in [
        (json!({"e": 1}), "the field `arrayFilters` must be an array of objects"),
        (json!([1]), "`arrayFilters[0]` must be an object"),
        (json!([{"$where": "1"}]), "the operator `$where` is not allowed here: `arrayFilters[0].$where`"),
    ] {
        let fields = json!({"filter": {}, "update": {"$set": {"g.$[e]": 0}}, "arrayFilters": filters});
        assert_eq!(bridge.call("updateOne", fields).error(400, "InvalidParameter"), why);
    }
}

/// What MongoDB takes beside a filter reaches it with every action that has it. That it is heeded is MongoDB's: here stands
/// what arrives.
#[test]
fn options_reach_mongodb() {
    let way = Way::open();
    let bridge = Bridge::start_at(&way.uri(), &["--api-key", crate::bridge::KEY]);
    let options = json!({
        "collation": {"locale": "de", "strength": 2}, "hint": {"a": 1}, "let": {"x": 5}, "comment": {"job": "nightly"},
    });
    for (action, fields, command) in [
        ("findOne", json!({}), "find"),
        ("find", json!({"filter": {}}), "find"),
        ("aggregate", json!({"pipeline": []}), "aggregate"),
        ("updateOne", json!({"filter": {}, "update": {"$set": {"b": 1}}}), "update"),
        ("updateMany", json!({"filter": {}, "update": {"$set": {"b": 1}}}), "update"),
        ("replaceOne", json!({"filter": {}, "replacement": {"b": 1}}), "update"),
        ("deleteOne", json!({"filter": {}}), "delete"),
        ("deleteMany", json!({"filter": {}}), "delete"),
    ] {
        let mut body = fields;
        body.as_object_mut().unwrap().extend(options.as_object().unwrap().clone());
        bridge.call(action, body);
        let sent = way.last(command);
        let part = match command {
            "update" => &sent["updates"][0],
            "delete" => &sent["deletes"][0],
            _ => &sent,
        };
        assert_eq!(part["collation"], json!({"locale": "de", "strength": 2}), "{action}: {sent}");
        assert_eq!(part["hint"], json!({"a": 1}), "{action}: {sent}");
        assert_eq!(sent["let"], json!({"x": 5}), "{action}: {sent}");
        // A write's comment also says which of ours it is, so that it can be stopped.
        let comment =
            if ["update", "delete"].contains(&command) { &sent["comment"]["comment"] } else { &sent["comment"] };
        assert_eq!(comment, &json!({"job": "nightly"}), "{action}: {sent}");
    }
    bridge.call("find", json!({"hint": "by_name"}));
    assert_eq!(way.last("find")["hint"], json!("by_name"));
    bridge.call("insertOne", json!({"document": {}, "comment": "nightly"}));
    assert_eq!(way.last("insert")["comment"]["comment"], json!("nightly"));
}

#[test]
fn options_that_are_wrong() {
    let bridge = Bridge::start();
    for (fields, why) in [
        (json!({"collation": "de"}), "the field `collation` must be an object"),
        (json!({"collation": {"strength": 1}}), "the field `collation` must be a collation"),
        (json!({"collation": {"locale": "de", "strength": 9}}), "the field `collation` must be a collation"),
        (json!({"collation": {"locale": "de", "strenght": 1}}), "the field `collation.strenght` is unknown"),
        (json!({"hint": 1}), "the field `hint` must be a string or an object"),
        (json!({"hint": {"$where": 1}}), "the operator `$where` is not allowed here: `hint.$where`"),
        (json!({"let": [1]}), "the field `let` must be an object"),
        (
            json!({"let": {"x": {"$function": {"body": "f", "args": [], "lang": "js"}}}}),
            "the operator `$function` is not allowed here: `let.x.$function`",
        ),
    ] {
        for action in ["find", "findOne"] {
            let error = bridge.call(action, fields.clone()).error(400, "InvalidParameter");
            assert!(error.starts_with(why), "{fields}: {error}");
        }
    }
    bridge.call("insertOne", json!({"document": {}, "hint": "x"})).error(400, "InvalidParameter");
}

#[test]
fn where_clients_find_the_login() {
    let bridge = Bridge::start();
    let location = |bridge: &Bridge| bridge.get("/api/client/v2.0/app/any/location").json();
    assert_eq!(location(&bridge)["hostname"], json!(bridge.url));
    let flags = ["--api-key", crate::bridge::KEY, "--public-url", "https://data.shop.example/"];
    let behind = Bridge::start_with(&flags);
    let found = location(&behind);
    assert_eq!(found["hostname"], json!("https://data.shop.example"));
    assert_eq!(found["ws_hostname"], json!("wss://data.shop.example"));
}

#[test]
fn logging_out_twice() {
    let folder = Folder::new();
    let text = format!("[[keys]]\nname = \"a\"\nhash = \"{}\"\n", crate::bridge::hash("key-a"));
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", text)]);
    let login = format!("{}/api/client/v2.0/app/any/auth/providers/api-key/login", bridge.url);
    let session = bridge.post(&login, &[("Content-Type", "application/json")], br#"{"key":"key-a"}"#).json();
    let refresh = format!("Bearer {}", session["refresh_token"].as_str().unwrap());
    let url = format!("{}/api/client/v2.0/auth/session", bridge.url);
    let log_out = || bridge.delete(&url, &[("Authorization", &refresh)]);
    assert_eq!(log_out().status, 204);
    // The words that realm-web looks for: a session that is over already is logged out.
    let again = log_out();
    assert!(again.error(401, "InvalidSession").contains("failed to find refresh token"), "{again:?}");
    let renewed = bridge.post(&url, &[("Authorization", &refresh)], b"");
    assert!(renewed.error(401, "InvalidSession").contains("failed to find refresh token"), "{renewed:?}");
}
