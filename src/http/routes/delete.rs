//! `DELETE /api/delete/{collection}/{value}`: one document less.

use http::StatusCode;
use serde_json::json;

use crate::cache::{Cache, Scope};
use crate::database::Store;
use crate::http::problem::Problem;
use crate::http::{Context, Incoming, Reply, query, response, selector};
use crate::platform::Platform;

/// Deletes the document with this `_id`, or the first whose `field` equals the value.
pub async fn delete<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Reply, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let document = selector::written(value, field)?;
    let written = selector::write_to(context.store, collection, &document, async |id, filter| {
        let scopes = [Scope::Listings, Scope::Document(id.clone())];
        let delete = context.store.delete(collection, filter);
        let written = context.cache.write(collection, &scopes, delete).await;
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
    let mut reply = response::json(StatusCode::OK, &answer);
    response::tell_recorded(&mut reply, recorded);
    Ok(reply)
}
