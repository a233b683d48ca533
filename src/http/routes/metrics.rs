//! `GET /metrics`: what was counted, for Prometheus.

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::backend::Backend;
use crate::http::context::Context;
use crate::http::metrics::text::MEDIA_TYPE;
use crate::http::response::Response;

/// What all instances have counted.
pub async fn metrics<B: Backend>(context: &Context<'_, B>) -> Response {
    let text = context.memory.metrics.report(context.catalog.cache, context.catalog.settings).await;
    let mut response = Response::new(Bytes::from(text));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
