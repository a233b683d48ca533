//! Values with their BSON types, spelled as Extended JSON (v2) in `serde_json`'s values.
//!
//! Documents come from the Data API as canonical Extended JSON, so that no type is lost on the way. What a client sees by
//! default is plain JSON, in which most types look like strings and numbers:
//!
//! - [`kind`] says which type a value has.
//! - [`show`] turns Extended JSON into the plain JSON that clients see.
//! - [`candidates`] goes the other way for a text without a type: every value that would be shown as that text.
//! - [`restore`] gives a plain value the type of the stored value that is shown like it.
//! - [`check`] validates the Extended JSON that a client sends.
//! - [`number`] reads numbers in texts.
//! - [`order`] compares values as MongoDB sorts them.
//! - [`project`] keeps some of a document's fields.

pub mod candidates;
pub mod check;
pub mod date;
pub mod kind;
pub mod number;
pub mod order;
pub mod project;
pub mod restore;
pub mod show;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize as _;
use serde_json::de::SliceRead;
use serde_json::{Deserializer, Value, json};

use crate::hex::hex;

/// Reads the Extended JSON of a document that MongoDB stored. It nests them as deep as 200 levels, where `serde_json` reads
/// 128 of what it does not trust.
///
/// # Errors
/// Where the text is not JSON.
pub fn read(ejson: &[u8]) -> Result<Value, serde_json::Error> {
    let mut deserializer = deserializer(ejson);
    let value = Value::deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(value)
}

fn deserializer(ejson: &[u8]) -> Deserializer<SliceRead<'_>> {
    let mut deserializer = Deserializer::from_slice(ejson);
    deserializer.disable_recursion_limit();
    deserializer
}

/// How values are spelled for a client, or by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Plain JSON, in which most types are lost, and names that start with `$` are mistakes.
    #[default]
    Json,
    /// Canonical Extended JSON, in which such names are types.
    Ejson,
}

impl Format {
    /// The media type.
    pub fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Ejson => "application/ejson",
        }
    }

    /// A value for the client.
    pub fn value(self, ejson: &Value) -> Value {
        match self {
            Format::Json => show::value(ejson),
            Format::Ejson => check::with_types(ejson),
        }
    }
}

/// The canonical form of an ObjectId.
pub fn object_id(hex: &str) -> Value {
    json!({ "$oid": hex })
}

/// The canonical form of a date, in milliseconds since 1970.
pub fn date(millis: i64) -> Value {
    json!({ "$date": { "$numberLong": millis.to_string() } })
}

/// The canonical form of the UUID in `text`, or `None` where it is not 8-4-4-4-12 hex digits.
pub fn uuid(text: &str) -> Option<Value> {
    let groups: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = groups.iter().map(|group| group.len()).collect();
    let digits = groups.concat();
    if lengths != [8, 4, 4, 4, 12] || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..16).map(|at| u8::from_str_radix(digits.get(2 * at..2 * at + 2)?, 16).ok()).collect();
    Some(json!({ "$binary": { "base64": STANDARD.encode(bytes?), "subType": "04" } }))
}

/// How a UUID's bytes are shown, or `None` where the base64 text does not hold 16 bytes.
fn uuid_text(base64: &str) -> Option<String> {
    let bytes = STANDARD.decode(base64).ok().filter(|bytes| bytes.len() == 16)?;
    let digits = hex(&bytes);
    let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Some(groups.join("-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_shown_as_it_was_read() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let value = uuid(text).unwrap();
        assert_eq!(value["$binary"]["subType"], "04");
        assert_eq!(uuid_text(value["$binary"]["base64"].as_str().unwrap()).as_deref(), Some(text));
        assert_eq!(uuid(&text.to_uppercase()), Some(value));
        for bad in ["", "00112233-4455-6677-8899-aabbccddeef", "0011223344556677-8899-aabb-ccdd-eeff", "é"] {
            assert_eq!(uuid(bad), None, "{bad:?}");
        }
    }
}
