//! Who did what: one line a request, at the level `info`. No documents, no filters, no credentials.

use std::sync::Arc;
use std::time::Instant;

use crate::auth::Principal;
use crate::client::Client;

/// A request's line, as it becomes known. It is written when this is dropped; without an outcome, the client has gone.
pub struct Audit {
    action: &'static str,
    client: Client,
    since: Instant,
    principal: Option<Arc<Principal>>,
    database: String,
    collection: String,
    /// `None` where nothing was answered.
    status: Option<u16>,
    outcome: &'static str,
}

impl Audit {
    /// A request from there.
    pub fn begin(action: &'static str, client: Client) -> Self {
        Audit {
            action,
            client,
            since: Instant::now(),
            principal: None,
            database: String::new(),
            collection: String::new(),
            status: None,
            outcome: "gone",
        }
    }

    /// Whose it is.
    pub fn principal(&mut self, principal: &Arc<Principal>) {
        self.principal = Some(Arc::clone(principal));
    }

    /// What it does, where its route does not say that.
    pub fn action(&mut self, action: &'static str) {
        self.action = action;
    }

    /// What it is about.
    pub fn namespace(&mut self, (database, collection): (&str, &str)) {
        if tracing::enabled!(target: "audit", tracing::Level::INFO) {
            database.clone_into(&mut self.database);
            collection.clone_into(&mut self.collection);
        }
    }

    /// What became of it: `ok`, or an error's code.
    pub fn end(mut self, status: u16, outcome: &'static str) {
        (self.status, self.outcome) = (Some(status), outcome);
    }
}

/// Whatever became of the request, it has a line: a client that leaves in the middle may have changed something.
impl Drop for Audit {
    fn drop(&mut self) {
        let seconds = self.since.elapsed().as_secs_f64();
        tracing::info!(
            target: "audit",
            who = self.principal.as_ref().map_or("nobody", |principal| &principal.id),
            user = self.principal.as_ref().map_or("", |principal| &principal.user.id),
            address = %self.client.0,
            action = self.action,
            database = self.database,
            collection = self.collection,
            status = self.status,
            outcome = self.outcome,
            seconds,
            "request"
        );
    }
}
