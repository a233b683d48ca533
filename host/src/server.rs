//! The HTTP server in front of the component.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Request, Response, StatusCode};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use wasmtime_wasi_http::handler::{ExpirationError, InstantiationError};

use crate::instance::Handler;
use crate::request;
use crate::response::{Outgoing, in_one_piece, problem};

/// How many requests the component works on at a time; more wait for their turn. Each may need an instance of its own.
pub const MAX_REQUESTS: u32 = 1000;

/// How long requests that are being answered may still take when the host is told to stop.
const GRACE: Duration = Duration::from_secs(10);

/// How long to leave `accept` alone after it failed: most likely, this process has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What every connection needs.
struct Server {
    handler: Handler,
    address: SocketAddr,
    turns: Semaphore,
}

/// Serves requests from `listener` with `handler` until `stop` resolves; then accepts no more, and gives those that are
/// being answered ten seconds.
///
/// # Errors
/// A listener without an address.
pub async fn serve(listener: TcpListener, handler: Handler, stop: impl Future<Output = ()>) -> std::io::Result<()> {
    let address = listener.local_addr()?;
    let server = Arc::new(Server { handler, address, turns: Semaphore::new(MAX_REQUESTS as usize) });
    let connections = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, client)) => server.clone().connection(stream, client, &connections),
            Err(error) => {
                tracing::warn!("cannot accept a connection: {error}");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("some requests were not answered within {GRACE:?} and are cut off");
    }
    Ok(())
}

impl Server {
    /// Serves one connection, in a task of its own.
    fn connection(self: Arc<Self>, stream: TcpStream, client: SocketAddr, connections: &GracefulShutdown) {
        // A response that does leave in pieces must not wait for the client's delayed acknowledgements (40 ms each).
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY for {client}: {error}");
        }
        let service = service_fn(move |request| {
            let server = self.clone();
            async move { Ok::<_, Infallible>(server.answer(request, client).await) }
        });
        let mut http = http1::Builder::new();
        // The timer bounds how long a client may take to send a request's head (30 seconds).
        http.timer(TokioTimer::new());
        let connection = connections.watch(http.serve_connection(TokioIo::new(stream), service));
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("the connection of {client} broke: {error}");
            }
        });
    }

    async fn answer(&self, request: Request<Incoming>, client: SocketAddr) -> Response<Outgoing> {
        let method = request.method().clone();
        let path = request.uri().path().to_owned();
        let request = match request::prepare(request, client, self.address) {
            Ok(request) => request,
            Err(mistake) => return problem(StatusCode::BAD_REQUEST, mistake),
        };
        // The semaphore is never closed, so that there always is a permit in the end.
        let _turn = self.turns.acquire().await;
        let response = match self.handler.handle((), request).await {
            Ok(response) => response,
            Err(error) => return failure(&error, &format!("{method} {path}")),
        };
        match in_one_piece(&method, response).await {
            Ok(response) => response,
            Err(error) => {
                let error = error.map_or("it ended too early".to_owned(), |error| error.to_string());
                tracing::error!("{method} {path}: the component failed while it sent its response: {error}");
                problem(StatusCode::INTERNAL_SERVER_ERROR, "the component failed")
            }
        }
    }
}

/// The answer to a request that the component gave none to. What went wrong is for the log, not for the client.
fn failure(error: &wasmtime::Error, request: &str) -> Response<Outgoing> {
    if let Some(error) = error.downcast_ref::<InstantiationError<()>>() {
        tracing::error!("{request}: no instance of the component could be made: {:#}", error.error);
        let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "the component could not be started");
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    }
    tracing::error!("{request}: {error:#}");
    let detail = match error.is::<ExpirationError>() {
        true => "the component did not answer in time",
        false => "the component failed",
    };
    problem(StatusCode::INTERNAL_SERVER_ERROR, detail)
}
