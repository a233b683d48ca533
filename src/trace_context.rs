//! The headers by which a trace goes on from one service to the next (W3C Trace Context, levels 1 and 2).
//!
//! This service records no spans of its own, so a valid `traceparent` and its `tracestate` go on to the Data API as they came,
//! and the bridge's span has the caller's for its parent. Invalid ones are dropped, as the recommendation asks.

use http::{HeaderMap, HeaderName, HeaderValue};

/// Names the trace and the caller's span.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
/// What tracing systems want to know of it.
pub const TRACESTATE: HeaderName = HeaderName::from_static("tracestate");

/// How long a `traceparent` of version 00 is.
const VERSION_00_LENGTH: usize = 55;
/// How many members a `tracestate` has at most.
const MAX_MEMBERS: usize = 32;
/// How long a key or a value of a member is at most.
const MAX_TEXT: usize = 256;

/// What of a request's headers goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TraceContext {
    parent: Option<String>,
    state: Option<String>,
}

impl TraceContext {
    /// What goes on of these headers.
    pub fn of(headers: &HeaderMap) -> Self {
        let mut parents = headers.get_all(TRACEPARENT).iter();
        let parent = match (parents.next().map(HeaderValue::to_str), parents.next()) {
            (Some(Ok(parent)), None) if is_parent(parent) => parent.to_owned(),
            // Without it `tracestate` means nothing.
            _ => return TraceContext::default(),
        };
        let states: Result<Vec<&str>, _> = headers.get_all(TRACESTATE).iter().map(HeaderValue::to_str).collect();
        // Several headers are one list (RFC 9110, section 5.3).
        let state = states.ok().map(|states| states.join(",")).filter(|state| is_state(state));
        TraceContext { parent: Some(parent), state }
    }

    /// The headers to send.
    pub fn headers(&self) -> impl Iterator<Item = (HeaderName, &str)> {
        let parent = self.parent.as_deref().map(|parent| (TRACEPARENT, parent));
        let state = self.state.as_deref().map(|state| (TRACESTATE, state));
        parent.into_iter().chain(state)
    }
}

/// `00-<trace id>-<parent id>-<flags>`, and what later versions add behind it.
fn is_parent(text: &str) -> bool {
    let fits = match text.as_bytes().get(VERSION_00_LENGTH) {
        None => text.len() == VERSION_00_LENGTH,
        Some(next) => *next == b'-' && !text.starts_with("00"),
    };
    let mut parts = text.split('-');
    let mut next = |length: usize| {
        let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex))
    };
    let (Some(version), Some(trace), Some(parent), Some(_)) = (next(2), next(32), next(16), next(2)) else {
        return false;
    };
    let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    fits && version != "ff" && !is_zero(trace) && !is_zero(parent)
}

/// `key=value` members, separated by commas; keys are unique.
fn is_state(text: &str) -> bool {
    let members = || text.split(',').map(|member| member.trim_matches([' ', '\t'])).filter(|member| !member.is_empty());
    let mut keys: Vec<&str> = Vec::new();
    for member in members() {
        match member.split_once('=') {
            Some((key, value)) if is_key(key) && is_value(value) && !keys.contains(&key) => keys.push(key),
            _ => return false,
        }
        if keys.len() > MAX_MEMBERS {
            return false;
        }
    }
    !keys.is_empty()
}

fn is_key(key: &str) -> bool {
    let starts = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let goes_on = |byte: u8| starts(&byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    key.len() <= MAX_TEXT && key.as_bytes().first().is_some_and(starts) && key.bytes().all(goes_on)
}

fn is_value(value: &str) -> bool {
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~') && !matches!(byte, b',' | b'=');
    (1..=MAX_TEXT).contains(&value.len()) && value.bytes().all(is_printable)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn sent(headers: &[(HeaderName, &str)]) -> Vec<String> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, value.parse().unwrap());
        }
        TraceContext::of(&map).headers().map(|(name, value)| format!("{name}: {value}")).collect()
    }

    #[test]
    fn what_is_valid_goes_on_unchanged() {
        let later = format!("cc-{}-what-the-future-brings", &PARENT[3..]);
        for parent in [PARENT, "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00", &later] {
            assert_eq!(sent(&[(TRACEPARENT, parent)]), [format!("traceparent: {parent}")]);
        }
        for state in ["rojo=00f067aa0ba902b7,congo=t61rcWkgMzE", "fw529a3039@dt=FfAA;b, a=1", "1a-_*/=x y!~"] {
            let expected = [format!("traceparent: {PARENT}"), format!("tracestate: {state}")];
            assert_eq!(sent(&[(TRACEPARENT, PARENT), (TRACESTATE, state)]), expected);
        }
        let two = sent(&[(TRACESTATE, "a=1"), (TRACEPARENT, PARENT), (TRACESTATE, "b=2")]);
        assert_eq!(two[1], "tracestate: a=1,b=2");
    }

    #[test]
    fn an_invalid_parent_is_dropped_and_the_state_with_it() {
        for parent in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.more",
            "00-4bf92f3577b34da6a3ce929d0e0e473-600f067aa0ba902b7-01",
            "00 4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7 01",
        ] {
            assert_eq!(sent(&[(TRACEPARENT, parent), (TRACESTATE, "a=1")]), Vec::<String>::new(), "{parent}");
        }
        assert_eq!(sent(&[(TRACEPARENT, PARENT), (TRACEPARENT, PARENT)]), Vec::<String>::new());
        assert_eq!(sent(&[(TRACESTATE, "a=1")]), Vec::<String>::new());
    }

    #[test]
    fn an_invalid_state_is_dropped_and_the_parent_goes_on() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        let (many, long) = (many.join(","), format!("a={}", "x".repeat(257)));
        for state in ["", " , ", "a", "a=", "=1", "A=1", "_a=1", "a=1,a=2", "a=b=c", "a=\u{e9}", &many, &long] {
            let sent = sent(&[(TRACEPARENT, PARENT), (TRACESTATE, state)]);
            assert_eq!(sent, [format!("traceparent: {PARENT}")], "{state}");
        }
    }
}
