//! `POST /api/initDB/{collection}`: the collection as it ships, nothing else in it.

use fenced_cache::{Invalidation, Ports};
use http::StatusCode;
use serde_json::json;

use crate::catalog::entries::{DOCUMENTS, LISTINGS};
use crate::database::{Database, Document};
use crate::http::context::Context;
use crate::http::endpoint::Target;
use crate::http::problem::Problem;
use crate::http::response;
use crate::http::response::Response;
use crate::platform::Platform;
use crate::seed;

/// Replaces the documents of the collection, or of every open collection that has seed data, by its seed data.
pub async fn init<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    target: &Target<'_>,
) -> Result<Response, Problem> {
    let seeds: Vec<(&str, Vec<Document>)> = match target {
        Target::One(collection) => {
            let documents = seed::documents(collection)
                .ok_or_else(|| Problem::NotFound(format!("{collection:?} has no seed data")))?;
            vec![(collection, documents)]
        }
        Target::All => {
            let open = context.config.catalog.collections.iter().map(String::as_str);
            open.filter_map(|name| seed::documents(name).map(|seed| (name, seed))).collect()
        }
    };
    let mut inserted = 0;
    let mut worst = Invalidation::Off;
    for (collection, documents) in &seeds {
        let space = context.config.catalog.key_prefix(collection);
        let scopes = [LISTINGS, DOCUMENTS];
        let replace = context.database.replace_all(collection, documents);
        let written = context.cache.write(&space, &scopes, replace).await;
        let ((), recorded) = written.map_err(Problem::writing)?;
        inserted += documents.len();
        worst = worst.max(recorded);
    }
    let names: Vec<&str> = seeds.iter().map(|(name, _)| *name).collect();
    let answer = json!({
        "message": format!("{} holds its seed data", names.join(", ")),
        "inserted": inserted,
    });
    let mut response = response::json(StatusCode::OK, &answer);
    response::set_invalidation_status(&mut response, worst);
    Ok(response)
}
