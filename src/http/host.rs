//! Which names the service answers to where everything is open to everyone.
//!
//! A web page may let its own name resolve to 127.0.0.1 (DNS rebinding); to the browser the service is then a part of that
//! page's site, and CORS does not apply. But the browser still sends the page's name in `Host`.

use std::net::{IpAddr, Ipv6Addr};

use http::{HeaderMap, header};

use crate::variable::{VariableError, invalid};

/// Reads a list of host names, separated by commas, without schemes and ports.
///
/// # Errors
/// The list has something that is not a host name.
pub fn names(variable: &'static str, list: &str) -> Result<Vec<String>, VariableError> {
    let mut names = Vec::new();
    for name in list.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte)) {
            return invalid(
                variable,
                format!("contains {name:?}: expected a host name without scheme and port, such as shop.example"),
            );
        }
        names.push(name.to_ascii_lowercase());
    }
    Ok(names)
}

/// Whether `Host` names this service: by an IP address, `localhost`, or one of the allowed names, with any port. A request
/// without `Host` does not come from a browser.
pub fn is_ours(headers: &HeaderMap, allowed: &[String]) -> bool {
    headers.get_all(header::HOST).iter().all(|host| host.to_str().is_ok_and(|host| names_us(host, allowed)))
}

fn names_us(host: &str, allowed: &[String]) -> bool {
    without_port(host).is_some_and(|name| {
        name.parse::<IpAddr>().is_ok()
            || name.eq_ignore_ascii_case("localhost")
            || allowed.iter().any(|allowed| name.eq_ignore_ascii_case(allowed))
    })
}

/// Whether `Host` names the machine that the client runs on. A request without `Host` does not come from a browser.
pub fn is_loopback(headers: &HeaderMap) -> bool {
    let names_it = |name: &str| {
        name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    headers.get_all(header::HOST).iter().all(|host| host.to_str().ok().and_then(without_port).is_some_and(names_it))
}

/// The name or the address in a `Host`; `None` where it is not well-formed.
fn without_port(host: &str) -> Option<&str> {
    let (name, port) = match host.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            address.parse::<Ipv6Addr>().ok()?;
            (address, if port.is_empty() { None } else { Some(port.strip_prefix(':')?) })
        }
        None => host.split_once(':').map_or((host, None), |(name, port)| (name, Some(port))),
    };
    port.is_none_or(is_port).then_some(name)
}

fn is_port(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_ours(hosts: &[&str]) -> bool {
        let allowed = names("allowed_hosts", "Shop.example, store-api").unwrap();
        let hosts = hosts.iter().map(|host| (header::HOST, HeaderValue::from_str(host).unwrap()));
        super::is_ours(&hosts.collect::<HeaderMap>(), &allowed)
    }

    #[test]
    fn addresses_localhost_and_allowed_names_are_ours_with_any_port() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:3000",
            "192.168.1.7:80",
            "[::1]",
            "[2001:db8::1]:3000",
            "localhost",
            "LOCALHOST:3000",
            "shop.example",
            "SHOP.example:8080",
            "store-api:3000",
        ] {
            assert!(is_ours(&[host]), "{host}");
        }
        assert!(is_ours(&[]));
    }

    #[test]
    fn a_machine_is_its_own() {
        let is_loopback = |host: &str| {
            super::is_loopback(&HeaderMap::from_iter([(header::HOST, HeaderValue::from_str(host).unwrap())]))
        };
        for host in ["127.0.0.1:3000", "127.9.9.9", "[::1]:3000", "localhost", "LOCALHOST:80"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["192.168.1.7:3000", "[2001:db8::1]", "shop.example", "localhost.shop.example", "127.0.0.1.x", ""] {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(super::is_loopback(&HeaderMap::new()));
    }

    #[test]
    fn any_other_name_is_not() {
        for host in [
            "evil.example",
            "evil.example:3000",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example:127.0.0.1",
            "127.0.0.1@evil.example",
            "[::1].evil.example",
            "[evil.example]",
            "[::1]:x",
            "::1",
            "0x7f.1",
            "my.shop.example",
            "",
        ] {
            assert!(!is_ours(&[host]), "{host}");
        }
        assert!(!is_ours(&["127.0.0.1", "evil.example"]));
    }
}
