//! A Redis that does what the scripts do, one step at a time, and fails as the world likes.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Acquired, Cache, CacheError, Entry, Fill, Lease, Platform, Scope};

use super::world::World;

/// Which of the protocol's parts work: a test breaks one to see that the checker notices.
#[derive(Clone, Copy)]
pub struct Parts {
    /// A fill checks the generations.
    pub generations: bool,
    /// A fill checks for fences, and a reader takes none behind one.
    pub fences: bool,
    /// A write deletes keys at its end.
    pub deletes: bool,
}

impl Parts {
    pub const ALL: Parts = Parts { generations: true, fences: true, deletes: true };
}

/// How Redis and the way to it fail, in times per thousand steps.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// The step is not taken, and the caller told at once.
    pub refused: u64,
    /// The step is taken, and the answer lost.
    pub answer_lost: u64,
    /// The step is taken or not, and the caller told nothing.
    pub hangs: u64,
    /// Everything is forgotten, before the step.
    pub emptied: u64,
}

/// As in `fill.lua`.
const COOLDOWN: Duration = Duration::from_millis(100);

#[derive(Default)]
struct State {
    values: BTreeMap<String, (Bytes, Duration)>,
    absent: BTreeMap<String, Duration>,
    leases: BTreeMap<String, (u64, Duration)>,
    /// Until when readers of a key do not follow one another.
    cooldown: BTreeMap<String, Duration>,
    generations: BTreeMap<String, i64>,
    fences: BTreeMap<String, BTreeMap<u64, Duration>>,
    indexes: BTreeMap<String, BTreeSet<String>>,
}

/// The simulated Redis.
pub struct SimRedis {
    world: Rc<World>,
    pub parts: Parts,
    pub faults: Faults,
    /// Unreachable altogether, while this is set.
    pub down: Cell<bool>,
    pub steps: Cell<u64>,
    pub failed: Cell<u64>,
    state: RefCell<State>,
    last_generation: Cell<i64>,
}

impl SimRedis {
    pub fn new(world: &Rc<World>, parts: Parts, faults: Faults) -> Self {
        SimRedis {
            world: Rc::clone(world),
            parts,
            faults,
            down: Cell::new(false),
            steps: Cell::new(0),
            failed: Cell::new(0),
            state: RefCell::default(),
            last_generation: Cell::new(0),
        }
    }

    /// The way there, the step, and the way back, any of which may fail.
    async fn step<T>(&self, step: impl FnOnce(&mut State, Duration) -> T) -> Result<T, CacheError> {
        let random = &self.world.random;
        let unreachable = || Err(CacheError::Unreachable("simulated".to_owned()));
        self.steps.set(self.steps.get() + 1);
        self.world.delay(Duration::from_millis(40)).await;
        if random.chance(self.faults.emptied) {
            *self.state.borrow_mut() = State::default();
        }
        if self.down.get() || random.chance(self.faults.refused) {
            self.failed.set(self.failed.get() + 1);
            return unreachable();
        }
        let hangs = random.chance(self.faults.hangs);
        if hangs && random.chance(500) {
            self.failed.set(self.failed.get() + 1);
            self.world.sleep(Duration::from_secs(3600)).await;
            return unreachable();
        }
        let done = step(&mut self.state.borrow_mut(), self.world.now());
        if hangs {
            self.failed.set(self.failed.get() + 1);
            self.world.sleep(Duration::from_secs(3600)).await;
        }
        self.world.delay(Duration::from_millis(40)).await;
        if random.chance(self.faults.answer_lost) {
            self.failed.set(self.failed.get() + 1);
            return unreachable();
        }
        Ok(done)
    }

    /// From a clock, like Redis's: it never comes back, whatever was forgotten.
    fn new_generation(&self, at_least: i64) -> i64 {
        let generation = (self.world.now().as_micros() as i64).max(at_least).max(self.last_generation.get() + 1);
        self.last_generation.set(generation);
        generation
    }

    fn fenced(&self, state: &State, entry: &Entry<'_>, now: Duration) -> bool {
        self.parts.fences
            && entry.scopes.iter().any(|scope| {
                let fences = state.fences.get(&scope.fence_key(entry.space));
                fences.is_some_and(|fences| fences.values().any(|deadline| *deadline > now))
            })
    }

    fn delete(&self, state: &mut State, space: &str, scopes: &[Scope<'_>]) {
        for scope in scopes {
            let indexed = scope.index_key(space).and_then(|index| state.indexes.remove(&index));
            for key in indexed.into_iter().flatten().chain(scope.direct_keys(space)) {
                state.values.remove(&key);
                state.absent.remove(&key);
            }
        }
    }
}

/// The one Redis of all instances.
#[derive(Clone)]
pub struct Shared(pub Rc<SimRedis>);

impl Deref for Shared {
    type Target = SimRedis;

