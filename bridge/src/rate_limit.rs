//! How many requests a minute an account may make.
//!
//! A leaky bucket (GCRA): each request pushes the time up when the account would be at rest, and one that would push it more
//! than a minute ahead is refused. So a burst may be as large as a minute's requests, and then they are spread evenly.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

const WINDOW: Duration = Duration::from_secs(60);

/// How many accounts are counted at a time.
const MAX_ENTRIES: u64 = 100_000;

/// Counts requests by account.
pub struct RateLimit {
    /// For accounts without a limit of their own; 0: unlimited.
    per_minute: u32,
    at_rest: Cache<String, Arc<Mutex<Instant>>>,
}

impl RateLimit {
    /// So many a minute; 0 for as many as they like.
    pub fn new(per_minute: u32) -> Self {
        // After a minute without requests an account is at rest.
        RateLimit { per_minute, at_rest: Cache::builder().max_capacity(MAX_ENTRIES).time_to_idle(WINDOW).build() }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// How long to wait, where it is one too many.
    pub fn count(&self, account: &str, own: Option<u32>) -> Result<(), Duration> {
        let per_minute = own.unwrap_or(self.per_minute);
        if per_minute == 0 {
            return Ok(());
        }
        let now = Instant::now();
        let at_rest = match self.at_rest.get(account) {
            Some(at_rest) => at_rest,
            None => self.at_rest.get_with(account.to_owned(), || Arc::new(Mutex::new(now))),
        };
        let mut at_rest = at_rest.lock().unwrap_or_else(PoisonError::into_inner);
        let then = (*at_rest).max(now) + WINDOW / per_minute;
        let ahead = then - now;
        match ahead.checked_sub(WINDOW).filter(|beyond| !beyond.is_zero()) {
            Some(beyond) => Err(beyond),
            None => {
                *at_rest = then;
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_account_has_its_own() {
        let limit = RateLimit::new(3);
        let count = |account, own| (0..10).filter(|_| limit.count(account, own).is_ok()).count();
        assert_eq!(count("a", None), 3);
        assert_eq!(count("b", None), 3);
        assert_eq!(count("c", Some(5)), 5);
        assert_eq!(count("d", Some(0)), 10);
        let wait = limit.count("a", None).unwrap_err();
        assert!(wait > Duration::from_secs(15) && wait <= Duration::from_secs(20), "{wait:?}");
        assert!(RateLimit::new(0).count("a", None).is_ok());
    }
}
