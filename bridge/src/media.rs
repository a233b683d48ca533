//! Media types: may the body be read, and how shall the answer be spelled.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

use crate::ejson::Format;
use crate::error::Error;

/// What `curl -d` says of a body unless told otherwise.
const FORM: &str = "application/x-www-form-urlencoded";

/// Checks that the body says it is JSON or Extended JSON; both are read alike. Parameters such as `charset` do not matter.
///
/// A read may also say nothing, or what curl says by itself: the service's documentation called `findOne` so. A write may
/// not: a page of any origin can send a form, and a browser asks nobody before it does.
///
/// # Errors
/// 400 for any other type: the protocol's contract lists 400 where HTTP would have 415.
pub fn check_content_type(headers: &HeaderMap, is_read: bool) -> Result<(), Error> {
    let media_type = match headers.get(CONTENT_TYPE) {
        Some(value) => without_parameters(value.to_str().unwrap_or("unreadable")),
        None => "",
    };
    let by_default = media_type.is_empty() || media_type.eq_ignore_ascii_case(FORM);
    if format_named(media_type).is_some() || (is_read && by_default) {
        return Ok(());
    }
    Err(Error::InvalidParameter("the header Content-Type must be application/json or application/ejson".to_owned()))
}

/// The format that `Accept` prefers: the highest `q`, the first among equals. `default` where the header is missing or names
/// nothing that we have.
pub fn answer_format(headers: &HeaderMap, default: Format) -> Format {
    let mut best = (0.0, default);
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let format = match without_parameters(range) {
                "*/*" => Some(default),
                range if range.eq_ignore_ascii_case("application/*") => Some(default),
                range => format_named(range),
            };
            if let Some(format) = format
                && quality(range) > best.0
            {
                best = (quality(range), format);
            }
        }
    }
    best.1
}

fn format_named(media_type: &str) -> Option<Format> {
    [Format::Json, Format::Ejson].into_iter().find(|format| media_type.eq_ignore_ascii_case(format.media_type()))
}

fn without_parameters(value: &str) -> &str {
    value.split(';').next().unwrap_or_default().trim()
}

fn quality(range: &str) -> f32 {
    let parameters = range.split(';').skip(1).map(str::trim);
    let quality = parameters.filter_map(|p| p.strip_prefix("q=").or_else(|| p.strip_prefix("Q="))).next();
    quality.and_then(|q| q.parse().ok()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn accept() {
        // What is asked for, what is answered, and what is answered where the default is Extended JSON.
        for (accept, format, by_default) in [
            ("application/ejson", Format::Ejson, Format::Ejson),
            ("Application/EJSON; charset=utf-8", Format::Ejson, Format::Ejson),
            ("application/json", Format::Json, Format::Json),
            ("*/*", Format::Json, Format::Ejson),
            ("application/*", Format::Json, Format::Ejson),
            ("application/json, text/plain, */*", Format::Json, Format::Json),
            ("application/json;q=0.5, */*", Format::Json, Format::Ejson),
            ("application/ejson, application/json", Format::Ejson, Format::Ejson),
            ("application/json;q=0.5, application/ejson", Format::Ejson, Format::Ejson),
            ("application/ejson;q=0, */*", Format::Json, Format::Ejson),
            ("application/ejson;q=0", Format::Json, Format::Ejson),
            ("text/html", Format::Json, Format::Ejson),
            ("", Format::Json, Format::Ejson),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(answer_format(&headers, Format::Json), format, "{accept}");
            assert_eq!(answer_format(&headers, Format::Ejson), by_default, "{accept}");
        }
        assert_eq!(answer_format(&HeaderMap::new(), Format::Json), Format::Json);
        assert_eq!(answer_format(&HeaderMap::new(), Format::Ejson), Format::Ejson);
    }

    #[test]
    fn content_type() {
        let check = |value, is_read| {
            check_content_type(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))]), is_read)
                .is_ok()
        };
        for good in ["application/json", "application/ejson", "application/json; charset=utf-8", "APPLICATION/EJSON"] {
            assert!(check(good, true) && check(good, false), "{good}");
        }
        for bad in ["text/plain", "multipart/form-data", "application/jsonx", "application/json, text/plain"] {
            assert!(!check(bad, true) && !check(bad, false), "{bad}");
        }
        for by_default in ["", "application/x-www-form-urlencoded", "Application/X-WWW-Form-URLencoded; charset=utf-8"]
        {
            assert!(check(by_default, true) && !check(by_default, false), "{by_default}");
        }
        assert!(check_content_type(&HeaderMap::new(), true).is_ok());
        assert!(check_content_type(&HeaderMap::new(), false).is_err());
    }
}
