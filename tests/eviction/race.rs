//! Readers against a writer, with Redis at its memory limit.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::{BodyExt, Empty};
use hyper::Request;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::http::HeaderMap;
use hyper::http::response::Parts;
use hyper_util::rt::TokioIo;
use serde_json::json;
use testkit::client::Client;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::common::backends::Backends;
use crate::common::evictions::{self, info};
use crate::common::faulty::Node;
use crate::{READS, version_of, write};

const READERS: usize = 12;
/// Who send queries that nobody sent before, or not for long.
const FLOODERS: usize = 2;
/// So many different queries: their answers are many times what Redis may hold.
const QUERIES: usize = 400;
/// How many reads there are between two queries of a flooder.
const READS_A_FLOOD: u64 = 100;
/// What Redis may hold beside what it holds when a race begins.
const ROOM: u64 = 1_500_000;
/// Where nothing is evicted, somebody else has so many keys of 10 kB in Redis, and they take up most of the room: then a slow
/// machine, too, fills the rest before the flood's answers expire.
const SOMEBODYS: usize = 90;
/// A run ends then, however few evictions it saw; and a read fails that took as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// What happened in a race.
#[derive(Default)]
struct Tally {
    reads: AtomicU64,
    hits: AtomicU64,
    stale: AtomicU64,
    flooded: AtomicU64,
    attempted: AtomicU64,
    acknowledged: AtomicU64,
    stop: AtomicBool,
}

