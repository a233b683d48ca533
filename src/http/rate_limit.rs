//! How many requests a caller has left, counted in Redis, so that it holds across instances and hosts.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use fenced_cache::{Ports, ReadThrough};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::auth::Caller;
use crate::config::Config;
use crate::hex::hex_sha1;

/// What is counted in: a minute from a caller's first request on.
pub const WINDOW: Duration = Duration::from_secs(60);

/// The host's word on where the connection comes from, `address:port`.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of a caller's limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Requests allowed per window.
    pub limit: u64,
    /// Requests remaining in this window.
    pub remaining: u64,
    /// Seconds until the next window, rounded up.
    pub reset_after: u64,
    /// Whether this request exceeded the limit.
    pub exceeded: bool,
}

/// Counts a request; `None` where nothing is limited, or Redis cannot be asked: then nobody is kept out.
pub async fn count(
    cache: &ReadThrough<impl Ports>,
    config: &Config,
    headers: &HeaderMap,
    caller: Option<&Caller>,
) -> Option<RateLimit> {
    let limit = config.http.rate_limit;
    if limit == 0 {
        return None;
    }
    let name = caller.map_or_else(|| hex_sha1(address(headers).as_bytes()), |caller| caller.name.clone());
    // A caller has one count for all collections; it stands with the cache's own keys of the first.
    let prefix = config.catalog.key_prefix(config.catalog.collections.first()?);
    let key = format!("{prefix}:~rate:{name}");
    let (counted, left) = cache.count(&key, WINDOW).await.ok()?;
    Some(RateLimit {
        limit,
        remaining: limit.saturating_sub(counted),
        reset_after: left.as_millis().div_ceil(1000) as u64,
        exceeded: counted > limit,
    })
}

/// Where the request comes from, as far as one client goes: an IPv4 address, or the /64 network of an IPv6 one. The host
/// adds its header last; what stands before it is the client's own invention.
fn address(headers: &HeaderMap) -> String {
    let last = headers.get_all(CLIENT_ADDRESS).iter().next_back();
    let socket = last.and_then(|value| value.to_str().ok()).and_then(|text| text.parse::<SocketAddr>().ok());
    match socket.map(|socket| socket.ip().to_canonical()) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

impl RateLimit {
    /// Sets `RateLimit` and `RateLimit-Policy` (the IETF's draft "RateLimit header fields for HTTP"), and
    /// `Retry-After` where it was one too many.
    pub fn set_headers(&self, response: &mut HeaderMap) {
        let policy = format!("\"minute\";q={};w={}", self.limit, WINDOW.as_secs());
        let left = format!("\"minute\";r={};t={}", self.remaining, self.reset_after);
        for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, left)] {
            if let Ok(value) = HeaderValue::try_from(text) {
                response.insert(name, value);
            }
        }
        if self.exceeded {
            response.insert(header::RETRY_AFTER, HeaderValue::from(self.reset_after.max(1)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_word_is_the_last_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(address(&headers), "unknown");
        for (added, expected) in [
            ("6.6.6.6:66", "6.6.6.6"),
            ("[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1"),
            ("10.0.0.9:1234", "10.0.0.9"),
        ] {
            headers.append(CLIENT_ADDRESS, HeaderValue::from_static(added));
            assert_eq!(address(&headers), expected);
        }
    }
}
