//! Who may do what: deny by default, before MongoDB is asked.

use serde_json::{Value, json};

use crate::bridge::{Bridge, Reply};
use crate::folder::Folder;

const READER: &str = "reader-key-reader-key-reader-key";
const WRITER: &str = "writer-key-writer-key-writer-key";
const NOBODY: &str = "nobody-key-nobody-key-nobody-key";

fn start(mongodb_uri: &str) -> (Bridge, Folder) {
    let folder = Folder::new();
    let access = format!(
        r#"
        [[keys]]
        name = "reader"
        hash = "{}"
        rules = [{{ database = "*", collections = ["c", "open"], access = "read" }}]

        [[keys]]
        name = "writer"
        hash = "{}"
        rules = [{{ database = "*", collections = ["*"], access = "read-write" }}]

        [[keys]]
        name = "nobody"
        hash = "{}"
        "#,
        crate::bridge::hash(READER),
        crate::bridge::hash(WRITER),
        crate::bridge::hash(NOBODY),
    );
    let bridge = Bridge::start_at(mongodb_uri, &["--access-file", &folder.write("access.toml", access)]);
    (bridge, folder)
}

fn call(bridge: &Bridge, key: &str, action: &str, collection: &str, mut fields: Value) -> Reply {
    fields["dataSource"] = json!("mongodb-atlas");
    fields["database"] = json!(bridge.database);
    fields["collection"] = json!(collection);
    let headers = [("apiKey", key), ("Content-Type", "application/json")];
    bridge.post(&bridge.action_url(action), &headers, fields.to_string().as_bytes())
}

#[test]
fn what_no_rule_allows_is_denied() {
    let (bridge, _folder) = start(&crate::bridge::mongodb_uri());
    assert_eq!(call(&bridge, WRITER, "insertOne", "c", json!({"document": {"_id": 1}})).status, 201);
    assert_eq!(call(&bridge, READER, "find", "c", json!({})).status, 200);
    for (action, fields) in [
        ("insertOne", json!({"document": {}})),
        ("insertMany", json!({"documents": [{}]})),
        ("updateOne", json!({"filter": {}, "update": {"$set": {"a": 1}}})),
        ("updateMany", json!({"filter": {}, "update": {"$set": {"a": 1}}})),
        ("replaceOne", json!({"filter": {}, "replacement": {}})),
        ("deleteOne", json!({"filter": {}})),
        ("deleteMany", json!({"filter": {}})),
    ] {
        let error = call(&bridge, READER, action, "c", fields).error(403, "NoMatchingRuleFound");
        assert_eq!(error, format!("no rule allows writing the collection `{}.c`", bridge.database), "{action}");
    }
    for action in ["find", "findOne"] {
        call(&bridge, READER, action, "closed", json!({})).error(403, "NoMatchingRuleFound");
        call(&bridge, NOBODY, action, "c", json!({})).error(403, "NoMatchingRuleFound");
        call(&bridge, WRITER, action, "system.views", json!({})).error(403, "NoMatchingRuleFound");
    }
    assert_eq!(
        call(&bridge, READER, "find", "c", json!({})).text,
        r#"{"documents":[{"_id":1}]}"#,
        "nothing was written"
    );
}

#[test]
fn what_a_pipeline_reads_beside() {
    let (bridge, _folder) = start(&crate::bridge::mongodb_uri());
    for (pipeline, allowed) in [
        (json!([{"$match": {}}]), true),
        (json!([{"$lookup": {"from": "open", "localField": "a", "foreignField": "b", "as": "x"}}]), true),
        (json!([{"$lookup": {"from": "closed", "localField": "a", "foreignField": "b", "as": "x"}}]), false),
        (json!([{"$unionWith": "closed"}]), false),
        (json!([{"$unionWith": {"coll": "closed", "pipeline": []}}]), false),
        (json!([{"$unionWith": {"coll": "open", "pipeline": [{"$unionWith": "closed"}]}}]), false),
        (
            json!([{"$graphLookup": {"from": "closed", "startWith": "$a", "connectFromField": "a",
                "connectToField": "b", "as": "x"}}]),
            false,
        ),
        (json!([{"$facet": {"f": [{"$lookup": {"from": "closed", "pipeline": [], "as": "x"}}]}}]), false),
        (json!([{"$lookup": {"from": {"db": "admin", "coll": "open"}, "pipeline": [], "as": "x"}}]), false),
    ] {
        let reply = call(&bridge, READER, "aggregate", "c", json!({"pipeline": pipeline}));
        if allowed {
            assert_eq!(reply.status, 200, "{pipeline}: {reply:?}");
        } else {
            reply.error(403, "NoMatchingRuleFound");
        }
    }
}

#[test]
fn mongodb_is_not_asked() {
    // MongoDB is unreachable: a request that is answered 403 and not 503 was refused before it was asked.
    let (bridge, _folder) = start("mongodb://127.0.0.1:9/?directConnection=true");
    call(&bridge, READER, "insertOne", "c", json!({"document": {}})).error(403, "NoMatchingRuleFound");
    call(&bridge, READER, "aggregate", "c", json!({"pipeline": [{"$unionWith": "closed"}]}))
        .error(403, "NoMatchingRuleFound");
}
