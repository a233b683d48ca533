//! Functions, and the options beside a filter, for an account whose rules have filters and hide fields.

use serde_json::{Value, json};

use crate::bridge::Reply;
use crate::restricted::Restricted;
use crate::restricted_documents::documents;

fn start() -> Restricted {
    let restricted = Restricted::start();
    for collection in ["notes", "orders", "people", "open"] {
        restricted.fill(&restricted.bridge.database, collection, &documents(collection));
    }
    restricted
}

fn function(restricted: &Restricted, name: &str, collection: &str, argument: Value) -> Reply {
    restricted.function(restricted.ann(), &restricted.bridge.database, name, collection, argument)
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
            ("findOneAndUpdate", json!({"filter": {"_id": 1}, "update": {"$set": {"owner": "bob"}}})),
            ("findOneAndUpdate", json!({"filter": {"_id": 1}, "update": [{"$replaceWith": {"owner": "bob"}}]})),
            ("findOneAndUpdate", json!({"filter": {"$expr": true}, "update": {"$set": {"x": 1}}})),
            ("findOneAndReplace", json!({"filter": {"_id": 1}, "update": {"owner": "bob"}})),
            ("findOneAndDelete", json!({"filter": {"_id": 1}, "collation": {"locale": "en", "strength": 1}})),
            ("findOneAndDelete", json!({"filter": {"text": {"$regex": "BOB"}}})),
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
fn a_change_answers_with_what_may_be_seen() {
    let restricted = start();
    let find = |name: &str, collection: &str, argument: Value| {
        let reply = function(&restricted, name, collection, argument.clone());
        assert_eq!(reply.status, 200, "{name} {collection} {argument}: {reply:?}");
        reply.json()
    };
    let number = |number: u32| json!({"$numberInt": number.to_string()});
    for (name, collection, argument, answer) in [
        // The first that is ann's, and not the first of all.
        (
            "findOneAndUpdate",
            "notes",
            json!({"filter": {}, "sort": {"_id": -1}, "update": {"$set": {"seen": true}}, "projection": {"n": 1}}),
            json!({"_id": number(3), "n": number(3)}),
        ),
        ("findOneAndUpdate", "notes", json!({"filter": {"_id": 2}, "update": {"$set": {"seen": true}}}), Value::Null),
        (
            "findOneAndUpdate",
            "notes",
            json!({"filter": {"_id": 70}, "update": {"$set": {"n": 7}}, "upsert": true, "returnNewDocument": true}),
            json!({"_id": number(70), "owner": "ann", "n": number(7)}),
        ),
        (
            "findOneAndReplace",
            "notes",
            json!({"filter": {"_id": 1}, "update": {"owner": "ann", "n": 8}, "returnNewDocument": true}),
            json!({"_id": number(1), "owner": "ann", "n": number(8)}),
        ),
        ("findOneAndReplace", "notes", json!({"filter": {"_id": 4}, "update": {"owner": "ann"}}), Value::Null),
        ("findOneAndDelete", "notes", json!({"filter": {"owner": "bob"}}), Value::Null),
        (
            "findOneAndDelete",
            "notes",
            json!({"filter": {"_id": 70}, "projection": {"_id": 1}}),
            json!({"_id": number(70)}),
        ),
        // Without what the rule hides, before the change and after it.
        (
            "findOneAndUpdate",
            "orders",
            json!({"filter": {"_id": 1}, "update": {"$inc": {"n": 4}}}),
            json!({"_id": number(1), "owner": "ann", "n": number(1), "card": {"brand": "v"}}),
        ),
        (
            "findOneAndUpdate",
            "orders",
            json!({"filter": {"_id": 3}, "update": {"$set": {"n": 4}}, "projection": {"card": 1, "secret": 1}, "returnNewDocument": true}),
            json!({"_id": number(3), "card": [{"brand": "m"}, {"brand": "n"}]}),
        ),
        (
            "findOneAndUpdate",
            "people",
            json!({"filter": {"_id": 2}, "update": {"$set": {"name": "c"}}, "returnNewDocument": true}),
            json!({"_id": number(2), "name": "c", "address": [{"city": "y"}]}),
        ),
        (
            "findOneAndDelete",
            "orders",
            json!({"filter": {}, "sort": {"n": -1}}),
            json!({"_id": number(1), "owner": "ann", "n": number(5), "card": {"brand": "v"}}),
        ),
    ] {
        assert_eq!(find(name, collection, argument.clone()), answer, "{name} {collection} {argument}");
    }
    for (name, argument) in [
        ("findOneAndDelete", json!({"filter": {}, "sort": {"secret": 1}})),
        ("findOneAndDelete", json!({"filter": {}, "sort": {"card": 1}})),
        ("findOneAndDelete", json!({"filter": {"secret": "HIDDEN-3"}})),
        ("findOneAndDelete", json!({"filter": {}, "projection": {"x": "$secret"}})),
        ("findOneAndDelete", json!({"filter": {}, "projection": {"x": {"$concat": ["$secret", ""]}}})),
        ("findOneAndDelete", json!({"filter": {"card.brand": "m"}, "projection": {"card.$": 1}})),
        ("findOneAndUpdate", json!({"filter": {}, "update": {"$rename": {"secret": "x"}}})),
        ("findOneAndUpdate", json!({"filter": {}, "update": [{"$set": {"x": "$secret"}}]})),
        ("findOneAndReplace", json!({"filter": {"_id": 3}, "update": {"owner": "ann"}})),
    ] {
        function(&restricted, name, "orders", argument).error(403, "NoMatchingRuleFound");
    }
    let bobs = |collection: &str| {
        let all = restricted.all(&restricted.bridge.database, collection);
        all.into_iter().filter(|document| document["owner"] == "bob").collect::<Vec<_>>()
    };
    for collection in ["notes", "orders"] {
        let mut before: Vec<Value> = documents(collection).as_array().unwrap().clone();
        before.retain(|document| document["owner"] == "bob");
        assert_eq!(bobs(collection), before);
    }
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
