//! The login's routes, as the Atlas service had them under `/api/client/v2.0`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Request, State};
use axum::http::header::HOST;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};

use super::App;
use crate::auth::login::{Profile, Provider};
use crate::body;
use crate::error::Error;

/// A login's body is a few fields.
const MAX_BODY: usize = 64 * 1024;

/// `POST …/app/{appId}/auth/providers/{provider}/login`: credentials for tokens.
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    Path((_, provider)): Path<(String, String)>,
    request: Request,
) -> Response {
    let in_flight = app.metrics.begin("login");
    let result = session(&app, &provider, request).await;
    in_flight.end(result.as_ref().map_or_else(Error::code, |_| "ok"));
    result.unwrap_or_else(Error::into_response)
}

async fn session(app: &App, provider: &str, request: Request) -> Result<Response, Error> {
    let provider = match provider {
        "api-key" => Provider::ApiKey,
        "local-userpass" => Provider::LocalUserpass,
        "custom-token" => Provider::CustomToken,
        "anon-user" => Provider::AnonUser,
        _ => return Err(Error::NoSuchRoute("there is no such way to log in".to_owned())),
    };
    let _place = app.places.try_acquire().map_err(|_| Error::Overloaded)?;
    let text = body::read(request.into_body(), MAX_BODY, app.config.body_timeout).await?;
    Ok(Json(app.authenticator.log_in(provider, &text).await?).into_response())
}

/// `POST …/auth/session`: a new access token for the refresh token.
pub(super) async fn refresh(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Error> {
    let refreshed = app.authenticator.refresh(&headers).map_err(not_found)?;
    Ok((StatusCode::CREATED, Json(refreshed)).into_response())
}

/// `DELETE …/auth/session`: logs the refresh token's bearer out.
pub(super) async fn log_out(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<StatusCode, Error> {
    app.authenticator.log_out(&headers).map_err(not_found)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whoever presents a refresh token that is not valid is told so in the service's words.
fn not_found(error: Error) -> Error {
    if matches!(error, Error::UnknownUser) { Error::NoRefreshToken } else { error }
}

/// `GET …/auth/profile`: who the access token's bearer is.
pub(super) async fn profile(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Json<Profile>, Error> {
    app.authenticator.profile(&headers).map(Json)
}

/// `GET …/app/{appId}/location`: where the app is served. Client libraries ask before they log in; it is served
/// here, under the address that the settings say or, without one, that the client used.
pub(super) async fn location(State(app): State<Arc<App>>, headers: HeaderMap) -> Json<serde_json::Value> {
    let url = app.config.public_url.clone().unwrap_or_else(|| {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let host = host.map_or_else(|| app.config.listen.to_string(), str::to_owned);
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
