//! Responses: JSON, and the headers that say where it came from.

use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Invalidation, Source};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde_json::Value;

use crate::http::etag::{self, ETag};

/// A response, whole.
pub type Response = http::Response<Bytes>;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// How a read went, for the headers that say so.
pub struct ReadReport {
    /// Where the value came from.
    pub source: Source,
    /// The key in Redis, where there is just one.
    pub key: Option<String>,
    /// How long the cache took.
    pub cache_time: Duration,
    /// How long the store took, where it was asked.
    pub store_time: Option<Duration>,
}

/// A JSON answer that no cache may keep: the answer to a write, or a state of the moment.
pub fn json(status: StatusCode, body: &Value) -> Response {
    with_body(status, Bytes::from(body.to_string()), "no-store")
}

/// A 200 with its entity tag, or a 304 where the client has it already.
///
/// Browsers and proxies may keep the body, but must ask each time whether it still holds (`no-cache`): a write is seen
/// by every read after it, theirs included.
pub fn with_etag(request: &HeaderMap, body: Bytes, etag: &ETag) -> Response {
    let mut response = if etag::matches(etag, request) {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    } else {
        with_body(StatusCode::OK, body, "no-cache")
    };
    insert(&mut response, header::ETAG, etag.as_str());
    response
}

/// Tags a 200 that has no entity tag yet, and makes it a 304 where it is `safe` and the client has it already.
pub fn tag(mut response: Response, request: &HeaderMap, safe: bool) -> Response {
    let etag = ETag::of(response.body());
    if safe && etag::matches(&etag, request) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Bytes::new();
        response.headers_mut().remove(header::CONTENT_TYPE);
    }
    insert(&mut response, header::ETAG, etag.as_str());
    response
}

fn with_body(status: StatusCode, body: Bytes, cache_control: &'static str) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // For all that are to come.
    headers.reserve(12);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache_control));
    response
}

/// Says where a read's answer came from: `X-Cache`, `Cache-Status` (RFC 9211) and `Server-Timing`.
pub fn set_cache_headers(response: &mut Response, report: &ReadReport) {
    // Pieced together without the machinery of `format!`, which took a fiftieth of a hit.
    let mut status = String::with_capacity(128);
    status.push_str("redis; ");
    let (x_cache, ttl) = match &report.source {
        Source::Hit { ttl } => {
            status.push_str("hit");
            ("HIT", *ttl)
        }
        Source::Miss { stored } => {
            status.push_str(if stored.is_some() { "fwd=uri-miss; stored" } else { "fwd=uri-miss" });
            ("MISS", *stored)
        }
        Source::Bypass { detail } => {
            status.extend(["fwd=bypass; detail=", detail]);
            ("BYPASS", None)
        }
    };
    if let Some(ttl) = ttl {
        status.extend(["; ttl=", &ttl.as_secs().to_string()]);
    }
    if let Some(key) = &report.key {
        // Keys are letters, digits and `:`, `_`, `-`, `.`: nothing that a quoted string would have to escape.
        status.extend(["; key=\"", key, "\""]);
    }
    let mut timing = String::with_capacity(48);
    timing.extend(["cache;dur=", &milliseconds(report.cache_time)]);
    if let Some(store_time) = report.store_time {
        timing.extend([", store;dur=", &milliseconds(store_time)]);
    }
    response.headers_mut().insert(X_CACHE, HeaderValue::from_static(x_cache));
    insert(response, CACHE_STATUS, &status);
    insert(response, SERVER_TIMING, &timing);
}

/// Says so where a write could not be recorded in the cache.
pub fn set_invalidation_status(response: &mut Response, recorded: Invalidation) {
    let detail = match recorded {
        Invalidation::Done | Invalidation::Off => return,
        Invalidation::Fenced => "uncached-for-now",
        Invalidation::Failed => "not-invalidated",
    };
    insert(response, CACHE_STATUS, &format!("redis; fwd=method; detail={detail}"));
}

/// Sets a header, unless the value is none that a header can carry.
pub fn insert(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// With tenths, rounded.
fn milliseconds(duration: Duration) -> String {
    let tenths = (duration.as_micros() + 50) / 100;
    [(tenths / 10).to_string().as_str(), ".", &(tenths % 10).to_string()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: Source) -> [String; 3] {
        let mut response = Response::new(Bytes::new());
        let report = ReadReport {
            store_time: (!matches!(source, Source::Hit { .. })).then_some(Duration::from_micros(3140)),
            source,
            key: Some("games:list".to_owned()),
            cache_time: Duration::from_micros(420),
        };
        set_cache_headers(&mut response, &report);
        [X_CACHE, CACHE_STATUS, SERVER_TIMING].map(|name| response.headers()[name].to_str().unwrap().to_owned())
    }

    #[test]
    fn headers_say_where_an_answer_came_from() {
        let seconds = |n| Some(Duration::from_secs(n));
        assert_eq!(
            told(Source::Hit { ttl: seconds(4) }),
            ["HIT", "redis; hit; ttl=4; key=\"games:list\"", "cache;dur=0.4"]
        );
        assert_eq!(
            told(Source::Miss { stored: seconds(6) }),
            ["MISS", "redis; fwd=uri-miss; stored; ttl=6; key=\"games:list\"", "cache;dur=0.4, store;dur=3.1"]
        );
        assert_eq!(
            told(Source::Bypass { detail: "paused" })[..2],
            ["BYPASS", "redis; fwd=bypass; detail=paused; key=\"games:list\""]
        );
    }
}
