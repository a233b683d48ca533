//! `POST /api/purge/{collection}`: makes every cached value invalid.

use http::StatusCode;
use serde_json::json;

use crate::backend::Backend;
use crate::catalog::CollectionSelector;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::{self, Response};

/// Makes every cached value of the collection, or of every open collection, invalid: for when the documents were changed behind
/// the service's back.
pub async fn purge<B: Backend>(
    context: &Context<'_, B>,
    selector: &CollectionSelector<'_>,
) -> Result<Response, Problem> {
    let collections = context.catalog.purge(selector).await?;
    let message = format!("purged {} from the cache", collections.join(", "));
    Ok(response::json(StatusCode::OK, &json!({ "message": message })))
}
