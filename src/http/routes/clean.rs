//! `POST /api/cleanDB/{collection}`: no documents any more.

use http::StatusCode;
use serde_json::json;

use crate::cache::write::Recorded;
use crate::cache::{Cache, Scope};
use crate::database::Store;
use crate::http::endpoint::Target;
use crate::http::problem::Problem;
use crate::http::{Context, Reply, response};
use crate::platform::Platform;

/// Deletes every document of the collection, or of every open collection.
pub async fn clean<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    target: &Target<'_>,
) -> Result<Reply, Problem> {
    let collections: Vec<&str> = match target {
        Target::One(collection) => vec![collection],
        Target::All => context.config.collections.iter().map(String::as_str).collect(),
    };
    let mut deleted = 0;
    let mut worst = Recorded::Off;
    for collection in &collections {
        let scopes = [Scope::Listings, Scope::Documents];
        let delete = context.store.delete_all(collection);
        let written = context.cache.write(collection, &scopes, delete).await;
        let (count, recorded) = written.map_err(Problem::writing)?;
        deleted += count;
        worst = worst.max(recorded);
    }
    let answer = json!({
        "message": format!("{} holds no documents", collections.join(", ")),
        "deleted": deleted,
    });
    let mut reply = response::json(StatusCode::OK, &answer);
    response::tell_recorded(&mut reply, worst);
    Ok(reply)
}
