//! The real routes and the real cache-aside over simulated ports, under interleavings and faults that a seed picks.
//!
//! The promise, checked for every read: once a write is acknowledged, no read that starts after it is answered from
//! older data. A seed that breaks it is printed, and replays exactly: `SEED=17 cargo xtask test simulation`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod database;
#[path = "../../cache/tests/simulation/keyspace.rs"]
mod keyspace;
#[path = "../../cache/tests/simulation/redis.rs"]
mod redis;
#[path = "../../cache/tests/simulation/scripts.rs"]
mod scripts;
#[path = "../../cache/tests/simulation/world.rs"]
mod world;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Platform, Ports, ReadThrough, Settings, timeout};
use http::{Method, Request};
use serde_json::Value;
use store_api::auth::jwt::VerifiedTokens;
use store_api::backend::Backend;
use store_api::catalog::Catalog;
use store_api::config::{Config, VARIABLES};
use store_api::database::object_id::{ObjectId, ObjectIds};
use store_api::http::context::{Context, Memory};

use database::SimDatabase;
use redis::{SimConnector, SimRedis};
use scripts::Parts;
use world::World;

const DOCUMENTS: usize = 2;
const CLIENTS: usize = 5;
const REQUESTS: usize = 12;
const CACHE_TIMEOUT: Duration = Duration::from_millis(50);

/// How one kind of run goes.
#[derive(Clone, Copy)]
struct Scenario {
    parts: Parts,
    redis: redis::Faults,
    database: database::Faults,
    /// A request's instance dies at some await, so many times per thousand requests.
    crashes: u64,
    /// The variable `cache_write_policy`.
    policy: &'static str,
}

const NO_FAULTS: redis::Faults = redis::Faults {
    refused: 0,
    answer_lost: 0,
    hangs: 0,
    emptied: 0,
    evicted: 0,
    evicts_fences: true,
    restored: 0,
    clock_back: 0,
};

const CALM: Scenario = Scenario {
    parts: Parts::ALL,
    redis: NO_FAULTS,
    database: database::Faults { refused: 0, answer_lost: 0, slow: 0 },
    crashes: 0,
    policy: "available",
};

/// What the run has come to.
#[derive(Default)]
struct History {
    /// By document: the place in the order of truth of the last write that was acknowledged.
    acknowledged: RefCell<BTreeMap<ObjectId, u64>>,
    /// Until when a document may be older: a write of it said that it is not recorded in Redis.
    excused: RefCell<BTreeMap<ObjectId, Duration>>,
    reads: Cell<u64>,
    hits: Cell<u64>,
    writes: Cell<u64>,
    violation: RefCell<Option<String>>,
}

struct SimPorts;

impl Ports for SimPorts {
    type Connector = SimConnector;
    type Platform = Rc<World>;
    type Observer = ();
}

struct SimBackend;

impl Backend for SimBackend {
    type Ports = SimPorts;
    type Database = SimDatabase;
    type Platform = World;
}

struct Run {
    world: Rc<World>,
    config: Config,
    redis: Rc<SimRedis>,
    database: SimDatabase,
    verified: VerifiedTokens,
    new_ids: ObjectIds,
    /// Two instances, each with what it remembers.
    instances: [ReadThrough<SimPorts>; 2],
    memory: [Memory; 2],
    history: History,
    scenario: Scenario,
    ids: Vec<ObjectId>,
}

impl Run {
    fn new(world: &Rc<World>, scenario: Scenario, cache_timeout: Duration) -> Self {
        let config = config(scenario.policy);
        let redis = SimRedis::new(world, scenario.parts, scenario.redis);
        let settings = Settings { timeout: cache_timeout, ..config.cache.clone() };
        let instance = |limit| {
            let connector = SimConnector { redis: Rc::clone(&redis), limit };
            ReadThrough::new(settings.clone(), connector, Rc::clone(world), ())
        };
        let ids: Vec<_> = (1..=DOCUMENTS).map(|n| ObjectId::parse(&format!("{n:024x}")).unwrap()).collect();
        Run {
            // As on Spin, and as on a host that ends calls to Redis by itself.
            instances: [instance(None), instance(Some(cache_timeout))],
            memory: Default::default(),
            config,
            redis,
            database: SimDatabase::new(world, scenario.database, &ids),
            verified: VerifiedTokens::default(),
            new_ids: ObjectIds::default(),
            history: History::default(),
            scenario,
            ids,
            world: Rc::clone(world),
        }
    }

    /// How far a request gets before its instance dies, if it does.
    fn dies_after(&self) -> Option<Duration> {
        let random = &self.world.random;
        random.chance(self.scenario.crashes).then(|| Duration::from_micros(random.below(60_000)))
    }
}

