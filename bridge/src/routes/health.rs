//! `GET /health`, `/health/live`, `/health/ready` and `/metrics`: for those who run the server. They need no credentials and tell no
//! secrets.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};

use super::App;
use crate::error::Error;

/// Alive, and what this is.
pub(super) async fn info() -> Response {
    json(concat!(r#"{"status":"ok","name":"data-api","version":""#, env!("CARGO_PKG_VERSION"), r#""}"#).to_owned())
}

/// Alive: answers as long as the process does.
pub(super) async fn live() -> Response {
    json(r#"{"status":"ok"}"#.to_owned())
}

/// What Prometheus reads.
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Result<Response, Error> {
    let text = app.metrics.text().map_err(|error| Error::Internal(error.to_string()))?;
    Ok(([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text).into_response())
}

/// Whether MongoDB answers: 200 with its latency, or 503; and 503 from the signal to stop on.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Error> {
    if *app.stopping.borrow() {
        return Err(Error::Stopping);
    }
    let started = Instant::now();
    // Longer than the search for a server: a server that is found but does not answer is not ready either.
    let limit = app.config.server_selection_timeout * 2;
    match tokio::time::timeout(limit, app.sources.ping()).await {
        Ok(Ok(())) => {}
        Ok(Err(error @ Error::Unavailable { .. })) => return Err(error),
        // Whatever the reason, not ready is 503.
        Ok(Err(error)) => return Err(unavailable(format!("{error:?}"))),
        Err(_) => return Err(unavailable("it did not answer a ping".to_owned())),
    }
    let millis = started.elapsed().as_secs_f64() * 1000.0;
    Ok(json(format!(r#"{{"status":"ok","mongodb":{{"status":"ok","latency_ms":{millis:.3}}}}}"#)))
}

fn unavailable(details: String) -> Error {
    Error::Unavailable { what: "MongoDB could not be reached", details }
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}
