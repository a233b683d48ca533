//! Outbound HTTP: `wasi:http/client`.
//!
//! wasmtime-wasi-http turns the component's request into an [`http::Request`] and hands it to the hook here, which asks
//! whether the host is allowed and sends it. Plain HTTP goes through one client with pooled connections, shared by all
//! instances; HTTPS through Wasmtime's own function, a connection each time.

mod connect;
mod error;
mod timed_body;

use std::sync::Arc;
use std::time::Duration;

use http::uri::Scheme;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::timeout;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks, default_send_request};

use self::connect::{CONNECT_TIMEOUT, Connector};
use self::timed_body::TimedBody;
use crate::allowed_hosts::Destination;
use crate::guest::Shared;

/// What a request may take where the component sets no limit: Spin's and Wasmtime's default.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(600);

/// The shared client. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(legacy::Client<Connector, WasiBody>);

impl Client {
    /// A client without connections. With `pooling`, it keeps connections for the next request to the same host.
    #[must_use]
    pub fn new(pooling: bool) -> Self {
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder.pool_timer(TokioTimer::new());
        if !pooling {
            builder.pool_max_idle_per_host(0);
        }
        Self(builder.build(Connector))
    }

    /// Sends a plain-HTTP request and waits for the head of the response.
    ///
    /// A pooled connection that the server closed meanwhile is replaced and the request sent again, as long as nothing
    /// of it had been written.
    async fn send(&self, request: Request<WasiBody>, options: RequestOptions) -> Result<Response<WasiBody>, Error> {
        let connecting = options.connect_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let first_byte = options.first_byte_timeout.unwrap_or(DEFAULT_TIMEOUT);
        let between_bytes = options.between_bytes_timeout.unwrap_or(DEFAULT_TIMEOUT);

        let response = CONNECT_TIMEOUT.scope(connecting, self.0.request(request));
        let response = timeout(first_byte, response)
            .await
            .map_err(|_| Error::ConnectionReadTimeout)?
            .map_err(|error| error::of_request(&error))?;
        Ok(response.map(|body| TimedBody::new(body, between_bytes).boxed_unsync()))
    }
}

/// wasmtime-wasi-http's hooks for one instance.
pub(crate) struct Outbound(Arc<Shared>);

impl Outbound {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self(shared)
    }
}

type Sent = (Response<WasiBody>, Box<dyn Future<Output = Result<(), Error>> + Send>);

impl WasiHttpHooks for Outbound {
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        options: Option<RequestOptions>,
        // Says how the component fared with the response; nobody here wants to know.
        _: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Box<dyn Future<Output = Result<Sent, Error>> + Send> {
        let shared = self.0.clone();
        Box::new(async move {
            check(&shared, &request)?;
            if request.uri().scheme() == Some(&Scheme::HTTPS) {
                let (response, connection) = default_send_request(request, options).await?;
                return Ok((response.map(BodyExt::boxed_unsync), Box::new(connection) as Box<_>));
            }
            let response = shared.http.send(request, options.unwrap_or_default()).await?;
            // The client drives its connections itself, so there is nothing left to do.
            Ok((response, Box::new(std::future::ready(Ok(()))) as Box<_>))
        })
    }
}

fn check(shared: &Shared, request: &Request<WasiBody>) -> Result<(), Error> {
    let Ok(destination) = Destination::parse(&request.uri().to_string(), "https") else {
        return Err(Error::HttpRequestUriInvalid);
    };
    if shared.allowed_hosts.allow(&destination) {
        return Ok(());
    }
    destination.warn_denied();
    Err(Error::HttpRequestDenied)
}
