//! Which names a server without credentials answers to.
//!
//! A web page can have its own name resolve to 127.0.0.1, and its scripts then reach this server as their own origin ("DNS
//! rebinding"). The browser sends the page's name as `Host`, so that a name that is not ours is refused. An address cannot be
//! rebound.

use std::net::IpAddr;

use axum::http::header::HOST;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

use crate::error::Error;

/// The name, and the port, by which a client calls the server: in HTTP/2 the `:authority`, else the `Host`.
pub fn of(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    let header = || headers.get(HOST)?.to_str().ok()?.parse().ok();
    uri.authority().cloned().or_else(header)
}

/// Checks the name by which a request calls the server.
///
/// # Errors
/// 403 where it is neither an IP address nor `localhost` nor one of `allowed`.
pub(super) fn check(head: &Parts, allowed: &[String]) -> Result<(), Error> {
    let host = of(&head.uri, &head.headers);
    if is_ours(host.as_ref().map(Authority::host).unwrap_or_default(), allowed) {
        return Ok(());
    }
    Err(Error::NoRule(
        "this server has no credentials and answers to an IP address or localhost only; another name of it is a setting \
         (--allowed-host)"
            .to_owned(),
    ))
}

fn is_ours(host: &str, allowed: &[String]) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let host = host.strip_suffix('.').unwrap_or(host);
    address.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|name| host.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_nobody_can_rebind() {
        let allowed = ["api.test".to_owned()];
        for ours in ["127.0.0.1", "192.0.2.1", "[::1]", "localhost", "LOCALHOST", "localhost.", "Api.Test"] {
            assert!(is_ours(ours, &allowed), "{ours}");
        }
        for other in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "xapi.test", "[evil]"] {
            assert!(!is_ours(other, &allowed), "{other}");
        }
    }
}