/// Runs a request, or drops its future after a while, wherever it is: nobody hears of it any more.
async fn within_or_ever(run: &Run, dies_after: Option<Duration>, request: impl Future<Output = ()>) {
    match dies_after {
        Some(after) => drop(timeout(&*run.world, after, request).await),
        None => request.await,
    }
}

fn run(seed: u64, scenario: Scenario) -> Rc<Run> {
    let world = World::new(seed);
    let run = Rc::new(Run::new(&world, scenario, CACHE_TIMEOUT));
    let clients = (0..CLIENTS).map(|_| Box::pin(client(Rc::clone(&run))) as Pin<Box<dyn Future<Output = ()>>>);
    world.run(clients.collect());
    run
}

fn config(policy: &str) -> Config {
    let set =
        [("access", "open"), ("cache_ttl_seconds", "2"), ("cache_write_policy", policy), ("store_timeout_ms", "500")];
    Config::parse(|name| {
        let default = VARIABLES.iter().find(|(known, _)| *known == name).unwrap().1;
        set.iter().find(|(known, _)| *known == name).map_or(default, |(_, value)| value).to_owned()
    })
    .unwrap()
}

/// Sends requests, one after the other, to either instance.
async fn client(run: Rc<Run>) {
    for _ in 0..REQUESTS {
        let random = &run.world.random;
        run.world.delay(Duration::from_millis(700)).await;
        let id = run.ids[random.below(run.ids.len() as u64) as usize].clone();
        let instance = random.below(2) as usize;
        let dies_after = run.dies_after();
        let request: Pin<Box<dyn Future<Output = ()>>> = match random.below(5) {
            0 => Box::pin(write(&run, instance, &id)),
            1 => Box::pin(read_listing(&run, instance)),
            _ => Box::pin(read(&run, instance, &id)),
        };
        within_or_ever(&run, dies_after, request).await;
    }
}

async fn send(run: &Run, instance: usize, method: Method, path: &str, body: &'static str) -> (u16, String, Bytes) {
    let held = run.memory[instance].budget.hold();
    let catalog = Catalog {
        settings: &run.config.catalog,
        cache: &run.instances[instance],
        database: &run.database,
        platform: &*run.world,
        ids: &run.new_ids,
    };
    let context = Context::<SimBackend> {
        catalog,
        access: &run.config.access,
        settings: &run.config.http,
        verified: &run.verified,
        memory: &run.memory[instance],
        held: &held,
    };
    let request =
        Request::builder().method(method).uri(path).header("content-type", "application/json").body(()).unwrap();
    let reply = store_api::http::answer(&context, &request, Bytes::from_static(body.as_bytes())).await.response;
    let header = |name: &str| reply.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let told = header("x-cache").or_else(|| header("cache-status")).unwrap_or_default();
    (reply.status().as_u16(), told, reply.into_body())
}

