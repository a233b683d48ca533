//! Outbound HTTP: `wasi:http/client`.
//!
//! wasmtime-wasi-http turns the component's request into an [`http::Request`] and hands it to the hook here, which asks
//! whether the host is allowed and sends it: through one client with pooled connections, shared by all instances.

mod connect;
mod error;
mod timed_body;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use wasmtime_wasi::TrappableError;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;
use wasmtime_wasi_http::p3::{RequestOptions, WasiHttpHooks};

use self::connect::{CONNECT_TIMEOUT, Connector};
use self::timed_body::TimedBody;
use crate::allowed_hosts::{AllowedHosts, Destination};
use crate::runtime_config::OutboundHttp;
use crate::tls;

/// What a request may take where the component sets no limit: Spin's and Wasmtime's default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

type Body = UnsyncBoxBody<Bytes, ErrorCode>;

/// The shared client. Cheap to clone.
#[derive(Clone)]
pub struct Client(legacy::Client<Connector, Body>);

impl Client {
    /// A client without connections. With pooling, it keeps connections for the next request to the same host. With
    /// `tuned`, they have `TCP_NODELAY`.
    #[must_use]
    pub fn new(config: &OutboundHttp, tuned: bool) -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        if !config.connection_pooling {
            builder.pool_max_idle_per_host(0);
        }
        let limit = config.connection_limit().map(|limit| Arc::new(Semaphore::new(limit)));
        Self(builder.build(Connector { nodelay: tuned, limit, tls: tls::client_config() }))
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// A pooled connection that the server closed meanwhile is replaced and the request sent again, as long as nothing
    /// of it had been written.
    async fn send(&self, request: Request<Body>, options: RequestOptions) -> Result<Response<Body>, ErrorCode> {
        let connecting = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);

        let response = CONNECT_TIMEOUT.scope(connecting, self.0.request(request));
        let response = timeout(first_byte, response)
            .await
            .map_err(|_| ErrorCode::ConnectionReadTimeout)?
            .map_err(|error| error::of_request(&error))?;
        Ok(response.map(|body| TimedBody::new(body, between_bytes).boxed_unsync()))
    }
}

/// wasmtime-wasi-http's hooks for one instance.
pub(crate) struct Outbound {
    client: Client,
    allowed_hosts: Arc<AllowedHosts>,
}

impl Outbound {
    /// Sends through the client, to the hosts that are allowed alone.
    pub(crate) fn new(client: Client, allowed_hosts: Arc<AllowedHosts>) -> Self {
        Self { client, allowed_hosts }
    }
}

type Done = Box<dyn Future<Output = Result<(), ErrorCode>> + Send>;
type Sent = Result<(Response<Body>, Done), TrappableError<ErrorCode>>;

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        mut request: Request<Body>,
        options: Option<RequestOptions>,
        // Says how the component fared with the response; nothing here depends on it.
        _: Done,
    ) -> Box<dyn Future<Output = Sent> + Send> {
        let (client, allowed_hosts) = (self.client.clone(), Arc::clone(&self.allowed_hosts));
        Box::new(async move {
            check(&allowed_hosts, &request)?;
            // hyper sets it, from the URI.
            request.headers_mut().remove(HOST);
            let response = client.send(request, options.unwrap_or_default()).await?;
            // The client drives its connections itself, so there is nothing left to do.
            Ok((response, Box::new(std::future::ready(Ok(()))) as Done))
        })
    }
}

fn check<B>(allowed_hosts: &AllowedHosts, request: &Request<B>) -> Result<(), ErrorCode> {
    let Ok(destination) = Destination::parse(&request.uri().to_string(), "https") else {
        return Err(ErrorCode::HttpRequestDenied);
    };
    if allowed_hosts.allow(&destination) {
        return Ok(());
    }
    destination.warn_denied();
    Err(ErrorCode::HttpRequestDenied)
}

/// Whether a request to `uri` is encrypted.
fn is_https(uri: &http::Uri) -> bool {
    uri.scheme() == Some(&Scheme::HTTPS)
}
