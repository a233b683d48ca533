//! Lists the documents of a collection, or of all.

use bytes::{BufMut, Bytes, BytesMut};
use fenced_cache::{ETag, Loaded};
use futures_util::future::try_join_all;

use super::entries::CachedAnswer;
use super::{Catalog, CatalogError, ReadReport};
use crate::backend::Backend;
use crate::database::list_query::ListQuery;
use crate::database::page::{Links, page};
use crate::database::value::Format;

/// A listing, and how it was found.
#[derive(Debug)]
pub struct Listing {
    /// The text of a JSON array; of several collections, an object of arrays.
    pub body: Bytes,
    /// Its entity tag.
    pub etag: ETag,
    /// Where it goes on, and how long it is.
    pub links: Links,
    /// Where it came from.
    pub report: ReadReport,
}

impl<B: Backend> Catalog<'_, B> {
    /// The documents of one collection.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub async fn list(&self, collection: &str, query: &ListQuery, format: Format) -> Result<Listing, CatalogError> {
        let entry = entry(&self.settings.key_prefix(collection), query, format);
        let load = async {
            // Futures within futures grow fast, and a component's stack is small; only a miss pays for the box.
            let page = Box::pin(page(self.database, collection, query, format)).await?;
            let meta = if query.has_links() { page.links.encode() } else { String::new() };
            Ok(Some(Loaded { bytes: page.documents, meta }))
        };
        let mut read = entry.read(self.settings, self.cache, load).await.map_err(CatalogError::Read)?;
        // A listing is never absent: its load says so only of documents.
        let (body, etag, meta) = match read.value.take() {
            Some(value) => (value.bytes, value.etag, value.meta),
            None => (Bytes::from_static(b"[]"), ETag::of(b"[]"), String::new()),
        };
        let links = if query.has_links() { Links::decode(&meta) } else { Links::default() };
        Ok(Listing { body, etag, links, report: read.into() })
    }

    /// The documents of every open collection, as one object of arrays. Its parts are cached, each under its own key; the
    /// whole is not.
    ///
    /// # Errors
    /// [`CatalogError::Read`].
    pub async fn list_all(&self, query: &ListQuery, format: Format) -> Result<Listing, CatalogError> {
        let collections = self.settings.collections.iter();
        let parts = try_join_all(collections.map(async |collection| {
            let listing = self.list(collection, query, format).await?;
            Ok::<_, CatalogError>((collection.as_str(), listing))
        }))
        .await?;
        let body = joined(&parts);
        // Of several listings there is only the total; where one of them goes on, its own says.
        let total = parts.iter().map(|(_, listing)| listing.links.total).sum();
        Ok(Listing {
            etag: ETag::of(&body),
            body,
            links: Links { total, ..Links::default() },
            report: ReadReport::of_all(parts.iter().map(|(_, listing)| &listing.report)),
        })
    }
}

fn entry(space: &str, query: &ListQuery, format: Format) -> CachedAnswer {
    match format {
        Format::Json if query.is_whole() => CachedAnswer::listing(space),
        Format::Json => CachedAnswer::filtered_listing(space, &query.parameters),
        Format::Ejson => {
            // No field's name starts with `$`.
            let mut parameters = query.parameters.clone();
            parameters.push(("$ejson".to_owned(), "1".to_owned()));
            CachedAnswer::filtered_listing(space, &parameters)
        }
    }
}

/// The text of an object that has each listing under its collection's name.
fn joined(parts: &[(&str, Listing)]) -> Bytes {
    let length: usize = parts.iter().map(|(name, listing)| name.len() + listing.body.len() + 4).sum();
    let mut body = BytesMut::with_capacity(length + 2);
    for (at, (collection, listing)) in parts.iter().enumerate() {
        body.put_slice(if at == 0 { b"{\"" } else { b",\"" });
        // Names of collections hold nothing that JSON would have to escape; see the settings.
        body.put_slice(collection.as_bytes());
        body.put_slice(b"\":");
        body.put_slice(&listing.body);
    }
    body.put_u8(b'}');
    body.freeze()
}
