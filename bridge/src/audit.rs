//! Who did what: one line a request, at the level `info`. No documents, no filters, no credentials.

use std::time::{Duration, Instant};

use crate::auth::Caller;
use crate::client::Client;

/// A request's line, as it becomes known.
pub struct Audit {
    action: &'static str,
    client: Client,
    since: Instant,
    caller: Option<Caller>,
    database: String,
    collection: String,
}

impl Audit {
    /// A request from there.
    pub fn begin(action: &'static str, client: Client) -> Self {
        Audit {
            action,
            client,
            since: Instant::now(),
            caller: None,
            database: String::new(),
            collection: String::new(),
        }
    }

    /// Whose it is.
    pub fn caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// What it is about.
    pub fn namespace(&mut self, (database, collection): (&str, &str)) {
        if tracing::enabled!(target: "audit", tracing::Level::INFO) {
            database.clone_into(&mut self.database);
            collection.clone_into(&mut self.collection);
        }
    }

    /// What became of it: `ok`, or an error's code.
    pub fn end(self, status: u16, outcome: &'static str) {
        let seconds = Duration::as_secs_f64(&self.since.elapsed());
        tracing::info!(
            target: "audit",
            who = self.caller.as_ref().map_or("nobody", |caller| &caller.principal.id),
            user = self.caller.as_ref().map_or("", |caller| &caller.user.id),
            address = %self.client.0,
            action = self.action,
            database = self.database,
            collection = self.collection,
            status,
            outcome,
            seconds,
            "request"
        );
    }
}
