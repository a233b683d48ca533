//! How instances add up what they have counted: each adds to a hash in Redis what it has counted since it did so last, at
//! most once a second, in one step.
//!
//! Not on the way to an answer: [`Metrics::share`] is for the time after it. It waits until the instance is at rest, or for a
//! second. A busy instance has served all the requests that its host gives it within some milliseconds, and
//! gets none afterwards; without the wait all but its first request would be lost.

use std::cell::Cell;
use std::collections::HashMap;
use std::mem;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{CacheError, Platform, Ports, ReadThrough};

use super::Metrics;
use super::text::{Report, Scope};
use crate::catalog;

/// How often an instance adds at most.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long an instance that has not added anything yet must be without a request to be at rest: at first. It grows
/// with the instance's age, so that none lives more than twice as long for it.
const REST: Duration = Duration::from_millis(10);
/// For how long Redis keeps the counts after somebody has added to them.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What an instance remembers of what it has added.
#[derive(Default)]
pub(super) struct Sharing {
    /// What was added, or is being added.
    shared: Box<[Cell<u64>]>,
    /// When it was last begun.
    began: Cell<Option<Duration>>,
    /// Whether somebody waits to add.
    waiting: Cell<bool>,
}

impl Sharing {
    pub fn new(shared: Box<[Cell<u64>]>) -> Self {
        Sharing { shared, ..Sharing::default() }
    }

    /// How long it takes until the instance may add again.
    fn not_before(&self, now: Duration) -> Duration {
        self.began.get().map_or(Duration::ZERO, |began| (began + INTERVAL).saturating_sub(now))
    }
}

/// The hash in Redis. A deployment has one for all collections; it stands with the cache's own keys of the first.
fn key(catalog: &catalog::Settings) -> Option<String> {
    catalog.collections.first().map(|first| [&catalog.key_prefix(first), ":~metrics"].concat())
}

/// One at a time waits to add; also one that is dropped makes room for the next.
struct Waiting<'a>(&'a Cell<bool>);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

impl Metrics {
    /// Whether a request waits to add up what was counted.
    pub fn is_waiting(&self) -> bool {
        self.sharing.waiting.get()
    }

    /// Waits until the instance is at rest, or for as long as it must, and adds up what it has counted by then; unless
    /// another request does so already.
    pub async fn share<C: Ports>(&self, cache: &ReadThrough<C>, catalog: &catalog::Settings) {
        if self.sharing.waiting.replace(true) {
            return;
        }
        let waiting = Waiting(&self.sharing.waiting);
        let platform = cache.platform();
        let (began, mut rest) = (platform.now(), REST);
        loop {
            let requests = self.requests.get();
            let left = self.sharing.not_before(platform.now());
            platform.sleep(left.max(rest)).await;
            let now = platform.now();
            let at_rest = self.requests.get() == requests || now - began >= INTERVAL;
            if at_rest && self.sharing.not_before(now).is_zero() {
                break;
            }
            rest = (rest * 2).min(INTERVAL);
        }
        // First, so that somebody waits for what is counted from now on.
        drop(waiting);
        // What Redis did not take is added next time.
        let _ = self.add_up(cache, catalog, false).await;
    }

    /// What Prometheus is told: what all instances have counted, or this one, where Redis cannot be asked.
    pub async fn report<C: Ports>(&self, cache: &ReadThrough<C>, catalog: &catalog::Settings) -> String {
        let all = match self.add_up(cache, catalog, true).await {
            // A Redis that is full takes no more, and can still be read.
            Err(CacheError::Refused { .. }) => self.add_up(cache, catalog, true).await,
            answer => answer,
        };
        let (counts, scope) = match all {
            Ok(all) => {
                let all: HashMap<&[u8], u64> = all.iter().map(|(name, count)| (&name[..], *count)).collect();
                let names = self.layout.names(|_| true);
                (names.iter().map(|name| all.get(name.as_bytes()).copied().unwrap_or(0)).collect(), Scope::All)
            }
            Err(_) => (self.counts.iter().map(Cell::get).collect::<Vec<_>>(), Scope::Instance),
        };
        Report { counts: &counts, scope, circuit_open: cache.is_circuit_open() }.text(&self.layout)
    }

    /// Adds what was counted since it was added last, if it may by now. Everybody's counts, where `read` asks for them.
    async fn add_up<C: Ports>(
        &self,
        cache: &ReadThrough<C>,
        catalog: &catalog::Settings,
        read: bool,
    ) -> Result<Vec<(Bytes, u64)>, CacheError> {
        let Some(key) = key(catalog) else { return Ok(vec![]) };
        let now = cache.platform().now();
        let added = if self.sharing.not_before(now).is_zero() { self.take() } else { vec![] };
        if added.is_empty() && !read {
            return Ok(vec![]);
        }
        if !added.is_empty() {
            self.sharing.began.set(Some(now));
        }
        // They are in the order of their places.
        let mut names = self.layout.names(|place| added.binary_search_by_key(&place, |(at, _)| *at).is_ok());
        let increments: Vec<_> = added.iter().map(|(at, count)| (mem::take(&mut names[*at]), *count)).collect();
        let answer = cache.add_up(&key, &increments, KEPT, read).await;
        // Where Redis may have added them, they are not added again: better lost than counted twice.
        if matches!(answer, Err(CacheError::Refused { .. } | CacheError::Unreachable(_) | CacheError::CircuitOpen)) {
            for (at, count) in added {
                let shared = &self.sharing.shared[at];
                shared.set(shared.get().saturating_sub(count));
            }
        }
        answer
    }

    /// What was counted since it was taken last, by the place of the counter.
    fn take(&self) -> Vec<(usize, u64)> {
        let counters = self.counts.iter().zip(&self.sharing.shared).enumerate();
        counters
            .map(|(at, (count, shared))| (at, count.get() - shared.replace(count.get())))
            .filter(|(_, count)| *count > 0)
            .collect()
    }
}
