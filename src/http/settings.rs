//! Limits on requests, and the web pages that may send them.

use std::time::Duration;

use ipnet::IpNet;

use super::cors::origins;
use super::{client_address, host};
use crate::variable::{VariableError, number, timeout};

/// A body limit above this is rejected: MongoDB's own limit for a document is 16 MiB.
const MAX_BODY_LIMIT: u64 = 16 * 1024 * 1024;
/// A rate limit above this is rejected: it would limit nothing.
const MAX_RATE: u64 = 1_000_000;
/// A budget above this is rejected: an instance has 4 GiB of memory, and needs more than what it counts.
const MAX_IN_FLIGHT_LIMIT: u64 = 1024 * 1024 * 1024;

/// Limits on requests, and the web pages that may send them.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The largest request body accepted, in bytes.
    pub max_body_bytes: usize,
    /// How long a client may take to send its body.
    pub body_timeout: Duration,
    /// How many bytes of requests and answers an instance holds at a time.
    pub max_in_flight_bytes: usize,
    /// The origins of web pages whose scripts may use the service (the header `Origin`, Fetch standard).
    pub cors_origins: Vec<String>,
    /// The names under which the service is reached, beside IP addresses and `localhost`; in lower case.
    pub allowed_hosts: Vec<String>,
    /// The networks whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Requests a minute for each caller; zero means no limit.
    pub rate_limit: u64,
}

impl Settings {
    /// Reads the variables `max_body_bytes`, `body_timeout_ms`, `max_in_flight_bytes`, `cors_origins`, `allowed_hosts`,
    /// `trusted_proxies` and `rate_limit_per_minute`.
    ///
    /// # Errors
    /// The first variable whose value is invalid.
    pub fn parse(value: &mut impl FnMut(&'static str) -> String) -> Result<Self, VariableError> {
        Ok(Settings {
            max_body_bytes: number("max_body_bytes", &value("max_body_bytes"), 1, MAX_BODY_LIMIT)? as usize,
            body_timeout: timeout("body_timeout_ms", &value("body_timeout_ms"))?,
            max_in_flight_bytes: number("max_in_flight_bytes", &value("max_in_flight_bytes"), 1, MAX_IN_FLIGHT_LIMIT)?
                as usize,
            cors_origins: origins("cors_origins", &value("cors_origins"))?,
            allowed_hosts: host::names("allowed_hosts", &value("allowed_hosts"))?,
            trusted_proxies: client_address::networks("trusted_proxies", &value("trusted_proxies"))?,
            rate_limit: number("rate_limit_per_minute", &value("rate_limit_per_minute"), 0, MAX_RATE)?,
        })
    }
}
