//! `GET /api/showDB/{collection}`: the documents of a collection, or of all.

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::future::try_join_all;

use crate::cache::aside::{Found, Source};
use crate::cache::{Cache, Entry};
use crate::database::Store;
use crate::http::etag::ETag;
use crate::http::problem::Problem;
use crate::http::response::{self, Told};
use crate::http::{Context, Incoming, Reply, query};
use crate::platform::Platform;
use query::Parameters;

/// One collection, as a JSON array.
pub async fn one<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
) -> Result<Reply, Problem> {
    let parameters = query::parse(request.uri().query())?;
    let entry = entry(&context.config.key_prefix(collection), &parameters);
    let (found, body, etag) = read(context, collection, &entry, &parameters).await?;
    let mut reply = response::tagged(request.headers(), body, &etag);
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
    let parameters = query::parse(request.uri().query())?;
    let parts = try_join_all(context.config.collections.iter().map(async |collection| {
        let entry = entry(&context.config.key_prefix(collection), &parameters);
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
    let mut reply = response::tagged(request.headers(), body, &etag);
    let told = Told {
        source: worst(parts.iter().map(|(_, found, _)| &found.source)),
        key: None,
        // The parts were read side by side.
        cache_time: parts.iter().map(|(_, found, _)| found.cache_time).max().unwrap_or_default(),
        store_time: parts.iter().filter_map(|(_, found, _)| found.store_time).max(),
    };
    response::tell(&mut reply, &told);
    Ok(reply)
}

fn entry(prefix: &str, parameters: &Parameters) -> Entry {
    if parameters.is_empty() { Entry::listing(prefix) } else { Entry::filtered_listing(prefix, parameters) }
}

async fn read<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    entry: &Entry,
    parameters: &Parameters,
) -> Result<(Found, Bytes, ETag), Problem> {
    let find = query::find(parameters)?;
    let load = async { context.store.find(collection, &find).await.map(Some) };
    let mut found = context.cache.read(entry, load).await.map_err(Problem::reading)?;
    // A listing is never absent: its load says so only of documents.
    let (body, etag) = found.value.take().unwrap_or_else(|| (Bytes::from_static(b"[]"), ETag::of(b"[]")));
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
