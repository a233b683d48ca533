//! The listening socket: from the first connection to the last.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// How long requests in flight may go on after a signal to stop.
const DRAIN: Duration = Duration::from_secs(10);

/// A server that is bound but does not serve yet.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    signals: (Signal, Signal),
}

impl Server {
    /// Takes the address. Connections wait from now on.
    ///
    /// # Errors
    /// Where it cannot be had, with a sentence that names it.
    pub async fn bind(address: SocketAddr) -> Result<Self, String> {
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("the address {address} is taken by another program; choose one with --listen")
            }
            _ => format!("cannot listen on {address}: {error}"),
        };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let handler = |kind| signal(kind).map_err(|error| format!("cannot wait for signals: {error}"));
        Ok(Server {
            listener,
            address,
            signals: (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?),
        })
    }

    /// Where it listens: the port is a real one also where 0 was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until SIGTERM or SIGINT; then takes no more connections, lets requests in flight finish, within bounds,
    /// and comes back.
    ///
    /// # Errors
    /// Where accepting connections fails for good.
    pub async fn run(self, router: Router) -> io::Result<()> {
        let (mut terminate, mut interrupt) = self.signals;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: requests in flight have {} seconds", DRAIN.as_secs());
            // Nobody listens any more only when we are gone already.
            let _ = stop.send(true);
        });
        let listener = self.listener.tap_io(|connection| {
            // Without it the last bytes of an answer may wait 40 ms for an acknowledgement.
            if let Err(error) = connection.set_nodelay(true) {
                tracing::debug!(%error, "TCP_NODELAY");
            }
        });
        let serving = axum::serve(listener, router).with_graceful_shutdown(told(stopped.clone()));
        tokio::select! {
            done = serving => done,
            () = overdue(stopped) => {
                tracing::warn!("requests were still in flight after {} seconds and are cut off", DRAIN.as_secs());
                Ok(())
            }
        }
    }
}

async fn told(mut stopped: watch::Receiver<bool>) {
    // It fails only where the sender is gone, and that is no reason to go on.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

async fn overdue(stopped: watch::Receiver<bool>) {
    told(stopped).await;
    tokio::time::sleep(DRAIN).await;
}
