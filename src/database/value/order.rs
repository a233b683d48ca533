//! MongoDB's order of values ("Comparison/Sort Order" of its manual): first by class of types, then by value.

#![allow(missing_docs, reason = "the classes are BSON's types, under their own names")]

use std::cmp::Ordering;

use serde_json::Value;

use super::kind::Kind;

/// Types that MongoDB orders among themselves; the classes are in its order.
///
/// A field that is missing sorts as null. An empty array sorts before null, as it has no element to be sorted by. NaN
/// sorts before all numbers, though no comparison operator finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    MinKey,
    EmptyArray,
    Null,
    NaN,
    Number,
    String,
    Object,
    Array,
    Binary,
    ObjectId,
    Bool,
    Date,
    Timestamp,
    Regex,
    DbPointer,
    Code,
    CodeWithScope,
    MaxKey,
}

impl Class {
    /// Every class, from the smallest values to the largest.
    pub const ALL: [Class; 18] = [
        Class::MinKey,
        Class::EmptyArray,
        Class::Null,
        Class::NaN,
        Class::Number,
        Class::String,
        Class::Object,
        Class::Array,
        Class::Binary,
        Class::ObjectId,
        Class::Bool,
        Class::Date,
        Class::Timestamp,
        Class::Regex,
        Class::DbPointer,
        Class::Code,
        Class::CodeWithScope,
        Class::MaxKey,
    ];

    /// The class of a value.
    pub fn of(value: &Value) -> Self {
        let kind = Kind::of(value);
        match kind {
            _ if kind.is_nan() => Class::NaN,
            Kind::MinKey => Class::MinKey,
            Kind::Array([]) => Class::EmptyArray,
            Kind::Null | Kind::Undefined => Class::Null,
            Kind::Number(_) | Kind::Int32(_) | Kind::Int64(_) | Kind::Double(_) | Kind::Decimal(_) => Class::Number,
            Kind::String(_) | Kind::Symbol(_) => Class::String,
            Kind::Document(_) => Class::Object,
            Kind::Array(_) => Class::Array,
            Kind::Binary { .. } => Class::Binary,
            Kind::ObjectId(_) => Class::ObjectId,
            Kind::Bool(_) => Class::Bool,
            Kind::Date(_) => Class::Date,
            Kind::Timestamp { .. } => Class::Timestamp,
            Kind::Regex { .. } => Class::Regex,
            Kind::DbPointer(_) => Class::DbPointer,
            Kind::Code(_) => Class::Code,
            Kind::CodeWithScope(..) => Class::CodeWithScope,
            Kind::MaxKey => Class::MaxKey,
        }
    }

    /// The name of the class's type in a query, for classes that are exactly one.
    pub fn type_name(self) -> Option<&'static str> {
        Some(match self {
            Class::EmptyArray | Class::Null | Class::NaN | Class::Number => return None,
            Class::MinKey => "minKey",
            Class::String => "string",
            Class::Object => "object",
            Class::Array => "array",
            Class::Binary => "binData",
            Class::ObjectId => "objectId",
            Class::Bool => "bool",
            Class::Date => "date",
            Class::Timestamp => "timestamp",
            Class::Regex => "regex",
            Class::DbPointer => "dbPointer",
            Class::Code => "javascript",
            Class::CodeWithScope => "javascriptWithScope",
            Class::MaxKey => "maxKey",
        })
    }

    /// Whether `$gt` and `$lt` compare the class's values with one another.
    pub fn is_comparable(self) -> bool {
        matches!(
            self,
            Class::Number
                | Class::String
                | Class::Object
                | Class::Binary
                | Class::ObjectId
                | Class::Bool
                | Class::Date
                | Class::Timestamp
        )
    }
}

/// The value by which MongoDB sorts `document` on a dotted field: the smallest, or for a descending sort the largest,
/// of the values that the field reaches. `None` where two of these differ, and which one is beyond the other is not known.
pub fn sort_value(document: &Value, field: &str, descending: bool) -> Option<Value> {
    let values = reached(document, field);
    let better = if descending { Ordering::Greater } else { Ordering::Less };
    let best = values.iter().copied().reduce(|best, value| if compare(value, best) == better { value } else { best });
    let Some(best) = best else { return Some(Value::Null) };
    let is_sure = values.iter().all(|value| *value == best || compare(value, best) != Ordering::Equal);
    is_sure.then(|| best.clone())
}

/// Whether the field reaches several values of the document, so that an ascending sort goes by another one than a
/// descending sort.
pub fn has_several(document: &Value, field: &str) -> bool {
    reached(document, field).len() > 1
}

fn reached<'v>(document: &'v Value, field: &str) -> Vec<&'v Value> {
    let mut values = Vec::new();
    let path: Vec<&str> = field.split('.').collect();
    reach(document, &path, &mut values);
    values
}

const MISSING: &Value = &Value::Null;

