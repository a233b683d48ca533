//! The pieces that MongoDB queries are put together from.

use serde_json::{Value, json};

/// All of these; an empty list is every document.
pub(super) fn all(mut queries: Vec<Value>) -> Value {
    match queries.len() {
        0 => json!({}),
        1 => queries.swap_remove(0),
        _ => json!({ "$and": queries }),
    }
}

/// At least one of these, of which there must be one.
pub(super) fn any(mut queries: Vec<Value>) -> Value {
    if queries.len() == 1 { queries.swap_remove(0) } else { json!({ "$or": queries }) }
}

/// Not one of these.
pub(super) fn none(queries: Vec<Value>) -> Value {
    json!({ "$nor": queries })
}

pub(super) fn exists(name: &str, exist: bool) -> Value {
    json!({ name: { "$exists": exist } })
}