    fn deref(&self) -> &SimRedis {
        &self.0
    }
}

impl Cache for Shared {
    async fn get(&self, entry: &Entry<'_>) -> Result<Option<Bytes>, CacheError> {
        let key = entry.value_key();
        self.step(|state, now| live(&state.values, &key, now).map(|(value, _)| value.clone())).await
    }

    async fn ttl(&self, entry: &Entry<'_>) -> Result<Option<Duration>, CacheError> {
        let key = entry.value_key();
        self.step(|state, now| live(&state.values, &key, now).map(|(_, expires)| *expires - now)).await
    }

    async fn acquire(&self, entry: &Entry<'_>, token: u64, duration: Duration) -> Result<Acquired, CacheError> {
        self.step(|state, now| {
            if let Some((value, _)) = live(&state.values, &entry.value_key(), now) {
                return Acquired::Value(value.clone());
            }
            if state.absent.get(&entry.absent_key()).is_some_and(|expires| *expires > now) {
                return Acquired::Absent;
            }
            if self.fenced(state, entry, now) {
                return Acquired::Fenced;
            }
            if state.cooldown.get(&entry.lease_key()).is_some_and(|until| *until > now) {
                return Acquired::Fenced;
            }
            let held = state.leases.get(&entry.lease_key());
            if held.is_some_and(|(holder, expires)| *expires > now && *holder != token) {
                return Acquired::Wait;
            }
            state.leases.insert(entry.lease_key(), (token, now + duration));
            let generations = entry.scopes.iter().map(|scope| {
                let key = scope.generation_key(entry.space);
                *state.generations.entry(key).or_insert_with(|| self.new_generation(0))
            });
            Acquired::Leased(Lease { taken_at_ms: now.as_millis() as i64, generations: generations.collect() })
        })
        .await
    }

    async fn fill(
        &self,
        entry: &Entry<'_>,
        token: u64,
        lease: &Lease,
        max_age: Duration,
        fill: Fill<'_>,
        ttl: Duration,
    ) -> Result<bool, CacheError> {
        self.step(|state, now| {
            let current =
                entry.scopes.iter().map(|scope| state.generations.get(&scope.generation_key(entry.space)).copied());
            let unchanged = current.eq(lease.generations.iter().copied().map(Some));
            let in_time = now.as_millis() as i64 - lease.taken_at_ms <= max_age.as_millis() as i64;
            let true_still = (unchanged || !self.parts.generations) && !self.fenced(state, entry, now) && in_time;
            if true_still {
                let (value_key, absent_key) = (entry.value_key(), entry.absent_key());
                let key = match fill {
                    Fill::Value(value) => {
                        state.absent.remove(&absent_key);
                        state.values.insert(value_key.clone(), (Bytes::copy_from_slice(value), now + ttl));
                        value_key
                    }
                    Fill::Absent => {
                        state.values.remove(&value_key);
                        state.absent.insert(absent_key.clone(), now + ttl);
                        absent_key
                    }
                };
                state.indexes.entry(entry.index_key()).or_default().insert(key);
            }
            if state.leases.get(&entry.lease_key()).is_some_and(|(holder, _)| *holder == token) {
                state.leases.remove(&entry.lease_key());
                if !true_still {
                    state.cooldown.insert(entry.lease_key(), now + COOLDOWN);
                }
            }
            true_still
        })
        .await
    }

    async fn release(&self, entry: &Entry<'_>, token: u64) -> Result<(), CacheError> {
        self.step(|state, _| {
            if state.leases.get(&entry.lease_key()).is_some_and(|(holder, _)| *holder == token) {
                state.leases.remove(&entry.lease_key());
            }
        })
        .await
    }

    async fn begin_write(
        &self,
        space: &str,
        scopes: &[Scope<'_>],
        token: u64,
        deadline: Duration,
    ) -> Result<(), CacheError> {
        self.step(|state, now| {
            self.delete(state, space, scopes);
            for scope in scopes {
                state.fences.entry(scope.fence_key(space)).or_default().insert(token, now + deadline);
            }
        })
        .await
    }

    async fn end_write(&self, space: &str, scopes: &[Scope<'_>], token: u64) -> Result<(), CacheError> {
        self.step(|state, _| {
            if self.parts.deletes {
                self.delete(state, space, scopes);
            }
            for scope in scopes {
                if let Some(fences) = state.fences.get_mut(&scope.fence_key(space)) {
                    fences.remove(&token);
                }
                let key = scope.generation_key(space);
                let last = state.generations.get(&key).copied().unwrap_or(0);
                state.generations.insert(key, self.new_generation(last + 1));
            }
        })
        .await
    }

    async fn count(&self, _: &str, window: Duration) -> Result<(u64, Duration), CacheError> {
        self.step(|_, _| (1, window)).await
    }

    async fn ping(&self) -> Result<(), CacheError> {
        self.step(|_, _| ()).await
    }
}

fn live<'a>(
    values: &'a BTreeMap<String, (Bytes, Duration)>,
    key: &str,
    now: Duration,
) -> Option<&'a (Bytes, Duration)> {
    values.get(key).filter(|(_, expires)| *expires > now)
}
