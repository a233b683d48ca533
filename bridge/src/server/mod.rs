//! The listening socket: from the first connection to the last.

mod quick_ack;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use quick_ack::QuickAck;

/// How long a client may take for a TLS handshake, and for the head of a request.
const PATIENCE: Duration = Duration::from_secs(30);

/// After the system has no file descriptors left it would only say so again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// A server that is bound but does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    signals: (Signal, Signal),
    tls: Option<TlsAcceptor>,
    drain: Duration,
    stop: watch::Sender<bool>,
}

impl Server {
    /// Takes the address. Connections wait from now on.
    ///
    /// # Errors
    /// Where it cannot be had, with a sentence that names it.
    pub async fn bind(address: SocketAddr, tls: Option<TlsAcceptor>, drain: Duration) -> Result<Self, String> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("the address {address} is taken by another program; choose one with --listen")
            }
            _ => format!("cannot listen on {address}: {error}"),
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let handler = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
        let signals = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
        Ok(Server { listener, address, signals, tls, drain, stop: watch::Sender::new(false) })
    }

    /// Where it listens: the port is a real one also where 0 was asked for.
    pub fn url(&self) -> String {
        let secure = if self.tls.is_some() { "s" } else { "" };
        format!("http{secure}://{}", self.address)
    }

    /// Whether it has been told to stop.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stop.subscribe()
    }

    /// Serves until SIGTERM or SIGINT; then takes no more connections, lets requests in flight finish, within bounds,
    /// and comes back.
    pub async fn run(self, router: Router) {
        let (mut terminate, mut interrupt) = self.signals;
        let graceful = GracefulShutdown::new();
        loop {
            let accepted = tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((connection, _)) => {
                    tokio::spawn(serve(connection, self.tls.clone(), router.clone(), graceful.watcher()));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
        tracing::info!("stopping: requests in flight have {:?}", self.drain);
        self.stop.send_replace(true);
        drop(self.listener);
        tokio::select! {
            () = graceful.shutdown() => {}
            () = tokio::time::sleep(self.drain) => {
                tracing::warn!("requests were still in flight after {:?} and are cut off", self.drain);
            }
        }
    }
}

async fn serve(connection: TcpStream, tls: Option<TlsAcceptor>, router: Router, watcher: Watcher) {
    // Without it the last bytes of an answer may wait 40 ms for an acknowledgement.
    if let Err(error) = connection.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let connection = QuickAck(connection);
    let Some(tls) = tls else { return speak(connection, router, watcher).await };
    match tokio::time::timeout(PATIENCE, tls.accept(connection)).await {
        Ok(Ok(connection)) => speak(connection, router, watcher).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// HTTP/1.1 or HTTP/2, whichever the client begins with.
async fn speak(connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, router: Router, watcher: Watcher) {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(PATIENCE).keep_alive_timeout(PATIENCE);
    let serving = builder.serve_connection(TokioIo::new(connection), TowerToHyperService::new(router)).into_owned();
    if let Err(error) = watcher.watch(serving).await {
        tracing::debug!(error, "a connection broke");
    }
}
