//! CORS: which pages' scripts may call the server. None, unless their origins are configured.

use std::time::Duration;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue, Method};
use tower_http::cors::CorsLayer;

/// The headers that the protocol has, beside those that HTTP has.
const HEADERS: [&str; 6] = ["apikey", "api-key", "email", "password", "jwttokenstring", "traceparent"];

/// How long a browser may remember what it was told.
const REMEMBERED: Duration = Duration::from_secs(600);

/// For these origins; `None` where there are none.
pub(super) fn layer(origins: &[String]) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    let headers = HEADERS.map(HeaderName::from_static).into_iter().chain([ACCEPT, AUTHORIZATION, CONTENT_TYPE]);
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST])
            .allow_headers(headers.collect::<Vec<_>>())
            .max_age(REMEMBERED)
    })
}
