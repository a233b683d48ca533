//! What the cache does: counted, and said in the log once per change of state.

use std::rc::Rc;

use fenced_cache::{FillRefused, Invalidation, Notice, Observer, ReadOutcome, Times};

use super::Metrics;

/// Counts what the cache does, and writes to the log what the operator should read.
pub struct CacheObserver(pub Rc<Metrics>);

impl Observer for CacheObserver {
    fn read(&self, space: &str, outcome: ReadOutcome, times: Times) {
        self.0.read(space, outcome, times);
    }

    fn fill_refused(&self, space: &str, reason: FillRefused) {
        self.0.fill_refused(space, reason);
    }

    fn invalidated(&self, space: &str, invalidation: Invalidation, times: Times) {
        self.0.invalidated(space, invalidation, times);
    }

    fn circuit_open(&self, open: bool) {
        if open {
            self.0.circuit_opened();
        }
    }

    fn notice(&self, notice: &Notice<'_>) {
        // Quoted, so that nothing that came from outside can start a line of its own.
        eprintln!("store-api: cache: {:?}", notice.to_string());
    }
}
