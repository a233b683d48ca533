//! Simulated time and a seeded scheduler: tasks run one at a time, and whatever they wait for takes a random while, so
//! that a seed is an interleaving.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use fenced_cache::Platform;

/// Random numbers that a seed determines (SplitMix64, Steele et al., OOPSLA 2014).
pub struct Random(Cell<u64>);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(Cell::new(seed))
    }

    pub fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.next() % end
    }

    /// Whether something that happens `per_mille` times in a thousand happens now.
    pub fn chance(&self, per_mille: u64) -> bool {
        self.below(1000) < per_mille
    }
}

/// Time, and what waits for it.
pub struct World {
    pub random: Random,
    now: Cell<Duration>,
    /// By the time they wait for; the number keeps those of one time apart.
    sleepers: RefCell<BTreeMap<(Duration, u64), Waker>>,
    number: Cell<u64>,
}

impl World {
    pub fn new(seed: u64) -> Rc<Self> {
        Rc::new(World {
            random: Random::new(seed),
            now: Cell::new(Duration::from_secs(1)),
            sleepers: RefCell::default(),
            number: Cell::new(0),
        })
    }

    /// A random while up to `most`, usually a short one.
    pub async fn delay(&self, most: Duration) {
        let most = most.as_micros() as u64;
        let most = if self.random.chance(900) { most / 20 } else { most };
        self.sleep(Duration::from_micros(self.random.below(most.max(1)))).await;
    }

    /// Runs the tasks to their ends. A task that waits for nothing that will come is a bug, and panics.
    pub fn run(&self, tasks: Vec<Pin<Box<dyn Future<Output = ()>>>>) {
        let mut tasks: Vec<_> = tasks.into_iter().map(|task| (task, Arc::new(Ready(AtomicBool::new(true))))).collect();
        while !tasks.is_empty() {
            let ready: Vec<usize> = (0..tasks.len()).filter(|i| tasks[*i].1.0.load(Ordering::Relaxed)).collect();
            if ready.is_empty() {
                self.advance();
                continue;
            }
            let at = ready[self.random.below(ready.len() as u64) as usize];
            let (task, flag) = &mut tasks[at];
            flag.0.store(false, Ordering::Relaxed);
            let waker = Waker::from(Arc::clone(flag));
            if task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready() {
                drop(tasks.swap_remove(at));
            }
        }
    }

    fn advance(&self) {
        let mut sleepers = self.sleepers.borrow_mut();
        let Some(((time, _), waker)) = sleepers.pop_first() else {
            panic!("every task waits, and none of them for time: a request never ends");
        };
        self.now.set(self.now.get().max(time));
        drop(sleepers);
        waker.wake();
    }
}

struct Ready(AtomicBool);

impl Wake for Ready {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits for a time; forgotten by the world when it is dropped.
struct Sleep<'a> {
    world: &'a World,
    until: Duration,
    key: Option<(Duration, u64)>,
}

impl Future for Sleep<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if self.world.now.get() >= self.until {
            return Poll::Ready(());
        }
        if let Some(old) = self.key.take() {
            self.world.sleepers.borrow_mut().remove(&old);
        }
        let number = self.world.number.get();
        self.world.number.set(number + 1);
        let key = (self.until, number);
        self.world.sleepers.borrow_mut().insert(key, context.waker().clone());
        self.key = Some(key);
        Poll::Pending
    }
}

impl Drop for Sleep<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.world.sleepers.borrow_mut().remove(&key);
        }
    }
}

impl Platform for World {
    fn now(&self) -> Duration {
        self.now.get()
    }

    async fn sleep(&self, duration: Duration) {
        let until = self.now.get() + duration;
        Sleep { world: self, until, key: None }.await;
    }

    fn random(&self) -> u64 {
        self.random.next()
    }
}
