//! `PUT /api/update/{collection}/{value}`: sets fields of one document.

use fenced_cache::{Ports, Scope};
use http::StatusCode;
use serde_json::json;

use crate::catalog::entries::{LISTINGS, document_name};
use crate::database::Store;
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::{body, query, response, selector};
use crate::platform::Platform;

/// Sets the body's fields on the document with this `_id`, or on the first whose `field` equals the value.
pub async fn update<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let document = selector::written(value, field)?;
    let set = body::object(request, context.config.http.max_body_bytes)?;
    if set.contains_key("_id") {
        return Err(Problem::Invalid("the body has an _id, which never changes".to_owned()));
    }
    let written = selector::write_to(context.store, collection, &document, async |id, filter| {
        let space = context.config.catalog.key_prefix(collection);
        let name = document_name(id);
        let scopes = [LISTINGS, Scope::single(&name)];
        let update = context.store.update(collection, filter, &set);
        let written = context.cache.write(&space, &scopes, update).await;
        let (updated, recorded) = written.map_err(Problem::writing)?;
        Ok((updated.matched > 0).then_some((updated, recorded)))
    })
    .await?;
    let Some((id, (updated, recorded))) = written else {
        return Err(selector::not_found(collection, value, field));
    };
    let answer = json!({
        "message": format!("updated {id} in {collection}"),
        "id": id.as_str(),
        "matched": updated.matched,
        "modified": updated.modified,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, recorded);
    Ok(response)
}
