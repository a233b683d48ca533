//! Responses: JSON, and the headers that say where it came from.

use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Invalidation, Source};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::catalog::ReadReport;
use crate::database::page::{Links, Start};
use crate::database::value::Format;
use crate::http::etag::{self, ETag};
use crate::http::problem::Problem;

/// A response, whole.
pub type Response = http::Response<Bytes>;

const X_CACHE: HeaderName = HeaderName::from_static("x-cache");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const X_TOTAL_COUNT: HeaderName = HeaderName::from_static("x-total-count");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// A JSON answer that no cache may keep: the answer to a write, or a state of the moment.
pub fn json(status: StatusCode, body: &Value) -> Response {
    with_body(status, Bytes::from(body.to_string()), "no-store")
}

/// A 200 with its entity tag, or a 304 where the client has it already.
///
/// Browsers and proxies may keep the body, but must ask each time whether it still holds (`no-cache`): a write is seen
/// by every read after it, theirs included.
pub fn with_etag(request: &HeaderMap, body: Bytes, etag: &ETag, format: Format) -> Response {
    let mut response = if etag::matches(etag, request) {
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        response
    } else {
        with_body(StatusCode::OK, body, "no-cache")
    };
    insert(&mut response, header::ETAG, etag.as_str());
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Accept"));
    if format == Format::Ejson && headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(format.media_type()));
    }
    response
}

/// How the client wants values spelled: in Extended JSON where it prefers that to plain JSON (RFC 9110, section 12.5.1).
pub fn format(request: &HeaderMap) -> Format {
    let mut best = (0.0, Format::Json);
    for value in request.get_all(header::ACCEPT) {
        let Ok(value) = value.to_str() else { continue };
        // Nearly every request has `*/*` or a long list of other types.
        if !value.as_bytes().windows(5).any(|part| part.eq_ignore_ascii_case(b"ejson")) {
            continue;
        }
        for range in value.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let format = match parts.next().map(str::to_ascii_lowercase).as_deref() {
                Some("application/ejson") => Format::Ejson,
                Some("application/json") => Format::Json,
                _ => continue,
            };
            let quality = parts.find_map(|part| part.strip_prefix("q=")).and_then(|quality| quality.parse().ok());
            let quality: f32 = quality.unwrap_or(1.0);
            if quality > best.0 {
                best = (quality, format);
            }
        }
    }
    best.1
}

