//! Adding documents once, however often a client asks: their `_id`s come from its `Idempotency-Key` and its body.
//!
//! Nothing needs to be remembered. A retry makes the same `_id`s, so MongoDB refuses what is there already, whatever became
//! of its other fields since. Another body with the same key makes `_id`s with the same start and another end, which are
//! looked for before anything is added. (Of two bodies that are sent with one key at the very same moment, both may be
//! added.) Documents that bring their own `_id`s are compared with what is there.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::filter::{Condition, Filter};
use super::id::Stored;
use super::value::Format;
use super::value::check::with_types;
use super::value::restore::is_shown_as;
use super::{Database, DatabaseError, Document, Find};
use crate::database::object_id::ObjectId;

/// The fewest and the most characters of a key.
pub const KEY_LENGTH: std::ops::RangeInclusive<usize> = 8..=255;

/// What tells one body from another: the last bytes of each `_id` that is made for it.
pub type Fingerprint = [u8; 4];

/// The fingerprint of a body, which was one document by itself or an array of documents.
pub fn fingerprint(documents: &[Document], is_one: bool, format: Format) -> Fingerprint {
    let body = (is_one, format == Format::Ejson, documents);
    let mut bytes = Fingerprint::default();
    // Documents were JSON, and are JSON again.
    bytes.copy_from_slice(&Sha256::digest(serde_json::to_vec(&body).unwrap_or_default())[..4]);
    bytes
}

/// The `_id` of the document at `place` in a request of `caller` with `key` and a body.
pub fn object_id(collection: &str, caller: &str, key: &str, place: usize, body: Fingerprint) -> ObjectId {
    let mut hash = Sha256::new();
    for part in [collection, caller, key, &place.to_string()] {
        // With its length, so that no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&hash.finalize()[..8]);
    bytes[8..].copy_from_slice(&body);
    ObjectId::from_bytes(bytes)
}

/// Whether there is a document whose `_id` was made from the same key and place as this one, and from another body.
///
/// # Errors
/// The store's.
pub async fn is_reused<D: Database>(database: &D, collection: &str, id: &ObjectId) -> Result<bool, DatabaseError> {
    let filter = Filter(vec![Condition::IdBeginsLike(id.clone())]);
    Ok(database.find_first(collection, &filter).await?.is_some())
}

/// What an earlier request with the same ids left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The documents at these places are missing; the others are there.
    Missing(Vec<usize>),
    /// The document at this place is another.
    Differs(usize),
}

/// Compares the documents that are stored under the ids of `documents` with these. Where the id was `made` from the body,
/// what is there was sent with it.
///
/// # Errors
/// The store's.
pub async fn compare<D: Database>(
    database: &D,
    collection: &str,
    documents: &[Value],
    made: &[bool],
) -> Result<Earlier, DatabaseError> {
    let ids: Vec<Value> = documents.iter().map(|document| document["_id"].clone()).collect();
    let limit = Some(ids.len() as u64);
    let find = Find { filter: Filter(vec![Condition::Id(ids.clone())]), limit, ..Find::default() };
    let array = database.find(collection, &find).await?;
    let texts: Vec<&serde_json::value::RawValue> = serde_json::from_slice(&array)
        .map_err(|error| DatabaseError::Failed(format!("its documents are not an array: {error}")))?;
    let mut stored = std::collections::HashMap::new();
    for text in texts {
        let found = Stored::read(array.slice_ref(text.get().as_bytes()))?;
        stored.insert(found.id().to_string(), found.document);
    }
    let mut missing = Vec::new();
    for (place, document) in documents.iter().enumerate() {
        match stored.get(&ids[place].to_string()) {
            None => missing.push(place),
            Some(stored) if made[place] || is_same(stored, document) => {}
            Some(_) => return Ok(Earlier::Differs(place)),
        }
    }
    Ok(Earlier::Missing(missing))
}

/// Whether the stored document is the one that was sent, in plain or in Extended JSON.
fn is_same(stored: &Value, sent: &Value) -> bool {
    let fields = |document: &Value| -> Document {
        let object = document.as_object().cloned().unwrap_or_default();
        object.into_iter().filter(|(name, _)| name != "_id").collect()
    };
    let (stored, sent) = (Value::Object(fields(stored)), Value::Object(fields(sent)));
    with_types(&sent) == with_types(&stored) || is_shown_as(&stored, &sent)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_id_depends_on_every_part() {
        let body =
            |text: &str, is_one, format| fingerprint(&serde_json::from_str::<Vec<_>>(text).unwrap(), is_one, format);
        let this = body(r#"[{"a": 1}]"#, true, Format::Json);
        assert_eq!(this, body(r#"[{"a":1}]"#, true, Format::Json));
        let id = object_id("games", "alice", "key-0001", 0, this);
        assert_eq!(id, object_id("games", "alice", "key-0001", 0, this));
        for other in [
            object_id("clients", "alice", "key-0001", 0, this),
            object_id("games", "bob", "key-0001", 0, this),
            object_id("games", "alice", "key-0002", 0, this),
            object_id("games", "alice", "key-0001", 1, this),
            object_id("game", "salice", "key-0001", 0, this),
        ] {
            assert_ne!(id.as_str()[..16], other.as_str()[..16]);
        }
        for other in [
            body(r#"[{"a":2}]"#, true, Format::Json),
            body(r#"[{"a":1},{"b":1}]"#, false, Format::Json),
            body(r#"[{"a":1}]"#, false, Format::Json),
            body(r#"[{"a":1}]"#, true, Format::Ejson),
        ] {
            let other = object_id("games", "alice", "key-0001", 0, other);
            assert_eq!(id.as_str()[..16], other.as_str()[..16]);
            assert_ne!(id, other);
        }
    }

    #[test]
    fn a_document_is_the_same_in_either_form() {
        let stored = json!({"_id": {"$numberInt": "1"}, "a": {"$numberInt": "1"}, "b": {"$numberDouble": "30.0"}});
        assert!(is_same(&stored, &json!({"_id": 1, "a": 1, "b": 30.0})));
        assert!(is_same(&stored, &stored));
        for other in [json!({"a": 1}), json!({"a": 2, "b": 30.0}), json!({"a": 1, "b": 30.0, "c": null})] {
            assert!(!is_same(&stored, &other), "{other}");
        }
    }
}
