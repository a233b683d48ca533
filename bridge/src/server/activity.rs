//! What goes on in a connection, and when it has gone on for too long.
//!
//! One watch for all that a client can leave undone, in HTTP/1.1 as in HTTP/2: saying nothing at all, half a head, nothing
//! more after an answer, not reading one. The bridge's own slowness never counts: operations have limits of their own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long a client may keep the server waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For the head of the first request.
    pub(super) head: Duration,
    /// From an answer to the end of the next head.
    pub(super) idle: Duration,
    /// For reading something of an answer.
    pub(super) write: Duration,
}

/// Why a connection is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Overdue {
    /// No request, or only a part of its head.
    Idle,
    /// The client does not read what it is sent.
    Unread,
}

/// One connection's requests.
pub(super) struct Activity(Mutex<State>);

struct State {
    /// When the connection was opened, or its last request ended.
    quiet_since: Instant,
    any_request: bool,
    /// The requests in flight; with the time since when it is the client's turn, to take a piece of its answer.
    turns: BTreeMap<u64, Option<Instant>>,
    next: u64,
    /// Since when the kernel takes nothing more of what is to be sent.
    blocked_since: Option<Instant>,
}

/// A request in flight. It ends when this is dropped.
pub(super) struct Turn {
    activity: Arc<Activity>,
    id: u64,
}

impl Activity {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Activity(Mutex::new(State {
            quiet_since: Instant::now(),
            any_request: false,
            turns: BTreeMap::new(),
            next: 0,
            blocked_since: None,
        })))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request's head has come.
    pub(super) fn begin(self: &Arc<Self>) -> Turn {
        let mut state = self.state();
        let id = state.next;
        state.next += 1;
        state.any_request = true;
        state.turns.insert(id, None);
        Turn { activity: Arc::clone(self), id }
    }

    /// Whether the kernel takes what is to be sent.
    pub(super) fn blocked(&self, blocked: bool) {
        let mut state = self.state();
        state.blocked_since = blocked.then(Instant::now);
        if !blocked {
            // What is still being read is not quiet.
            state.quiet_since = Instant::now();
        }
    }

    /// Waits until the client has kept the server waiting for too long.
    pub(super) async fn overdue(&self, timeouts: Timeouts) -> Overdue {
        loop {
            let now = Instant::now();
            let due = self.state().due(timeouts);
            match due {
                Some((at, why)) if at <= now => return why,
                due => {
                    // Later events may bring an earlier time than the one that is due now, by this much at most.
                    let again = now + timeouts.head.min(timeouts.idle).min(timeouts.write);
                    tokio::time::sleep_until(due.map_or(again, |(at, _)| at.min(again))).await;
                }
            }
        }
    }
}

impl State {
    fn due(&self, timeouts: Timeouts) -> Option<(Instant, Overdue)> {
        let unread = self.turns.values().flatten().chain(&self.blocked_since).min();
        if let Some(since) = unread {
            return Some((*since + timeouts.write, Overdue::Unread));
        }
        let quiet = if self.any_request { timeouts.idle } else { timeouts.head };
        self.turns.is_empty().then(|| (self.quiet_since + quiet, Overdue::Idle))
    }
}

impl Turn {
    /// It is the client's turn, to take what it was given, or ours, to give more.
    pub(super) fn of_client(&self, clients: bool) {
        self.activity.state().turns.insert(self.id, clients.then(Instant::now));
    }

    /// The client has taken something of what it was given.
    pub(super) fn taken(&self) {
        let mut state = self.activity.state();
        // Where it is our turn, the client has no time to be given.
        if let Some(since @ Some(_)) = state.turns.get_mut(&self.id) {
            *since = Some(Instant::now());
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut state = self.activity.state();
        state.turns.remove(&self.id);
        state.quiet_since = Instant::now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUTS: Timeouts =
        Timeouts { head: Duration::from_secs(3), idle: Duration::from_secs(10), write: Duration::from_secs(5) };

    /// After how many seconds the connection is closed, and why, if nothing else happens.
    fn due(activity: &Activity) -> Option<(u64, Overdue)> {
        let state = activity.state();
        let started = state.turns.values().flatten().chain(&state.blocked_since).min().copied();
        let started = started.unwrap_or(state.quiet_since);
        state.due(TIMEOUTS).map(|(at, why)| ((at - started).as_secs(), why))
    }

    #[test]
    fn each_way_of_keeping_us_waiting() {
        let activity = Activity::new();
        assert_eq!(due(&activity), Some((3, Overdue::Idle)), "a silent client");
        let turn = activity.begin();
        assert_eq!(due(&activity), None, "our own slowness");
        turn.of_client(true);
        assert_eq!(due(&activity), Some((5, Overdue::Unread)));
        turn.of_client(false);
        turn.taken();
        assert_eq!(due(&activity), None, "our own slowness");
        activity.blocked(true);
        assert_eq!(due(&activity), Some((5, Overdue::Unread)));
        activity.blocked(false);
        drop(turn);
        assert_eq!(due(&activity), Some((10, Overdue::Idle)), "between requests");
        activity.blocked(true);
        assert_eq!(due(&activity), Some((5, Overdue::Unread)), "the end of an answer that is not read");
    }
}
