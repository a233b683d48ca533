//! The typed values that a text without a type may mean.
//!
//! A path and a query have no types, so a text stands for every value that clients see as the same characters.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::number::{is_decimal, is_finite, is_json_number, is_whole};
use super::{date, show, uuid};
use crate::database::object_id::ObjectId;

/// How many values a document may mean at most, of all combinations of what its texts may mean.
const MAX_COMBINATIONS: usize = 16;

/// Every value but `null` that is shown as `text`: always the string; and the number, boolean, ObjectId, date, UUID or
/// object.
///
/// Whole numbers are one candidate, since MongoDB compares numbers of all types by value. A fraction is two: a double
/// and a Decimal128 of the same digits are different numbers. A whole number beyond Int64 is exact as a Decimal128, and
/// never rounded to a double.
pub fn typed_candidates(text: &str) -> Vec<Value> {
    let mut values = vec![Value::from(text)];
    values.extend(numbers(text));
    match text {
        "true" => values.push(Value::Bool(true)),
        "false" => values.push(Value::Bool(false)),
        _ => values.extend(identifiers(text).into_iter().chain(object(text))),
    }
    values
}

/// The values of an `_id` that `text` may mean, in the order in which they are tried: ObjectId, string, number, UUID,
/// date, and then what else is shown so.
pub fn id_candidates(text: &str) -> Vec<Value> {
    let mut values: Vec<Value> = as_object_id(text).into_iter().collect();
    values.push(Value::from(text));
    values.extend(numbers(text));
    values.extend(uuid(text));
    values.extend(date::parse(text).map(super::date));
    match text {
        "true" => values.push(Value::Bool(true)),
        "false" => values.push(Value::Bool(false)),
        "null" => values.push(Value::Null),
        _ => values.extend(object(text)),
    }
    values
}

/// What `text` is compared with by `gt`, `gte`, `lt` and `lte`: one list for each type, since MongoDB compares values of
/// one type only. A list of two holds a double and the Decimal128 of the same digits.
///
/// Here a day alone, `2021-03-04`, is also a date.
pub fn comparable(text: &str) -> Vec<Vec<Value>> {
    let mut types = vec![vec![Value::from(text)], numbers(text)];
    if let Some(boolean) = (text == "true").then_some(true).or((text == "false").then_some(false)) {
        types.push(vec![Value::Bool(boolean)]);
    }
    types.extend(identifiers(text).into_iter().map(|value| vec![value]));
    types.extend(date::parse_day(text).map(|millis| vec![super::date(millis)]));
    types.retain(|values| !values.is_empty());
    types
}

fn identifiers(text: &str) -> Vec<Value> {
    let id = as_object_id(text);
    id.into_iter().chain(uuid(text)).chain(date::parse(text).map(super::date)).collect()
}

fn as_object_id(text: &str) -> Option<Value> {
    ObjectId::parse(text).map(|id| id.to_ejson())
}

fn numbers(text: &str) -> Vec<Value> {
    let double = |text: &str| json!({ "$numberDouble": text });
    let decimal = |text: &str| json!({ "$numberDecimal": text });
    if matches!(text, "NaN" | "Infinity" | "-Infinity") {
        return vec![double(text), decimal(text)];
    }
    if !is_json_number(text) {
        return vec![];
    }
    let mut values = vec![];
    if is_whole(text) {
        match text.parse::<i64>() {
            Ok(number) => return vec![Value::from(number)],
            Err(_) => values.extend(is_decimal(text).then(|| decimal(text))),
        }
    } else {
        // A text such as 1E400 is no double, but a Decimal128 or some product's number.
        values.extend(is_finite(text).then(|| double(text)));
        values.extend(is_decimal(text).then(|| decimal(text)));
    }
    values
}

/// A document, or one of the small objects that a binary or a timestamp is shown as.
fn object(text: &str) -> Vec<Value> {
    if !text.starts_with('{') {
        return vec![];
    }
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(text) else { return vec![] };
    if let Some(value) = small_object(&object) {
        return vec![value];
    }
    let value = Value::Object(object);
    if !is_plain(&value) {
        return vec![];
    }
    combinations(&value).unwrap_or_else(|| vec![value])
}

