//! The routes.

mod action;
mod asked;
mod cors;
mod functions;
mod health;
mod login;
mod seen;

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use axum::routing::{get, post};
use tokio::sync::watch;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;

use self::action::Route;
use self::health::Readiness;
use crate::actions::Action;
use crate::auth::{Authenticator, Principal};
use crate::budget::Budget;
use crate::client::Client;
use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::mongo::Sources;
use crate::rate_limit::RateLimit;
use crate::shares::Shares;
use crate::traces::Traces;

/// What every request can reach.
pub struct App {
    /// The settings.
    pub config: Config,
    /// Who may use the server.
    pub authenticator: Authenticator,
    /// Where the data are.
    pub sources: Sources,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is traced.
    pub traces: Traces,
    /// How many more requests may be worked on, or have answers that are being read.
    pub request_slots: Arc<Shares>,
    /// How many more bodies may be received.
    pub body_slots: Arc<Shares>,
    /// How many more logins' bodies may be received.
    pub login_slots: Arc<Shares>,
    /// The memory for requests.
    pub budget: Budget,
    /// How many more requests each account may make.
    pub rate_limit: RateLimit,
    /// Whether MongoDB answered when it was last asked.
    pub readiness: Readiness,
    /// Whether the server has been told to stop.
    pub stopping: watch::Receiver<bool>,
}

/// How many logins' bodies may be received at a time, and how many of them from one address.
const LOGINS: (usize, usize) = (64, 8);

impl App {
    /// With nothing of what is limited taken.
    pub fn new(
        config: Config,
        authenticator: Authenticator,
        sources: Sources,
        metrics: Arc<Metrics>,
        traces: Traces,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        // More bodies than requests: those that are slow must not keep others out. One address has half of either at most.
        let requests = config.limits.max_requests;
        let bodies = requests.saturating_mul(4);
        App {
            request_slots: Shares::new(requests, requests.div_ceil(2)),
            body_slots: Shares::new(bodies, bodies / 2),
            login_slots: Shares::new(LOGINS.0, LOGINS.1),
            budget: Budget::new(config.limits.memory_budget),
            rate_limit: RateLimit::new(config.limits.rate_limit),
            config,
            authenticator,
            sources,
            metrics,
            traces,
            readiness: Readiness::default(),
            stopping,
        }
    }

    /// Counts a request of an account.
    ///
    /// # Errors
    /// 429 where it is one too many.
    fn count(&self, principal: &Principal, client: Client) -> Result<(), Error> {
        let counted = self.rate_limit.count(&principal.counted_as(client), principal.rate_limit);
        counted.map_err(|retry_after| Error::TooManyRequests { what: "requests", retry_after })
    }
}

/// The protocol's versions: `beta` is an older name of `v1`.
const VERSIONS: [&str; 2] = ["v1", "beta"];

/// All routes. Each action has one of its own, so that an unknown one is 404 whatever the method.
pub fn router(app: Arc<App>) -> Router {
    let mut router = Router::new()
        .route("/health", get(health::info))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready))
        .route("/metrics", get(health::metrics))
        .route("/api/client/v2.0/app/{app_id}/location", get(login::location))
        .route("/api/client/v2.0/app/{app_id}/auth/providers/{provider}/login", post(login::log_in))
        .route("/api/client/v2.0/app/{app_id}/functions/call", post(|app, r| action::handle(Route::Functions, app, r)))
        .route("/api/client/v2.0/auth/session", post(login::refresh).delete(login::log_out))
        .route("/api/client/v2.0/auth/profile", get(login::profile));
    for version in VERSIONS {
        for action in Action::DATA_API {
            let path = format!("/app/{{app_id}}/endpoint/data/{version}/action/{}", action.name());
            router = router.route(&path, post(move |app, request| action::handle(Route::Action(action), app, request)));
        }
    }
    let origins = cors::layer(&app.config);
    let router = router
        .fallback(async |uri: Uri| Error::NoSuchRoute(uri.path().chars().take(200).collect()))
        .method_not_allowed_fallback(async |method: Method| Error::MethodNotAllowed(method.to_string()))
        .layer(from_fn(log))
        .with_state(app)
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest));
    match origins {
        Some(origins) => router.layer(origins),
        None => router,
    }
}

/// A line for each request, at the level `debug`: in production a proxy in front has them, and metrics count them.
async fn log(request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let (status, micros) = (response.status().as_u16(), started.elapsed().as_micros());
    tracing::debug!(%method, path, status, micros, "answered");
    response
}
