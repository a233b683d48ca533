//! Entity tags (RFC 9110, section 8.8.3): the SHA-1 of the body, so that every instance gives one body one tag.

use std::borrow::Cow;

use http::{HeaderMap, HeaderValue, header};

pub use fenced_cache::ETag;

/// An entity tag as it stands in a request, without what is put around ours on the way: the `W/` of a weak one, and the
/// coding that a proxy which compresses adds before the last quote (Caddy and Apache do). Ours are hexadecimal, so no `-`
/// is in them.
pub fn ours(tag: &str) -> Cow<'_, str> {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    match tag.rsplit_once('-') {
        Some((ours, "gzip\"" | "zstd\"" | "br\"" | "deflate\"")) => Cow::Owned(format!("{ours}\"")),
        _ => Cow::Borrowed(tag),
    }
}

/// Whether the request's `If-None-Match` names this tag (RFC 9110, section 13.1.2: by weak comparison, or `*`).
pub fn matches(etag: &ETag, request: &HeaderMap) -> bool {
    request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| HeaderValue::to_str(value).ok())
        .flat_map(|value| value.split(','))
        .map(ours)
        .any(|tag| tag == "*" || tag == etag.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_compares_weakly() {
        let tag = ETag::of(b"[]");
        let matches_tag = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            matches(&tag, &headers)
        };
        assert!(matches_tag("*"));
        assert!(matches_tag(tag.as_str()));
        assert!(matches_tag(&format!("\"x\", W/{}", tag.as_str())));
        assert!(matches_tag(&format!("\"{}-zstd\"", tag.as_str().trim_matches('"'))));
        assert!(!matches_tag("\"x\""));
        assert!(!matches_tag(""));
        assert!(!matches(&tag, &HeaderMap::new()));
    }
}
