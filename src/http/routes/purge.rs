//! `POST /api/purge/{collection}`: nothing cached of it counts any more.

use fenced_cache::Ports;
use http::StatusCode;
use serde_json::json;

use crate::catalog::entries::{DOCUMENTS, LISTINGS};
use crate::http::context::Context;
use crate::http::endpoint::Target;
use crate::http::problem::Problem;
use crate::http::response;
use crate::http::response::Response;

/// Makes every cached value of the collection, or of every open collection, invalid: for when somebody has changed the
/// documents behind the service's back.
pub async fn purge<C: Ports, S, P>(context: &Context<'_, C, S, P>, target: &Target<'_>) -> Result<Response, Problem> {
    let collections: Vec<&str> = match target {
        Target::One(collection) => vec![collection],
        Target::All => context.config.catalog.collections.iter().map(String::as_str).collect(),
    };
    if context.config.cache.caching() {
        for collection in &collections {
            let space = context.config.catalog.key_prefix(collection);
            let purged = context.cache.purge(&space, &[LISTINGS, DOCUMENTS]).await;
            purged.map_err(|error| Problem::NotPurged(error.to_string()))?;
        }
    }
    let message = format!("purged {} from the cache", collections.join(", "));
    Ok(response::json(StatusCode::OK, &json!({ "message": message })))
}
