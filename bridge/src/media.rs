//! Media types: may the body be read, and how shall the answer be spelled.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT, CONTENT_TYPE};

use crate::ejson::Format;
use crate::error::Error;

/// Checks that the body says it is JSON or Extended JSON; both are read alike. Parameters such as `charset` do not matter.
///
/// # Errors
/// 400 for any other type and for none: the protocol's contract lists 400 where HTTP would have 415.
pub fn check_content_type(headers: &HeaderMap) -> Result<(), Error> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).map(without_parameters);
    match media_type {
        Some(media_type) if format_named(media_type).is_some() => Ok(()),
        _ => Err(Error::InvalidParameter(
            "the header Content-Type must be application/json or application/ejson".to_owned(),
        )),
    }
}

/// The format that `Accept` prefers: the highest `q`, the first among equals. Plain JSON where the header is missing
/// or names nothing that we have.
pub fn answer_format(headers: &HeaderMap) -> Format {
    let mut best = (0.0, Format::Json);
    for value in headers.get_all(ACCEPT) {
        for range in value.to_str().unwrap_or_default().split(',') {
            let format = match without_parameters(range) {
                "*/*" => Some(Format::Json),
                range if range.eq_ignore_ascii_case("application/*") => Some(Format::Json),
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
        for (accept, format) in [
            ("application/ejson", Format::Ejson),
            ("Application/EJSON; charset=utf-8", Format::Ejson),
            ("application/json", Format::Json),
            ("*/*", Format::Json),
            ("application/*", Format::Json),
            ("application/json, text/plain, */*", Format::Json),
            ("application/ejson, application/json", Format::Ejson),
            ("application/json;q=0.5, application/ejson", Format::Ejson),
            ("application/ejson;q=0, */*", Format::Json),
            ("application/ejson;q=0", Format::Json),
            ("text/html", Format::Json),
            ("", Format::Json),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            assert_eq!(answer_format(&headers), format, "{accept}");
        }
        assert_eq!(answer_format(&HeaderMap::new()), Format::Json);
    }

    #[test]
    fn content_type() {
        let check = |value| {
            check_content_type(&HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(value))])).is_ok()
        };
        for good in ["application/json", "application/ejson", "application/json; charset=utf-8", "APPLICATION/EJSON"] {
            assert!(check(good), "{good}");
        }
        for bad in
            ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonx", "application/json, text/plain"]
        {
            assert!(!check(bad), "{bad}");
        }
        assert!(check_content_type(&HeaderMap::new()).is_err());
    }
}
