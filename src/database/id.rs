//! `_id`s of any type: which document a text in a path means, and the text that names a document in the cache.

use bytes::Bytes;
use serde_json::Value;

use super::filter::{Condition, Filter};
use super::value::candidates::id_candidates;
use super::value::number::is_json_number;
use super::value::order::Class;
use super::value::show::path_text;
use super::value::{self, date, uuid};
use super::{Database, DatabaseError, Find};
use crate::database::object_id::ObjectId;

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its Extended JSON, as it came.
    pub text: Bytes,
    /// The same, read.
    pub document: Value,
}

impl Stored {
    /// Reads a document's Extended JSON.
    ///
    /// # Errors
    /// [`DatabaseError::Failed`] where it is not an object.
    pub fn read(text: Bytes) -> Result<Self, DatabaseError> {
        match value::read(&text) {
            Ok(document @ Value::Object(_)) => Ok(Stored { text, document }),
            _ => Err(DatabaseError::Failed("a document that it sent is not an object".to_owned())),
        }
    }

    /// Its `_id`.
    pub fn id(&self) -> &Value {
        &self.document["_id"]
    }
}

/// The document whose `_id` a text means: of several the first in the order of [`id_candidates`].
///
/// # Errors
/// The store's.
pub async fn find_by_id<D: Database>(
    database: &D,
    collection: &str,
    text: &str,
) -> Result<Option<Stored>, DatabaseError> {
    let candidates = id_candidates(text);
    let limit = Some(candidates.len() as u64);
    let find = Find { filter: Filter(vec![Condition::Id(candidates.clone())]), limit, ..Find::default() };
    let array = database.find(collection, &find).await?;
    let documents: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&array)
        .map_err(|error| DatabaseError::Failed(format!("its documents are not an array: {error}")))?;
    let mut best: Option<(usize, Stored)> = None;
    for document in documents {
        let stored = Stored::read(array.slice_ref(document.get().as_bytes()))?;
        let class = Class::of(stored.id());
        let rank = candidates.iter().position(|candidate| Class::of(candidate) == class).unwrap_or(usize::MAX);
        if best.as_ref().is_none_or(|(best, _)| rank < *best) {
            best = Some((rank, stored));
        }
    }
    Ok(best.map(|(_, stored)| stored))
}

/// Whether the text may mean an `_id` of another type than string.
pub fn is_typed(text: &str) -> bool {
    // A hit asks this of every value, so nothing is made of it here.
    ObjectId::is_spelled_by(text)
        || text.starts_with('{')
        || matches!(text, "true" | "false" | "null" | "NaN" | "Infinity" | "-Infinity")
        || is_json_number(text)
        || (text.len() == 36 && uuid(text).is_some())
        || date::parse(text).is_some()
}

/// The one text of all that mean the same `_id`: hexadecimal digits in lower case, a number in its shortest form, a date
/// with its milliseconds. Texts that mean different ids may have the same, which only invalidates more than needed.
pub fn normal(text: &str) -> String {
    if let Some(id) = ObjectId::parse(text) {
        return id.to_string();
    }
    if uuid(text).is_some() {
        return text.to_ascii_lowercase();
    }
    if is_json_number(text)
        && let Ok(number) = text.parse::<f64>()
    {
        // Numbers that are equal, of whatever types, are the same double; -0 equals 0.
        return if number == 0.0 { "0".to_owned() } else { number.to_string() };
    }
    date::parse(text).map_or_else(|| text.to_owned(), date::text)
}

/// The text under which the cache invalidates the document with this `_id`.
pub fn scope_text(id: &Value) -> String {
    normal(&path_text(id))
}

/// Whether a text may name its document in the cache. Others mean documents that have a name already, or that are not
/// found by text alone.
pub fn is_name(text: &str) -> bool {
    // The usual `_id` needs no comparison with its normal form.
    let is_object_id = text.len() == 24 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_object_id || (!text.starts_with('{') && normal(text) == text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn texts_that_mean_one_id_have_one_normal_form() {
        for (one, other) in [
            ("5A1F00000000000000000001", "5a1f00000000000000000001"),
            ("1", "1.0"),
            ("1000", "1E+3"),
            ("-0", "0"),
            ("00112233-4455-6677-8899-AABBCCDDEEFF", "00112233-4455-6677-8899-aabbccddeeff"),
            ("2021-03-04T05:06:07Z", "2021-03-04T05:06:07.000Z"),
        ] {
            assert_eq!(normal(one), normal(other));
        }
        for name in ["1", "1.5", "ac3", "5a1f00000000000000000001", "2021-03-04T05:06:07.000Z", "NaN", "007"] {
            assert!(is_name(name), "{name}");
        }
        for other in ["1.0", "5A1F00000000000000000001", "{\"a\":1}", "9007199254740993"] {
            assert!(!is_name(other), "{other}");
        }
    }

    #[test]
    fn a_text_that_may_be_another_type_is_known() {
        for text in [
            "5a1f00000000000000000001",
            "1",
            "-1.5e3",
            "NaN",
            "null",
            "true",
            "{\"a\":1}",
            "2021-03-04T05:06:07Z",
            "00112233-4455-6677-8899-aabbccddeeff",
            "ac3",
            "007",
            "",
        ] {
            assert_eq!(is_typed(text), id_candidates(text).len() > 1, "{text}");
        }
    }

    #[test]
    fn equal_ids_have_one_scope() {
        for (one, other) in [
            (json!({"$numberInt": "1"}), json!({"$numberDouble": "1.0"})),
            (json!({"$numberLong": "9007199254740993"}), json!({"$numberDecimal": "9007199254740993.0"})),
            (json!({"$numberDecimal": "1E+3"}), json!({"$numberInt": "1000"})),
        ] {
            assert_eq!(scope_text(&one), scope_text(&other));
        }
        assert_ne!(scope_text(&json!("a")), scope_text(&json!("b")));
    }
}
