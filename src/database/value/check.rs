//! The Extended JSON that a client sends: each wrapper must be one that MongoDB has a type for, of exactly its form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::kind::Kind;
use super::number::{is_decimal, is_finite, is_json_number};
use super::{date, uuid};
use crate::database::object_id::ObjectId;

/// Brings an object whose names start with `$` into its canonical form. `None` is an object without such names, or a
/// reference: `$ref` and `$id`, which are fields like others (but for their names) and in this order.
///
/// # Errors
/// What is wrong, to follow the place in a sentence.
pub fn wrapper(object: &Map<String, Value>) -> Result<Option<Value>, String> {
    let Some(name) = object.keys().find(|name| name.starts_with('$')) else { return Ok(None) };
    if is_reference(object) {
        return Ok(None);
    }
    match canonical(object) {
        Some(canonical) if is_valid(&Kind::of(&canonical)) => Ok(Some(canonical)),
        _ => Err(format!("holds {name:?}, which is not Extended JSON of a type that can be stored")),
    }
}

/// The names of a DBRef's fields, which drivers store as an object like others.
pub const REFERENCE: [&str; 3] = ["$ref", "$id", "$db"];

/// Whether this is a DBRef: the collection, the `_id`, and perhaps the database, in this order.
pub fn is_reference(object: &Map<String, Value>) -> bool {
    let names: Vec<&str> = object.keys().map(String::as_str).filter(|name| name.starts_with('$')).collect();
    object.keys().next().is_some_and(|name| name == REFERENCE[0])
        && (names == REFERENCE || names == REFERENCE[..2])
        && object[REFERENCE[0]].is_string()
        && object.get(REFERENCE[2]).is_none_or(Value::is_string)
}

/// Relaxed forms become canonical ones; what is not a form of either stays as it is.
fn canonical(object: &Map<String, Value>) -> Option<Value> {
    if object.len() == 1 {
        if let Some(Value::String(text)) = object.get("$uuid") {
            return uuid(text);
        }
        if let Some(Value::String(text)) = object.get("$date") {
            return date::parse(text).map(super::date);
        }
    }
    Some(Value::Object(object.clone()))
}

fn is_valid(kind: &Kind<'_>) -> bool {
    match kind {
        Kind::Int32(_) | Kind::Int64(_) | Kind::Date(_) | Kind::MinKey | Kind::MaxKey | Kind::Symbol(_) => true,
        Kind::Code(_) | Kind::Undefined => true,
        Kind::Double(text) => {
            is_json_number(text) && is_finite(text) || matches!(*text, "NaN" | "Infinity" | "-Infinity")
        }
        Kind::Decimal(text) => is_decimal(text) || matches!(*text, "NaN" | "Infinity" | "-Infinity"),
        Kind::ObjectId(text) => ObjectId::is_spelled_by(text),
        Kind::DbPointer(pointer) => {
            matches!(Kind::of(&pointer["$id"]), Kind::ObjectId(id) if ObjectId::is_spelled_by(id))
        }
        Kind::Binary { base64, .. } => STANDARD.decode(base64).is_ok(),
        Kind::Timestamp { time, increment } => u32::try_from(*time).is_ok() && u32::try_from(*increment).is_ok(),
        Kind::Regex { pattern, options } => !pattern.contains('\0') && !options.contains('\0'),
        _ => false,
    }
}

/// A value whose numbers all have their wrappers: a whole number is Int32 where it fits, else Int64; others are doubles.
pub fn with_types(value: &Value) -> Value {
    match value {
        Value::Number(number) => match (number.as_i64(), number.to_string()) {
            (Some(whole), text) if i32::try_from(whole).is_ok() => serde_json::json!({ "$numberInt": text }),
            (Some(_), text) => serde_json::json!({ "$numberLong": text }),
            (None, text) => serde_json::json!({ "$numberDouble": text }),
        },
        Value::Array(values) => values.iter().map(with_types).collect(),
        Value::Object(object) if matches!(Kind::of(value), Kind::Document(_)) => {
            Value::Object(object.iter().map(|(name, value)| (name.clone(), with_types(value))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value) -> Result<Option<Value>, String> {
        wrapper(value.as_object().unwrap())
    }

    #[test]
    fn wrappers_come_out_canonical() {
        let date = json!({"$date": {"$numberLong": "0"}});
        assert_eq!(check(json!({"$date": "1970-01-01T00:00:00Z"})), Ok(Some(date.clone())));
        assert_eq!(check(date.clone()), Ok(Some(date)));
        assert_eq!(
            check(json!({"$uuid": "00112233-4455-6677-8899-aabbccddeeff"})),
            Ok(Some(json!({"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}})))
        );
        for good in [
            json!({"$numberLong": "9223372036854775807"}),
            json!({"$numberDecimal": "-0.10"}),
            json!({"$numberDouble": "NaN"}),
            json!({"$oid": "5a1f00000000000000000001"}),
            json!({"$regularExpression": {"pattern": "a", "options": ""}}),
            json!({"$minKey": 1}),
            json!({"$undefined": true}),
            json!({"$dbPointer": {"$ref": "shop.games", "$id": {"$oid": "5a1f00000000000000000001"}}}),
            json!({"$numberDecimal": "1E-6176"}),
        ] {
            assert_eq!(check(good.clone()), Ok(Some(good)));
        }
        assert_eq!(check(json!({"a": 1})), Ok(None));
        assert_eq!(check(json!({"$ref": "games", "$id": 1, "$db": "shop", "more": true})), Ok(None));
    }

    #[test]
    fn what_is_not_a_wrapper_is_refused() {
        for bad in [
            json!({"$gt": 0}),
            json!({"$where": "1"}),
            json!({"$oid": "x"}),
            json!({"$oid": "5a1f00000000000000000001", "a": 1}),
            json!({"a": 1, "$oid": "5a1f00000000000000000001"}),
            json!({"$numberInt": "2147483648"}),
            json!({"$numberLong": "9223372036854775808"}),
            json!({"$numberInt": 1}),
            json!({"$numberDecimal": "1..2"}),
            json!({"$date": "yesterday"}),
            json!({"$binary": {"base64": "!", "subType": "00"}}),
            json!({"$uuid": "x"}),
            json!({"$undefined": 1}),
            json!({"$minKey": 2}),
            json!({"$timestamp": {"t": 1, "i": 2, "x": 3}}),
            json!({"$regularExpression": {"pattern": "a", "options": "", "x": 1}}),
            json!({"$numberDouble": "1e999"}),
            json!({"$binary": {"base64": "", "subType": "+4"}}),
            json!({"$binary": {"base64": "", "subType": "004"}}),
            json!({"$dbPointer": {"$ref": "games", "$id": 1}}),
            json!({"$id": 1, "$ref": "games"}),
            json!({"$ref": "games", "$id": 1, "$gt": 0}),
        ] {
            assert!(check(bad.clone()).is_err(), "{bad}");
        }
    }
}
