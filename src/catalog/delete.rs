//! Deletes one document.

use fenced_cache::{Invalidation, Scope};
use serde_json::Value;

use super::entries::{LISTINGS, document_name};
use super::{Catalog, CatalogError, DocumentSelector, Preconditions};
use crate::backend::Backend;
use crate::database::Database;
use crate::database::id::scope_text;

/// What was deleted.
#[derive(Clone, Debug, PartialEq)]
pub struct Deleted {
    /// The document's `_id`, with its type.
    pub id: Value,
    /// How far the write could be recorded in the cache.
    pub invalidation: Invalidation,
}

impl<B: Backend> Catalog<'_, B> {
    /// Deletes the document that is meant.
    ///
    /// # Errors
    /// [`CatalogError::NoDocument`], [`CatalogError::PreconditionFailed`], [`CatalogError::Read`] or
    /// [`CatalogError::Write`].
    pub async fn delete(
        &self,
        collection: &str,
        selector: &DocumentSelector<'_>,
        preconditions: &Preconditions,
    ) -> Result<Deleted, CatalogError> {
        let guard = |stored: &_| preconditions.guard(stored);
        let written = self.write_to(collection, selector, guard, async |stored, filter| {
            let space = self.settings.key_prefix(collection);
            let name = document_name(&scope_text(stored.id()));
            let scopes = [LISTINGS, Scope::single(&name)];
            let work = self.database.delete(collection, filter);
            let (deleted, invalidation) = self.cache.write(&space, &scopes, work).await?;
            Ok((deleted > 0).then_some(invalidation))
        });
        let (stored, invalidation) = written.await?;
        Ok(Deleted { id: stored.id().clone(), invalidation })
    }
}
