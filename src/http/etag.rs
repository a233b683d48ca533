//! Entity tags (RFC 9110, section 8.8.3): the SHA-1 of the body, so that every instance gives one body one tag.

use http::{HeaderMap, HeaderValue, header};

use crate::cache::keys::hex_sha1;

/// The strong entity tag of a body, in its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ETag(String);

impl ETag {
    /// The tag of this body.
    pub fn of(body: &[u8]) -> Self {
        ETag(format!("\"{}\"", hex_sha1(body)))
    }

    /// As the header `ETag` has it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the request's `If-None-Match` names this tag (RFC 9110, section 13.1.2: by weak comparison, or `*`).
    pub fn matches(&self, request: &HeaderMap) -> bool {
        request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| HeaderValue::to_str(value).ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_none_match_compares_weakly() {
        let tag = ETag::of(b"[]");
        let matches = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::IF_NONE_MATCH, value.parse().unwrap());
            tag.matches(&headers)
        };
        assert!(matches("*"));
        assert!(matches(tag.as_str()));
        assert!(matches(&format!("\"x\", W/{}", tag.as_str())));
        assert!(!matches("\"x\""));
        assert!(!matches(""));
        assert!(!tag.matches(&HeaderMap::new()));
    }
}
