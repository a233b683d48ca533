//! Adding documents once, however often a client asks: their `_id`s come from its `Idempotency-Key`.
//!
//! Nothing needs to be remembered. A retry makes the same `_id`s, so MongoDB refuses what is there already; what is there
//! is then compared with what was sent.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::filter::{Condition, Filter};
use super::id::Stored;
use super::value::check::with_types;
use super::value::restore::is_shown_as;
use super::{Database, DatabaseError, Document, Find};
use crate::database::object_id::ObjectId;

/// The fewest and the most characters of a key.
pub const KEY_LENGTH: std::ops::RangeInclusive<usize> = 8..=255;

/// The `_id` of the document at `place` in a request of `caller` with `key`.
pub fn object_id(collection: &str, caller: &str, key: &str, place: usize) -> ObjectId {
    let mut hash = Sha256::new();
    for part in [collection, caller, key, &place.to_string()] {
        // With its length, so that no two lists of parts are the same bytes.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut bytes = [0; 12];
    bytes.copy_from_slice(&hash.finalize()[..12]);
    ObjectId::from_bytes(bytes)
}

/// What an earlier request with the same ids left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// The documents at these places are missing; the others are as they were sent.
    Missing(Vec<usize>),
    /// The document at this place is another.
    Differs(usize),
}

/// Compares the documents that are stored under the ids of `documents` with these.
///
/// # Errors
/// The store's.
pub async fn compare<D: Database>(
    database: &D,
    collection: &str,
    documents: &[Value],
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
            Some(stored) if is_same(stored, document) => {}
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
        let id = object_id("games", "alice", "key-0001", 0);
        assert_eq!(id, object_id("games", "alice", "key-0001", 0));
        for other in [
            object_id("clients", "alice", "key-0001", 0),
            object_id("games", "bob", "key-0001", 0),
            object_id("games", "alice", "key-0002", 0),
            object_id("games", "alice", "key-0001", 1),
            object_id("game", "salice", "key-0001", 0),
        ] {
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
