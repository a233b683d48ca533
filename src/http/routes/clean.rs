//! `POST /api/cleanDB/{collection}`: deletes every document.

use http::StatusCode;
use serde_json::json;

use crate::backend::Backend;
use crate::catalog::CollectionSelector;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::{self, Response};

/// Deletes every document of the collection, or of every open collection.
pub async fn clean<B: Backend>(
    context: &Context<'_, B>,
    selector: &CollectionSelector<'_>,
) -> Result<Response, Problem> {
    let cleared = context.catalog.clear(selector).await?;
    let answer = json!({
        "message": format!("deleted every document in {}", cleared.collections.join(", ")),
        "deleted": cleared.deleted,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, cleared.invalidation);
    Ok(response)
}
