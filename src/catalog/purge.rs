//! Makes cached values invalid, and touches no document.

use super::entries::{DOCUMENTS, LISTINGS};
use super::{Catalog, CatalogError, CollectionSelector};
use crate::backend::Backend;

impl<B: Backend> Catalog<'_, B> {
    /// Makes every cached value of the collection, or of every open collection, invalid: for when the documents were
    /// changed behind the service's back. Returns the names of the collections.
    ///
    /// # Errors
    /// [`CatalogError::NotPurged`].
    pub async fn purge<'s>(&'s self, selector: &'s CollectionSelector<'_>) -> Result<Vec<&'s str>, CatalogError> {
        let collections = selector.names(self.settings);
        // Where caching is off, too: what was cached before would be valid when it is turned on again.
        for collection in &collections {
            let space = self.settings.key_prefix(collection);
            self.cache.purge(&space, &[LISTINGS, DOCUMENTS]).await.map_err(CatalogError::NotPurged)?;
        }
        Ok(collections)
    }
}
