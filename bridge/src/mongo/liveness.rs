//! Whether MongoDB still answers.
//!
//! The driver notices a server that is gone, but an operation that was sent to one that froze (its process stopped, its
//! network silent) waits for ever: connections have no timeout of their own, or a long query could not be told from a dead
//! server. So while operations are in flight, pings go out beside them, on a connection of their own; when one is not
//! answered, everyone who waits is told.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mongodb::Client;
use mongodb::bson::doc;
use tokio::sync::watch;

/// Pings MongoDB while operations wait for it.
#[derive(Clone)]
pub(super) struct LivenessMonitor {
    waiting: Arc<AtomicUsize>,
    /// How often it stopped.
    stopped: watch::Receiver<u64>,
}

impl LivenessMonitor {
    /// Starts to follow. The client is one whose connections nobody else uses; an operation hears about a frozen server
    /// within `limit`.
    pub(super) fn follow(client: Client, limit: Duration) -> Self {
        let (tell, stopped) = watch::channel(0);
        let waiting = Arc::new(AtomicUsize::new(0));
        let monitor = LivenessMonitor { waiting: Arc::clone(&waiting), stopped };
        tokio::spawn(async move {
            let (pause, patience) = (limit / 4, limit / 4 * 3);
            loop {
                tokio::time::sleep(pause).await;
                if tell.is_closed() {
                    break;
                }
                if waiting.load(Ordering::Relaxed) == 0 {
                    continue;
                }
                let admin = client.database("admin");
                let ping = admin.run_command(doc! { "ping": 1 });
                // An error is an answer, or comes from the driver, which tells the operations itself.
                if tokio::time::timeout(patience, ping).await.is_err() {
                    tell.send_modify(|count| *count += 1);
                }
            }
        });
        monitor
    }

    /// Waits with the operation; `None` where MongoDB stopped answering first.
    pub(super) async fn with<T>(&self, operation: impl Future<Output = T>) -> Option<T> {
        let _waiting = Waiting::new(&self.waiting);
        let mut stopped = self.stopped.clone();
        // What happened before this operation began does not concern it.
        stopped.mark_unchanged();
        tokio::select! {
            biased;
            done = operation => Some(done),
            Ok(()) = stopped.changed() => None,
        }
    }
}

struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Waiting(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
