//! `DELETE /api/delete/{collection}/{value}`: one document less.

use fenced_cache::{Ports, Scope};
use http::{Request, StatusCode};
use serde_json::json;

use super::update::guard;
use crate::catalog::entries::{LISTINGS, document_name};
use crate::database::Database;
use crate::database::id::{Stored, scope_text};
use crate::database::value::show;
use crate::http::context::Context;
use crate::http::preconditions::Preconditions;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::selector::{self, Selector};
use crate::http::{query, response};
use crate::platform::Platform;

/// Deletes the document with this `_id`, or the first whose `field` equals the value.
pub async fn delete<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Request<()>,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let selector = Selector::of(value, field)?;
    let preconditions = Preconditions::of(request.headers());
    let guard = |stored: &Stored| guard(&preconditions, stored);
    let written = selector::write_to(context.database, collection, &selector, guard, async |stored, filter| {
        let space = context.config.catalog.key_prefix(collection);
        let name = document_name(&scope_text(stored.id()));
        let scopes = [LISTINGS, Scope::single(&name)];
        let delete = context.database.delete(collection, filter);
        let written = context.cache.write(&space, &scopes, delete).await;
        let (deleted, recorded) = written.map_err(Problem::writing)?;
        Ok((deleted > 0).then_some(recorded))
    })
    .await?;
    let Some((stored, recorded)) = written else {
        return Err(selector::not_found(collection, value, field));
    };
    let answer = json!({
        "message": format!("deleted {} from {collection}", show::path_text(stored.id())),
        "id": show::value(stored.id()),
        "deleted_instance": value,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, recorded);
    Ok(response)
}