impl Tally {
    fn running(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    /// Writes and floods are paced by the reads, so that the share of hits does not depend on the machine.
    fn wait_for_reads(&self, count: u64) {
        let resume = self.reads.load(Ordering::SeqCst) + count;
        while self.running() && self.reads.load(Ordering::SeqCst) < resume {
            sleep(Duration::from_millis(1));
        }
    }

    /// Counts the version upwards.
    fn write(&self, client: &Client) {
        for next in 1.. {
            if !self.running() {
                break;
            }
            self.attempted.store(next, Ordering::SeqCst);
            write(client, next);
            self.acknowledged.store(next, Ordering::SeqCst);
            // After various numbers of reads.
            self.wait_for_reads(next * 37 % 900);
        }
    }

    /// Reads in every way in turn, and checks that no read shows less than what was acknowledged before it began.
    async fn read(&self, address: &str, number: usize) {
        let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
        let (mut sender, connection) = http1::handshake(stream).await.unwrap();
        let requests = async move {
            for path in READS.iter().cycle().skip(number) {
                if !self.running() {
                    break;
                }
                let least = self.acknowledged.load(Ordering::SeqCst);
                let (head, body) = timeout(PATIENCE, get(&mut sender, address, path)).await.unwrap();
                assert_eq!(head.status, 200, "{path}: {body:?}");
                self.check(path, version_of(&serde_json::from_slice(&body).unwrap()), least, &head.headers);
            }
        };
        // The connection ends when its sender is dropped.
        let (connection, ()) = tokio::join!(connection, requests);
        connection.unwrap();
    }

    /// Counts a read, which was to find no version below `least`.
    fn check(&self, path: &str, found: u64, least: u64, headers: &HeaderMap) {
        let is_hit = headers.get("x-cache").is_some_and(|value| value == "HIT");
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.hits.fetch_add(u64::from(is_hit), Ordering::SeqCst);
        if found < least && self.stale.fetch_add(1, Ordering::SeqCst) < 10 {
            println!("{path} ({:?}) found {found} after {least}", headers.get("cache-status"));
        }
        assert!(found <= self.attempted.load(Ordering::SeqCst), "{path} found {found}, which nobody has written");
    }

    /// All readers, on one thread: so they take the least time from what they test.
    fn read_all(&self, address: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(join_all((0..READERS).map(|number| self.read(address, number))));
    }

    /// Sends queries of another collection, whose answers push others out of Redis.
    fn flood(&self, client: &Client, number: usize) {
        for query in (0..QUERIES).cycle().skip(number * QUERIES / FLOODERS) {
            if !self.running() {
                break;
            }
            assert_eq!(client.get(&format!("/api/showDB/clients?sort=v{query}")).status, 200);
            self.flooded.fetch_add(1, Ordering::SeqCst);
            self.wait_for_reads(READS_A_FLOOD);
        }
    }
}

async fn get(sender: &mut SendRequest<Empty<Bytes>>, host: &str, path: &str) -> (Parts, Bytes) {
    let request = Request::get(path).header("Host", host).body(Empty::new()).unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    (head, body.collect().await.unwrap().to_bytes())
}

/// Counts which keys of the games Redis evicts, by kind: `value`, or what stands behind the `~`.
fn count_evicted(redis: &mut redis::Connection, tally: &Tally) -> BTreeMap<String, u64> {
    let mut kinds = BTreeMap::new();
    let count = |name: &str| {
        let kind = if name.starts_with('~') { name.split(':').next().unwrap() } else { "value" };
        *kinds.entry(kind.to_owned()).or_insert(0) += 1;
    };
    evictions::listen(redis, || tally.running(), count).unwrap();
    kinds
}

/// Runs under an eviction policy until there were enough reads, and fails where one of them was stale.
pub fn race(policy: &str, variables: &[(&str, &str)]) {
    let least: u64 = std::env::var("EVICTION_READS").ok().map_or(6_000, |reads| reads.parse().unwrap());
    let evicts = policy != "noeviction";
    let backends = Backends::start();
    // A TTL longer than most runs: what is stale stays so until somebody notices.
    let mut all = vec![("cache_ttl_seconds", "600"), ("cache_timeout_ms", "5000"), ("store_timeout_ms", "20000")];
    all.extend(variables);
    let node = Node::start(&backends, &all);
    assert_eq!(node.post("/api/initDB/all").status, 200);
    for number in 0..3 {
        let client = json!({ "name": format!("client {number}"), "text": "x".repeat(20_000) });
        assert_eq!(node.add("clients", &client).status, 201);
    }
    write(&node, 0);

    let mut redis = backends.redis_connection();
    let limit = info(&mut redis, "memory", "used_memory").unwrap() + ROOM;
    let mut set = |name: &str, value: &str| {
        let () = redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query(&mut redis).unwrap();
    };
    set("maxmemory-policy", policy);
    set("notify-keyspace-events", "Ee");
    set("maxmemory", &limit.to_string());
    if !evicts {
        for number in 0..SOMEBODYS {
            let () = redis::cmd("SET").arg(number).arg("x".repeat(10_000)).query(&mut redis).unwrap();
        }
    }

    let tally = Tally::default();
    let began = Instant::now();
    let client = || Client::new(node.base_url());
    let address = node.base_url().strip_prefix("http://").unwrap();
    let kinds = thread::scope(|scope| {
        let tally = &tally;
        let mut threads = vec![scope.spawn(move || tally.write(&client()))];
        threads.push(scope.spawn(move || tally.read_all(address)));
        threads.extend((0..FLOODERS).map(|number| scope.spawn(move || tally.flood(&client(), number))));
        let mut listener = backends.redis_connection();
        let evicted = scope.spawn(move || count_evicted(&mut listener, tally));
        let full = |redis: &mut redis::Connection| match evicts {
            true => info(redis, "stats", "evicted_keys").unwrap() >= 50,
            // An answer of the flood, and what is beside it, does not fit any more.
            false => info(redis, "memory", "used_memory").unwrap() + 100_000 > limit,
        };
        let mut was_full = false;
        while tally.reads.load(Ordering::SeqCst) < least || !was_full && began.elapsed() < PATIENCE {
            sleep(Duration::from_millis(50));
            was_full = was_full || full(&mut redis);
            if threads.iter().any(thread::ScopedJoinHandle::is_finished) {
                break;
            }
        }
        tally.stop.store(true, Ordering::SeqCst);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(was_full, "{policy}: Redis did not come to its limit");
        evicted.join().unwrap()
    });

    let count = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
    let (reads, hits, stale) = (count(&tally.reads), count(&tally.hits), count(&tally.stale));
    let evicted = info(&mut redis, "stats", "evicted_keys").unwrap();
    println!(
        "{policy}: {reads} reads, {hits} hits, {stale} stale, {} writes, {} flooded, {evicted} evicted, of the games {kinds:?}, {:?}",
        count(&tally.acknowledged),
        count(&tally.flooded),
        began.elapsed(),
    );
    assert_eq!(stale, 0, "{policy}");
    assert!(count(&tally.acknowledged) >= 5, "{policy}: hardly a write");
    assert!(hits * 4 > reads, "{policy}: {hits} hits of {reads} reads");
    assert_eq!(evicted > 0, evicts, "{policy}: {evicted} evicted");
    // It keeps what is read most, and so nearly all that is read here.
    if evicts && policy != "allkeys-lfu" {
        assert!(!kinds.is_empty(), "{policy}: no key of the games was evicted, so nothing was put to the test");
    }
}