/// Every value that is shown as this plain one, the value itself first; `None` where there are too many.
fn combinations(plain: &Value) -> Option<Vec<Value>> {
    match plain {
        Value::String(text) => {
            let same = |value: &Value| *value == *plain || show::value(value) == *plain;
            let (texts, others): (Vec<_>, Vec<_>) =
                id_candidates(text).into_iter().filter(same).partition(Value::is_string);
            Some(texts.into_iter().chain(others).collect())
        }
        Value::Array(elements) => Some(product(elements.iter())?.into_iter().map(Value::Array).collect()),
        Value::Object(members) => {
            let named = |values: Vec<Value>| members.keys().cloned().zip(values).collect();
            Some(product(members.values())?.into_iter().map(named).map(Value::Object).collect())
        }
        other => Some(vec![other.clone()]),
    }
}

fn product<'v>(parts: impl Iterator<Item = &'v Value>) -> Option<Vec<Vec<Value>>> {
    let mut product: Vec<Vec<Value>> = vec![vec![]];
    for part in parts {
        let mut choices = combinations(part)?.into_iter();
        let first = choices.next()?;
        let mut others = Vec::new();
        for choice in choices {
            others.extend(product.iter().map(|so_far| so_far.iter().chain([&choice]).cloned().collect::<Vec<_>>()));
        }
        for so_far in &mut product {
            so_far.push(first.clone());
        }
        product.extend(others);
        if product.len() > MAX_COMBINATIONS {
            return None;
        }
    }
    Some(product)
}

fn small_object(object: &Map<String, Value>) -> Option<Value> {
    let names: Vec<&str> = object.keys().map(String::as_str).collect();
    match (names.as_slice(), object.values().collect::<Vec<_>>().as_slice()) {
        (["Subtype", "Data"], [Value::Number(subtype), Value::String(data)]) => {
            let subtype = u8::try_from(subtype.as_u64()?).ok()?;
            STANDARD.decode(data).ok()?;
            Some(json!({ "$binary": { "base64": data, "subType": format!("{subtype:02x}") } }))
        }
        (["T", "I"], [Value::Number(time), Value::Number(increment)]) => {
            let (t, i) = (u32::try_from(time.as_u64()?).ok()?, u32::try_from(increment.as_u64()?).ok()?);
            Some(json!({ "$timestamp": { "t": t, "i": i } }))
        }
        _ => None,
    }
}

