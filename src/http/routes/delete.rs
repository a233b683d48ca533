//! `DELETE /api/delete/{collection}/{value}`: one document less.

use fenced_cache::{Ports, Scope};
use http::StatusCode;
use serde_json::json;

use crate::catalog::entries::{LISTINGS, document_name};
use crate::database::Store;
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::{query, response, selector};
use crate::platform::Platform;

/// Deletes the document with this `_id`, or the first whose `field` equals the value.
pub async fn delete<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let document = selector::written(value, field)?;
    let written = selector::write_to(context.store, collection, &document, async |id, filter| {
        let space = context.config.catalog.key_prefix(collection);
        let name = document_name(id);
        let scopes = [LISTINGS, Scope::single(&name)];
        let delete = context.store.delete(collection, filter);
        let written = context.cache.write(&space, &scopes, delete).await;
        let (deleted, recorded) = written.map_err(Problem::writing)?;
        Ok((deleted > 0).then_some(recorded))
    })
    .await?;
    let Some((id, recorded)) = written else {
        return Err(selector::not_found(collection, value, field));
    };
    let answer = json!({
        "message": format!("deleted {id} from {collection}"),
        "id": id.as_str(),
        "deleted_instance": value,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, recorded);
    Ok(response)
}
