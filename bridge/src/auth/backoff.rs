//! Wrong passwords: a client that sends many has to wait, longer each time.
//!
//! Counted by account, by address, and by the two together. The last is the strictest: it stops somebody who guesses, and
//! leaves the owner of the account alone, who is somewhere else. The other two stop many addresses that guess for one
//! account, and one address that guesses for many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;

use crate::shares::Origin;

/// After this time without a try they are forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15 * 60);

/// How many counters are kept. The rest of memory is for others.
const MAX_ENTRIES: u64 = 100_000;

/// How many tries are free, and how long the wait can become.
#[derive(Clone, Copy)]
struct Policy {
    free: u32,
    longest: Duration,
}

const PAIR: Policy = Policy { free: 5, longest: Duration::from_secs(5 * 60) };
const ACCOUNT: Policy = Policy { free: 50, longest: Duration::from_secs(30) };
const ADDRESS: Policy = Policy { free: 50, longest: Duration::from_secs(60) };

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Pair(Box<str>, Origin),
    Account(Box<str>),
    Address(Origin),
}

#[derive(Default)]
struct Tries {
    failed: u32,
    /// Those whose outcome is not known yet: a hundred at a time are as many as one after the other.
    running: u32,
    until: Option<Instant>,
}

type Counter = Arc<Mutex<Tries>>;

/// Who has to wait, and until when.
pub(super) struct Backoff(Cache<Key, Counter>);

/// A try whose outcome is not known yet. It has failed where nobody says otherwise.
pub(super) struct Attempt {
    counters: [(Policy, Counter); 3],
    outcome: Outcome,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Failed,
    Succeeded,
    Withdrawn,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Backoff(Cache::builder().max_capacity(MAX_ENTRIES).time_to_idle(FORGOTTEN).build())
    }

    /// A try begins, or has to wait for so long.
    pub(super) fn begin(&self, account: &str, origin: Origin) -> Result<Attempt, Duration> {
        let keys = [
            (PAIR, Key::Pair(account.into(), origin)),
            (ACCOUNT, Key::Account(account.into())),
            (ADDRESS, Key::Address(origin)),
        ];
        let counters = keys.map(|(policy, key)| (policy, self.0.get_with(key, Counter::default)));
        let now = Instant::now();
        let wait = counters.iter().filter_map(|(policy, counter)| lock(counter).wait(*policy, now)).max();
        if let Some(wait) = wait {
            return Err(wait);
        }
        for (_, counter) in &counters {
            lock(counter).running += 1;
        }
        Ok(Attempt { counters, outcome: Outcome::Failed })
    }
}

impl Attempt {
    /// The password was right.
    pub(super) fn succeeded(mut self) {
        self.outcome = Outcome::Succeeded;
    }

    /// It was not looked at.
    pub(super) fn withdrawn(mut self) {
        self.outcome = Outcome::Withdrawn;
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let now = Instant::now();
        for (place, (policy, counter)) in self.counters.iter().enumerate() {
            let mut tries = lock(counter);
            tries.running = tries.running.saturating_sub(1);
            match self.outcome {
                Outcome::Failed => tries.fail(*policy, now),
                // Not the address: its owner may guess for others between logins of its own.
                Outcome::Succeeded if place < 2 => *tries = Tries { running: tries.running, ..Tries::default() },
                Outcome::Succeeded | Outcome::Withdrawn => {}
            }
        }
    }
}

impl Tries {
    fn wait(&self, policy: Policy, now: Instant) -> Option<Duration> {
        let wait = self.until.map(|until| until.saturating_duration_since(now)).filter(|wait| !wait.is_zero());
        // Once the free ones are used up there is one at a time.
        let crowded = self.running > 0 && self.failed + self.running >= policy.free;
        wait.or_else(|| crowded.then_some(Duration::from_secs(1)))
    }

    fn fail(&mut self, policy: Policy, now: Instant) {
        self.failed = self.failed.saturating_add(1);
        if let Some(beyond) = self.failed.checked_sub(policy.free) {
            let seconds = 1_u64.checked_shl(beyond.min(20)).unwrap_or(u64::MAX);
            self.until = Some(now + Duration::from_secs(seconds).min(policy.longest));
        }
    }
}

fn lock(counter: &Counter) -> MutexGuard<'_, Tries> {
    counter.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn origin(last: u8) -> Origin {
        IpAddr::from([192, 0, 2, last]).into()
    }

    #[test]
    fn the_guesser_waits_and_the_owner_does_not() {
        let backoff = Backoff::new();
        for _ in 0..PAIR.free {
            drop(backoff.begin("ann", origin(1)).map_err(|_| ()).unwrap());
        }
        let wait = backoff.begin("ann", origin(1)).err().unwrap();
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(backoff.begin("ann", origin(2)).is_ok_and(|attempt| {
            attempt.succeeded();
            true
        }));
        assert!(backoff.begin("bob", origin(1)).is_ok());
    }

    #[test]
    fn waits_double_up_to_a_limit() {
        let (mut tries, now) = (Tries::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..20 {
            tries.fail(PAIR, now);
            waits.push(tries.wait(PAIR, now).unwrap_or_default().as_secs());
        }
        assert_eq!(waits[..9], [0, 0, 0, 0, 1, 2, 4, 8, 16]);
        assert_eq!(waits[19], PAIR.longest.as_secs());
    }

    #[test]
    fn many_at_a_time_are_as_many_as_one_after_the_other() {
        let backoff = Backoff::new();
        let running: Vec<_> = (0..100).map(|_| backoff.begin("ann", origin(1))).collect();
        assert_eq!(running.iter().filter(|attempt| attempt.is_ok()).count(), PAIR.free as usize);
        let withdrawn = Backoff::new();
        for _ in 0..100 {
            withdrawn.begin("ann", origin(1)).map_err(|_| ()).unwrap().withdrawn();
        }
    }

    #[test]
    fn one_address_for_many_accounts_and_many_for_one() {
        let backoff = Backoff::new();
        let for_many = (0..200).filter(|n| backoff.begin(&n.to_string(), origin(1)).map(drop).is_ok()).count();
        assert_eq!(for_many, ADDRESS.free as usize);
        let by_many = (0..200).filter(|n| backoff.begin("ann", origin(*n)).map(drop).is_ok()).count();
        // The first address has to wait already.
        assert_eq!(by_many, ACCOUNT.free as usize);
    }
}
