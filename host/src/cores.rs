//! A runtime for each core (`--tuned`).
//!
//! One runtime that gives its tasks to whichever thread is free moves a request between cores several times, with a lock or
//! a wake-up at each move. Here a connection stays on the thread that it was given to, with instances, a Redis connection and
//! a pool of HTTP connections of that thread's own.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context, Result};
use hyper_util::server::graceful::Watcher;
use tokio::net::TcpStream;
use tokio::runtime;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::server::{ServeConnection, Server};

/// The threads that serve.
pub struct Cores(Vec<Core>);

struct Core {
    accepted: UnboundedSender<Accepted>,
    /// How many connections it has.
    connections: Arc<AtomicUsize>,
}

/// A connection on its way to its thread.
struct Accepted {
    stream: std::net::TcpStream,
    client: SocketAddr,
    watcher: Watcher,
    open: Open,
}

/// Counts a connection for as long as it is open.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Cores {
    /// Starts a thread for each server. They end with the process.
    ///
    /// # Errors
    /// The system's, where it has no thread left.
    pub fn start(servers: Vec<Server>) -> Result<Self> {
        let cores = servers.into_iter().enumerate().map(|(number, server)| {
            let (accepted, receiver) = unbounded_channel();
            let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
            thread::Builder::new()
                .name(format!("core-{number}"))
                .spawn(move || runtime.block_on(serve(Arc::new(server), receiver)))?;
            Ok(Core { accepted, connections: Arc::default() })
        });
        cores.collect::<std::io::Result<_>>().map(Self).context("cannot start a thread for each core")
    }
}

async fn serve(server: Arc<Server>, mut accepted: UnboundedReceiver<Accepted>) {
    while let Some(Accepted { stream, client, watcher, open }) = accepted.recv().await {
        let server = server.clone();
        match TcpStream::from_std(stream) {
            Ok(stream) => drop(tokio::spawn(async move {
                server.connection(stream, client, watcher).await;
                drop(open);
            })),
            Err(error) => tracing::warn!("cannot serve the connection of {client}: {error}"),
        }
    }
}

impl ServeConnection for Cores {
    /// Gives it to the thread that has the fewest.
    fn serve_connection(&mut self, stream: TcpStream, client: SocketAddr, watcher: Watcher) {
        let Some(core) = self.0.iter().min_by_key(|core| core.connections.load(Ordering::Relaxed)) else { return };
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!("cannot serve the connection of {client}: {error}"),
        };
        core.connections.fetch_add(1, Ordering::Relaxed);
        let open = Open(core.connections.clone());
        // Its thread is there as long as this process is.
        _ = core.accepted.send(Accepted { stream, client, watcher, open });
    }
}
