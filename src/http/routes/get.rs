//! `GET /api/get/{collection}/{value}`: one document.

use std::future::Future;

use fenced_cache::{Loaded, Ports, Read};
use http::{Request, header};

use crate::catalog::entries::CachedAnswer;
use crate::database::filter::{Condition, Filter};
use crate::database::id::{find_by_id, is_name, is_typed};
use crate::database::value::Format;
use crate::database::{Database, DatabaseError};
use crate::http::context::Context;
use crate::http::preconditions::Preconditions;
use crate::http::problem::Problem;
use crate::http::response::{self, ReadReport, Response};
use crate::http::{query, selector};
use crate::platform::Platform;

/// The document with this `_id`, or the first with this value in the given field, or in any top-level string field.
pub async fn get<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Request<()>,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let format = response::format(request.headers());
    let lookup = Lookup { context, collection, format };
    let (entry, found) = match field {
        Some("_id") => lookup.by_id(value).await?,
        Some(field) => lookup.by_field(field, value).await?,
        None if is_typed(value) => {
            let (entry, first) = lookup.by_id(value).await?;
            if first.value.is_some() {
                (entry, first)
            } else {
                // What could be an `_id` may still be the value of a field.
                let (entry, mut found) = lookup.by_any_field(value).await?;
                found.cache_time += first.cache_time;
                found.source_time = first.source_time.into_iter().chain(found.source_time).reduce(|a, b| a + b);
                (entry, found)
            }
        }
        None => lookup.by_id_or_any_field(value).await?,
    };
    let report = ReadReport {
        source: found.source,
        key: Some(entry.key()),
        cache_time: found.cache_time,
        database_time: found.source_time,
    };
    let mut response = match found.value {
        Some(value) => {
            if request.headers().contains_key(header::IF_MATCH)
                && !Preconditions::if_match(request.headers()).hold(std::slice::from_ref(&value.etag))
            {
                return Err(Problem::PreconditionFailed("the document is not as If-Match says".to_owned()));
            }
            response::with_etag(request.headers(), value.bytes, &value.etag, format)
        }
        None => selector::not_found(collection, value, field).into_response(),
    };
    response::set_cache_headers(&mut response, &report);
    Ok(response)
}

/// Ways to look for a document.
struct Lookup<'a, 'c, C: Ports, S, P> {
    context: &'a Context<'c, C, S, P>,
    collection: &'a str,
    format: Format,
}

impl<C: Ports, S: Database, P: Platform> Lookup<'_, '_, C, S, P> {
    fn is_ejson(&self) -> bool {
        self.format == Format::Ejson
    }

    async fn by_id(&self, text: &str) -> Result<(CachedAnswer, Read), Problem> {
        let prefix = self.context.config.catalog.key_prefix(self.collection);
        let entry = match self.format {
            Format::Json if is_name(text) => CachedAnswer::document(&prefix, text),
            format => CachedAnswer::lookup(&prefix, Some("_id"), text, format == Format::Ejson),
        };
        let found = self.read(&entry, self.load_by_id(text)).await?;
        Ok((entry, found))
    }

    async fn by_field(&self, field: &str, value: &str) -> Result<(CachedAnswer, Read), Problem> {
        let condition = query::condition(field, value)?;
        let entry = CachedAnswer::lookup(
            &self.context.config.catalog.key_prefix(self.collection),
            Some(field),
            value,
            self.is_ejson(),
        );
        let found = self.read(&entry, self.load_first(condition)).await?;
        Ok((entry, found))
    }

    async fn by_any_field(&self, value: &str) -> Result<(CachedAnswer, Read), Problem> {
        let entry = CachedAnswer::lookup(
            &self.context.config.catalog.key_prefix(self.collection),
            None,
            value,
            self.is_ejson(),
        );
        let found = self.read(&entry, self.load_first(Condition::AnyField(value.to_owned()))).await?;
        Ok((entry, found))
    }

    /// One entry for both, so that a hit is one question to the cache. The `_id` comes first.
    async fn by_id_or_any_field(&self, value: &str) -> Result<(CachedAnswer, Read), Problem> {
        let entry = CachedAnswer::lookup(
            &self.context.config.catalog.key_prefix(self.collection),
            None,
            value,
            self.is_ejson(),
        );
        let load = async {
            // Through its own entry, so that the document is cached under its `_id` as well.
            let prefix = self.context.config.catalog.key_prefix(self.collection);
            let by_id = match self.format {
                Format::Json if is_name(value) => {
                    let entry = CachedAnswer::document(&prefix, value);
                    let found =
                        Box::pin(entry.read(&self.context.config.catalog, self.context.cache, self.load_by_id(value)))
                            .await?;
                    found.value.map(|value| Loaded::from(value.bytes))
                }
                _ => self.load_by_id(value).await?,
            };
            match by_id {
                Some(body) => Ok(Some(body)),
                None => self.load_first(Condition::AnyField(value.to_owned())).await,
            }
        };
        let found = self.read(&entry, load).await?;
        Ok((entry, found))
    }

    async fn load_by_id(&self, text: &str) -> Result<Option<Loaded>, DatabaseError> {
        // Futures within futures grow fast, and a component's stack is small; only a miss pays for the box.
        let stored = Box::pin(find_by_id(self.context.database, self.collection, text)).await?;
        stored.map(|stored| self.format.show(stored.text).map(Loaded::from)).transpose()
    }

    async fn load_first(&self, condition: Condition) -> Result<Option<Loaded>, DatabaseError> {
        let filter = Filter(vec![condition]);
        let text = Box::pin(self.context.database.find_first(self.collection, &filter)).await?;
        text.map(|text| self.format.show(text).map(Loaded::from)).transpose()
    }

    async fn read(
        &self,
        entry: &CachedAnswer,
        load: impl Future<Output = Result<Option<Loaded>, DatabaseError>>,
    ) -> Result<Read, Problem> {
        entry.read(&self.context.config.catalog, self.context.cache, load).await.map_err(Problem::reading)
    }
}
