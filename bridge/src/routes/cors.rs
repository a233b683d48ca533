//! CORS: which pages' scripts may call the server. None, unless their origins are configured.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::config::{Config, Origin};

/// The headers that the protocol has, beside those that HTTP has: allowed also where the others are limited.
const HEADERS: [&str; 6] = ["apikey", "api-key", "email", "password", "jwttokenstring", "traceparent"];

/// How long a browser may remember what it was told.
const REMEMBERED: Duration = Duration::from_secs(600);

/// For the origins that are configured; `None` where there are none.
///
/// Credentials are headers that a page's script adds itself, never cookies: a page of any origin can do no more than a
/// program that knows them, so `*` is safe where the server is public anyway.
pub(super) fn layer(config: &Config) -> Option<CorsLayer> {
    let origins = config.cors_origins.clone();
    if origins.is_empty() {
        return None;
    }
    let origin = match origins.contains(&Origin::Any) {
        true => AllowOrigin::any(),
        false => AllowOrigin::predicate(move |origin: &HeaderValue, _| {
            origin.to_str().is_ok_and(|origin| origins.iter().any(|known| known.matches(origin)))
        }),
    };
    let headers = match config.cors_headers.is_empty() {
        // Client libraries send headers of their own. `*` would not do: it does not mean Authorization.
        true => AllowHeaders::mirror_request(),
        false => {
            let ours = HEADERS.map(HeaderName::from_static).into_iter().chain([ACCEPT, AUTHORIZATION, CONTENT_TYPE]);
            AllowHeaders::list(ours.chain(config.cors_headers.iter().cloned()))
        }
    };
    let layer = CorsLayer::new()
        .allow_origin(origin)
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        .allow_headers(headers)
        .expose_headers([RETRY_AFTER])
        .max_age(REMEMBERED);
    Some(layer)
}
