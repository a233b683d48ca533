//! How the HTTP client gets a new connection.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;

use super::DEFAULT_TIMEOUT;

tokio::task_local! {
    /// The time a new connection may take, set around the request that may need one: hyper's client has no parameter
    /// for it, and the component may choose another for each request.
    pub(super) static CONNECT_TIMEOUT: Duration;
}

/// Opens TCP connections, `TCP_NODELAY` set: a request's head and body may be two writes, and the second must not wait
/// for the acknowledgement of the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Connector;

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum ConnectError {
    /// The URL has no host.
    NoHost,
    /// The name has no address.
    Dns(io::Error),
    /// Nobody listens, no route, and the like.
    Connect(io::Error),
    /// Not within [`CONNECT_TIMEOUT`].
    Timeout,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the URL has no host"),
            Self::Dns(error) => write!(f, "the host's name cannot be resolved: {error}"),
            Self::Connect(error) => write!(f, "cannot connect: {error}"),
            Self::Timeout => f.write_str("connecting took too long"),
        }
    }
}

impl std::error::Error for ConnectError {}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ConnectError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ConnectError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Read here and not in the future, which hyper may move to a task of its own.
        let limit = CONNECT_TIMEOUT.try_with(|limit| *limit).unwrap_or(DEFAULT_TIMEOUT);
        Box::pin(async move {
            let stream = timeout(limit, connect(&uri)).await.map_err(|_| ConnectError::Timeout)??;
            Ok(TokioIo::new(stream))
        })
    }
}

async fn connect(uri: &Uri) -> Result<TcpStream, ConnectError> {
    let host = uri.host().ok_or(ConnectError::NoHost)?;
    // An IPv6 address stands in brackets in a URL, and without them everywhere else.
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let addresses = lookup_host((host, uri.port_u16().unwrap_or(80))).await.map_err(ConnectError::Dns)?;
    let addresses: Vec<_> = addresses.collect();
    let stream = TcpStream::connect(addresses.as_slice()).await.map_err(ConnectError::Connect)?;
    stream.set_nodelay(true).map_err(ConnectError::Connect)?;
    Ok(stream)
}
