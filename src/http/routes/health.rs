//! `GET /health/live` and `GET /health/ready`: alive, and able to serve.

use std::future::Future;
use std::time::Duration;

use futures_util::future::join;
use http::StatusCode;
use serde_json::{Value, json};

use crate::cache::Cache;
use crate::database::Store;
use crate::http::{Context, Reply, response};
use crate::platform::Platform;

/// Alive: that this is answered says so.
pub fn live() -> Reply {
    response::json(StatusCode::OK, &json!({ "status": "live" }))
}

/// Whether Redis and the Data API answer, each with its latency: 200, or 503 with the same body.
pub async fn ready<C: Cache, S: Store, P: Platform>(context: &Context<'_, C, S, P>) -> Reply {
    let cache = &context.cache;
    let redis = timed(cache.platform, async {
        let limit = context.config.cache_timeout;
        // Asked even while reads leave it alone: this is the question whether it is back.
        cache.guard.write(cache.platform, limit, cache.cache.ping()).await.is_ok()
    });
    let data_api = timed(cache.platform, async {
        match context.config.collections.first() {
            Some(collection) => context.store.ping(collection).await.is_ok(),
            None => true,
        }
    });
    let ((redis_up, redis), (data_api_up, data_api)) = join(redis, data_api).await;
    let (status, word) = if redis_up && data_api_up {
        (StatusCode::OK, "ready")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "not ready")
    };
    let body = json!({ "status": word, "redis": redis, "data_api": data_api });
    response::json(status, &body)
}

async fn timed(platform: &impl Platform, ask: impl Future<Output = bool>) -> (bool, Value) {
    let began = platform.now();
    let up = ask.await;
    let latency = platform.now() - began;
    let status = if up { "up" } else { "down" };
    (up, json!({ "status": status, "latency_ms": milliseconds(latency) }))
}

/// To a tenth of a millisecond.
fn milliseconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10_000.0).round() / 10.0
}
