//! `GET /metrics`: what was counted, for Prometheus.

use bytes::Bytes;
use fenced_cache::Ports;
use http::{HeaderValue, header};

use crate::http::context::Context;
use crate::http::metrics::text::MEDIA_TYPE;
use crate::http::response::Response;

/// What all instances have counted.
pub async fn metrics<C: Ports, S, P>(context: &Context<'_, C, S, P>) -> Response {
    let text = context.memory.metrics.report(context.cache, &context.config.catalog).await;
    let mut response = Response::new(Bytes::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
