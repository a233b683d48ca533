//! `GET /api/showDB/{collection}`: the documents of a collection, or of all.

use bytes::{BufMut, Bytes, BytesMut};
use fenced_cache::{Loaded, Ports, Read, Source};
use futures_util::future::try_join_all;

use http::Request;

use crate::catalog::entries::CachedAnswer;
use crate::database::Database;
use crate::database::list_query::ListQuery;
use crate::database::page::{Links, page};
use crate::database::value::Format;
use crate::http::context::Context;
use crate::http::etag::ETag;
use crate::http::listing_query::list_query;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::response::{self, ReadReport, Response};
use crate::platform::Platform;

/// One collection, as a JSON array.
pub async fn one<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Request<()>,
    collection: &str,
) -> Result<Response, Problem> {
    let query = list_query(&query::parse(request.uri().query())?)?;
    let format = response::format(request.headers());
    let entry = entry(&context.config.catalog.key_prefix(collection), &query, format);
    let Listing { found, body, etag, links } = read(context, collection, &entry, &query, format).await?;
    let mut response = response::with_etag(request.headers(), body, &etag, format);
    response::set_links(&mut response, request.uri().path(), &query.parameters, &links);
    let report = ReadReport {
        source: found.source,
        key: Some(entry.key()),
        cache_time: found.cache_time,
        database_time: found.source_time,
    };
    response::set_cache_headers(&mut response, &report);
    Ok(response)
}

/// Every open collection, as one object of arrays. Its parts are cached, each under its own key; the whole is not.
pub async fn all<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Request<()>,
) -> Result<Response, Problem> {
    let query = list_query(&query::parse(request.uri().query())?)?;
    if query.after.is_some() {
        return Err(Problem::Invalid("the query parameter \"after\" is for a listing of one collection".to_owned()));
    }
    let format = response::format(request.headers());
    let parts = try_join_all(context.config.catalog.collections.iter().map(async |collection| {
        let entry = entry(&context.config.catalog.key_prefix(collection), &query, format);
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
    let mut response = response::with_etag(request.headers(), body, &etag, format);
    // Of several listings there is only the total; where one of them goes on, its own says.
    let total = parts.iter().map(|(_, listing)| listing.links.total).sum();
    response::set_links(&mut response, request.uri().path(), &[], &Links { total, ..Links::default() });
    let found = || parts.iter().map(|(_, listing)| &listing.found);
    let report = ReadReport {
        source: worst(found().map(|found| &found.source)),
        key: None,
        // The parts were read side by side.
        cache_time: found().map(|found| found.cache_time).max().unwrap_or_default(),
        database_time: found().filter_map(|found| found.source_time).max(),
    };
    response::set_cache_headers(&mut response, &report);
    Ok(response)
}

/// A listing, and how it was found.
struct Listing {
    found: Read,
    body: Bytes,
    etag: ETag,
    links: Links,
}

fn entry(prefix: &str, query: &ListQuery, format: Format) -> CachedAnswer {
    match format {
        Format::Json if query.is_whole() => CachedAnswer::listing(prefix),
        Format::Json => CachedAnswer::filtered_listing(prefix, &query.parameters),
        Format::Ejson => {
            // No field's name starts with `$`.
            let mut parameters = query.parameters.clone();
            parameters.push(("$ejson".to_owned(), "1".to_owned()));
            CachedAnswer::filtered_listing(prefix, &parameters)
        }
    }
}

async fn read<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    entry: &CachedAnswer,
    query: &ListQuery,
    format: Format,
) -> Result<Listing, Problem> {
    let load = async {
        // Futures within futures grow fast, and a component's stack is small; only a miss pays for the box.
        let page = Box::pin(page(context.database, collection, query, format)).await?;
        let meta = if query.has_links() { page.links.encode() } else { String::new() };
        Ok(Some(Loaded { bytes: page.documents, meta }))
    };
    let mut found = entry.read(&context.config.catalog, context.cache, load).await.map_err(Problem::reading)?;
    // A listing is never absent: its load says so only of documents.
    let (body, etag, meta) = match found.value.take() {
        Some(value) => (value.bytes, value.etag, value.meta),
        None => (Bytes::from_static(b"[]"), ETag::of(b"[]"), String::new()),
    };
    let links = if query.has_links() { Links::decode(&meta) } else { Links::default() };
    Ok(Listing { found, body, etag, links })
}

/// A hit only where every part is one; a bypass where any part is one.
fn worst<'a>(sources: impl Iterator<Item = &'a Source>) -> Source {
    let mut worst = Source::Hit { ttl: None };
    for source in sources {
        match source {
            Source::Bypass { .. } => return source.clone(),
            Source::Miss { .. } if matches!(worst, Source::Hit { .. }) => worst = Source::Miss { stored: None },
            Source::Miss { .. } => {}
            Source::Stale { age } => worst = Source::Stale { age: *age },
            Source::Hit { .. } => {}
        }
    }
    worst
}
