//! Empties collections.

use fenced_cache::Invalidation;

use super::entries::{DOCUMENTS, LISTINGS};
use super::{Catalog, CatalogError, CollectionSelector};
use crate::backend::Backend;
use crate::database::Database;

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cleared<'s> {
    /// The collections, now empty.
    pub collections: Vec<&'s str>,
    /// How many documents were deleted.
    pub deleted: u64,
    /// How far the writes could be recorded in the cache, at worst.
    pub invalidation: Invalidation,
}

impl<B: Backend> Catalog<'_, B> {
    /// Deletes every document of the collection, or of every open collection.
    ///
    /// # Errors
    /// [`CatalogError::Write`]. Collections before the one that failed are empty.
    pub async fn clear<'s>(&'s self, selector: &'s CollectionSelector<'_>) -> Result<Cleared<'s>, CatalogError> {
        let collections = selector.names(self.settings);
        let mut deleted = 0;
        let mut worst = Invalidation::Off;
        for collection in &collections {
            let space = self.settings.key_prefix(collection);
            let work = self.database.delete_all(collection);
            let (count, invalidation) = self.cache.write(&space, &[LISTINGS, DOCUMENTS], work).await?;
            deleted += count;
            worst = worst.max(invalidation);
        }
        Ok(Cleared { collections, deleted, invalidation: worst })
    }
}
