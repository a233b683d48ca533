//! What the instance counts, and what Prometheus is told of it.
//!
//! An instance lives for some hundred requests, and many run side by side, so what one has counted says little. Each adds
//! what it counted to a hash in Redis, at most once a second and never while somebody waits: [`sharing`]. Nothing of it is
//! needed for correctness, and an instance that dies takes with it what it has not added yet.
//!
//! - [`layout`] says what is counted, and how each counter is called.
//! - [`observer`] hears what the cache does.
//! - [`text`] is what Prometheus reads.

pub mod layout;
pub mod observer;
pub mod sharing;
pub mod text;

use std::cell::Cell;
use std::time::Duration;

use fenced_cache::{FillRefused, Invalidation, ReadOutcome, Times};
use http::StatusCode;

use crate::catalog;
use layout::{Histogram, Layout};
use sharing::Sharing;

/// What an instance has counted since it began. Counting costs an addition: no memory is taken, and no clock is read.
#[derive(Default)]
pub struct Metrics {
    layout: Layout,
    /// Indexed as the layout says.
    counts: Box<[Cell<u64>]>,
    /// How many requests there were: whether the instance is at rest.
    requests: Cell<u64>,
    sharing: Sharing,
}

impl Metrics {
    /// All at zero, for the open collections.
    pub fn new(catalog: &catalog::Settings) -> Self {
        let layout = Layout::new(catalog);
        let zeros = || vec![Cell::new(0); layout.size()].into_boxed_slice();
        Metrics { counts: zeros(), sharing: Sharing::new(zeros()), requests: Cell::new(0), layout }
    }

    /// A request was answered so; its route as [`layout::route_index`] has it.
    pub fn answered(&self, route: usize, status: StatusCode) {
        self.requests.set(self.requests.get() + 1);
        self.add(self.layout.request(route, status), 1);
    }

    fn read(&self, space: &str, outcome: ReadOutcome, times: Times) {
        self.add(self.layout.read(space, outcome), 1);
        self.observe(Histogram::CacheRead, times.cache);
        times.source.into_iter().for_each(|time| self.observe(Histogram::DatabaseRead, time));
    }

    fn fill_refused(&self, space: &str, reason: FillRefused) {
        self.add(self.layout.fill_refused(space, reason), 1);
    }

    fn invalidated(&self, space: &str, invalidation: Invalidation, times: Times) {
        self.add(self.layout.invalidation(space, invalidation), 1);
        self.observe(Histogram::CacheWrite, times.cache);
        times.source.into_iter().for_each(|time| self.observe(Histogram::DatabaseWrite, time));
    }

    fn circuit_opened(&self) {
        self.add(self.layout.circuit_opened(), 1);
    }

    fn observe(&self, histogram: Histogram, time: Duration) {
        let microseconds = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        self.add(self.layout.bucket(histogram, microseconds), 1);
        self.add(self.layout.sum(histogram), microseconds);
    }

    fn add(&self, at: Option<usize>, count: u64) {
        // What is of no open collection is not counted.
        if let Some(cell) = at.and_then(|at| self.counts.get(at)) {
            cell.set(cell.get().saturating_add(count));
        }
    }
}
