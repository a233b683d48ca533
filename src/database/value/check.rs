//! The Extended JSON that a client sends: each wrapper must be one that MongoDB has a type for, of exactly its form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::kind::Kind;
use super::number::{is_decimal, is_json_number};
use super::{date, uuid};

/// Brings an object whose names start with `$` into its canonical form. `None` is an object without such names.
///
/// # Errors
/// What is wrong, to follow the place in a sentence.
pub fn wrapper(object: &Map<String, Value>) -> Result<Option<Value>, String> {
    let Some(name) = object.keys().find(|name| name.starts_with('$')) else { return Ok(None) };
    let canonical = canonical(object);
    let wrapper = canonical.as_ref().map_or(Kind::Undefined, Kind::of);
    match (canonical.is_some(), wrapper) {
        (true, kind) if is_valid(&kind) => Ok(canonical),
        _ => Err(format!("holds {name:?}, which is not Extended JSON of a type that can be stored")),
    }
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
        Kind::Code(_) => true,
        Kind::Double(text) => is_json_number(text) || matches!(*text, "NaN" | "Infinity" | "-Infinity"),
        Kind::Decimal(text) => is_decimal(text) || matches!(*text, "NaN" | "Infinity" | "-Infinity"),
        Kind::ObjectId(text) => text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit()),
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
        ] {
            assert_eq!(check(good.clone()), Ok(Some(good)));
        }
        assert_eq!(check(json!({"a": 1})), Ok(None));
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
            json!({"$undefined": true}),
        ] {
            assert!(check(bad.clone()).is_err(), "{bad}");
        }
    }
}
