//! `GET /health/live` and `GET /health/ready`: alive, and able to serve.

use std::time::Duration;

use fenced_cache::{CacheError, Health};
use http::StatusCode;
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::catalog::{CatalogError, Readiness};
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::{self, Response};

/// Alive: that this is answered says so.
pub fn live() -> Response {
    response::json(StatusCode::OK, &json!({ "status": "live" }))
}

/// Whether Redis and the Data API answer, each with its latency and what does not work: 200, or 503 with the same body.
/// They are asked at most once a second: who may ask this is not limited.
pub async fn ready<B: Backend>(context: &Context<'_, B>) -> Response {
    let (status, body) = context.memory.readiness.get(context.catalog.platform, async || ask(context).await).await;
    response::json(status, &body)
}

async fn ask<B: Backend>(context: &Context<'_, B>) -> (StatusCode, Value) {
    let Readiness { redis: health, redis_latency, database, database_latency } = context.catalog.health().await;
    let up = health.is_up() && database.is_ok();
    let mut redis = state(health.is_up(), redis_latency);
    if !health.is_up() {
        redis["problems"] = problems(&health, |space| context.catalog.settings.collection_of(space));
    }
    if health.run_id_unchecked.is_some() {
        // Redis's words on it are in the log.
        redis["run_id_checked"] = json!(false);
    }
    let mut data_api = state(database.is_ok(), database_latency);
    if let Err(error) = database {
        // What a client is told of it: no address is in it.
        data_api["problems"] = json!([{ "reason": Problem::from(CatalogError::Read(error)).to_string() }]);
    }
    let (status, word) = if up { (StatusCode::OK, "ready") } else { (StatusCode::SERVICE_UNAVAILABLE, "not ready") };
    (status, json!({ "status": word, "redis": redis, "data_api": data_api }))
}

fn state(up: bool, latency: Duration) -> Value {
    json!({ "status": if up { "up" } else { "down" }, "latency_ms": milliseconds(latency) })
}

/// The steps that do not work, and why, without Redis's own words, which may hold an address or a key.
fn problems<'c>(health: &Health, collection: impl Fn(&str) -> Option<&'c str>) -> Value {
    let problem = |problem: &fenced_cache::Problem| {
        json!({
            "collection": collection(&problem.space),
            "step": problem.step.name(),
            "reason": reason(&problem.error),
        })
    };
    health.problems.iter().map(problem).collect()
}

fn reason(error: &CacheError) -> String {
    match error {
        CacheError::Unreachable(_) => "Redis could not be reached".to_owned(),
        CacheError::TimedOut(_) => "Redis did not answer in time".to_owned(),
        CacheError::Refused { refusal, .. } => refusal.to_string(),
        CacheError::CircuitOpen => error.to_string(),
    }
}

/// To a tenth of a millisecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use fenced_cache::{Refusal, Step};

    use super::*;

    #[test]
    fn what_does_not_work_is_named_and_upstreams_words_are_not_told() {
        let secret = "redis://user:s3cret@10.0.0.1:6379".to_owned();
        let refused = CacheError::Refused { refusal: Refusal::NoPermission, reason: secret.clone() };
        let problems = [(Step::Fill, refused), (Step::Lookup, CacheError::Unreachable(secret))];
        let problems = problems.map(|(step, error)| fenced_cache::Problem { space: "x:games".to_owned(), step, error });
        let health = Health { problems: problems.into(), run_id_unchecked: None };
        let told = super::problems(&health, |space| space.strip_prefix("x:").map(|_| "games"));
        assert_eq!(
            told,
            json!([
                { "collection": "games", "step": "fill", "reason": "the Redis user lacks a permission that the cache needs" },
                { "collection": "games", "step": "lookup", "reason": "Redis could not be reached" },
            ])
        );
    }
}
