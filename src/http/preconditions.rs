//! Preconditions of a request (RFC 9110, section 13): `If-Match` and `If-None-Match`.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};

use crate::http::etag::ETag;

/// What must hold of a document before it is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    if_match: Option<Tags>,
    if_none_match: Option<Tags>,
}

/// The value of one of the two headers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Tags {
    Any,
    Listed(Vec<String>),
}

impl Preconditions {
    /// Those of a request.
    pub fn of(headers: &HeaderMap) -> Self {
        Preconditions { if_match: Tags::of(headers, IF_MATCH), if_none_match: Tags::of(headers, IF_NONE_MATCH) }
    }

    /// `If-Match` alone: to a `GET`, `If-None-Match` is a question of its own.
    pub fn if_match(headers: &HeaderMap) -> Self {
        Preconditions { if_match: Tags::of(headers, IF_MATCH), if_none_match: None }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.if_match.is_none() && self.if_none_match.is_none()
    }

    /// Whether they hold for a document that exists, with these entity tags: one for each way to show it.
    ///
    /// `If-Match` asks for strong comparison. A weak tag of ours is taken for the strong one all the same: proxies that
    /// compress weaken tags, and one body has one tag here.
    pub fn hold(&self, current: &[ETag]) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.name_one_of(current))
            && !self.if_none_match.as_ref().is_some_and(|tags| tags.name_one_of(current))
    }

    /// Whether the request is only for what does not exist yet: `If-None-Match: *`.
    pub fn require_absence(&self) -> bool {
        self.if_none_match == Some(Tags::Any)
    }

    /// Whether the request is only for what exists: it has `If-Match`.
    pub fn require_presence(&self) -> bool {
        self.if_match.is_some()
    }
}

impl Tags {
    fn of(headers: &HeaderMap, name: HeaderName) -> Option<Self> {
        if !headers.contains_key(&name) {
            return None;
        }
        let mut tags = Vec::new();
        for value in headers.get_all(name) {
            for tag in String::from_utf8_lossy(value.as_bytes()).split(',').map(str::trim) {
                if tag == "*" {
                    return Some(Tags::Any);
                }
                tags.push(tag.strip_prefix("W/").unwrap_or(tag).to_owned());
            }
        }
        Some(Tags::Listed(tags))
    }

    fn name_one_of(&self, current: &[ETag]) -> bool {
        match self {
            Tags::Any => true,
            Tags::Listed(tags) => tags.iter().any(|tag| current.iter().any(|etag| etag.as_str() == tag)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> Preconditions {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        Preconditions::of(&headers)
    }

    #[test]
    fn if_match_names_the_current_tag_in_either_form() {
        let current = [ETag::of(b"plain"), ETag::of(b"extended")];
        for tag in &current {
            assert!(of("if-match", tag.as_str()).hold(&current));
            assert!(of("if-match", &format!("\"x\", W/{}", tag.as_str())).hold(&current));
        }
        assert!(of("if-match", "*").hold(&current));
        for other in ["\"0\"", "x", ""] {
            assert!(!of("if-match", other).hold(&current), "{other:?}");
        }
    }

    #[test]
    fn if_none_match_is_the_opposite() {
        let current = [ETag::of(b"plain")];
        assert!(!of("if-none-match", "*").hold(&current));
        assert!(!of("if-none-match", current[0].as_str()).hold(&current));
        assert!(of("if-none-match", "\"0\"").hold(&current));
        assert!(of("if-none-match", "*").require_absence());
        assert!(!of("if-none-match", "\"0\"").require_absence());
        assert!(Preconditions::of(&HeaderMap::new()).is_empty());
    }
}
