//! Where a client is, also behind proxies.

use std::net::IpAddr;

use axum::http::{Extensions, HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::shares::Origin;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of a request's client; the server puts it into the request's extensions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client(pub IpAddr);

impl Client {
    /// The peer, or, where the peer is a proxy that is trusted, whom its `X-Forwarded-For` names. Each proxy appends the
    /// address that it saw, so the list is read from its end, up to the first address that is not a trusted proxy's: what
    /// stands before it anyone could have written.
    pub fn new(peer: IpAddr, headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let mut client = peer.to_canonical();
        let forwarded: Vec<&str> =
            headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
        let mut hops = forwarded.iter().rev().flat_map(|value| value.rsplit(','));
        while is_trusted(client, trusted) {
            match hops.next().and_then(|hop| hop.trim().parse::<IpAddr>().ok()) {
                Some(hop) => client = hop.to_canonical(),
                None => break,
            }
        }
        Client(client)
    }

    /// The client of a request.
    pub fn of(extensions: &Extensions) -> Self {
        // Only a request that did not come through the server has none.
        extensions.get().copied().unwrap_or(Client(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED)))
    }

    /// The client, as far as limits are concerned.
    pub fn origin(self) -> Origin {
        Origin::from(self.0)
    }
}

/// Whether an address is that of a proxy that is trusted.
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|network| network.contains(&address.to_canonical()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn proxies_that_are_trusted_say_who_it_is() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        for (peer, forwarded, client) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7, 10.2.3.4"], "198.51.100.7"),
            ("::1", &["10.0.0.9"], "10.0.0.9"),
            ("10.0.0.1", &["198.51.100.7, unknown"], "10.0.0.1"),
            ("10.0.0.1", &["2001:db8::1"], "2001:db8::1"),
        ] {
            let headers =
                forwarded.iter().map(|value| (FORWARDED_FOR, HeaderValue::from_static(value))).collect::<HeaderMap>();
            let found = Client::new(peer.parse().unwrap(), &headers, &trusted);
            assert_eq!(found.0.to_string(), client, "{peer} {forwarded:?}");
        }
    }
}
