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
        "binary" => Kind::Binary {
            base64: value.get("base64")?.as_str()?,
            subtype: u8::from_str_radix(value.get("subType")?.as_str()?, 16).ok()?,
        },
        "timestamp" => Kind::Timestamp { time: value.get("t")?.as_u64()?, increment: value.get("i")?.as_u64()? },
        "regularExpression" => {
            Kind::Regex { pattern: value.get("pattern")?.as_str()?, options: value.get("options")?.as_str()? }
        }
        "code" => Kind::Code(value.as_str()?),
        "symbol" => Kind::Symbol(value.as_str()?),
        "dbPointer" => Kind::DbPointer(value),
        "undefined" => Kind::Undefined,
        "minKey" => Kind::MinKey,
        "maxKey" => Kind::MaxKey,
        _ => return None,
    })
}
