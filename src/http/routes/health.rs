//! `GET /health/live` and `GET /health/ready`: alive, and able to serve.

use std::future::Future;
use std::time::Duration;

use fenced_cache::Ports;
use futures_util::future::join;
use http::StatusCode;
use serde_json::{Value, json};

use crate::database::Store;
use crate::http::context::Context;
use crate::http::response;
use crate::http::response::Response;
use crate::platform::Platform;

/// Alive: that this is answered says so.
pub fn live() -> Response {
    response::json(StatusCode::OK, &json!({ "status": "live" }))
}

/// Whether Redis and the Data API answer, each with its latency: 200, or 503 with the same body.
pub async fn ready<C: Ports, S: Store, P: Platform>(context: &Context<'_, C, S, P>) -> Response {
    let redis = timed(context.platform, async { context.cache.health().await.is_up() });
    let data_api = timed(context.platform, async {
        match context.config.catalog.collections.first() {
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
