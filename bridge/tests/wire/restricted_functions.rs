//! Functions, and the options beside a filter, for an account whose rules have filters and hide fields.

use serde_json::{Value, json};

use crate::bridge::Reply;
use crate::restricted::Restricted;
use crate::restricted_documents::documents;

fn start() -> Restricted {
    let restricted = Restricted::start();
    for collection in ["notes", "orders", "open"] {
        restricted.fill(&restricted.bridge.database, collection, &documents(collection));
    }
    restricted
}

fn function(restricted: &Restricted, name: &str, collection: &str, mut argument: Value) -> Reply {
    argument["database"] = json!(restricted.bridge.database);
    argument["collection"] = json!(collection);
    let body = json!({"name": name, "service": "mongodb-atlas", "arguments": [argument]});
    let url = format!("{}/api/client/v2.0/app/any-app/functions/call", restricted.bridge.url);
    let headers = [restricted.ann(), ("Content-Type", "application/json")];
    restricted.bridge.post(&url, &headers, body.to_string().as_bytes())
}

#[test]
fn only_what_may_be_seen_is_counted() {
    let restricted = start();
    for (collection, argument, count) in [
        ("notes", json!({}), 2),
        ("notes", json!({"query": {"owner": "bob"}}), 0),
        ("notes", json!({"query": {"$or": [{"owner": "ann"}, {"owner": "bob"}]}}), 2),
        ("notes", json!({"query": {"pin": {"$gt": 1000}}}), 0),
        ("notes", json!({"query": {"$expr": {"$ne": ["$owner", "ann"]}}}), 0),
        ("notes", json!({"query": {}, "limit": 1}), 1),
        ("notes", json!({"query": {}, "skip": 1}), 1),
        ("notes", json!({"query": {}, "hint": {"_id": 1}, "comment": "x"}), 2),
        ("orders", json!({"query": {}}), 2),
        ("orders", json!({"query": {"secret": "HIDDEN-1"}}), 0),
        ("orders", json!({"query": {"secret": {"$exists": true}}}), 0),
        ("orders", json!({"query": {"card.number": "HIDDEN-2"}}), 0),
        ("orders", json!({"query": {"$expr": {"$gt": ["$secret", ""]}}}), 0),
        ("open", json!({"query": {}}), 2),
    ] {
        let reply = function(&restricted, "count", collection, argument.clone());
        assert_eq!(reply.json(), json!({"$numberInt": count.to_string()}), "{collection} {argument}");
    }
    for (collection, argument) in [
        ("notes", json!({"query": {}, "collation": {"locale": "en", "strength": 1}})),
        ("orders", json!({"query": {}, "hint": {"secret": 1}})),
        ("orders", json!({"query": {"$text": {"$search": {"$meta": "x"}}}})),
        ("lacking", json!({"query": {}})),
        ("closed", json!({"query": {}})),
    ] {
        function(&restricted, "count", collection, argument).error(403, "NoMatchingRuleFound");
    }
}

#[test]
fn a_function_is_no_way_around_a_rule() {
    let restricted = start();
    let before = |collection| restricted.all(&restricted.bridge.database, collection);
    let (notes, orders) = (before("notes"), before("orders"));
    for collection in ["notes", "orders"] {
        for (name, argument) in [
            ("findOneAndUpdate", json!({"filter": {"_id": 1}, "update": {"$set": {"x": 1}}})),
            (
                "findOneAndUpdate",
                json!({"filter": {"_id": 1}, "update": {"$set": {"x": 1}}, "projection": {"secret": 1}}),
            ),
            ("findOneAndUpdate", json!({"filter": {"_id": 9}, "update": {"$set": {"x": 1}}, "upsert": true})),
            ("findOneAndReplace", json!({"filter": {"_id": 1}, "update": {"owner": "ann"}})),
            ("findOneAndReplace", json!({"filter": {"_id": 1}})),
            ("findOneAndDelete", json!({"filter": {"_id": 1}})),
            ("insertOne", json!({"document": {"owner": "bob"}})),
            ("updateOne", json!({"query": {"_id": 1}, "update": {"$set": {"owner": "bob"}}})),
        ] {
            function(&restricted, name, collection, argument).error(403, "NoMatchingRuleFound");
        }
        let gone = function(&restricted, "deleteMany", collection, json!({"query": {"owner": "bob"}}));
        assert_eq!(gone.json(), json!({"deletedCount": {"$numberInt": "0"}}));
    }
    assert_eq!((before("notes"), before("orders")), (notes, orders));
    let read = function(&restricted, "find", "orders", json!({"query": {}}));
    assert!(read.status == 200 && !read.text.contains("HIDDEN") && !read.text.contains("BOB"), "{read:?}");
    // Where no rule restricts it, it is there.
    let changed =
        function(&restricted, "findOneAndUpdate", "open", json!({"filter": {"_id": 1}, "update": {"$set": {"k": 5}}}));
    assert_eq!(changed.json()["k"], json!({"$numberInt": "1"}));
}

#[test]
fn array_filters_and_hints_stay_within_the_filter() {
    let restricted = start();
    let database = &restricted.bridge.database;
    let lists = json!([{"_id": 1, "owner": "ann", "list": [1, 5]}, {"_id": 2, "owner": "bob", "list": [1, 5]}]);
    restricted.fill(database, "notes", &lists);
    let update = |filters: Value, change: Value| {
        let fields =
            json!({"filter": {}, "update": change, "arrayFilters": filters, "hint": {"_id": 1}, "comment": "x"});
        restricted.post(restricted.ann(), database, "updateMany", "notes", fields)
    };
    let changed = update(json!([{"e": {"$gt": 4}}]), json!({"$set": {"list.$[e]": 0}}));
    assert_eq!(changed.json(), json!({"matchedCount": 1, "modifiedCount": 1}), "{changed:?}");
    let lists: Vec<_> = restricted.all(database, "notes").into_iter().map(|note| note["list"].clone()).collect();
    assert_eq!(lists, [json!([1, 0]), json!([1, 5])]);
    update(json!([{"e": "ann"}]), json!({"$set": {"owner.$[e]": "bob"}})).error(403, "NoMatchingRuleFound");
    update(json!([{"e": {"$where": "1"}}]), json!({"$set": {"list.$[e]": 0}})).error(400, "InvalidParameter");
}

#[test]
fn statistics_tell_no_machine() {
    let restricted = start();
    let fields = json!({"pipeline": [{"$collStats": {"count": {}}}]});
    let reply = restricted.post(restricted.ann(), &restricted.bridge.database, "aggregate", "open", fields);
    let found = reply.json()["documents"][0].clone();
    let names: Vec<_> = found.as_object().unwrap_or_else(|| panic!("{reply:?}")).keys().map(String::as_str).collect();
    assert!(found["count"] == 2 && names.iter().all(|name| ["ns", "count"].contains(name)), "{found}");
}
