//! `GET /api/get/{collection}/{value}`: one document.

use fenced_cache::{Loaded, Ports, Read};

use crate::catalog::entries::CachedAnswer;
use crate::database::Store;
use crate::database::filter::{Condition, Filter};
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::response::{self, ReadReport};
use crate::http::{query, selector};
use crate::object_id::ObjectId;
use crate::platform::Platform;

/// The document with this `_id`, or the first with this value in the given field, or in any top-level string field.
pub async fn get<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let prefix = context.config.catalog.key_prefix(collection);
    let (entry, condition) = match field {
        Some("_id") => by_id(&prefix, selector::object_id(value)?),
        Some(field) => {
            let condition = query::condition(field, value)?;
            (CachedAnswer::lookup(&prefix, Some(field), value), condition)
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
        found.source_time = first.source_time.into_iter().chain(found.source_time).reduce(|a, b| a + b);
    }
    let report = ReadReport {
        source: found.source,
        key: Some(entry.key()),
        cache_time: found.cache_time,
        store_time: found.source_time,
    };
    let mut response = match found.value {
        Some(value) => response::with_etag(request.headers(), value.bytes, &value.etag),
        None => selector::not_found(collection, value, field).into_response(),
    };
    response::set_cache_headers(&mut response, &report);
    Ok(response)
}

fn by_id(prefix: &str, id: ObjectId) -> (CachedAnswer, Condition) {
    (CachedAnswer::document(prefix, &id), Condition::Id(id))
}

fn by_any_field(prefix: &str, value: &str) -> (CachedAnswer, Condition) {
    let condition = Condition::AnyField(value.to_owned());
    (CachedAnswer::lookup(prefix, None, value), condition)
}

async fn read<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    entry: &CachedAnswer,
    condition: Condition,
) -> Result<Read, Problem> {
    let filter = Filter(vec![condition]);
    let load = async { Ok(context.store.find_first(collection, &filter).await?.map(Loaded::from)) };
    entry.read(context.cache, load).await.map_err(Problem::reading)
}
