//! Preconditions of a request (RFC 9110, section 13): `If-Match` and `If-None-Match`.

use http::header::{IF_MATCH, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName};

use crate::catalog::{Preconditions, Tags};
use crate::http::etag::{ETag, ours};
use crate::http::problem::Problem;

/// Those of a request.
pub fn preconditions(headers: &HeaderMap) -> Preconditions {
    Preconditions { if_match: tags(headers, IF_MATCH), if_none_match: tags(headers, IF_NONE_MATCH) }
}

/// `If-Match` of a `GET`, whose `If-None-Match` is a question of its own.
///
/// # Errors
/// 412 where it names another entity tag.
pub fn check_if_match(headers: &HeaderMap, etag: &ETag) -> Result<(), Problem> {
    // A hit asks this of every request.
    if !headers.contains_key(IF_MATCH) {
        return Ok(());
    }
    let if_match = Preconditions { if_match: tags(headers, IF_MATCH), if_none_match: None };
    if if_match.hold(std::slice::from_ref(etag)) {
        return Ok(());
    }
    Err(Problem::PreconditionFailed("the current ETag does not match If-Match".to_owned()))
}

fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Tags> {
    if !headers.contains_key(&name) {
        return None;
    }
    let mut tags = Vec::new();
    for value in headers.get_all(name) {
        for tag in String::from_utf8_lossy(value.as_bytes()).split(',').map(ours) {
            if tag == "*" {
                return Some(Tags::Any);
            }
            tags.push(tag.into_owned());
        }
    }
    Some(Tags::Listed(tags))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &'static str, value: &str) -> Preconditions {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        preconditions(&headers)
    }

    #[test]
    fn if_match_names_the_current_tag_in_either_form() {
        let current = [ETag::of(b"plain"), ETag::of(b"extended")];
        for tag in &current {
            assert!(of("if-match", tag.as_str()).hold(&current));
            assert!(of("if-match", &format!("\"x\", W/{}", tag.as_str())).hold(&current));
            let hexadecimal = tag.as_str().trim_matches('"');
            assert!(of("if-match", &format!("\"{hexadecimal}-gzip\"")).hold(&current), "as Caddy makes it");
            assert!(!of("if-match", &format!("\"{hexadecimal}-2\"")).hold(&current));
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
        assert!(preconditions(&HeaderMap::new()).is_empty());
    }
}
