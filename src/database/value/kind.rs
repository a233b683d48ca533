//! Which BSON type an Extended JSON value has.

#![allow(missing_docs, reason = "the kinds are BSON's types, under their own names")]

use serde_json::{Map, Number, Value};

use super::date;

/// A value seen through its Extended JSON wrapper.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind<'a> {
    Null,
    Bool(bool),
    /// A number without a wrapper, as relaxed Extended JSON has it.
    Number(&'a Number),
    Int32(i32),
    Int64(i64),
    /// A double, as its text: `29.99`, `NaN`, `-Infinity`.
    Double(&'a str),
    /// A Decimal128, as its text.
    Decimal(&'a str),
    String(&'a str),
    ObjectId(&'a str),
    /// Milliseconds since 1970.
    Date(i64),
    Binary {
        base64: &'a str,
        subtype: u8,
    },
    Timestamp {
        time: u64,
        increment: u64,
    },
    Regex {
        pattern: &'a str,
        options: &'a str,
    },
    Code(&'a str),
    CodeWithScope(&'a str, &'a Value),
    Symbol(&'a str),
    DbPointer(&'a Value),
    Undefined,
    MinKey,
    MaxKey,
    Array(&'a [Value]),
    Document(&'a Map<String, Value>),
}

impl<'a> Kind<'a> {
    /// The kind of a value. An object that is not exactly a wrapper is a document.
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Kind::Null,
            Value::Bool(boolean) => Kind::Bool(*boolean),
            Value::Number(number) => Kind::Number(number),
            Value::String(text) => Kind::String(text),
            Value::Array(values) => Kind::Array(values),
            Value::Object(object) => wrapped(object).unwrap_or(Kind::Document(object)),
        }
    }

    /// Whether the value is a double or a decimal that is not a number.
    pub fn is_nan(&self) -> bool {
        matches!(self, Kind::Double(text) | Kind::Decimal(text) if text.eq_ignore_ascii_case("nan"))
    }
}

fn wrapped(object: &Map<String, Value>) -> Option<Kind<'_>> {
    let (name, value) = object.iter().next()?;
    let name = name.strip_prefix('$')?;
    if object.len() == 2 {
        let scope = object.get("$scope")?;
        return Some(Kind::CodeWithScope(object.get("$code")?.as_str()?, scope));
    }
    if object.len() != 1 {
        return None;
    }
    Some(match name {
        "numberInt" => Kind::Int32(value.as_str()?.parse().ok()?),
        "numberLong" => Kind::Int64(value.as_str()?.parse().ok()?),
        "numberDouble" => Kind::Double(value.as_str()?),
        "numberDecimal" => Kind::Decimal(value.as_str()?),
        "oid" => Kind::ObjectId(value.as_str()?),
        "date" => Kind::Date(match value {
            Value::String(text) => date::parse(text)?,
            wrapper => match Kind::of(wrapper) {
                Kind::Int64(millis) => millis,
                _ => return None,
            },
        }),
        "binary" => {
            let [base64, subtype] = two_members(value, ["base64", "subType"])?;
            let subtype = subtype.as_str().filter(|text| text.len() <= 2 && !text.starts_with('+'))?;
            Kind::Binary { base64: base64.as_str()?, subtype: u8::from_str_radix(subtype, 16).ok()? }
        }
        "timestamp" => {
            let [time, increment] = two_members(value, ["t", "i"])?;
            Kind::Timestamp { time: time.as_u64()?, increment: increment.as_u64()? }
        }
        "regularExpression" => {
            let [pattern, options] = two_members(value, ["pattern", "options"])?;
            Kind::Regex { pattern: pattern.as_str()?, options: options.as_str()? }
        }
        "code" => Kind::Code(value.as_str()?),
        "symbol" => Kind::Symbol(value.as_str()?),
        "dbPointer" => {
            let [collection, id] = two_members(value, ["$ref", "$id"])?;
            match (collection, Kind::of(id)) {
                (Value::String(_), Kind::ObjectId(_)) => Kind::DbPointer(value),
                _ => return None,
            }
        }
        "undefined" if *value == true => Kind::Undefined,
        "minKey" if *value == 1 => Kind::MinKey,
        "maxKey" if *value == 1 => Kind::MaxKey,
        _ => return None,
    })
}

/// The members of these names, where the value is an object that has them and no other.
fn two_members<'a>(value: &'a Value, names: [&str; 2]) -> Option<[&'a Value; 2]> {
    let object = value.as_object().filter(|object| object.len() == 2)?;
    Some([object.get(names[0])?, object.get(names[1])?])
}
