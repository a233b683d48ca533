//! Whom a server without credentials answers: who calls it by a name of its own, and no page of another site.
//!
//! A web page can have its own name resolve to 127.0.0.1, and its scripts then reach this server as their own origin ("DNS
//! rebinding"). The browser sends the page's name as `Host`, so that a name that is not ours is refused. An address cannot be
//! rebound.

use std::net::IpAddr;

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, Uri};

use crate::config::Origin;
use crate::error::Error;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

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

/// Checks that no page of another site sent a request, but those whose origins are configured. Of a form's answer such a page
/// reads nothing, but how long it took tells what it asked for. Browsers say whose page it is, and programs say nothing.
///
/// # Errors
/// 403 for such a page.
pub(super) fn check_page(head: &Parts, allowed: &[Origin]) -> Result<(), Error> {
    let text = |name: &HeaderName| head.headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let origin = text(&ORIGIN);
    if origin.is_some_and(|origin| allowed.iter().any(|known| known.matches(origin))) {
        return Ok(());
    }
    let is_other = match text(&SEC_FETCH_SITE) {
        Some(site) => !matches!(site, "same-origin" | "none"),
        None => origin.is_some_and(|origin| {
            let host = of(&head.uri, &head.headers);
            origin.split_once("://").map(|(_, host)| host) != host.as_ref().map(Authority::as_str)
        }),
    };
    if is_other {
        return Err(Error::NoRule(
            "this server has no credentials and answers no page of another site; to let one in, name its origin \
             (--cors-origin)"
                .to_owned(),
        ));
    }
    Ok(())
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