/// A text as a segment of a path.
pub fn path_segment(text: &str) -> String {
    const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// The longest text of a listing's links, in bytes. What serves this refuses a response whose headers are much longer.
const MAX_LINKS: usize = 32 * 1024;

/// Says where a listing goes on (RFC 8288) and how long it is. `parameters` are the listing's, in their one form.
///
/// # Errors
/// 400 where the links would be too long. Without them a client would take the page for the last one.
pub fn set_links(
    reply: &mut Response,
    path: &str,
    parameters: &[(String, String)],
    links: &Links,
) -> Result<(), Problem> {
    if let Some(total) = links.total {
        insert(reply, X_TOTAL_COUNT, total.to_string());
    }
    if links.next.is_none() && links.previous.is_none() && !links.first {
        return Ok(());
    }
    let same = parameters.iter().filter(|(name, _)| !matches!(name.as_str(), "after" | "skip"));
    let same: Vec<String> =
        same.map(|(name, value)| format!("{}={}", path_segment(name), path_segment(value))).collect();
    let link = |start: Option<&Start>, rel: &str| {
        let start = match start {
            None | Some(Start::Skip(0)) => None,
            Some(Start::Skip(skip)) => Some(format!("skip={skip}")),
            Some(Start::After(cursor)) => Some(format!("after={cursor}")),
        };
        let query: Vec<String> = same.iter().cloned().chain(start).collect();
        format!("<{path}?{}>; rel=\"{rel}\"", query.join("&"))
    };
    let mut values = Vec::new();
    values.extend(links.next.as_ref().map(|start| link(Some(start), "next")));
    values.extend(links.previous.as_ref().map(|start| link(Some(start), "prev")));
    values.extend(links.first.then(|| link(None, "first")));
    let links = values.join(", ");
    if links.len() > MAX_LINKS {
        return Err(Problem::Invalid(format!(
            "the query is too long for the links to other pages, which repeat it: {} bytes of {MAX_LINKS}",
            links.len()
        )));
    }
    insert(reply, header::LINK, links);
    Ok(())
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
    let (x_cache, [status, detail], ttl) = match &report.source {
        Source::Hit { ttl } => ("HIT", ["hit", ""], *ttl),
        Source::Miss { stored: None } => ("MISS", ["fwd=uri-miss", ""], None),
        Source::Miss { stored } => ("MISS", ["fwd=uri-miss; stored", ""], *stored),
        Source::Stale { .. } => ("STALE", ["hit; fwd=stale; detail=store-failed", ""], None),
        Source::Bypass { detail } => ("BYPASS", ["fwd=bypass; detail=", *detail], None),
    };
    let mut seconds = itoa::Buffer::new();
    let ttl = ttl.map_or(["", ""], |ttl| ["; ttl=", seconds.format(ttl.as_secs())]);
    // Keys are letters, digits and `:`, `_`, `-`, `.`, `~`, `%`: nothing that a quoted string would have to escape.
    let key = report.key.as_ref().map_or(["", "", ""], |key| ["; key=\"", key, "\""]);
    // Joined without the machinery of `format!`, which took a fiftieth of a hit.
    let status = ["redis; ", status, detail, ttl[0], ttl[1], key[0], key[1], key[2]].concat();
    let mut timing = ["cache;dur=", &milliseconds(report.cache_time)].concat();
    if let Some(database_time) = report.database_time {
        timing.extend([", store;dur=", &milliseconds(database_time)]);
    }
    if let Source::Stale { age: Some(age) } = report.source {
        response.headers_mut().insert(header::AGE, HeaderValue::from(age.as_secs()));
    }
    response.headers_mut().insert(X_CACHE, HeaderValue::from_static(x_cache));
    insert(response, CACHE_STATUS, status);
    insert(response, SERVER_TIMING, timing);
}

/// Says so where a write could not be recorded in the cache.
pub fn set_invalidation_status(response: &mut Response, recorded: Invalidation) {
    let detail = match recorded {
        Invalidation::Done | Invalidation::Off => return,
        Invalidation::Fenced => "uncached-for-now",
        Invalidation::Failed => "not-invalidated",
    };
    insert(response, CACHE_STATUS, format!("redis; fwd=method; detail={detail}"));
}

/// Sets a header, unless a header cannot carry the value.
pub fn insert(response: &mut Response, name: HeaderName, value: impl TryInto<HeaderValue>) {
    if let Ok(value) = value.try_into() {
        response.headers_mut().insert(name, value);
    }
}

/// With tenths, rounded.
fn milliseconds(duration: Duration) -> String {
    let tenths = duration.as_secs().saturating_mul(10_000) + u64::from((duration.subsec_nanos() + 50_000) / 100_000);
    let (mut whole, mut tenth) = (itoa::Buffer::new(), itoa::Buffer::new());
    [whole.format(tenths / 10), ".", tenth.format(tenths % 10)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(source: Source) -> [String; 3] {
        let mut response = Response::new(Bytes::new());
        let report = ReadReport {
            database_time: (!matches!(source, Source::Hit { .. })).then_some(Duration::from_micros(3140)),
            source,
            key: Some("games:list".to_owned()),
            cache_time: Duration::from_micros(420),
        };
        set_cache_headers(&mut response, &report);
        [X_CACHE, CACHE_STATUS, SERVER_TIMING].map(|name| response.headers()[name].to_str().unwrap().to_owned())
    }

    #[test]
    fn extended_json_is_sent_to_those_who_prefer_it() {
        for (accept, expected) in [
            ("*/*", Format::Json),
            ("application/ejson", Format::Ejson),
            ("Application/EJSON;q=0.5, text/html", Format::Ejson),
            ("application/json;q=0.9, application/ejson", Format::Ejson),
            ("application/json, application/ejson", Format::Json),
            ("application/ejson;q=0", Format::Json),
            ("application/json, application/ejson;q=0.9", Format::Json),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::ACCEPT, accept.parse().unwrap());
            assert_eq!(format(&headers), expected, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Format::Json);
    }

    #[test]
    fn links_repeat_the_listing_and_say_where_to_start() {
        let mut reply = Response::new(Bytes::new());
        let links = Links {
            total: Some(12),
            next: Some(Start::After("abc".to_owned())),
            previous: Some(Start::Skip(0)),
            first: true,
        };
        let parameters = [("a[in]", "x,é"), ("limit", "2"), ("skip", "2")];
        let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        set_links(&mut reply, "/api/showDB/games", &parameters, &links).unwrap();
        let long = [("q".to_owned(), "!".repeat(5_000))];
        assert!(set_links(&mut reply, "/api/showDB/games", &long, &links).is_err());
        assert_eq!(reply.headers()["x-total-count"], "12");
        let base = "</api/showDB/games?a%5Bin%5D=x%2C%C3%A9&limit=2";
        assert_eq!(
            reply.headers()["link"],
            format!("{base}&after=abc>; rel=\"next\", {base}>; rel=\"prev\", {base}>; rel=\"first\"")
        );
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
