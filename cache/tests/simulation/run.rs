//! One run: clients that read and write through two instances, and what they find.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use fenced_cache::{
    Entry, Invalidation, Platform, Ports, Read, ReadThrough, Scope, Settings, Source, Space, WritePolicy, timeout,
};

use super::redis::{self, SimConnector, SimRedis};
use super::scripts::Parts;
use super::source::{self, Failure, SimSource};
use super::world::World;

pub const DOCUMENTS: usize = 3;
const CLIENTS: usize = 5;
const REQUESTS: usize = 12;
/// No request takes longer: the source's time twice (a reader that waits, and a write with its own), and every step on
/// Redis that a request takes.
const LONGEST: Duration = Duration::from_millis(2 * 500 + 12 * 50);

const LISTINGS: Scope = Scope::group("list");
const ALL: Scope = Scope::group("id");

/// How one kind of run goes.
#[derive(Clone, Copy)]
pub struct Scenario {
    pub parts: Parts,
    pub redis: redis::Faults,
    pub source: source::Faults,
    /// A request's instance dies at some await, so many times per thousand requests.
    pub crashes: u64,
    pub policy: WritePolicy,
    /// For how long copies are kept.
    pub keep: Duration,
    /// How long Redis may take.
    pub timeout: Duration,
    /// Whether one of the two instances has connections that end their commands by themselves, so that it sets no timers for
    /// hits.
    pub limits: bool,
    /// Whether a write may be missed whose end is lost, if Redis came back with older contents while it was in flight.
    pub excuses_restores: bool,
}

struct SimPorts;

impl Ports for SimPorts {
    type Connector = SimConnector;
    type Platform = Rc<World>;
    type Observer = ();
}

pub struct Run {
    world: Rc<World>,
    pub redis: Rc<SimRedis>,
    pub source: SimSource,
    instances: [ReadThrough<SimPorts>; 2],
    scenario: Scenario,
    /// By document: the last write that was acknowledged.
    acknowledged: RefCell<BTreeMap<usize, usize>>,
    /// Until when a document may be older: a write of it is not recorded in Redis.
    excused: RefCell<BTreeMap<usize, Duration>>,
    pub reads: Cell<u64>,
    pub hits: Cell<u64>,
    pub stale: Cell<u64>,
    pub violation: RefCell<Option<String>>,
}

impl Run {
    fn new(seed: u64, scenario: Scenario) -> Rc<Self> {
        let world = World::new(seed);
        let redis = SimRedis::new(&world, scenario.parts, scenario.redis);
        let settings = Settings {
            spaces: vec![Space { key: "games".to_owned(), groups: vec!["list".to_owned(), "id".to_owned()] }],
            ttl: Duration::from_secs(20),
            ttl_jitter_percent: 10,
            keep: scenario.keep,
            timeout: scenario.timeout,
            source_timeout: source::TIMEOUT,
            write_policy: scenario.policy,
            ..Settings::default()
        };
        let instance = |limit| {
            let connector = SimConnector { redis: Rc::clone(&redis), limit };
            ReadThrough::new(settings.clone(), connector, Rc::clone(&world), ())
        };
        Rc::new(Run {
            instances: [instance(None), instance(scenario.limits.then_some(scenario.timeout))],
            source: SimSource::new(&world, scenario.source, DOCUMENTS),
            redis,
            world,
            scenario,
            acknowledged: RefCell::default(),
            excused: RefCell::default(),
            reads: Cell::new(0),
            hits: Cell::new(0),
            stale: Cell::new(0),
            violation: RefCell::default(),
        })
    }

    pub fn now(&self) -> Duration {
        self.world.now()
    }

    fn violate(&self, what: String) {
        self.violation.borrow_mut().get_or_insert(what);
    }

