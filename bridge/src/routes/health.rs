//! `GET /health`, `/health/live`, `/health/ready` and `/metrics`: for those who run the server. They need no credentials and tell no
//! secrets.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use tokio::sync::Mutex;

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

/// How long a ping's result is passed on. Anyone may ask, and each ping is work for every data source.
const KEPT: Duration = Duration::from_secs(1);

/// What the last ping of MongoDB found. Those who ask while it runs wait for it.
#[derive(Default)]
pub struct Readiness(Mutex<Option<(Instant, Pinged)>>);

/// How long the ping took, or what an [`Error::Unavailable`] says.
type Pinged = Result<Duration, (&'static str, String)>;

impl Readiness {
    async fn get(&self, ping: impl Future<Output = Pinged>) -> Pinged {
        let mut last = self.0.lock().await;
        if let Some((at, pinged)) = last.as_ref()
            && at.elapsed() < KEPT
        {
            return pinged.clone();
        }
        let pinged = ping.await;
        *last = Some((Instant::now(), pinged.clone()));
        pinged
    }
}

/// Whether MongoDB answers: 200 with its latency, or 503; and 503 from the signal to stop on.
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Error> {
    if *app.stopping.borrow() {
        return Err(Error::Stopping);
    }
    let pinged = app.readiness.get(ping(&app)).await;
    let latency = pinged.map_err(|(what, details)| Error::Unavailable { what, details })?;
    let millis = latency.as_secs_f64() * 1000.0;
    Ok(json(format!(r#"{{"status":"ok","mongodb":{{"status":"ok","latency_ms":{millis:.3}}}}}"#)))
}

async fn ping(app: &App) -> Pinged {
    const UNREACHABLE: &str = "MongoDB could not be reached";
    let started = Instant::now();
    // Longer than the search for a server: a server that is found but does not answer is not ready either.
    let limit = app.config.server_selection_timeout * 2;
    match tokio::time::timeout(limit, app.sources.ping()).await {
        Ok(Ok(())) => Ok(started.elapsed()),
        Ok(Err(Error::Unavailable { what, details })) => Err((what, details)),
        // Whatever the reason, not ready is 503.
        Ok(Err(error)) => Err((UNREACHABLE, format!("{error:?}"))),
        Err(_) => Err((UNREACHABLE, "it did not answer a ping".to_owned())),
    }
}

fn json(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], body).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn those_who_ask_at_a_time_share_a_ping() {
        let (readiness, pings) = (Readiness::default(), AtomicUsize::new(0));
        let ping = || async {
            tokio::task::yield_now().await;
            Ok(Duration::from_secs(pings.fetch_add(1, Ordering::Relaxed) as u64))
        };
        let (one, other) = tokio::join!(readiness.get(ping()), readiness.get(ping()));
        assert_eq!((one, other), (Ok(Duration::ZERO), Ok(Duration::ZERO)));
        if let Some((at, _)) = readiness.0.lock().await.as_mut() {
            *at -= KEPT;
        }
        assert_eq!(readiness.get(ping()).await, Ok(Duration::from_secs(1)), "it is not kept for longer");
    }
}
