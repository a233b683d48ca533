//! MongoDB's projection of fields, done here: a page's cursors need the sort's fields, which a client may not have asked
//! for.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::kind::Kind;

/// The document with these dotted fields and `_id`, by the rules of MongoDB's projection.
pub fn project(document: &Value, fields: &[String]) -> Value {
    let fields: Vec<&str> = fields.iter().map(String::as_str).chain(["_id"]).collect();
    match document {
        Value::Object(object) => Value::Object(members(object, &fields)),
        other => other.clone(),
    }
}

/// The fields to ask MongoDB for, so that both lists are among them. A field within another of them is left out, since
/// MongoDB refuses such a pair.
pub fn union<'f>(fields: &'f [String], more: impl Iterator<Item = &'f str>) -> Vec<String> {
    let all: HashSet<&str> = fields.iter().map(String::as_str).chain(more).collect();
    let contained = |field: &str| field.match_indices('.').any(|(at, _)| all.contains(&field[..at]));
    let mut union: Vec<String> =
        all.iter().filter(|field| !contained(field)).map(|field| (*field).to_owned()).collect();
    union.sort_unstable();
    union
}

fn members(object: &Map<String, Value>, fields: &[&str]) -> Map<String, Value> {
    let mut kept = Map::new();
    for (name, value) in object {
        if fields.contains(&name.as_str()) {
            kept.insert(name.clone(), value.clone());
            continue;
        }
        let inner: Vec<&str> =
            fields.iter().filter_map(|field| field.strip_prefix(name.as_str())?.strip_prefix('.')).collect();
        if !inner.is_empty()
            && let Some(value) = within(value, &inner)
        {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

/// What is left of a value of which only inner fields are wanted: nothing of a scalar.
fn within(value: &Value, fields: &[&str]) -> Option<Value> {
    match Kind::of(value) {
        Kind::Document(object) => Some(Value::Object(members(object, fields))),
        Kind::Array(values) => Some(values.iter().filter_map(|value| within(value, fields)).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_projection_keeps_what_mongodbs_keeps() {
        let document = json!({
            "_id": 1,
            "a": {"b": 1, "c": 2},
            "list": [{"b": 1, "c": 2}, 3, [{"b": 4}, 5]],
            "date": {"$date": {"$numberLong": "0"}},
            "x": true,
        });
        let fields = ["a.b", "list.b", "date.b", "x"].map(str::to_owned);
        assert_eq!(
            project(&document, &fields),
            json!({"_id": 1, "a": {"b": 1}, "list": [{"b": 1}, [{"b": 4}]], "x": true})
        );
    }

    #[test]
    fn a_union_has_no_field_within_another() {
        let fields = ["a.b", "c"].map(str::to_owned);
        assert_eq!(union(&fields, ["a", "c.d", "_id"].into_iter()), ["_id", "a", "c"]);
    }
}
