//! Finds the document that a write is for, and writes to it and no other.

use super::preconditions::Guard;
use super::{Catalog, CatalogError, DocumentSelector};
use crate::backend::Backend;
use crate::database::filter::{Condition, Filter};
use crate::database::id::{Stored, find_by_id};
use crate::database::{Database, DatabaseError};

/// How often a write looks for its document again when another write has changed it in between.
const ATTEMPTS: usize = 20;

/// How a document is looked for.
enum Search<'a> {
    /// The one with the `_id` that this text means.
    Id(&'a str),
    /// The first that meets this condition.
    First(Condition),
}

impl<'a> Search<'a> {
    fn of(selector: &DocumentSelector<'a>) -> Self {
        match selector.field.as_deref() {
            None | Some("_id") => Search::Id(selector.value),
            Some(field) => Search::First(Condition::equals(field, selector.value)),
        }
    }

    async fn find(&self, database: &impl Database, collection: &str) -> Result<Option<Stored>, DatabaseError> {
        match self {
            Search::Id(text) => find_by_id(database, collection, text).await,
            Search::First(condition) => {
                let text = database.find_first(collection, &Filter(vec![condition.clone()])).await?;
                text.map(Stored::read).transpose()
            }
        }
    }
}

impl<B: Backend> Catalog<'_, B> {
    /// Writes to the document that is meant, by its `_id` as it is stored, so that what the write invalidates is known
    /// before anything changes. A document found by value is written only while it still has that value, and one that
    /// `guard` wants unchanged only while it is as it was read: where it is not, the search starts again. (The Data API
    /// has no find-and-modify.)
    ///
    /// `guard` sees the document and may refuse the write. `write` is given the document and the filter, and returns
    /// `None` where the filter matched nothing.
    ///
    /// # Errors
    /// [`CatalogError::NoDocument`], the database's, those of `guard`, and those of `write`.
    pub(super) async fn write_to<T>(
        &self,
        collection: &str,
        selector: &DocumentSelector<'_>,
        guard: impl Fn(&Stored) -> Result<Guard, CatalogError>,
        write: impl AsyncFn(&Stored, &Filter) -> Result<Option<T>, CatalogError>,
    ) -> Result<(Stored, T), CatalogError> {
        let search = Search::of(selector);
        for _ in 0..ATTEMPTS {
            let found = search.find(self.database, collection).await?;
            let stored = found.ok_or_else(|| selector.not_found(collection))?;
            let mut filter = Filter::id(stored.id());
            match (guard(&stored)?, &search) {
                (Guard::Unchanged, _) => filter.0.push(Condition::Unchanged(stored.document.clone())),
                (Guard::Selected, Search::First(condition)) => filter.0.push(condition.clone()),
                (Guard::Selected, Search::Id(_)) => {}
            }
            if let Some(written) = write(&stored, &filter).await? {
                return Ok((stored, written));
            }
        }
        // Nothing was written, so the client may well try again.
        Err(CatalogError::Read(DatabaseError::Unavailable(format!(
            "the document changed {ATTEMPTS} times while it was looked for"
        ))))
    }
}
