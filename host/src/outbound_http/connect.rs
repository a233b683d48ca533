//! How the HTTP client gets a new connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, lookup_host};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tower_service::Service;
use wasmtime_wasi_http::p3::bindings::http::types::{DnsErrorPayload, ErrorCode};

use super::{DEFAULT_TIMEOUT, is_https};

tokio::task_local! {
    /// The time a new connection may take, set around the request that may need one: hyper's client has no parameter
    /// for it, and the component may choose another for each request.
    pub(super) static CONNECT_TIMEOUT: Duration;
}

/// Opens connections, one for each call.
#[derive(Clone)]
pub(super) struct Connector {
    /// Whether to set `TCP_NODELAY`. Spin does not: a request whose head and body are two writes waits for the server's
    /// delayed acknowledgement of the first.
    pub(super) nodelay: bool,
    /// `[outbound_http] max_connections`.
    pub(super) limit: Option<Arc<Semaphore>>,
    pub(super) tls: Arc<ClientConfig>,
}

impl Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = ErrorCode;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, ErrorCode>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), ErrorCode>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // Read here and not in the future, which hyper may move to a task of its own.
        let limit = CONNECT_TIMEOUT.try_with(|limit| *limit).unwrap_or(DEFAULT_TIMEOUT);
        let connector = self.clone();
        Box::pin(async move { connector.connect(&uri, limit).await.map(TokioIo::new) })
    }
}

impl Connector {
    async fn connect(self, uri: &Uri, limit: Duration) -> Result<Stream, ErrorCode> {
        let default_port = if is_https(uri) { 443 } else { 80 };
        let authority = uri.authority().ok_or(ErrorCode::HttpRequestUriInvalid)?;
        let address = match authority.port() {
            Some(_) => authority.to_string(),
            None => format!("{authority}:{default_port}"),
        };
        let addresses: Vec<_> = lookup_host(&address).await.map_err(|_| dns_error("address not available"))?.collect();
        let connect = async {
            let permit = match self.limit.clone() {
                Some(limit) => limit.acquire_owned().await.ok(),
                None => None,
            };
            (TcpStream::connect(addresses.as_slice()).await, permit)
        };
        // Waiting for a permit counts as connecting.
        let (stream, permit) = timeout(limit, connect).await.map_err(|_| ErrorCode::ConnectionTimeout)?;
        let stream = stream.map_err(|error| match error.kind() {
            io::ErrorKind::AddrNotAvailable => dns_error("address not available"),
            _ => ErrorCode::ConnectionRefused,
        })?;
        if self.nodelay {
            stream.set_nodelay(true).map_err(|_| ErrorCode::ConnectionRefused)?;
        }
        let transport = match is_https(uri) {
            true => Transport::Tls(Box::new(self.secure(uri, stream).await?)),
            false => Transport::Plain(stream),
        };
        Ok(Stream { transport, _permit: permit })
    }

    async fn secure(&self, uri: &Uri, stream: TcpStream) -> Result<TlsStream<TcpStream>, ErrorCode> {
        let host = uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned();
        let name = ServerName::try_from(host).map_err(|_| dns_error("invalid dns name"))?;
        TlsConnector::from(self.tls.clone()).connect(name, stream).await.map_err(|error| {
            tracing::warn!("tls protocol error: {error:?}");
            ErrorCode::TlsProtocolError
        })
    }
}

fn dns_error(rcode: &str) -> ErrorCode {
    ErrorCode::DnsError(DnsErrorPayload { rcode: Some(rcode.to_owned()), info_code: Some(0) })
}

/// A connection, and the permit for it.
pub(super) struct Stream {
    transport: Transport,
    _permit: Option<OwnedSemaphorePermit>,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        match &self.transport {
            Transport::Plain(stream) => stream.connected(),
            Transport::Tls(stream) => {
                let (tcp, tls) = stream.get_ref();
                match tls.alpn_protocol() {
                    Some(b"h2") => tcp.connected().negotiated_h2(),
                    _ => tcp.connected(),
                }
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(cx, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(cx, buffer),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(cx, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }

    // Spin's connections for plain HTTP do not offer vectored writes either: hyper copies what it writes together.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match &mut self.get_mut().transport {
            Transport::Plain(stream) => match slices.iter().find(|slice| !slice.is_empty()) {
                Some(slice) => Pin::new(stream).poll_write(cx, slice),
                None => Poll::Ready(Ok(0)),
            },
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(_) => false,
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }
}
