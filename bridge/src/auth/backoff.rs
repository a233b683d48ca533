//! Wrong passwords: a client that sends many has to wait, longer each time.
//!
//! Counted by account, by address, and by the two together. The last is the strictest: it stops somebody who guesses, and
//! leaves the owner of the account alone, who is somewhere else. The other two stop many addresses that guess for one
//! account, and one address that guesses for many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use moka::sync::Cache;
use ring::digest::{SHA256, digest};

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

/// An account's name as its hash: a client chooses the name, and with it would choose how much memory a counter takes.
type Account = [u8; 32];

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Key {
    Pair(Account, Origin),
    Account(Account),
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

    /// A try begins, or has to wait for so long. One that has to wait leaves no counter behind.
    pub(super) fn begin(&self, account: &str, origin: Origin) -> Result<Attempt, Duration> {
        let mut hash = Account::default();
        hash.copy_from_slice(digest(&SHA256, account.as_bytes()).as_ref());
        let keys = [(PAIR, Key::Pair(hash, origin)), (ACCOUNT, Key::Account(hash)), (ADDRESS, Key::Address(origin))];
        let now = Instant::now();
        let known = keys.iter().filter_map(|(policy, key)| Some((policy, self.0.get(key)?)));
        if let Some(wait) = known.filter_map(|(policy, counter)| lock(&counter).wait(*policy, now)).max() {
            return Err(wait);
        }
        let counters = keys.map(|(policy, key)| (policy, self.0.get_with(key, Counter::default)));
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
    fn a_refused_try_leaves_nothing_and_a_name_takes_no_more_than_its_hash() {
        let backoff = Backoff::new();
        let begun = (0..1000).filter(|n| backoff.begin(&format!("{n}{}", "x".repeat(9999)), origin(1)).is_ok()).count();
        backoff.0.run_pending_tasks();
        assert_eq!(begun, ADDRESS.free as usize);
        assert_eq!(backoff.0.entry_count(), 2 * u64::from(ADDRESS.free) + 1);
        assert!(size_of::<Key>() <= 64);
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