    /// Sends requests, one after the other, to either instance.
    async fn client(self: Rc<Self>) {
        for _ in 0..REQUESTS {
            let random = &self.world.random;
            self.world.delay(Duration::from_millis(700)).await;
            let (instance, document) = (random.below(2) as usize, random.below(DOCUMENTS as u64) as usize);
            let request: Pin<Box<dyn Future<Output = ()> + '_>> = match random.below(6) {
                0 => Box::pin(self.write(instance, document)),
                1 | 2 => Box::pin(self.read_listing(instance)),
                _ => Box::pin(self.read(instance, document)),
            };
            let dies_after = random.chance(self.scenario.crashes).then(|| Duration::from_micros(random.below(60_000)));
            let began = self.now();
            match dies_after {
                // It is dropped wherever it is: nobody hears of it any more.
                Some(after) => drop(timeout(&*self.world, after, request).await),
                None => request.await,
            }
            if self.now() - began > LONGEST {
                self.violate(format!("a request took {:?}", self.now() - began));
            }
        }
    }

    async fn write(&self, instance: usize, document: usize) {
        let name = format!("id:{document}");
        let scopes = [LISTINGS, Scope::single(&name)];
        let restores = self.redis.restores();
        let Ok((version, invalidation)) =
            self.instances[instance].write("games", &scopes, self.source.write(document)).await
        else {
            return;
        };
        // Redis came back without the fence while this write was in flight, and its end is lost: a reader that asked the
        // source in between has filled. The double fault that `Available` does not promise to survive; `Consistent`
        // acknowledges no such write, so nothing is excused there.
        let fence_lost = invalidation == Invalidation::Fenced && self.redis.restores() != restores;
        if invalidation == Invalidation::Failed || (fence_lost && self.scenario.excuses_restores) {
            // A reader may still fill with what it read before the write, and that lives for a TTL.
            let until = self.now() + LONGEST + Duration::from_secs(20);
            self.excused.borrow_mut().insert(document, until);
        }
        let mut acknowledged = self.acknowledged.borrow_mut();
        let last = acknowledged.entry(document).or_default();
        *last = version.max(*last);
    }

    pub async fn read(&self, instance: usize, document: usize) {
        let expected = self.acknowledged.borrow().get(&document).copied().unwrap_or(0);
        let began = self.now();
        let name = format!("id:{document}");
        let scopes = [Scope::single(&name), ALL];
        let entry = Entry::new("games", &name, &scopes).unbounded();
        if let Ok(read) = self.read_entry(instance, &entry, self.source.document(document)).await {
            let found = read.value.as_ref().map(|value| {
                let version: usize = String::from_utf8_lossy(&value.bytes).parse().unwrap();
                assert_eq!(value.meta, format!("v{version}"), "the stamp of another value");
                version
            });
            let stale = match found {
                Some(version) => version < expected,
                None => !self.source.was_absent_since(document, expected),
            };
            self.check(document, stale, began, &format!("{found:?} ({:?}), older than {expected}", read.source));
        }
    }

    async fn read_listing(&self, instance: usize) {
        let expected = self.acknowledged.borrow().clone();
        let began = self.now();
        let scopes = [LISTINGS];
        // A variant is known to writes by the index alone.
        let name = if self.world.random.chance(300) { "list" } else { "list:variant" };
        let entry = Entry::new("games", name, &scopes);
        if let Ok(read) = self.read_entry(instance, &entry, self.source.listing()).await {
            let value = read.value.expect("a listing always exists");
            let text = String::from_utf8_lossy(&value.bytes).into_owned();
            for (document, version) in text.split(' ').enumerate() {
                let expected = expected.get(&document).copied().unwrap_or(0);
                let stale = version.parse::<usize>().unwrap() < expected;
                self.check(document, stale, began, &format!("{text} ({:?}), older than {expected}", read.source));
            }
        }
    }

    async fn read_entry(
        &self,
        instance: usize,
        entry: &Entry<'_>,
        load: impl Future<Output = Result<Option<fenced_cache::Loaded>, Failure>>,
    ) -> Result<Read, Failure> {
        let read = self.instances[instance].read(entry, load).await?;
        self.reads.set(self.reads.get() + 1);
        self.hits.set(self.hits.get() + u64::from(matches!(read.source, Source::Hit { .. })));
        self.stale.set(self.stale.get() + u64::from(matches!(read.source, Source::Stale { .. })));
        Ok(read)
    }

    fn check(&self, document: usize, stale: bool, began: Duration, what: &str) {
        let excused = self.excused.borrow().get(&document).is_some_and(|until| began < *until);
        if stale && !excused {
            let now = self.now();
            self.violate(format!("a read of {document} that began at {began:?} and ended at {now:?} found {what}"));
        }
    }

    /// Once nothing fails any more, everything is cached again.
    async fn recovers(self: Rc<Self>) {
        self.redis.heal();
        self.source.heal();
        // Longer than any fence and lease, and than Redis's clock may be behind.
        self.world.sleep(Duration::from_secs(3600)).await;
        for instance in 0..2 {
            let before = self.hits.get();
            for _ in 0..20 {
                self.read(instance, 0).await;
                // Even without a fault an answer may be late, and Redis be left alone for a second.
                self.world.sleep(Duration::from_millis(500)).await;
            }
            if self.hits.get() - before < 10 {
                self.violate("after the last fault a value is not cached again".to_owned());
            }
        }
    }
}

/// A run of this seed.
pub fn run(seed: u64, scenario: Scenario) -> Rc<Run> {
    let run = Run::new(seed, scenario);
    let clients = (0..CLIENTS).map(|_| Box::pin(Rc::clone(&run).client()) as Pin<Box<dyn Future<Output = ()>>>);
    run.world.run(clients.collect());
    if run.violation.borrow().is_some() || scenario.parts != Parts::ALL {
        return run;
    }
    run.world.run(vec![Box::pin(Rc::clone(&run).recovers())]);
    run
}

/// Many readers of one document at once, of whom some die wherever they are; and how many leases there can have been.
pub fn stampede(seed: u64, scenario: Scenario) -> (Rc<Run>, u64) {
    let run = Run::new(seed, scenario);
    let readers = (0..40).map(|number| {
        let run = Rc::clone(&run);
        let reader = async move {
            run.world.delay(Duration::from_millis(30)).await;
            let dies = run.world.random.chance(150).then(|| Duration::from_micros(run.world.random.below(60_000)));
            match dies {
                Some(after) => drop(timeout(&*run.world, after, run.read(number % 2, 0)).await),
                None => run.read(number % 2, 0).await,
            }
        };
        Box::pin(reader) as Pin<Box<dyn Future<Output = ()>>>
    });
    let began = run.now();
    run.world.run(readers.collect());
    let leases = 1 + (run.now() - began).div_duration_f64(run.instances[0].lease_duration()) as u64;
    (run, leases)
}
