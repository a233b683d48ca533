//! Changes one document.

use fenced_cache::{Invalidation, Scope};
use serde_json::Value;

use super::entries::{LISTINGS, document_name};
use super::preconditions::Guard;
use super::{Catalog, CatalogError, DocumentSelector, Preconditions};
use crate::backend::Backend;
use crate::database::Database;
use crate::database::change::Change;
use crate::database::id::{Stored, scope_text};

/// What an update did.
#[derive(Clone, Debug, PartialEq)]
pub struct Updated {
    /// The document's `_id`, with its type.
    pub id: Value,
    /// How many documents were found: 1.
    pub matched: u64,
    /// How many of them changed.
    pub modified: u64,
    /// How far the write could be recorded in the cache.
    pub invalidation: Invalidation,
}

impl<B: Backend> Catalog<'_, B> {
    /// Applies the change to the document that is meant.
    ///
    /// # Errors
    /// [`CatalogError::NoDocument`], [`CatalogError::PreconditionFailed`], [`CatalogError::Read`] or
    /// [`CatalogError::Write`].
    pub async fn update(
        &self,
        collection: &str,
        selector: &DocumentSelector<'_>,
        change: &Change,
        preconditions: &Preconditions,
    ) -> Result<Updated, CatalogError> {
        let guard = |stored: &Stored| match preconditions.guard(stored)? {
            Guard::Selected if change.depends_on_stored() => Ok(Guard::Unchanged),
            guard => Ok(guard),
        };
        let written = self.write_to(collection, selector, guard, async |stored, filter| {
            let space = self.settings.key_prefix(collection);
            let name = document_name(&scope_text(stored.id()));
            let scopes = [LISTINGS, Scope::single(&name)];
            let update = change.apply(&stored.document);
            let work = self.database.update(collection, filter, &update);
            let (updated, invalidation) = self.cache.write(&space, &scopes, work).await?;
            Ok((updated.matched > 0).then_some((updated, invalidation)))
        });
        let (stored, (updated, invalidation)) = written.await?;
        Ok(Updated { id: stored.id().clone(), matched: updated.matched, modified: updated.modified, invalidation })
    }
}
