//! What operators see of a request that somebody has to be known for: a metric, and a line in the audit log.

use axum::http::StatusCode;

use super::App;
use crate::actions::Action;
use crate::audit::Audit;
use crate::client::Client;
use crate::error::Error;
use crate::metrics::InFlight;

/// A request as it becomes known. Where it is dropped without [`Seen::end`], the client has left.
pub(super) struct Seen {
    in_flight: InFlight,
    /// Who asks, and about what.
    pub(super) audit: Audit,
}

impl Seen {
    /// A request from there, under the name of its route.
    pub(super) fn begin(app: &App, name: &'static str, client: Client) -> Self {
        Seen { in_flight: app.metrics.begin(name), audit: Audit::begin(name, client) }
    }

    /// What the request does: of a function, only its body says it.
    pub(super) fn action(&mut self, action: Action) {
        self.in_flight.action(action.name());
        self.audit.action(action.name());
    }

    /// How it is answered: with this status, or with the error.
    pub(super) fn end(self, answered: Result<StatusCode, &Error>) {
        let (status, outcome) = match answered {
            Ok(status) => (status, "ok"),
            Err(error) => (error.status(), error.code()),
        };
        self.in_flight.end(outcome);
        self.audit.end(status.as_u16(), outcome);
    }
}
