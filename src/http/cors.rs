//! Web pages: which may use the service by their scripts (CORS, in the Fetch standard), and that no other may change
//! anything through the browser of somebody who looks at it.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::http::host;
use crate::variable::{VariableError, invalid};

/// The browser's word on which site a request comes from (Fetch Metadata Request Headers).
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// What a script of an allowed page may read of an answer, beside its body.
const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Link, Location, X-Total-Count, X-Cache, Cache-Status, Server-Timing, X-Request-Id, RateLimit, RateLimit-Policy, Retry-After, WWW-Authenticate",
);
/// What it may send.
const ALLOWED: HeaderValue = HeaderValue::from_static(
    "Accept, Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-Id",
);
/// How long a browser may remember the answer to a preflight, in seconds.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// Reads a list of origins, separated by commas, each as browsers write them: `https://shop.example`.
///
/// # Errors
/// The list contains something that is not an origin, such as `*`.
pub fn origins(variable: &'static str, list: &str) -> Result<Vec<String>, VariableError> {
    let mut origins = Vec::new();
    for origin in list.split(',').map(str::trim).filter(|origin| !origin.is_empty()) {
        let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
        let is_host = |host: &str| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte))
        };
        if !host.is_some_and(is_host) {
            return invalid(
                variable,
                format!(
                    "contains {origin:?}: an origin is a scheme, a host and a port only, in lower case, such as https://shop.example"
                ),
            );
        }
        origins.push(origin.to_owned());
    }
    Ok(origins)
}

/// Whether a page of another site sent this request, one that is not in the list: by the browser's own word
/// (`Sec-Fetch-Site`, which no script can set), or, where it does not say, by `Origin`. A browser says neither with a `GET`
/// that a page makes over plain HTTP to anything but its own machine: see [`is_silent`].
pub fn is_cross_site(headers: &HeaderMap, allowed: &[String]) -> bool {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let origin = text(header::ORIGIN);
    if origin.is_some_and(|origin| allowed.iter().any(|known| known == origin)) {
        return false;
    }
    match text(SEC_FETCH_SITE) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => origin.is_some_and(|origin| {
            let host = origin.split_once("://").map(|(_, host)| host);
            host.is_none() || host != text(header::HOST)
        }),
    }
}

/// Whether a browser could have sent this `GET` for a page of another site and say nothing of it. It adds `Sec-Fetch-Site` to
/// what goes over TLS or stays on its machine, and `Origin` to all but `GET` and `HEAD`.
pub fn is_silent(headers: &HeaderMap) -> bool {
    !headers.contains_key(SEC_FETCH_SITE) && !headers.contains_key(header::ORIGIN) && !host::is_loopback(headers)
}

/// Sets the headers that say what the page that asked may do with it; nothing, where its origin is not in the list.
///
/// `preflight` has the route's methods, where the request asks for leave before another.
pub fn set_headers(response: &mut HeaderMap, request: &HeaderMap, allowed: &[String], preflight: Option<&str>) {
    if allowed.is_empty() {
        return;
    }
    // Also when there is no `Origin` now: a cache must not give this response to a page that is in the list.
    response.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(header::ORIGIN) else { return };
    if !allowed.iter().any(|known| known.as_bytes() == origin.as_bytes()) {
        return;
    }
    response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    match preflight.filter(|_| request.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)) {
        Some(methods) => {
            if let Ok(methods) = HeaderValue::from_str(methods) {
                response.insert(header::ACCESS_CONTROL_ALLOW_METHODS, methods);
            }
            response.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED);
            response.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        }
        None => {
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(headers: &[(&'static str, &'static str)]) -> HeaderMap {
        let pairs = headers.iter().map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)));
        pairs.collect()
    }

    #[test]
    fn pages_of_other_sites_are_told_apart() {
        let allowed = ["https://shop.example".to_owned()];
        for (headers, cross) in [
            (&[][..], false),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://h"), ("host", "h")], false),
            (&[("sec-fetch-site", "none")], false),
            (&[("sec-fetch-site", "cross-site")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "https://blog.example")], true),
            (&[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], false),
            (&[("origin", "http://127.0.0.1:3000"), ("host", "127.0.0.1:3000")], false),
            (&[("origin", "http://evil.example"), ("host", "127.0.0.1:3000")], true),
            (&[("origin", "null"), ("host", "127.0.0.1:3000")], true),
        ] {
            assert_eq!(is_cross_site(&request(headers), &allowed), cross, "{headers:?}");
        }
    }
}
