//! The login's routes, as the Atlas service had them under `/api/client/v2.0`.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};

use super::App;
use super::seen::Seen;
use crate::audit::Audit;
use crate::auth::login::{Profile, Provider};
use crate::auth::{Principal, host};
use crate::body;
use crate::client::Client;
use crate::error::Error;
use crate::shares::Full;

/// A login's body is a few fields.
const MAX_BODY: usize = 64 * 1024;

/// How long a client may take to send them.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);

/// `POST …/app/{appId}/auth/providers/{provider}/login`: credentials for tokens.
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    Path((_, provider)): Path<(String, String)>,
    request: Request,
) -> Response {
    let mut seen = Seen::begin(&app, "login", Client::of(request.extensions()));
    let result = session(&app, &provider, request, &mut seen.audit).await;
    seen.end(result.as_ref().map(Response::status));
    result.unwrap_or_else(Error::into_response)
}

async fn session(app: &App, provider: &str, request: Request, audit: &mut Audit) -> Result<Response, Error> {
    let provider = match provider {
        "api-key" => Provider::ApiKey,
        "local-userpass" => Provider::LocalUserpass,
        "custom-token" => Provider::CustomToken,
        "anon-user" => Provider::AnonUser,
        _ => return Err(Error::no_such_login()),
    };
    let (head, body) = request.into_parts();
    let client = Client::of(&head.extensions);
    let mut memory = app.budget.reserve();
    let text = {
        // Given back before the credential is looked at, which may have to wait.
        let _slot = app.login_slots.acquire(Some(client.origin())).map_err(|full| match full {
            Full::All => Error::Overloaded,
            Full::Origin => Error::TooManyRequests { what: "logins at a time", retry_after: Duration::from_secs(1) },
        })?;
        let timeout = BODY_TIMEOUT.min(app.config.limits.body_timeout);
        body::read(body, MAX_BODY, timeout, &mut memory).await?
    };
    let (session, principal) = app.authenticator.log_in(provider, &text, client).await?;
    audit.principal(&principal);
    app.count(&principal, client)?;
    Ok(Json(session).into_response())
}

/// `POST …/auth/session`: a new access token for the refresh token.
pub(super) async fn refresh(State(app): State<Arc<App>>, request: Request) -> Response {
    let client = Client::of(request.extensions());
    let mut seen = Seen::begin(&app, "refresh", client);
    // Before it is recorded, which is a write to MongoDB.
    let admit = |principal: &Arc<Principal>| {
        seen.audit.principal(principal);
        app.count(principal, client)
    };
    let refreshed = app.authenticator.refresh(request.headers(), admit).await.map_err(not_found);
    seen.end(refreshed.as_ref().map(|_| StatusCode::CREATED));
    refreshed.map(|refreshed| (StatusCode::CREATED, Json(refreshed))).into_response()
}

/// `DELETE …/auth/session`: logs the refresh token's bearer out.
pub(super) async fn log_out(State(app): State<Arc<App>>, request: Request) -> Response {
    let mut seen = Seen::begin(&app, "logout", Client::of(request.extensions()));
    let know = |principal: &Arc<Principal>| seen.audit.principal(principal);
    let ended = app.authenticator.log_out(request.headers(), know).await.map_err(not_found);
    seen.end(ended.as_ref().map(|()| StatusCode::NO_CONTENT));
    ended.map(|()| StatusCode::NO_CONTENT).into_response()
}

/// An invalid refresh token is answered in the service's words.
fn not_found(error: Error) -> Error {
    if matches!(error, Error::UnknownUser) { Error::NoRefreshToken } else { error }
}

/// `GET …/auth/profile`: who the access token's bearer is.
pub(super) async fn profile(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<Profile>, Error> {
    app.authenticator.profile(&headers).await.map(Json)
}

/// `GET …/app/{appId}/location`: where the app is served. Client libraries ask before they log in; it is served
/// here, under the address that the settings say or, without one, that the client used.
pub(super) async fn location(State(app): State<Arc<App>>, uri: Uri, headers: HeaderMap) -> Json<serde_json::Value> {
    let url = app.config.public_url.clone().unwrap_or_else(|| {
        let host = host::of(&uri, &headers).map_or_else(|| app.config.listen.to_string(), |host| host.to_string());
        let secure = if app.config.tls_certificate.is_some() { "s" } else { "" };
        format!("http{secure}://{host}")
    });
    let url = url.trim_end_matches('/');
    Json(serde_json::json!({
        "deployment_model": "GLOBAL",
        "location": "US-VA",
        "hostname": url,
        "ws_hostname": url.replacen("http", "ws", 1),
    }))
}
