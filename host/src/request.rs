//! What a client sent, as a component expects to get it.

use std::net::SocketAddr;

use http::header::{CONNECTION, HOST};
use http::uri::{Authority, Scheme};
use http::{HeaderName, HeaderValue, Request, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, WasiBody};

/// The route of the only trigger, in the headers that Spin adds to a request.
const ROUTE: HeaderValue = HeaderValue::from_static("/...");

/// Makes the URI absolute, which `wasi:http` wants, and replaces the `spin-` headers by our own: what a client sends under
/// these names would pass for Spin's word.
///
/// # Errors
/// A sentence for the client: the request names no host, or nothing that could be a URL's path.
pub(crate) fn prepare(
    mut request: Request<Incoming>,
    client: SocketAddr,
    server: SocketAddr,
) -> Result<Request<WasiBody>, &'static str> {
    let uri = absolute(&request, server)?;
    let headers = request.headers_mut();
    // About the connection to this host: it means nothing to the component, and harm if it passes it on.
    headers.remove(CONNECTION);
    if headers.keys().any(is_spins) {
        let forged: Vec<_> = headers.keys().filter(|name| is_spins(name)).cloned().collect();
        for name in forged {
            headers.remove(name);
        }
    }
    let value = |text: &str| HeaderValue::try_from(text).ok();
    for (name, value) in [
        ("spin-client-addr", value(&client.to_string())),
        ("spin-full-url", value(&uri.to_string())),
        ("spin-path-info", value(uri.path())),
        ("spin-matched-route", Some(ROUTE)),
        ("spin-raw-component-route", Some(ROUTE)),
        ("spin-component-route", Some(HeaderValue::from_static(""))),
        ("spin-base-path", Some(HeaderValue::from_static("/"))),
    ] {
        if let Some(value) = value {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    *request.uri_mut() = uri;
    Ok(request.map(|body| body.map_err(Error::from).boxed_unsync()))
}

fn is_spins(name: &HeaderName) -> bool {
    name.as_str().starts_with("spin-")
}

/// The URI with scheme and authority. The authority is the request target's where it has one (RFC 9112, 3.2.2), then
/// the `Host` header's; HTTP/1.0 needs neither.
fn absolute<B>(request: &Request<B>, server: SocketAddr) -> Result<Uri, &'static str> {
    let mut parts = request.uri().clone().into_parts();
    let authority = match (parts.authority.take(), request.headers().get(HOST)) {
        (Some(authority), _) => authority,
        (None, Some(host)) => {
            Authority::try_from(host.as_bytes()).map_err(|_| "the Host header is no host with an optional port")?
        }
        (None, None) if request.version() < http::Version::HTTP_11 => {
            Authority::try_from(server.to_string()).map_err(|_| "the request has no Host header")?
        }
        (None, None) => return Err("the request has no Host header"),
    };
    let path = parts.path_and_query.as_ref().ok_or("the request's target has no path")?;
    if !path.as_str().starts_with('/') {
        return Err("the request's target is no path");
    }
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(authority);
    Uri::from_parts(parts).map_err(|_| "the request's target is no URL")
}

#[cfg(test)]
mod tests {
    use http::Version;

    use super::*;

    fn target(uri: &str, host: Option<&str>, version: Version) -> Result<String, &'static str> {
        let mut request = Request::builder().uri(uri).version(version);
        if let Some(host) = host {
            request = request.header(HOST, host);
        }
        let server = SocketAddr::from(([127, 0, 0, 1], 3000));
        absolute(&request.body(()).unwrap(), server).map(|uri| uri.to_string())
    }

    #[test]
    fn the_uri_becomes_absolute() {
        let http11 = Version::HTTP_11;
        assert_eq!(target("/a?b=c", Some("shop:81"), http11).unwrap(), "http://shop:81/a?b=c");
        assert_eq!(target("http://x/a", Some("shop"), http11).unwrap(), "http://x/a");
        assert_eq!(target("/a", None, Version::HTTP_10).unwrap(), "http://127.0.0.1:3000/a");
    }

    #[test]
    fn what_has_no_host_or_no_path_is_refused() {
        for (uri, host) in [("/a", None), ("/a", Some("a b")), ("*", Some("shop")), ("shop:80", Some("shop"))] {
            assert!(target(uri, host, Version::HTTP_11).is_err(), "{uri} {host:?}");
        }
    }
}
