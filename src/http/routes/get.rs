//! `GET /api/get/{collection}/{value}`: reads one document.

use http::Request;

use crate::backend::Backend;
use crate::http::context::Context;
use crate::http::preconditions::check_if_match;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::response::{self, Response};

/// The document with this `_id`, or the first with this value in the given field, or in any top-level string field.
pub async fn get<B: Backend>(
    context: &Context<'_, B>,
    request: &Request<()>,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let selector = query::document_selector(request.uri(), value)?;
    let format = response::format(request.headers());
    let found = context.catalog.get(collection, &selector, format).await?;
    let mut response = match found.document {
        Some(document) => {
            check_if_match(request.headers(), &document.etag)?;
            response::with_etag(request.headers(), document.bytes, &document.etag, format)
        }
        None => Problem::from(selector.not_found(collection)).into_response(),
    };
    response::set_cache_headers(&mut response, &found.report);
    Ok(response)
}
