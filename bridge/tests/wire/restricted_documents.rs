//! What the collections hold on which attempts are made, and what of it ann may change.

use serde_json::{Value, json};

/// What is not ann's says BOB, what is hidden HIDDEN.
pub fn documents(collection: &str) -> Value {
    match collection {
        "orders" => json!([
            {"_id": 1, "owner": "ann", "n": 1, "secret": "HIDDEN-1", "card": {"number": "HIDDEN-2", "brand": "v"}},
            {"_id": 2, "owner": "bob", "n": 2, "secret": "HIDDEN-B", "note": "BOB", "card": {"number": "HIDDEN-C"}},
            {"_id": 3, "owner": "ann", "n": 3, "secret": "HIDDEN-3", "note": "x",
                "card": [{"number": "HIDDEN-4", "brand": "m"}, {"number": "HIDDEN-5", "brand": "n"}]},
        ]),
        "notes" => json!([
            {"_id": 1, "owner": "ann", "n": 1, "text": "1", "pin": 1},
            {"_id": 2, "owner": "bob", "n": 2, "text": "BOB-text", "pin": 1234},
            {"_id": 3, "owner": "ann", "n": 3, "text": "3", "pin": 3},
            {"_id": 4, "owner": "bob", "n": 4, "text": "BOB-4", "pin": 5678},
            {"_id": 5, "owner": "BOB", "n": 5, "text": "BOB-5", "pin": 9},
            {"_id": 6, "owner": "ANN", "n": 5, "text": "BOB-6", "pin": 9},
        ]),
        "people" => json!([
            {"_id": 1, "name": "a", "ssn": "HIDDEN-ssn", "address": {"city": "x", "street": "HIDDEN-street"}},
            {"_id": 2, "name": "b", "ssn": "HIDDEN-2", "address": [{"city": "y", "street": "HIDDEN-3"}, "HIDDEN-4"]},
            {"_id": 3, "name": "c", "address": {"city": "z", "7": {"city": "HIDDEN-city"}}, "9": {"name": "HIDDEN-name"},
                "": [{"name": "HIDDEN-empty"}]},
        ]),
        "profiles" => json!([{"_id": "ann", "about": "me"}, {"_id": "bob", "about": "BOB"}]),
        "teams" => json!([{"_id": 1, "team": "red"}, {"_id": 2, "team": "blue", "plan": "BOB"}]),
        "shared" => json!([
            {"_id": 1, "owner": "ann", "readers": []},
            {"_id": 2, "owner": "carl", "readers": ["ann"], "text": "for ann"},
            {"_id": 3, "owner": "bob", "readers": [], "text": "BOB"},
        ]),
        "exprs" => json!([{"_id": 1, "owner": "ann"}, {"_id": 2, "owner": "bob", "text": "BOB"}]),
        "lacking" => json!([{"_id": 1, "text": "BOB"}, {"_id": 2, "owner": null, "text": "BOB"}]),
        "closed" | "log" => json!([{"_id": 1, "by": "bob", "text": "BOB"}]),
        "open" => json!([{"_id": 1, "k": 1}, {"_id": 2, "k": 2}]),
        other => panic!("{other}"),
    }
}

pub const COLLECTIONS: [&str; 11] =
    ["orders", "notes", "people", "profiles", "teams", "shared", "exprs", "lacking", "closed", "log", "open"];

pub fn is_anns(collection: &str, document: &Value) -> bool {
    let names_ann = |value: &Value| *value == "ann" || value.as_array().is_some_and(|all| all.contains(&json!("ann")));
    match collection {
        "orders" | "notes" | "exprs" => names_ann(&document["owner"]),
        "shared" => names_ann(&document["owner"]) || names_ann(&document["readers"]),
        "profiles" => document["_id"] == "ann",
        "teams" => document["team"] == "red",
        "log" => document["by"] == "ann",
        "people" | "open" => true,
        _ => false,
    }
}

/// What ann may not write of a document that she may change.
pub fn hidden(collection: &str, document: &Value) -> Value {
    let part = |value: &Value, name: &str| match value {
        Value::Array(all) => all.iter().filter_map(|one| one.get(name)).cloned().collect(),
        value => value.get(name).cloned().unwrap_or_default(),
    };
    match collection {
        "orders" => json!([document.get("secret"), part(&document["card"], "number")]),
        "people" => {
            let address = &document["address"];
            json!([
                document.get("ssn"),
                document.get("9"),
                document.get(""),
                part(address, "street"),
                part(address, "7")
            ])
        }
        _ => Value::Null,
    }
}
