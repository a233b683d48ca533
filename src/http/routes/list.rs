//! `GET /api/showDB/{collection}`: the documents of a collection, or of all.

use bytes::{BufMut, Bytes, BytesMut};
use fenced_cache::{Loaded, Ports, Read, Source};
use futures_util::future::try_join_all;

use crate::catalog::entries::CachedAnswer;
use crate::database::Store;
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::etag::ETag;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::response::Response;
use crate::http::response::{self, ReadReport};
use crate::platform::Platform;
use query::Parameters;

/// One collection, as a JSON array.
pub async fn one<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
) -> Result<Response, Problem> {
    let parameters = query::parse(request.uri().query())?;
    let entry = entry(&context.config.catalog.key_prefix(collection), &parameters);
    let (found, body, etag) = read(context, collection, &entry, &parameters).await?;
    let mut response = response::with_etag(request.headers(), body, &etag);
    let report = ReadReport {
        source: found.source,
        key: Some(entry.key()),
        cache_time: found.cache_time,
        store_time: found.source_time,
    };
    response::set_cache_headers(&mut response, &report);
    Ok(response)
}

/// Every open collection, as one object of arrays. Its parts are cached, each under its own key; the whole is not.
pub async fn all<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
) -> Result<Response, Problem> {
    let parameters = query::parse(request.uri().query())?;
    let parts = try_join_all(context.config.catalog.collections.iter().map(async |collection| {
        let entry = entry(&context.config.catalog.key_prefix(collection), &parameters);
        let (found, body, _) = read(context, collection, &entry, &parameters).await?;
        Ok::<_, Problem>((collection, found, body))
    }))
    .await?;
    let length: usize = parts.iter().map(|(name, _, body)| name.len() + body.len() + 4).sum();
    let mut body = BytesMut::with_capacity(length + 2);
    for (at, (collection, _, array)) in parts.iter().enumerate() {
        body.put_slice(if at == 0 { b"{\"" } else { b",\"" });
        // Names of collections hold nothing that JSON would have to escape; see the configuration.
        body.put_slice(collection.as_bytes());
        body.put_slice(b"\":");
        body.put_slice(array);
    }
    body.put_u8(b'}');
    let body = body.freeze();
    let etag = ETag::of(&body);
    let mut response = response::with_etag(request.headers(), body, &etag);
    let report = ReadReport {
        source: worst(parts.iter().map(|(_, found, _)| &found.source)),
        key: None,
        // The parts were read side by side.
        cache_time: parts.iter().map(|(_, found, _)| found.cache_time).max().unwrap_or_default(),
        store_time: parts.iter().filter_map(|(_, found, _)| found.source_time).max(),
    };
    response::set_cache_headers(&mut response, &report);
    Ok(response)
}

fn entry(prefix: &str, parameters: &Parameters) -> CachedAnswer {
    if parameters.is_empty() {
        CachedAnswer::listing(prefix)
    } else {
        CachedAnswer::filtered_listing(prefix, parameters)
    }
}

async fn read<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    entry: &CachedAnswer,
    parameters: &Parameters,
) -> Result<(Read, Bytes, ETag), Problem> {
    let find = query::find(parameters)?;
    let load = async { context.store.find(collection, &find).await.map(|found| Some(Loaded::from(found))) };
    let mut found = entry.read(context.cache, load).await.map_err(Problem::reading)?;
    // A listing is never absent: its load says so only of documents.
    let (body, etag) = match found.value.take() {
        Some(value) => (value.bytes, value.etag),
        None => (Bytes::from_static(b"[]"), ETag::of(b"[]")),
    };
    Ok((found, body, etag))
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
