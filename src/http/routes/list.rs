//! `GET /api/showDB/{collection}`: the documents of a collection, or of all.

use std::cell::RefCell;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::try_join_all;

use crate::cache::aside::{Found, Source};
use crate::cache::{Cache, Entry};
use crate::database::Store;
use crate::database::list_query::ListQuery;
use crate::database::page::{Links, page};
use crate::database::value::Format;
use crate::http::etag::ETag;
use crate::http::listing_query::list_query;
use crate::http::problem::Problem;
use crate::http::response::{self, Told};
use crate::http::{Context, Incoming, Reply, query};
use crate::platform::Platform;

/// One collection, as a JSON array.
pub async fn one<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
) -> Result<Reply, Problem> {
    let query = list_query(&query::parse(request.uri().query())?)?;
    let format = response::format(request.headers());
    let entry = entry(&context.config.key_prefix(collection), &query, format);
    let Listing { found, body, etag, links } = read(context, collection, &entry, &query, format).await?;
    let mut reply = response::tagged(request.headers(), body, &etag, format);
    response::set_links(&mut reply, request.uri().path(), &query.parameters, &links);
    let told = Told {
        source: found.source,
        key: Some(entry.value_key()),
        cache_time: found.cache_time,
        store_time: found.store_time,
    };
    response::tell(&mut reply, &told);
    Ok(reply)
}

/// Every open collection, as one object of arrays. Its parts are cached, each under its own key; the whole is not.
pub async fn all<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
) -> Result<Reply, Problem> {
    let query = list_query(&query::parse(request.uri().query())?)?;
    if query.after.is_some() {
        return Err(Problem::Invalid("the query parameter \"after\" is for a listing of one collection".to_owned()));
    }
    let format = response::format(request.headers());
    let parts = try_join_all(context.config.collections.iter().map(async |collection| {
        let entry = entry(&context.config.key_prefix(collection), &query, format);
        let listing = read(context, collection, &entry, &query, format).await?;
        Ok::<_, Problem>((collection, listing))
    }))
    .await?;
    let length: usize = parts.iter().map(|(name, listing)| name.len() + listing.body.len() + 4).sum();
    let mut body = BytesMut::with_capacity(length + 2);
    for (at, (collection, listing)) in parts.iter().enumerate() {
        body.put_slice(if at == 0 { b"{\"" } else { b",\"" });
        // Names of collections hold nothing that JSON would have to escape; see the configuration.
        body.put_slice(collection.as_bytes());
        body.put_slice(b"\":");
        body.put_slice(&listing.body);
    }
    body.put_u8(b'}');
    let body = body.freeze();
    let etag = ETag::of(&body);
    let mut reply = response::tagged(request.headers(), body, &etag, format);
    // Of several listings there is only the total; where one of them goes on, its own says.
    let total = parts.iter().map(|(_, listing)| listing.links.total).sum();
    response::set_links(&mut reply, request.uri().path(), &[], &Links { total, ..Links::default() });
    let found = || parts.iter().map(|(_, listing)| &listing.found);
    let told = Told {
        source: worst(found().map(|found| &found.source)),
        key: None,
        // The parts were read side by side.
        cache_time: found().map(|found| found.cache_time).max().unwrap_or_default(),
        store_time: found().filter_map(|found| found.store_time).max(),
    };
    response::tell(&mut reply, &told);
    Ok(reply)
}

/// A listing, and how it was found.
struct Listing {
    found: Found,
    body: Bytes,
    etag: ETag,
    links: Links,
}

fn entry(prefix: &str, query: &ListQuery, format: Format) -> Entry {
    match format {
        Format::Json if query.is_whole() => Entry::listing(prefix),
        Format::Json => Entry::filtered_listing(prefix, &query.parameters),
        Format::Ejson => {
            // No field's name starts with `$`.
            let mut parameters = query.parameters.clone();
            parameters.push(("$ejson".to_owned(), "1".to_owned()));
            Entry::filtered_listing(prefix, &parameters)
        }
    }
}

async fn read<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    entry: &Entry,
    query: &ListQuery,
    format: Format,
) -> Result<Listing, Problem> {
    // Futures within futures grow fast, and a component's stack is small; only a miss pays for the box.
    let page = || Box::pin(page(context.store, collection, query, format));
    let loaded = RefCell::new(None);
    let load = async {
        let page = page().await?;
        loaded.replace(Some(page.links));
        Ok(Some(page.documents))
    };
    let mut found = context.cache.read(entry, load).await.map_err(Problem::reading)?;
    // A listing is never absent: its load says so only of documents.
    let (body, etag) = found.value.take().unwrap_or_else(|| (Bytes::from_static(b"[]"), ETag::of(b"[]")));
    let mut links = Links::default();
    if query.has_links() {
        let load = async {
            let links = match loaded.take() {
                Some(links) => links,
                None => page().await?.links,
            };
            Ok(Some(Bytes::from(links.encode())))
        };
        let beside = context.cache.read(&entry.links(), load).await.map_err(Problem::reading)?;
        found.cache_time += beside.cache_time;
        let text = beside.value.map(|(text, _)| text).unwrap_or_default();
        links = Links::decode(&String::from_utf8_lossy(&text));
    }
    Ok(Listing { found, body, etag, links })
}

/// A hit only where every part is one; a bypass where any part is one.
fn worst<'a>(sources: impl Iterator<Item = &'a Source>) -> Source {
    let mut worst = Source::Hit { ttl: None };
    for source in sources {
        match source {
            Source::Bypass { .. } => return source.clone(),
            Source::Miss { .. } => worst = Source::Miss { stored: None },
            Source::Hit { .. } => {}
        }
    }
    worst
}
