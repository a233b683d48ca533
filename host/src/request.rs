//! What a client sent, as Spin hands it to a component.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri};

use crate::routes::Match;

/// Removes the header that is about the connection to this host: it means nothing to a component, and does harm if the
/// component passes it on.
pub(crate) fn strip_hop_by_hop<B>(request: &mut Request<B>) {
    request.headers_mut().remove(CONNECTION);
}

/// Makes the URI absolute, which `wasi:http` wants.
///
/// # Errors
/// The request names no host, or two. Spin closes the connection on it.
pub(crate) fn make_absolute<B>(request: &mut Request<B>) -> Result<()> {
    let header = request.headers().get(HOST).map(|value| -> Result<Authority> {
        value
            .to_str()
            .context("'Host' header is not valid UTF-8")?
            .parse()
            .context("'Host' header contains an invalid authority")
    });
    let mut parts = request.uri().clone().into_parts();
    let authority = match (header.transpose()?, parts.authority.take()) {
        (None, None) => bail!("no 'Host' header present in request"),
        (Some(header), Some(target)) if header != target => {
            bail!("authority in 'Host' header does not match authority in URI")
        }
        (Some(authority), _) | (None, Some(authority)) => authority,
    };
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    *request.uri_mut() = Uri::from_parts(parts).context("the request's target is not a path")?;
    Ok(())
}

/// Appends Spin's headers, which say how the request was routed and where it came from. What a client sent under these
/// names stays in front of them: a component must read the last one.
///
/// # Errors
/// A header that is not UTF-8; Spin refuses it here.
pub(crate) fn add_spin_headers<B, T>(request: &mut Request<B>, found: &Match<'_, T>, client: SocketAddr) -> Result<()> {
    for value in request.headers().values() {
        std::str::from_utf8(value.as_bytes())?;
    }
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let fixed = [
        ("spin-path-info", found.rest().into_owned()),
        ("spin-full-url", format!("http://{host}{path}")),
        ("spin-matched-route", found.matched_route().to_owned()),
        ("spin-base-path", "/".to_owned()),
        ("spin-raw-component-route", found.raw_route().to_owned()),
        ("spin-component-route", found.prefix().to_owned()),
        ("spin-client-addr", client.to_string()),
    ];
    let named = found
        .named_parts()
        .map(|(name, value)| (format!("spin-path-match-{}", name.to_ascii_lowercase()), value.to_owned()))
        .collect::<Vec<_>>();
    let fixed = fixed.into_iter().map(|(name, value)| (name.to_owned(), value));
    for (name, value) in fixed.chain(named) {
        // As in Spin: what cannot be a header is left out.
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            request.headers_mut().append(name, value);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn absolute(uri: &str, host: Option<&str>) -> Result<String> {
        let mut request = Request::builder().uri(uri);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let mut request = request.body(()).unwrap();
        make_absolute(&mut request)?;
        Ok(request.uri().to_string())
    }

    #[test]
    fn the_uri_becomes_absolute() {
        assert_eq!(absolute("/a?b=c", Some("shop:81")).unwrap(), "http://shop:81/a?b=c");
        assert_eq!(absolute("http://shop/a", Some("shop")).unwrap(), "http://shop/a");
        assert_eq!(absolute("http://shop/a", None).unwrap(), "http://shop/a");
    }

    #[test]
    fn a_request_without_a_host_or_with_two_is_refused() {
        for (uri, host) in [("/a", None), ("/a", Some("a b")), ("http://x/a", Some("shop"))] {
            assert!(absolute(uri, host).is_err(), "{uri} {host:?}");
        }
    }
}
