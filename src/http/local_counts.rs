//! Requests counted in the instance, for as long as Redis cannot count them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

/// How many callers are remembered at a time.
const MAX_CALLERS: usize = 1024;

/// How many requests each caller has sent to this instance in its window.
#[derive(Default)]
pub struct LocalCounts(RefCell<HashMap<String, Window>>);

struct Window {
    began: Duration,
    count: u64,
}

impl LocalCounts {
    /// Counts one more request of the caller, in a window that begins with the first: how many that makes, and what is
    /// left of the window.
    pub fn count(&self, caller: &str, length: Duration, now: Duration) -> (u64, Duration) {
        let mut windows = self.0.borrow_mut();
        let passed = |window: &Window| now.saturating_sub(window.began);
        if !windows.contains_key(caller) && windows.len() >= MAX_CALLERS {
            windows.retain(|_, window| passed(window) < length);
            // Still full. Those who are near their limit are the ones to remember.
            if windows.len() >= MAX_CALLERS {
                let fewest = windows.iter().min_by_key(|(_, window)| window.count);
                if let Some(caller) = fewest.map(|(caller, _)| caller.clone()) {
                    windows.remove(&caller);
                }
            }
        }
        let window = windows.entry(caller.to_owned()).or_insert(Window { began: now, count: 0 });
        if passed(window) >= length {
            *window = Window { began: now, count: 0 };
        }
        window.count += 1;
        (window.count, length.saturating_sub(passed(window)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_window_begins_with_the_first_request_and_ends_after_its_length() {
        let counts = LocalCounts::default();
        assert_eq!(counts.count("a", MINUTE, at(10)), (1, MINUTE));
        assert_eq!(counts.count("b", MINUTE, at(20)), (1, MINUTE));
        assert_eq!(counts.count("a", MINUTE, at(69)), (2, at(1)));
        assert_eq!(counts.count("a", MINUTE, at(70)), (1, MINUTE));
        assert_eq!(counts.count("b", MINUTE, at(70)), (2, at(10)));
    }

    #[test]
    fn new_callers_without_end_neither_fill_the_memory_nor_free_who_has_sent_more() {
        let counts = LocalCounts::default();
        for _ in 0..5 {
            counts.count("many", MINUTE, at(0));
        }
        for n in 0..2 * MAX_CALLERS {
            counts.count(&n.to_string(), MINUTE, at(1));
        }
        assert_eq!(counts.0.borrow().len(), MAX_CALLERS);
        assert_eq!(counts.count("many", MINUTE, at(1)).0, 6);
    }

    #[test]
    fn windows_that_have_ended_make_room() {
        let counts = LocalCounts::default();
        for n in 0..MAX_CALLERS {
            counts.count(&n.to_string(), MINUTE, at(0));
        }
        counts.count("later", MINUTE, at(60));
        assert_eq!(counts.0.borrow().len(), 1);
    }
}
