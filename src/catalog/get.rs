//! Reads one document.

use std::future::Future;

use fenced_cache::{Loaded, Read, Source, SourceError, Value};

use super::entries::CachedAnswer;
use super::{Catalog, CatalogError, DocumentSelector, ReadReport};
use crate::backend::Backend;
use crate::database::filter::{Condition, Filter};
use crate::database::id::{find_by_id, is_name, is_typed};
use crate::database::value::Format;
use crate::database::{Database, DatabaseError};

/// What a lookup found.
#[derive(Debug)]
pub struct Found {
    /// The document, or `None` where the collection has none that is meant.
    pub document: Option<Value>,
    /// Where that is from.
    pub report: ReadReport,
}

impl From<Read> for Found {
    fn from(mut read: Read) -> Self {
        Found { document: read.value.take(), report: read.into() }
    }
}

impl<B: Backend> Catalog<'_, B> {
    /// The document with this `_id`, or the first with this value in the given field, or in any top-level string field.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub async fn get(
        &self,
        collection: &str,
        selector: &DocumentSelector<'_>,
        format: Format,
    ) -> Result<Found, CatalogError> {
        let value = selector.value;
        let lookup = Lookup { catalog: self, collection, space: self.settings.key_prefix(collection), format };
        match selector.field.as_deref() {
            Some("_id") => lookup.by_id(value).await,
            Some(field) => lookup.by_field(field, value).await,
            None if is_typed(value) => {
                let first = match lookup.by_id(value).await {
                    // That there is none is remembered for a moment only, what has this value in a field for longer.
                    Err(CatalogError::Read(error)) if error.is_outage() => {
                        return lookup.by_any_field_cached(value, error).await;
                    }
                    first => first?,
                };
                if first.document.is_some() {
                    return Ok(first);
                }
                // What could be an `_id` may still be the value of a field.
                let mut found = lookup.by_any_field(value).await?;
                found.report.add_time_of(&first.report);
                Ok(found)
            }
            None => lookup.by_id_or_any_field(value).await,
        }
    }
}

/// Ways to look for a document.
struct Lookup<'a, 'c, B: Backend> {
    catalog: &'a Catalog<'c, B>,
    collection: &'a str,
    space: String,
    format: Format,
}

impl<B: Backend> Lookup<'_, '_, B> {
    async fn by_id(&self, text: &str) -> Result<Found, CatalogError> {
        let entry = match self.format {
            Format::Json if is_name(text) => CachedAnswer::document(&self.space, text),
            _ => self.lookup(Some("_id"), text),
        };
        self.read(&entry, self.load_by_id(text)).await
    }

    async fn by_field(&self, field: &str, value: &str) -> Result<Found, CatalogError> {
        let condition = Condition::equals(field, value);
        self.read(&self.lookup(Some(field), value), self.load_first(condition)).await
    }

    async fn by_any_field(&self, value: &str) -> Result<Found, CatalogError> {
        let condition = Condition::AnyField(value.to_owned());
        self.read(&self.lookup(None, value), self.load_first(condition)).await
    }

    /// The same, without the database, which has failed with `error`: what is cached was read after no document was found
    /// by this `_id`, and no write has made it invalid since.
    async fn by_any_field_cached(&self, value: &str, error: DatabaseError) -> Result<Found, CatalogError> {
        self.read(&self.lookup(None, value), async { Err(error) }).await
    }

    /// One entry for both, so that a hit is one question to the cache. The `_id` comes first.
    async fn by_id_or_any_field(&self, value: &str) -> Result<Found, CatalogError> {
        let mut stale = None;
        let load = async {
            // Through its own entry, so that the document is cached under its `_id` as well.
            let by_id = match self.format {
                Format::Json if is_name(value) => {
                    let entry = CachedAnswer::document(&self.space, value);
                    let found = Box::pin(self.read_through(&entry, self.load_by_id(value))).await?;
                    if matches!(found.source, Source::Stale { .. }) {
                        // A kept copy is not cached again, as if it had been read just now.
                        stale = Some(found);
                        return Err(DatabaseError::Unavailable("the document is known from a kept copy".to_owned()));
                    }
                    found.value.map(|value| Loaded::from(value.bytes))
                }
                _ => self.load_by_id(value).await?,
            };
            match by_id {
                Some(body) => Ok(Some(body)),
                None => self.load_first(Condition::AnyField(value.to_owned())).await,
            }
        };
        let read = self.read(&self.lookup(None, value), load).await;
        match (read, stale) {
            (Err(_), Some(stale)) => Ok(Found::from(stale)),
            (read, _) => read,
        }
    }

    fn lookup(&self, field: Option<&str>, value: &str) -> CachedAnswer {
        CachedAnswer::lookup(&self.space, field, value, self.format == Format::Ejson)
    }

    async fn load_by_id(&self, text: &str) -> Result<Option<Loaded>, DatabaseError> {
        // Futures within futures grow fast, and a component's stack is small; only a miss pays for the box.
        let stored = Box::pin(find_by_id(self.catalog.database, self.collection, text)).await?;
        stored.map(|stored| self.format.show(stored.text).map(Loaded::from)).transpose()
    }

    async fn load_first(&self, condition: Condition) -> Result<Option<Loaded>, DatabaseError> {
        let filter = Filter(vec![condition]);
        let text = Box::pin(self.catalog.database.find_first(self.collection, &filter)).await?;
        text.map(|text| self.format.show(text).map(Loaded::from)).transpose()
    }

    async fn read(
        &self,
        entry: &CachedAnswer,
        load: impl Future<Output = Result<Option<Loaded>, DatabaseError>>,
    ) -> Result<Found, CatalogError> {
        Ok(Found::from(self.read_through(entry, load).await?))
    }

    async fn read_through(
        &self,
        entry: &CachedAnswer,
        load: impl Future<Output = Result<Option<Loaded>, DatabaseError>>,
    ) -> Result<Read, DatabaseError> {
        entry.read(self.catalog.settings, self.catalog.cache, load).await
    }
}
