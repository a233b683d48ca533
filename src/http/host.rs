//! Which names the service answers to where everything is open to everyone.
//!
//! A web page may let its own name resolve to 127.0.0.1 (DNS rebinding); to the browser the service is then a part of that
//! page's site, and CORS does not apply. But the browser still sends the page's name in `Host`.

use std::net::{Ipv4Addr, Ipv6Addr};

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
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split_once(']').is_some_and(|(address, port)| {
            address.parse::<Ipv6Addr>().is_ok() && (port.is_empty() || port.strip_prefix(':').is_some_and(is_port))
        });
    }
    let name = match host.split_once(':') {
        Some((name, port)) if is_port(port) => name,
        Some(_) => return false,
        None => host,
    };
    name.parse::<Ipv4Addr>().is_ok()
        || name.eq_ignore_ascii_case("localhost")
        || allowed.iter().any(|allowed| name.eq_ignore_ascii_case(allowed))
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