fn reach<'v>(value: &'v Value, path: &[&str], found: &mut Vec<&'v Value>) {
    match (path, Kind::of(value)) {
        ([], Kind::Array(elements)) if !elements.is_empty() => found.extend(elements),
        ([], _) => found.push(value),
        ([name, rest @ ..], Kind::Document(object)) => match object.get(*name) {
            Some(value) => reach(value, rest, found),
            None => found.push(MISSING),
        },
        ([name, rest @ ..], Kind::Array(elements)) => {
            if let Some(element) = name.parse::<usize>().ok().and_then(|index| elements.get(index)) {
                return reach(element, rest, found);
            }
            for element in elements {
                if matches!(Kind::of(element), Kind::Document(_)) {
                    reach(element, path, found);
                } else {
                    found.push(MISSING);
                }
            }
            if elements.is_empty() {
                found.push(MISSING);
            }
        }
        _ => found.push(MISSING),
    }
}

/// MongoDB's order, as far as the least or largest element of an array must be known. Values of a class whose own order
/// is not needed for that are equal.
pub fn compare(one: &Value, other: &Value) -> Ordering {
    let by_class = Class::of(one).cmp(&Class::of(other));
    by_class.then_with(|| match (Kind::of(one), Kind::of(other)) {
        (Kind::String(one) | Kind::Symbol(one), Kind::String(other) | Kind::Symbol(other)) => one.cmp(other),
        (Kind::ObjectId(one), Kind::ObjectId(other)) => one.cmp(other),
        (Kind::Bool(one), Kind::Bool(other)) => one.cmp(&other),
        (Kind::Date(one), Kind::Date(other)) => one.cmp(&other),
        (one, other) => match (number(&one), number(&other)) {
            (Some(one), Some(other)) => one.partial_cmp(&other).unwrap_or(Ordering::Equal),
            _ => Ordering::Equal,
        },
    })
}

fn number(kind: &Kind<'_>) -> Option<f64> {
    match kind {
        Kind::Number(number) => number.as_f64(),
        Kind::Int32(number) => Some(f64::from(*number)),
        // Numbers of more than 53 bits that differ only in their last digits are taken for equal.
        #[allow(clippy::cast_precision_loss)]
        Kind::Int64(number) => Some(*number as f64),
        Kind::Double(text) | Kind::Decimal(text) => text.parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_field_sorts_by_what_it_reaches() {
        let document = json!({
            "n": {"$numberInt": "3"},
            "tags": ["m", "c", "x"],
            "bought": [{"price": {"$numberDouble": "5.0"}}, {"price": {"$numberInt": "2"}}, {}],
            "empty": [],
            "mixed": ["a", {"$numberInt": "1"}, true],
        });
        let value = |field: &str, descending| sort_value(&document, field, descending).unwrap();
        assert_eq!(value("n", false), json!({"$numberInt": "3"}));
        assert_eq!((value("tags", false), value("tags", true)), (json!("c"), json!("x")));
        assert_eq!(value("bought.price", false), json!(null));
        assert_eq!(value("bought.price", true), json!({"$numberDouble": "5.0"}));
        assert_eq!(value("bought.1.price", true), json!({"$numberInt": "2"}));
        assert_eq!(value("empty", false), json!([]));
        assert_eq!((value("mixed", false), value("mixed", true)), (json!({"$numberInt": "1"}), json!(true)));
        assert_eq!(value("nowhere.at.all", false), json!(null));
    }

    #[test]
    fn of_values_that_are_not_told_apart_none_is_the_first() {
        for values in [
            json!([{"item": "b"}, {"item": "a"}]),
            json!([{"$binary": {"base64": "AQID", "subType": "00"}}, {"$binary": {"base64": "AAAA", "subType": "00"}}]),
            json!([{"$numberLong": "9007199254740993"}, {"$numberLong": "9007199254740992"}]),
        ] {
            assert_eq!(sort_value(&json!({"a": values}), "a", false), None, "{values}");
        }
        let objects = json!({"a": [{"item": "b"}, {"item": "b"}, {"$numberInt": "1"}]});
        assert_eq!(sort_value(&objects, "a", true), Some(json!({"item": "b"})));
        assert_eq!(sort_value(&objects, "a", false), Some(json!({"$numberInt": "1"})));
        assert!(has_several(&objects, "a") && !has_several(&json!({"a": [1]}), "a") && !has_several(&objects, "b"));
    }

    #[test]
    fn classes_are_in_mongodbs_order() {
        assert!(Class::ALL.is_sorted());
        for pair in [
            json!([[], null]),
            json!([null, {"$numberDouble": "NaN"}]),
            json!([{"$numberDecimal": "NaN"}, {"$numberDouble": "-Infinity"}]),
            json!([{"$numberDecimal": "1E+3"}, {"$numberInt": "1001"}]),
            json!([9, "1"]),
            json!(["a", {"a": 1}]),
            json!([{"$oid": "5a1f00000000000000000001"}, false]),
            json!([true, {"$date": {"$numberLong": "0"}}]),
        ] {
            assert_eq!(compare(&pair[0], &pair[1]), Ordering::Less, "{pair}");
        }
    }
}
