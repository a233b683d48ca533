//! `POST /api/cleanDB/{collection}`: no documents any more.

use fenced_cache::{Invalidation, Ports};
use http::StatusCode;
use serde_json::json;

use crate::catalog::entries::{DOCUMENTS, LISTINGS};
use crate::database::Database;
use crate::http::context::Context;
use crate::http::endpoint::Target;
use crate::http::problem::Problem;
use crate::http::response;
use crate::http::response::Response;
use crate::platform::Platform;

/// Deletes every document of the collection, or of every open collection.
pub async fn clean<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    target: &Target<'_>,
) -> Result<Response, Problem> {
    let collections: Vec<&str> = match target {
        Target::One(collection) => vec![collection],
        Target::All => context.config.catalog.collections.iter().map(String::as_str).collect(),
    };
    let mut deleted = 0;
    let mut worst = Invalidation::Off;
    for collection in &collections {
        let space = context.config.catalog.key_prefix(collection);
        let scopes = [LISTINGS, DOCUMENTS];
        let delete = context.database.delete_all(collection);
        let written = context.cache.write(&space, &scopes, delete).await;
        let (count, recorded) = written.map_err(Problem::writing)?;
        deleted += count;
        worst = worst.max(recorded);
    }
    let answer = json!({
        "message": format!("{} holds no documents", collections.join(", ")),
        "deleted": deleted,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, worst);
    Ok(response)
}
