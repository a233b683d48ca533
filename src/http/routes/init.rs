//! `POST /api/initDB/{collection}`: replaces the documents by the seed data.

use http::StatusCode;
use serde_json::json;

use crate::backend::Backend;
use crate::catalog::CollectionSelector;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::{self, Response};

/// Replaces the documents of the collection, or of every open collection that has seed data, by its seed data.
pub async fn init<B: Backend>(
    context: &Context<'_, B>,
    selector: &CollectionSelector<'_>,
) -> Result<Response, Problem> {
    let reset = context.catalog.reset(selector).await?;
    let answer = json!({
        "message": format!("seeded {}", reset.collections.join(", ")),
        "inserted": reset.inserted,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, reset.invalidation);
    Ok(response)
}
