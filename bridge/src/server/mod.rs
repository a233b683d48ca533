//! The listening socket: from the first connection to the last.

mod activity;
mod descriptors;
mod socket;
mod tracked;

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsAcceptor;

use crate::client::is_trusted;
use crate::config::Config;
use crate::shares::{Full, Origin, Share, Shares};
use activity::{Activity, Overdue, Timeouts};
use socket::Socket;
use tracked::Requests;

/// How long to wait after `accept` failed: for want of file descriptors it would only fail again at once.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// How large a head may be, and a connection's buffer: a thousand of them are memory, too.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// How long a connection that is closed in order may take for it.
const CLOSING: Duration = Duration::from_secs(1);

/// A server that is bound but does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    signals: (Signal, Signal),
    tls: Option<TlsAcceptor>,
    drain: Duration,
    stop: watch::Sender<bool>,
    connections: Arc<Shares>,
    timeouts: Timeouts,
    trusted: Arc<[IpNet]>,
}

/// What a connection needs to be served.
#[derive(Clone)]
struct Serving {
    router: Router,
    tls: Option<TlsAcceptor>,
    timeouts: Timeouts,
    trusted: Arc<[IpNet]>,
    stop: watch::Receiver<bool>,
    /// Dropped with the connection, so that the server knows when the last one has ended.
    _alive: mpsc::Sender<Infallible>,
}

impl Server {
    /// Takes the address. Connections wait from now on.
    ///
    /// # Errors
    /// A sentence where the address cannot be had, or the system allows too few connections.
    pub async fn bind(config: &Config, tls: Option<TlsAcceptor>) -> Result<Self, String> {
        let (address, limits) = (config.listen, &config.limits);
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
        let all = descriptors::connections(limits.max_client_connections, config.max_connections.into())?;
        // Half of all, so that one address never keeps all others out.
        let each = limits.max_connections_per_address.min(all.div_ceil(2));
        Ok(Server {
            listener,
            address,
            signals,
            tls,
            drain: config.drain_timeout,
            stop: watch::Sender::new(false),
            connections: Shares::new(all, each),
            timeouts: Timeouts { head: limits.head_timeout, idle: limits.idle_timeout, write: limits.write_timeout },
            trusted: limits.trusted_proxies.as_slice().into(),
        })
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
        let (alive, mut ended) = mpsc::channel(1);
        let serving = Serving {
            router,
            tls: self.tls,
            timeouts: self.timeouts,
            trusted: self.trusted,
            stop: self.stop.subscribe(),
            _alive: alive,
        };
        loop {
            let accepted = tokio::select! {
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => admit(stream, peer.ip(), &self.connections, &serving),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_RETRY).await;
                }
            }
        }
        tracing::info!("stopping: requests in flight have {:?}", self.drain);
        self.stop.send_replace(true);
        drop((self.listener, serving));
        // Nothing is ever sent: it ends when the last connection has dropped its end.
        if tokio::time::timeout(self.drain, ended.recv()).await.is_err() {
            tracing::warn!("requests were still in flight after {:?} and are cut off", self.drain);
        }
    }
}

/// Serves a connection, or closes it at once where there are too many.
fn admit(stream: TcpStream, peer: IpAddr, connections: &Arc<Shares>, serving: &Serving) {
    let origin = (!is_trusted(peer, &serving.trusted)).then(|| Origin::from(peer));
    match connections.acquire(origin) {
        Ok(share) => {
            tokio::spawn(serve(stream, peer, share, serving.clone()));
        }
        Err(Full::All) => tracing::warn!(%peer, "too many connections: one is closed at once"),
        Err(Full::Origin) => tracing::debug!(%peer, "too many connections from one address: one is closed at once"),
    }
}

async fn serve(stream: TcpStream, peer: IpAddr, _share: Share, serving: Serving) {
    // Without it the last bytes of an answer may wait 40 ms for an acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY");
    }
    let activity = Activity::new();
    let socket = Socket::new(stream, Arc::clone(&activity));
    let Some(tls) = serving.tls.clone() else { return serve_http(socket, peer, activity, serving).await };
    match tokio::time::timeout(serving.timeouts.head, tls.accept(socket)).await {
        Ok(Ok(stream)) => serve_http(stream, peer, activity, serving).await,
        Ok(Err(error)) => tracing::debug!(%error, "a TLS handshake failed"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// HTTP/1.1 or HTTP/2, whichever the client begins with.
async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: IpAddr,
    activity: Arc<Activity>,
    mut serving: Serving,
) {
    let requests = Requests {
        router: TowerToHyperService::new(serving.router),
        activity: Arc::clone(&activity),
        peer,
        trusted: serving.trusted,
    };
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().max_buf_size(MAX_HEAD_BYTES);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), requests));
    let mut overdue = pin!(activity.overdue(serving.timeouts));
    tokio::select! {
        ended = connection.as_mut() => return debug(ended),
        why = overdue.as_mut() => {
            tracing::debug!(%peer, ?why, "a connection is closed: its client keeps it waiting");
            if why == Overdue::Unread {
                return;
            }
            connection.as_mut().graceful_shutdown();
            // HTTP/2 says good-bye.
            if let Ok(ended) = tokio::time::timeout(CLOSING, connection).await {
                debug(ended);
            }
            return;
        }
        () = stopped(&mut serving.stop) => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        ended = connection => debug(ended),
        why = overdue => tracing::debug!(%peer, ?why, "a connection is closed: its client keeps it waiting"),
    }
}

/// Until the server is told to stop, or has ended.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

fn debug(ended: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = ended {
        tracing::debug!(error, "a connection broke");
    }
}
