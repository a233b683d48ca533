//! `PUT` and `PATCH` of `/api/update/{collection}/{value}`: changes one document.

use http::{Method, StatusCode};
use serde_json::json;

use crate::backend::Backend;
use crate::database::change::{Change, Mode};
use crate::database::value::show;
use crate::http::body::{self, Incoming};
use crate::http::context::Context;
use crate::http::preconditions::preconditions;
use crate::http::problem::Problem;
use crate::http::query;
use crate::http::response::{self, Response};

/// Applies the body's fields to the document with this `_id`, or to the first whose `field` equals the value.
pub async fn update<B: Backend>(
    context: &Context<'_, B>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let selector = query::document_selector(request.uri(), value)?;
    let (fields, format) = body::object(request, context.settings.max_body_bytes)?;
    if fields.contains_key("_id") {
        return Err(Problem::Invalid("the body contains _id, which cannot be changed".to_owned()));
    }
    let mode = if request.method() == Method::PATCH { Mode::Merge } else { Mode::Set };
    let change = Change { fields, format, mode };
    let preconditions = preconditions(request.headers());
    let updated = context.catalog.update(collection, &selector, &change, &preconditions).await?;
    let answer = json!({
        "message": format!("updated {} in {collection}", show::path_text(&updated.id)),
        "id": show::value(&updated.id),
        "matched": updated.matched,
        "modified": updated.modified,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, updated.invalidation);
    Ok(response)
}