/// Whether no name in the value is one that MongoDB gives a meaning, or that it cannot hold.
fn is_plain(value: &Value) -> bool {
    match value {
        Value::Object(object) => {
            object.iter().all(|(name, value)| !name.starts_with('$') && !name.contains('\0') && is_plain(value))
        }
        Value::Array(values) => values.iter().all(is_plain),
        Value::Number(number) => !number.is_u64() || number.as_i64().is_some(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::super::show::path_text;
    use super::*;

    #[test]
    fn a_text_means_every_value_that_is_shown_like_it() {
        for (text, others) in [
            ("Nintendo", json!([])),
            ("2017", json!([2017])),
            ("29.99", json!([{"$numberDouble": "29.99"}, {"$numberDecimal": "29.99"}])),
            ("1E+3", json!([{"$numberDouble": "1E+3"}, {"$numberDecimal": "1E+3"}])),
            ("NaN", json!([{"$numberDouble": "NaN"}, {"$numberDecimal": "NaN"}])),
            ("true", json!([true])),
            ("5A1f00000000000000000001", json!([{"$oid": "5a1f00000000000000000001"}])),
            ("2021-03-04T05:06:07.089Z", json!([{"$date": {"$numberLong": "1614834367089"}}])),
            (
                "00112233-4455-6677-8899-aabbccddeeff",
                json!([{"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}}]),
            ),
            ("9223372036854775808", json!([{"$numberDecimal": "9223372036854775808"}])),
            ("{\"Subtype\":0,\"Data\":\"AQID\"}", json!([{"$binary": {"base64": "AQID", "subType": "00"}}])),
        ] {
            let mut expected = vec![Value::from(text)];
            expected.extend(others.as_array().unwrap().clone());
            assert_eq!(typed_candidates(text), expected, "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_a_number_is_a_string() {
        for text in
            ["007", " 7", "7 ", "0x10", "+1", ".5", "5.", "", "1e", "--1", "1_000", "nan", "$where", "{\"$gt\":0}"]
        {
            assert_eq!(typed_candidates(text), [Value::from(text)], "{text:?}");
        }
        assert_eq!(typed_candidates("{\"Subtype\":0,\"Data\":\"!\"}").len(), 2, "a document of these two");
        assert_eq!(typed_candidates("{\"a\\u0000\":1}").len(), 1);
        assert_eq!(typed_candidates("123E456"), [json!("123E456"), json!({"$numberDecimal": "123E456"})]);
        assert_eq!(typed_candidates("123E45678"), [json!("123E45678")]);
        let long = "1".repeat(35);
        assert_eq!(typed_candidates(&long), [Value::from(long.as_str())]);
    }

    #[test]
    fn an_id_is_tried_in_the_order_of_the_contract() {
        let ids = id_candidates("123456789012345678901234");
        let expected = json!([
            {"$oid": "123456789012345678901234"},
            "123456789012345678901234",
            {"$numberDecimal": "123456789012345678901234"},
        ]);
        assert_eq!(Value::from(ids), expected);
        assert_eq!(id_candidates("1"), [json!("1"), json!(1)]);
        assert_eq!(id_candidates("{\"a\":1}"), [json!("{\"a\":1}"), json!({"a": 1})]);
        assert_eq!(id_candidates("{\"$gt\":1}"), [json!("{\"$gt\":1}")]);
        let binary = "{\"Subtype\":0,\"Data\":\"AQID\"}";
        assert_eq!(id_candidates(binary)[1], json!({"$binary": {"base64": "AQID", "subType": "00"}}));
    }

    #[test]
    fn every_id_is_found_by_the_text_that_it_is_shown_as() {
        for id in [
            json!({"$oid": "5a1f00000000000000000001"}),
            json!("ac3"),
            json!({"$date": {"$numberLong": "1614834367089"}}),
            json!({"$numberDecimal": "29.990"}),
            json!({"$numberDouble": "1.5"}),
            json!({"$numberDouble": "NaN"}),
            json!({"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}}),
            json!({"$binary": {"base64": "AQID", "subType": "00"}}),
            json!({"$timestamp": {"t": 1, "i": 2}}),
            json!({"a": 1, "b": "x"}),
            json!({
                "day": {"$date": {"$numberLong": "1614834367089"}},
                "user": {"$oid": "5a1f00000000000000000001"},
                "n": [1, {"$numberDecimal": "1.50"}],
            }),
            json!(true),
            json!(null),
        ] {
            let text = path_text(&id);
            assert!(id_candidates(&text).contains(&id), "{id} is shown as {text}");
        }
        assert_eq!(path_text(&json!({"$numberInt": "7"})), "7");
        assert_eq!(path_text(&json!({"$numberDouble": "7.0"})), "7.0");
    }

    #[test]
    fn a_document_means_so_many_combinations_at_most() {
        let members = |count: usize| -> String {
            let members = (0..count).map(|n| format!("\"m{n}\":\"{n:024}\""));
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        };
        // Each may be a text or an ObjectId.
        assert_eq!(id_candidates(&members(4)).len(), 1 + 16);
        assert_eq!(id_candidates(&members(5)).len(), 1 + 1);
        assert_eq!(id_candidates(&members(1000)).len(), 1 + 1);
    }

    #[test]
    fn comparisons_know_a_day() {
        assert_eq!(comparable("20"), [vec![json!("20")], vec![json!(20)]]);
        assert_eq!(
            comparable("2021-03-04"),
            [vec![json!("2021-03-04")], vec![json!({"$date": {"$numberLong": "1614816000000"}})]]
        );
    }
}
