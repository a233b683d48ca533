//! Where a request comes from, also through proxies that the operator trusts.

use std::net::{IpAddr, SocketAddr};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use crate::variable::{VariableError, invalid};

/// The host's word on where the connection comes from, `address:port`.
pub const CLIENT_ADDRESS: HeaderName = HeaderName::from_static("spin-client-addr");
/// Where each proxy on the way says it got the request from; the last one appends last.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Reads a list of addresses and networks, separated by commas.
///
/// # Errors
/// The list has something that is neither.
pub fn networks(variable: &'static str, list: &str) -> Result<Vec<IpNet>, VariableError> {
    let mut networks = Vec::new();
    for text in list.split(',').map(str::trim).filter(|text| !text.is_empty()) {
        let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
        match network {
            Some(network) => networks.push(network),
            None => {
                return invalid(
                    variable,
                    format!("contains {text:?}: expected an address or a network, such as 10.0.0.7 or 10.0.0.0/8"),
                );
            }
        }
    }
    Ok(networks)
}

/// The client, as far as one client goes: an IPv4 address, or the /64 network of an IPv6 one.
pub fn client(headers: &HeaderMap, trusted: &[IpNet]) -> String {
    match address(headers, trusted) {
        Some(IpAddr::V4(address)) => address.to_string(),
        Some(IpAddr::V6(address)) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
        None => "unknown".to_owned(),
    }
}

/// The nearest address that is not a trusted proxy's: what stands further away is only that address's word. Where all are
/// trusted, the furthest.
fn address(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    // The host adds its header last; what stands before it is the client's own invention.
    let peer = headers.get_all(CLIENT_ADDRESS).iter().next_back();
    let mut nearest = peer.and_then(|value| value.to_str().ok()).and_then(parse)?;
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let forwarded = headers.get_all(X_FORWARDED_FOR).iter().rev().flat_map(entries);
    for entry in forwarded {
        if !is_trusted(&nearest) {
            break;
        }
        // A proxy that says something else than an address has hidden its client.
        let Some(address) = parse(entry) else { break };
        nearest = address;
    }
    Some(nearest)
}

/// The entries of one header, the last one first.
fn entries(value: &HeaderValue) -> impl Iterator<Item = &str> {
    value.to_str().unwrap_or_default().rsplit(',').map(str::trim)
}

/// An address, with or without a port.
fn parse(text: &str) -> Option<IpAddr> {
    let socket = || text.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<IpAddr>().ok();
    text.parse::<IpAddr>().ok().or_else(socket).or_else(bracketed).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(peer: &'static str, forwarded: &[&'static str]) -> HeaderMap {
        let forwarded = forwarded.iter().map(|value| (X_FORWARDED_FOR, HeaderValue::from_static(value)));
        forwarded.chain([(CLIENT_ADDRESS, HeaderValue::from_static(peer))]).collect()
    }

    #[test]
    fn the_hosts_word_is_the_last_one() {
        let mut headers = HeaderMap::new();
        assert_eq!(client(&headers, &[]), "unknown");
        for (added, expected) in [
            ("6.6.6.6:66", "6.6.6.6"),
            ("[2001:db8:1:2:3:4:5:6]:80", "2001:db8:1:2::/64"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1"),
            ("10.0.0.9:1234", "10.0.0.9"),
        ] {
            headers.append(CLIENT_ADDRESS, HeaderValue::from_static(added));
            assert_eq!(client(&headers, &[]), expected);
        }
    }

    #[test]
    fn the_client_is_the_nearest_address_that_is_not_a_trusted_proxys() {
        let trusted = networks("trusted_proxies", "10.0.0.0/8, 192.168.1.1, 2001:db8:aaaa::/48").unwrap();
        for (peer, forwarded, expected) in [
            ("7.7.7.7:1", &["6.6.6.6"][..], "7.7.7.7"),
            ("10.0.0.1:1", &[], "10.0.0.1"),
            ("10.0.0.1:1", &["6.6.6.6"], "6.6.6.6"),
            ("[::ffff:10.0.0.1]:1", &["6.6.6.6"], "6.6.6.6"),
            ("10.0.0.1:1", &["5.5.5.5, 6.6.6.6,10.1.1.1"], "6.6.6.6"),
            ("10.0.0.1:1", &["5.5.5.5", "6.6.6.6, 192.168.1.1"], "6.6.6.6"),
            ("10.0.0.1:1", &["5.5.5.5, 192.168.1.2"], "192.168.1.2"),
            ("10.0.0.1:1", &["10.2.2.2, 10.1.1.1"], "10.2.2.2"),
            ("10.0.0.1:1", &["5.5.5.5, unknown"], "10.0.0.1"),
            ("10.0.0.1:1", &["5.5.5.5, "], "10.0.0.1"),
            ("10.0.0.1:1", &["6.6.6.6:4711"], "6.6.6.6"),
            ("[2001:db8:aaaa::1]:1", &["[2001:db8:1:2:3::4]:80"], "2001:db8:1:2::/64"),
            ("[2001:db8:aaaa::1]:1", &["[2001:db8:1:2:3::4]"], "2001:db8:1:2::/64"),
        ] {
            assert_eq!(client(&headers(peer, forwarded), &trusted), expected, "{peer} {forwarded:?}");
        }
    }
}
