//! How many requests a caller has left, counted in Redis, so that it holds across instances and hosts.

use std::time::Duration;

use fenced_cache::Platform;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue};

use crate::auth::Caller;
use crate::backend::Backend;
use crate::hex::hex_sha1;
use crate::http::client_address;
use crate::http::context::Context;

/// What is counted in: a minute from a caller's first request on.
pub const WINDOW: Duration = Duration::from_secs(60);

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

/// Counts a request; `None` where nothing is limited. Where Redis cannot count, the instance does for itself.
pub async fn count<B: Backend>(
    context: &Context<'_, B>,
    headers: &HeaderMap,
    caller: Option<&Caller>,
) -> Option<RateLimit> {
    let Context { catalog, settings, .. } = context;
    let limit = settings.rate_limit;
    if limit == 0 {
        return None;
    }
    let by_address = || hex_sha1(client_address::client(headers, &settings.trusted_proxies).as_bytes());
    let name = caller.map_or_else(by_address, |caller| caller.name.clone());
    // A caller has one count for all collections; it stands with the cache's own keys of the first.
    let prefix = catalog.settings.key_prefix(catalog.settings.collections.first()?);
    let key = format!("{prefix}:~rate:{name}");
    let (counted, left) = match catalog.cache.count(&key, WINDOW).await {
        Ok(counted) => counted,
        Err(_) => context.memory.rate_counts.count(&name, WINDOW, catalog.platform.now()),
    };
    Some(RateLimit {
        limit,
        remaining: limit.saturating_sub(counted),
        reset_after: left.as_millis().div_ceil(1000) as u64,
        exceeded: counted > limit,
    })
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
