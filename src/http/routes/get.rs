//! `GET /api/get/{collection}/{value}`: one document.

use crate::cache::aside::Found;
use crate::cache::{Cache, Entry};
use crate::database::Store;
use crate::database::filter::{Condition, Filter};
use crate::http::problem::Problem;
use crate::http::response::{self, Told};
use crate::http::{Context, Incoming, Reply, query, selector};
use crate::object_id::ObjectId;
use crate::platform::Platform;

/// The document with this `_id`, or the first with this value in the given field, or in any top-level string field.
pub async fn get<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Reply, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let prefix = context.config.key_prefix(collection);
    let (entry, condition) = match field {
        Some("_id") => by_id(&prefix, selector::object_id(value)?),
        Some(field) => {
            let condition = query::condition(field, value)?;
            (Entry::lookup(&prefix, Some(field), value), condition)
        }
        None => match ObjectId::parse(value) {
            Some(id) => by_id(&prefix, id),
            None => by_any_field(&prefix, value),
        },
    };
    let mut entry = entry;
    let mut found = read(context, collection, &entry, condition).await?;
    // 24 hex digits that are nobody's `_id` may still be somebody's value.
    if found.value.is_none() && field.is_none() && ObjectId::parse(value).is_some() {
        let condition;
        (entry, condition) = by_any_field(&prefix, value);
        let first = found;
        found = read(context, collection, &entry, condition).await?;
        found.cache_time += first.cache_time;
        found.store_time = first.store_time.into_iter().chain(found.store_time).reduce(|a, b| a + b);
    }
    let told = Told {
        source: found.source,
        key: Some(entry.value_key()),
        cache_time: found.cache_time,
        store_time: found.store_time,
    };
    let mut reply = match found.value {
        Some((body, etag)) => response::tagged(request.headers(), body, &etag),
        None => selector::not_found(collection, value, field).into_reply(),
    };
    response::tell(&mut reply, &told);
    Ok(reply)
}

fn by_id(prefix: &str, id: ObjectId) -> (Entry, Condition) {
    (Entry::document(prefix, &id), Condition::Id(id))
}

fn by_any_field(prefix: &str, value: &str) -> (Entry, Condition) {
    let condition = Condition::AnyField(value.to_owned());
    (Entry::lookup(prefix, None, value), condition)
}

async fn read<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    entry: &Entry,
    condition: Condition,
) -> Result<Found, Problem> {
    let filter = Filter(vec![condition]);
    let load = context.store.find_first(collection, &filter);
    context.cache.read(entry, load).await.map_err(Problem::reading)
}
