//! The document that a path means: by its `_id`, or by the value of a field.

use super::problem::Problem;
use super::query;
use crate::database::filter::{Condition, Filter};
use crate::database::id::{Stored, find_by_id};
use crate::database::{Database, DatabaseError};

/// How often a write looks for its document again when another write has changed it in between.
const ATTEMPTS: usize = 20;

/// Which document a write is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Selector {
    /// The one with the `_id` that this text means.
    Id(String),
    /// The first that meets this condition.
    First(Condition),
}

/// What a write asks of its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Guard {
    /// That it is still the one that is meant.
    Selected,
    /// That it is exactly as it was read.
    Unchanged,
}

impl Selector {
    /// The document that a path and its parameter `field` mean.
    ///
    /// # Errors
    /// [`Problem::Invalid`] where `field` is not a field's name.
    pub fn of(value: &str, field: Option<&str>) -> Result<Self, Problem> {
        match field {
            None | Some("_id") => Ok(Selector::Id(value.to_owned())),
            Some(field) => query::condition(field, value).map(Selector::First),
        }
    }

    async fn find(&self, database: &impl Database, collection: &str) -> Result<Option<Stored>, DatabaseError> {
        match self {
            Selector::Id(text) => find_by_id(database, collection, text).await,
            Selector::First(condition) => {
                let text = database.find_first(collection, &Filter(vec![condition.clone()])).await?;
                text.map(Stored::read).transpose()
            }
        }
    }
}

/// There is no document that the path means.
pub fn not_found(collection: &str, value: &str, field: Option<&str>) -> Problem {
    Problem::NotFound(match field {
        None => format!("{collection:?} has no document {value:?}"),
        Some(field) => format!("{collection:?} has no document whose {field:?} equals {value:?}"),
    })
}

/// Writes to the document that is meant, by its `_id` as it is stored, so that what the write invalidates is known before
/// anything changes. A document found by value is written only while it still has that value, and one that `guard` wants
/// unchanged only while it is as it was read: where it is not, the search starts again. (The Data API has no
/// find-and-modify.)
///
/// `guard` sees the document and may refuse the write. `write` is given the document and the filter, and returns `None`
/// where the filter matched nothing.
///
/// # Errors
/// The store's, those of `guard`, and those of `write`.
pub async fn write_to<T>(
    database: &impl Database,
    collection: &str,
    selector: &Selector,
    guard: impl Fn(&Stored) -> Result<Guard, Problem>,
    write: impl AsyncFn(&Stored, &Filter) -> Result<Option<T>, Problem>,
) -> Result<Option<(Stored, T)>, Problem> {
    for _ in 0..ATTEMPTS {
        let Some(stored) = selector.find(database, collection).await.map_err(Problem::reading)? else {
            return Ok(None);
        };
        let mut filter = Filter::id(stored.id());
        match (guard(&stored)?, selector) {
            (Guard::Unchanged, _) => filter.0.push(Condition::Unchanged(stored.document.clone())),
            (Guard::Selected, Selector::First(condition)) => filter.0.push(condition.clone()),
            (Guard::Selected, Selector::Id(_)) => {}
        }
        if let Some(written) = write(&stored, &filter).await? {
            return Ok(Some((stored, written)));
        }
    }
    // Nothing was written, so the client may well try again.
    Err(Problem::reading(DatabaseError::Unavailable(format!(
        "the document changed {ATTEMPTS} times while it was looked for"
    ))))
}
