//! `DELETE /api/delete/{collection}/{value}`: deletes one document.

use http::{Request, StatusCode};
use serde_json::json;

use crate::backend::Backend;
use crate::database::value::show;
use crate::http::context::Context;
use crate::http::preconditions::preconditions;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::response::{self, Response};

/// Deletes the document with this `_id`, or the first whose `field` equals the value.
pub async fn delete<B: Backend>(
    context: &Context<'_, B>,
    request: &Request<()>,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let selector = query::document_selector(request.uri(), value)?;
    let preconditions = preconditions(request.headers());
    let deleted = context.catalog.delete(collection, &selector, &preconditions).await?;
    let answer = json!({
        "message": format!("deleted {} from {collection}", show::path_text(&deleted.id)),
        "id": show::value(&deleted.id),
        "deleted_instance": value,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, deleted.invalidation);
    Ok(response)
}
