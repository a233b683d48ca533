//! `PUT` and `PATCH` of `/api/update/{collection}/{value}`: changes one document.

use fenced_cache::{Ports, Scope};
use http::{Method, StatusCode};
use serde_json::json;

use crate::catalog::entries::{LISTINGS, document_name};
use crate::database::Database;
use crate::database::change::{Change, Mode};
use crate::database::id::{Stored, scope_text};
use crate::database::value::{Format, show};
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::etag::ETag;
use crate::http::preconditions::Preconditions;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::selector::{self, Guard, Selector};
use crate::http::{body, query, response};
use crate::platform::Platform;

/// Applies the body's fields to the document with this `_id`, or to the first whose `field` equals the value.
pub async fn update<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    value: &str,
) -> Result<Response, Problem> {
    let field = query::field(query::parse(request.uri().query())?)?;
    let field = field.as_deref();
    let selector = Selector::of(value, field)?;
    let (fields, format) = body::object(request, context.config.http.max_body_bytes)?;
    if fields.contains_key("_id") {
        return Err(Problem::Invalid("the body has an _id, which never changes".to_owned()));
    }
    let mode = if request.method() == Method::PATCH { Mode::Merge } else { Mode::Set };
    let change = Change { fields, format, mode };
    let preconditions = Preconditions::of(request.headers());
    let guard = |stored: &Stored| match guard(&preconditions, stored)? {
        Guard::Selected if change.depends_on_stored() => Ok(Guard::Unchanged),
        guard => Ok(guard),
    };
    let written = selector::write_to(context.database, collection, &selector, guard, async |stored, filter| {
        let space = context.config.catalog.key_prefix(collection);
        let name = document_name(&scope_text(stored.id()));
        let scopes = [LISTINGS, Scope::single(&name)];
        let update = change.apply(&stored.document);
        let work = context.database.update(collection, filter, &update);
        let written = context.cache.write(&space, &scopes, work).await;
        let (updated, recorded) = written.map_err(Problem::writing)?;
        Ok((updated.matched > 0).then_some((updated, recorded)))
    })
    .await?;
    let Some((stored, (updated, recorded))) = written else {
        return Err(selector::not_found(collection, value, field));
    };
    let answer = json!({
        "message": format!("updated {} in {collection}", show::path_text(stored.id())),
        "id": show::value(stored.id()),
        "matched": updated.matched,
        "modified": updated.modified,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, recorded);
    Ok(response)
}

/// Whether the request's preconditions hold for the stored document (RFC 9110, section 13.2): its entity tag is that of
/// either form in which it can be read. Where they do, they must still hold when it is written.
pub fn guard(preconditions: &Preconditions, stored: &Stored) -> Result<Guard, Problem> {
    if preconditions.is_empty() {
        return Ok(Guard::Selected);
    }
    let plain = Format::Json.show(stored.text.clone()).map_err(Problem::reading)?;
    if preconditions.hold(&[ETag::of(&plain), ETag::of(&stored.text)]) {
        return Ok(Guard::Unchanged);
    }
    Err(Problem::PreconditionFailed("the document is not as the request's precondition says".to_owned()))
}
