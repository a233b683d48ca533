//! `PUT /api/update/{collection}/{value}`: sets fields of one document.

use http::StatusCode;
use serde_json::json;

use crate::cache::{Cache, Scope};
use crate::database::Store;
use crate::http::problem::Problem;
use crate::http::{Context, Incoming, Reply, body, query, response, selector};
use crate::platform::Platform;

/// Sets the body's fields on the document with this `_id`, or on the first whose `field` equals the value.
pub async fn update<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Reply, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let document = selector::written(value, field)?;
    let set = body::object(request, context.config.max_body_bytes)?;
    if set.contains_key("_id") {
        return Err(Problem::Invalid("the body has an _id, which never changes".to_owned()));
    }
    let written = selector::write_to(context.store, collection, &document, async |id, filter| {
        let scopes = [Scope::Listings, Scope::Document(id.clone())];
        let update = context.store.update(collection, filter, &set);
        let written = context.cache.write(collection, &scopes, update).await;
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
    let mut reply = response::json(StatusCode::OK, &answer);
    response::tell_recorded(&mut reply, recorded);
    Ok(reply)
}
