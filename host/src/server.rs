//! The HTTP server in front of the components.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

use crate::engine::MAX_INSTANCES;
use crate::instance::Handler;
use crate::request;
use crate::response::{ResponseBody, coalesce_first_chunk, empty, full};
use crate::routes::{Match, Router};

/// Paths below this one are Spin's own.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// How long requests that are being answered may still take when the host is told to stop (`--tuned`).
pub(crate) const GRACE: Duration = Duration::from_secs(10);

/// How long to leave `accept` alone after it failed: most likely, this process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every connection needs.
pub struct Server {
    /// The component for each route.
    pub router: Router<Handler>,
    /// The answer to `/.well-known/spin/info`: JSON.
    pub info: String,
    /// Set with `--tuned`.
    pub tuning: Option<Tuning>,
}

/// What `--tuned` adds for the server.
pub struct Tuning {
    /// One for each request that is being answered; more wait for their turn instead of failing for want of an instance.
    request_slots: Semaphore,
}

impl Tuning {
    /// For one of several runtimes, which share the limit on instances.
    #[must_use]
    pub fn of_one_of(runtimes: usize) -> Self {
        Self { request_slots: Semaphore::new((MAX_INSTANCES as usize / 2 / runtimes).max(1)) }
    }
}

/// Serves connections that were accepted.
pub trait ServeConnection {
    /// Serves this one, in a task of its own. `watcher` is told when it ends, and tells it to.
    fn serve_connection(&mut self, stream: TcpStream, client: SocketAddr, watcher: Watcher);
}

/// Has what `listener` accepts served until `stop` resolves. Then it drops `server` and returns at once; or, where it is to be
/// `graceful`, gives requests that are being answered ten seconds before.
pub async fn serve(
    listener: TcpListener,
    mut server: impl ServeConnection,
    graceful: bool,
    stop: impl Future<Output = ()>,
) {
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, client)) => server.serve_connection(stream, client, connections.watcher()),
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if graceful && timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests were not answered within {GRACE:?} and are cut off");
    }
}

/// Connections that are served on the runtime they are accepted on. Those that are open when this is dropped are cut off:
/// were they left to the end of the runtime, some would see the instances end first, and answer their requests with a 500.
pub struct Connections {
    server: Arc<Server>,
    tasks: JoinSet<()>,
}

impl Connections {
    /// None yet, to be served by `server`.
    #[must_use]
    pub fn of(server: Server) -> Self {
        Self { server: Arc::new(server), tasks: JoinSet::new() }
    }
}

impl ServeConnection for Connections {
    fn serve_connection(&mut self, stream: TcpStream, client: SocketAddr, watcher: Watcher) {
        // Those that ended are kept until somebody asks for them.
        while self.tasks.try_join_next().is_some() {}
        self.tasks.spawn(self.server.clone().connection(stream, client, watcher));
    }
}

impl Server {
    /// Serves one connection to its end.
    pub(crate) async fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr, watcher: Watcher) {
        // Spin leaves Nagle's algorithm on: a second write waits for the client's acknowledgement of the first.
        if self.tuning.is_some()
            && let Err(error) = stream.set_nodelay(true)
        {
            tracing::debug!("no TCP_NODELAY for {client}: {error}");
        }
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { server.answer(request, client).await }
        });
        let http = auto::Builder::new(TokioExecutor::new());
        let connection = http.serve_connection(TokioIo::new(stream), service).into_owned();
        if let Err(error) = watcher.watch(connection).await {
            tracing::warn!("Error serving HTTP connection: {error:?}");
        }
    }

    /// Answers a request.
    ///
    /// # Errors
    /// A request without a host. The connection is closed, without a response.
    async fn answer(&self, mut request: Request<Incoming>, client: SocketAddr) -> Result<Response<ResponseBody>> {
        request::strip_hop_by_hop(&mut request);
        let path = request.uri().path().to_owned();
        if let Some(name) = path.strip_prefix(WELL_KNOWN) {
            return Ok(self.well_known(name));
        }
        let Some(found) = self.router.find(&path) else {
            return Ok(empty(StatusCode::NOT_FOUND));
        };
        request::make_absolute(&mut request)?;
        let method = request.method().clone();
        let response = match &self.tuning {
            None => run(request, &found, client).await,
            Some(tuning) => {
                // The semaphore is never closed, so that there always is a slot in the end.
                let _slot = tuning.request_slots.acquire().await;
                match run(request, &found, client).await {
                    Ok(response) => coalesced(&method, response).await,
                    Err(error) => Err(error),
                }
            }
        };
        Ok(response.unwrap_or_else(|error| {
            tracing::error!("Error processing request: {method} {path}: {error:?}");
            empty(StatusCode::INTERNAL_SERVER_ERROR)
        }))
    }

    fn well_known(&self, name: &str) -> Response<ResponseBody> {
        match name {
            "health" => full("OK"),
            "info" => {
                let mut response = full(self.info.clone());
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
                response
            }
            _ => empty(StatusCode::NOT_FOUND),
        }
    }
}

/// Has the component answer.
async fn run(
    mut request: Request<Incoming>,
    found: &Match<'_, Handler>,
    client: SocketAddr,
) -> Result<Response<ResponseBody>> {
    request::add_spin_headers(&mut request, found, client)?;
    let request = request.map(|body| body.map_err(|error| client_error(&error).into()).boxed_unsync());
    found.target().handle((), request).await.map_err(|error| anyhow!("{error:?}"))
}

async fn coalesced(method: &Method, response: Response<ResponseBody>) -> Result<Response<ResponseBody>> {
    coalesce_first_chunk(method, response).await.map_err(|error| match error {
        Some(error) => anyhow!("{error:?}"),
        None => anyhow!("the response ended before its first byte"),
    })
}

/// What the component is told when its client breaks off within a request's body.
fn client_error(error: &hyper::Error) -> ErrorCode {
    match error.is_timeout() {
        true => ErrorCode::HttpResponseTimeout,
        false => ErrorCode::HttpProtocolError,
    }
}
