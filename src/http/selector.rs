//! The document that a path means: by its `_id`, or by the value of a field.

use super::query;
use crate::database::filter::{Condition, Filter};
use crate::database::{Store, StoreError};
use crate::http::problem::Problem;
use crate::object_id::ObjectId;

/// How often a write by value looks for its document again when another write has changed it in between.
const ATTEMPTS: usize = 5;

/// Which document a write is for.
pub enum Written {
    /// The one with this `_id`.
    Id(ObjectId),
    /// The first that meets this condition.
    First(Condition),
}

/// Reads an `_id`.
///
/// # Errors
/// [`Problem::Invalid`] where it is not 24 hex digits.
pub fn object_id(text: &str) -> Result<ObjectId, Problem> {
    ObjectId::parse(text).ok_or_else(|| Problem::Invalid(format!("an _id is 24 hex digits, which {text:?} is not")))
}

/// The document that a write's path and its parameter `field` mean.
///
/// # Errors
/// [`Problem::Invalid`] where `field` is missing and the value is no `_id`.
pub fn written(value: &str, field: Option<&str>) -> Result<Written, Problem> {
    match field {
        None | Some("_id") => object_id(value).map(Written::Id),
        Some(field) => query::condition(field, value).map(Written::First),
    }
}

/// There is no document that the path means.
pub fn not_found(collection: &str, value: &str, field: Option<&str>) -> Problem {
    Problem::NotFound(match field {
        None => format!("{collection:?} has no document {value:?}"),
        Some(field) => format!("{collection:?} has no document whose {field:?} equals {value:?}"),
    })
}

/// Writes to the document that is meant, by its `_id`, so that what the write makes untrue is known before anything
/// changes. A document found by value is written only while it still has that value: where it has not, the search
/// starts again. (The Data API has no find-and-modify.)
///
/// `write` is given the `_id` and the filter, and says `None` where the filter matched nothing.
///
/// # Errors
/// The store's.
pub async fn write_to<T>(
    store: &impl Store,
    collection: &str,
    document: &Written,
    write: impl AsyncFn(&ObjectId, &Filter) -> Result<Option<T>, Problem>,
) -> Result<Option<(ObjectId, T)>, Problem> {
    let condition = match document {
        Written::Id(id) => {
            let written = write(id, &Filter::id(id)).await?;
            return Ok(written.map(|written| (id.clone(), written)));
        }
        Written::First(condition) => condition,
    };
    for _ in 0..ATTEMPTS {
        let search = Filter(vec![condition.clone()]);
        let Some(id) = store.find_id(collection, &search).await.map_err(Problem::reading)? else {
            return Ok(None);
        };
        let both = Filter(vec![Condition::Id(id.clone()), condition.clone()]);
        if let Some(written) = write(&id, &both).await? {
            return Ok(Some((id, written)));
        }
    }
    // Nothing was written, so the client may well try again.
    Err(Problem::reading(StoreError::Unavailable(format!(
        "the document changed {ATTEMPTS} times while it was looked for"
    ))))
}
