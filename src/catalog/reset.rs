//! Puts the seed data in place of what a collection holds.

use fenced_cache::Invalidation;

use super::entries::{DOCUMENTS, LISTINGS};
use super::{Catalog, CatalogError, CollectionSelector};
use crate::backend::Backend;
use crate::database::Database;
use crate::seed;

/// What was seeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reset<'s> {
    /// The collections, which hold their seed data and nothing else.
    pub collections: Vec<&'s str>,
    /// How many documents they hold.
    pub inserted: usize,
    /// How far the writes could be recorded in the cache, at worst.
    pub invalidation: Invalidation,
}

impl<B: Backend> Catalog<'_, B> {
    /// Replaces the documents of the collection, or of every open collection that has seed data, by its seed data.
    ///
    /// # Errors
    /// [`CatalogError::NoSeed`] where the one collection has none, or [`CatalogError::Write`]. Collections before the one
    /// that failed are seeded.
    pub async fn reset<'s>(&'s self, selector: &'s CollectionSelector<'_>) -> Result<Reset<'s>, CatalogError> {
        let seeded = selector.names(self.settings).into_iter();
        let seeds: Vec<_> =
            seeded.filter_map(|name| seed::documents(name).map(|documents| (name, documents))).collect();
        if let (CollectionSelector::One(name), true) = (selector, seeds.is_empty()) {
            return Err(CatalogError::NoSeed(name.to_string()));
        }
        let mut inserted = 0;
        let mut worst = Invalidation::Off;
        for (collection, documents) in &seeds {
            let space = self.settings.key_prefix(collection);
            let work = self.database.replace_all(collection, documents);
            let ((), invalidation) = self.cache.write(&space, &[LISTINGS, DOCUMENTS], work).await?;
            inserted += documents.len();
            worst = worst.max(invalidation);
        }
        let collections = seeds.iter().map(|(name, _)| *name).collect();
        Ok(Reset { collections, inserted, invalidation: worst })
    }
}
