//! Which steps get a timer, on connections that end their commands by themselves and on others.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::cell::{Cell, RefCell};
use std::future::{Future, pending};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::redis::{Argument, Connection, Connector, RedisError, RedisValue};
use fenced_cache::{Entry, Loaded, Platform, Ports, Read, ReadThrough, Scope, Settings, Source, SourceError, Space};

const TIMEOUT: Duration = Duration::from_millis(250);
const LISTINGS: [Scope<'static>; 1] = [Scope::group("list")];

/// What a Redis does with a command.
#[derive(Clone, Copy)]
enum Next {
    Answers,
    Breaks,
    TakesTooLong,
}

#[derive(Default)]
struct World {
    now: Cell<Duration>,
    /// The timers that were set.
    timers: RefCell<Vec<Duration>>,
    opened: Cell<u32>,
    limit: Cell<Option<Duration>>,
    /// What becomes of the next look-ups; after them, all are answered.
    next: RefCell<Vec<Next>>,
}

impl Platform for World {
    fn now(&self) -> Duration {
        self.now.get()
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> {
        self.timers.borrow_mut().push(duration);
        pending()
    }

    fn random(&self) -> u64 {
        7
    }
}

/// A Redis that has the value of every key, and proof for it.
struct Full(Rc<World>);

impl Connector for Full {
    type Connection = Full;

    async fn open(&self) -> Result<Full, RedisError> {
        self.0.opened.set(self.0.opened.get() + 1);
        Ok(Full(Rc::clone(&self.0)))
    }
}

impl Connection for Full {
    async fn execute(&self, command: &str, _: &[Argument<'_>]) -> Result<Vec<RedisValue>, RedisError> {
        let text = |text: &'static str| RedisValue::Bytes(Bytes::from_static(text.as_bytes()));
        if command != "MGET" {
            return Ok(vec![RedisValue::Number(0), RedisValue::Number(1), text("")]);
        }
        match self.0.next.borrow_mut().pop().unwrap_or(Next::Answers) {
            Next::Answers => Ok(vec![text("[]"), text(STAMP), text(GENERATION)]),
            Next::Breaks => {
                self.0.now.set(self.0.now.get() + Duration::from_millis(100));
                Err(RedisError::Broken("gone".to_owned()))
            }
            Next::TakesTooLong => Err(RedisError::TimedOut(self.0.limit.get().unwrap())),
        }
    }

    fn time_limit(&self) -> Option<Duration> {
        self.0.limit.get()
    }
}

const GENERATION: &str = "41";
/// That the value does not exist, which is a hit, too.
const STAMP: &str = "41 0 120000 -";

struct TestPorts;

impl Ports for TestPorts {
    type Connector = Full;
    type Platform = Rc<World>;
    type Observer = ();
}

#[derive(Debug)]
struct NoSource;

impl SourceError for NoSource {
    fn timed_out() -> Self {
        NoSource
    }

    fn outcome_unknown(&self) -> bool {
        false
    }

    fn is_outage(&self) -> bool {
        true
    }
}

/// A cache that is connected, on connections with this limit, and its world.
fn connected(limit: Option<Duration>) -> (Rc<World>, ReadThrough<TestPorts>) {
    let world = Rc::new(World::default());
    world.limit.set(limit);
    let spaces = vec![Space { key: "games".to_owned(), groups: vec!["list".to_owned()] }];
    let settings = Settings { spaces, timeout: TIMEOUT, ..Settings::default() };
    let cache = ReadThrough::new(settings, Full(Rc::clone(&world)), Rc::clone(&world), ());
    assert!(matches!(read(&cache).source, Source::Hit { .. }));
    world.timers.borrow_mut().clear();
    (world, cache)
}

/// A read. The source answers at once.
fn read(cache: &ReadThrough<TestPorts>) -> Read {
    let entry = Entry::new("games", "list", &LISTINGS);
    let load = async { Ok::<_, NoSource>(Some(Loaded::from(Bytes::from_static(b"[]")))) };
    now(cache.read(&entry, load)).unwrap()
}

/// The result of a future that waits for nothing.
fn now<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(future)
}

#[test]
fn a_hit_sets_a_timer_where_redis_may_take_for_ever_or_too_long() {
    for limit in [None, Some(TIMEOUT + Duration::from_millis(1))] {
        let (world, cache) = connected(limit);
        assert!(matches!(read(&cache).source, Source::Hit { .. }));
        assert_eq!(*world.timers.borrow(), [TIMEOUT], "{limit:?}");
    }
}

#[test]
fn a_hit_sets_none_on_a_connection_with_a_limit_of_its_own() {
    for limit in [TIMEOUT, Duration::from_millis(20)] {
        let (world, cache) = connected(Some(limit));
        assert!(matches!(read(&cache).source, Source::Hit { .. }));
        assert_eq!(*world.timers.borrow(), [], "{limit:?}");
        assert_eq!(world.opened.get(), 1);
    }
}

#[test]
fn what_the_connection_ended_counts_as_a_timeout_and_is_not_tried_again() {
    let (world, cache) = connected(Some(TIMEOUT));
    world.next.borrow_mut().push(Next::TakesTooLong);
    assert!(matches!(read(&cache).source, Source::Bypass { detail: "unreachable" }));
    assert!(cache.is_circuit_open());
    assert_eq!(world.opened.get(), 1);
    // The next one that asks Redis does so on a connection of its own.
    world.now.set(world.now.get() + fenced_cache::OPEN_FOR * 2);
    assert!(matches!(read(&cache).source, Source::Hit { .. }));
    assert_eq!(world.opened.get(), 2);
}

#[test]
fn what_broke_is_tried_once_more_in_what_is_left_of_the_time() {
    let (world, cache) = connected(Some(TIMEOUT));
    world.next.borrow_mut().push(Next::Breaks);
    assert!(matches!(read(&cache).source, Source::Hit { .. }));
    assert_eq!(world.opened.get(), 2);
    assert_eq!(*world.timers.borrow(), [TIMEOUT - Duration::from_millis(100)]);
}