async fn write(run: &Run, instance: usize, id: &ObjectId) {
    let path = format!("/api/update/games/{id}");
    let (status, told, body) = send(run, instance, Method::PUT, &path, r#"{"n":0}"#).await;
    run.history.writes.set(run.history.writes.get() + 1);
    if told.contains("not-invalidated") {
        // A reader may still fill with what it read before the write, and that lives for a TTL.
        let until = run.world.now() + Duration::from_secs(2) + run.config.cache.ttl;
        run.history.excused.borrow_mut().insert(id.clone(), until);
    }
    if status == 200 {
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let mut acknowledged = run.history.acknowledged.borrow_mut();
        let last = acknowledged.entry(id.clone()).or_default();
        // The simulated store answers with the write's place in the order of truth.
        *last = answer["modified"].as_u64().unwrap().max(*last);
    }
}

async fn read(run: &Run, instance: usize, id: &ObjectId) {
    let expected = run.history.acknowledged.borrow().get(id).copied().unwrap_or(0);
    let began = run.world.now();
    let path = format!("/api/get/games/{id}");
    let (status, told, body) = send(run, instance, Method::GET, &path, "").await;
    if status == 200 {
        check(run, id, expected, &serde_json::from_slice(&body).unwrap(), &told, began);
    }
}

async fn read_listing(run: &Run, instance: usize) {
    let expected = run.history.acknowledged.borrow().clone();
    let began = run.world.now();
    let (status, told, body) = send(run, instance, Method::GET, "/api/showDB/games", "").await;
    if status == 200 {
        let documents: Vec<Value> = serde_json::from_slice(&body).unwrap();
        for (id, document) in run.ids.iter().zip(&documents) {
            check(run, id, expected.get(id).copied().unwrap_or(0), document, &told, began);
        }
    }
}

fn check(run: &Run, id: &ObjectId, expected: u64, document: &Value, told: &str, began: Duration) {
    let history = &run.history;
    history.reads.set(history.reads.get() + 1);
    history.hits.set(history.hits.get() + u64::from(told == "HIT"));
    let found = document["n"].as_u64().unwrap();
    let excused = history.excused.borrow().get(id).is_some_and(|until| began < *until);
    if found < expected && !excused {
        let now = run.world.now();
        *history.violation.borrow_mut() = Some(format!(
            "a read ({told}) of {id} that began at {began:?} and ended at {now:?} found {found}, older than the acknowledged {expected}"
        ));
    }
}

/// Runs many seeds, and gives the first violation.
fn search(seeds: std::ops::Range<u64>, scenario: Scenario) -> Result<String, String> {
    let (mut reads, mut hits, mut writes, mut failed) = (0, 0, 0, 0);
    let only = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = only.map_or(seeds, |seed: u64| seed..seed + 1);
    let count = seeds.end - seeds.start;
    for seed in seeds {
        let run = run(seed, scenario);
        if let Some(violation) = run.history.violation.take() {
            return Err(format!("seed {seed}: {violation}"));
        }
        reads += run.history.reads.get();
        hits += run.history.hits.get();
        writes += run.history.writes.get();
        failed += run.redis.failed.get();
    }
    Ok(format!("{count} seeds: {reads} reads, {hits} of them hits, {writes} writes, {failed} failed steps on Redis"))
}

/// How many seeds a test runs: `SEEDS`, for the longer mode, or enough to find every part that is missing.
fn seeds() -> std::ops::Range<u64> {
    0..std::env::var("SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(300)
}

fn holds(name: &str, scenario: Scenario) {
    match search(seeds(), scenario) {
        Ok(summary) => println!("{name}: {summary}"),
        Err(violation) => panic!("{name}: {violation}"),
    }
}

const LOST_STEPS: Scenario = Scenario {
    redis: redis::Faults { refused: 60, answer_lost: 40, hangs: 30, evicted: 100, evicts_fences: false, ..NO_FAULTS },
    crashes: 50,
    ..CALM
};

#[test]
fn without_faults_no_read_is_stale() {
    holds("no faults", CALM);
}

#[test]
fn when_instances_die_and_redis_is_emptied_no_read_is_stale() {
    let redis = redis::Faults { emptied: 20, ..CALM.redis };
    holds("instances die, Redis is emptied", Scenario { redis, crashes: 150, ..CALM });
}

#[test]
fn when_steps_on_redis_are_lost_no_read_is_stale() {
    holds("steps on Redis are lost", LOST_STEPS);
}

#[test]
fn when_the_store_fails_too_no_read_is_stale() {
    let database = database::Faults { refused: 50, answer_lost: 50, slow: 50 };
    holds("the store fails, steps on Redis are lost", Scenario { database, ..LOST_STEPS });
}

/// The double fault that the design names: the end of a write is lost, and Redis emptied during that write.
const DOUBLE_FAULT: Scenario =
    Scenario { redis: redis::Faults { emptied: 60, evicts_fences: true, ..LOST_STEPS.redis }, ..LOST_STEPS };

#[test]
fn a_double_fault_does_not_break_consistent() {
    holds("consistent, double fault", Scenario { policy: "consistent", ..DOUBLE_FAULT });
}

/// Many readers of one document at once, of whom some die wherever they are.
fn stampede(seed: u64) -> Rc<Run> {
    let world = World::new(seed);
    let scenario = Scenario { crashes: 150, ..CALM };
    // Who finds Redis slow reads around it, and that is another test's matter.
    let run = Rc::new(Run::new(&world, scenario, Duration::from_secs(1)));
    let readers = (0..40).map(|n| {
        let run = Rc::clone(&run);
        let reader = async move {
            run.world.delay(Duration::from_millis(30)).await;
            let dies_after = run.dies_after();
            let id = run.ids[0].clone();
            within_or_ever(&run, dies_after, read(&run, n % 2, &id)).await;
        };
        Box::pin(reader) as Pin<Box<dyn Future<Output = ()>>>
    });
    world.run(readers.collect());
    run
}

#[test]
fn a_stampede_is_one_read_of_the_store_per_lease() {
    for seed in seeds() {
        let run = stampede(seed);
        let (began, lease) = (Duration::from_secs(1), run.instances[0].lease_duration());
        let leases = 1 + (run.world.now() - began).div_duration_f64(lease) as u64;
        let asked = run.database.reads.get();
        assert!(asked <= leases, "seed {seed}: the store was read {asked} times within {leases} leases");
    }
}

#[test]
fn a_seed_replays_exactly() {
    let counts = || {
        let run = run(17, LOST_STEPS);
        (
            run.history.reads.get(),
            run.history.hits.get(),
            run.redis.commands.get(),
            run.database.reads.get(),
            run.world.now(),
        )
    };
    assert_eq!(counts(), counts());
}
