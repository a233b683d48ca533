//! What is done to the system, for as long as nobody says stop.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use redis::Commands;
use testkit::proxy::Mode;

use super::cluster::{Cluster, NODES};
use crate::common::evictions::{self, info};

/// What Redis does at its memory limit.
const EVICTION_POLICIES: [&str; 7] =
    ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-random", "volatile-ttl", "noeviction"];

/// What Redis may hold at its memory limit, beside what it needs for itself.
const ROOM: u64 = 1_500_000;

/// Random numbers enough for a choice (SplitMix64, Steele et al., OOPSLA 2014), from a clock: a run does not replay.
pub struct Chance(u64);

impl Chance {
    pub fn new(number: usize) -> Self {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
        Chance(now ^ (number as u64) << 56)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to - from))
    }
}

/// A way between two parts.
#[derive(Clone, Copy)]
pub enum Link {
    ToRedis,
    ToStore,
}

/// Breaks the way from a host to one of its servers, for a while, and lets it be for a while, in turn.
pub fn break_link(cluster: &Cluster, stop: &AtomicBool, node: usize, link: Link) {
    let mut chance = Chance::new(100 + node);
    let set = |mode| {
        let node = cluster.nodes[node].read().unwrap();
        match link {
            Link::ToRedis => node.to_redis.set(mode),
            Link::ToStore => node.to_store.set(mode),
        }
    };
    while !stop.load(Ordering::Relaxed) {
        sleep(chance.millis(300, 1200));
        // Mostly slowness, since that is what lets one overtake the other.
        let (mode, kind) = match chance.below(16) {
            0 => (Mode::Refuse, "refuse"),
            1 => (Mode::Hang, "hang"),
            2 => (Mode::CutAnswers, "cut answers"),
            3..6 => (Mode::Chaos, "chaos"),
            _ => (Mode::Slow(chance.millis(5, 80)), "slow"),
        };
        let server = match link {
            Link::ToRedis => "Redis",
            Link::ToStore => "the store",
        };
        cluster.note(kind, format!("host {node} to {server}"));
        set(mode);
        sleep(chance.millis(200, 900));
        set(Mode::Pass);
    }
}

/// Kills a server and starts it again, or freezes or empties Redis; and then again.
pub fn break_servers(cluster: &Cluster, stop: &AtomicBool) {
    let mut chance = Chance::new(101);
    while !stop.load(Ordering::Relaxed) {
        sleep(chance.millis(500, 2500));
        match chance.below(7) {
            0 => {
                cluster.note("Redis killed", "");
                cluster.empty_redis(|backends| {
                    backends.redis.service.kill().unwrap();
                    sleep(chance.millis(0, 300));
                    backends.redis.service.start().unwrap();
                });
            }
            1 => {
                cluster.note("Redis emptied", "");
                cluster.empty_redis(|backends| {
                    let mut redis = backends.redis_connection();
                    let () = redis::cmd("FLUSHALL").query(&mut redis).unwrap();
                    let () = redis::cmd("SCRIPT").arg("FLUSH").query(&mut redis).unwrap();
                });
            }
            2 => {
                cluster.note("Redis frozen", "");
                let mut backends = cluster.backends.lock().unwrap();
                backends.redis.service.pause().unwrap();
                sleep(chance.millis(50, 500));
                backends.redis.service.resume().unwrap();
            }
            3 => {
                cluster.note("bridge killed", "");
                let mut backends = cluster.backends.lock().unwrap();
                backends.bridge.service.kill().unwrap();
                backends.bridge.service.start().unwrap();
            }
            _ => {
                let node = chance.below(NODES as u64) as usize;
                cluster.note("host killed", node.to_string());
                let mut node = cluster.nodes[node].write().unwrap();
                node.host.service.kill().unwrap();
                node.host.service.start().unwrap();
            }
        }
    }
}

/// Drops one key of Redis, whichever it is, and then another.
pub fn drop_keys(cluster: &Cluster, stop: &AtomicBool) {
    let mut chance = Chance::new(102);
    let client = redis::Client::open(cluster.redis_url()).unwrap();
    while !stop.load(Ordering::Relaxed) {
        sleep(chance.millis(50, 300));
        // A Redis that was killed has nothing to drop, and one that is frozen drops it afterwards.
        let Ok(mut redis) = client.get_connection() else { continue };
        let Ok(Some(key)) = redis::cmd("RANDOMKEY").query::<Option<String>>(&mut redis) else { continue };
        let fence = key.contains(":~fence:");
        let mut drop_key = || redis.del::<_, u64>(&key).is_ok_and(|dropped| dropped > 0);
        let mut dropped = false;
        match fence {
            // A write that loses its fence and its end is the promise's exception, as where Redis is emptied.
            true => cluster.empty_redis(|_| dropped = drop_key()),
            false => dropped = drop_key(),
        }
        if dropped {
            cluster.note(if fence { "fence dropped" } else { "key dropped" }, key);
        }
    }
}

/// Keeps Redis at its memory limit by keys of somebody else, under one eviction policy after another.
pub fn fill_memory(cluster: &Cluster, stop: &AtomicBool) {
    let mut chance = Chance::new(103);
    let client = redis::Client::open(cluster.redis_url()).unwrap();
    let empty = info(&mut client.get_connection().unwrap(), "memory", "used_memory").unwrap();
    let mut policies = EVICTION_POLICIES.iter().cycle();
    while !stop.load(Ordering::Relaxed) {
        // One that was killed forgets the limit, one that is frozen takes it afterwards.
        let Ok(mut redis) = client.get_connection() else {
            sleep(chance.millis(50, 100));
            continue;
        };
        let policy = *policies.next().unwrap();
        let mut set =
            |name, value: &str| redis::cmd("CONFIG").arg("SET").arg(name).arg(value).query::<()>(&mut redis).is_ok();
        let limited = set("maxmemory", &(empty + ROOM).to_string())
            && set("notify-keyspace-events", "Ee")
            && set("maxmemory-policy", policy);
        cluster.note("eviction policy", policy);
        let end = Instant::now() + chance.millis(300, 1000);
        while limited && Instant::now() < end && !stop.load(Ordering::Relaxed) {
            let key = format!("somebody:{}", chance.below(10_000));
            // Refused where nothing is evicted, and that is what Redis is full for.
            let _ = redis.set_ex::<_, _, ()>(key, "x".repeat(2000), 7200);
            // Once it is full, slowly enough for a value to be hit before it goes.
            if info(&mut redis, "memory", "used_memory").is_ok_and(|used| used <= empty + ROOM * 9 / 10) {
                continue;
            }
            sleep(chance.millis(10, 60));
        }
    }
}

/// Notes which keys of the games Redis evicts.
pub fn note_evicted(cluster: &Cluster, stop: &AtomicBool) {
    let client = redis::Client::open(cluster.redis_url()).unwrap();
    let running = || !stop.load(Ordering::Relaxed);
    while running() {
        // A Redis that was killed is listened to again when it is back.
        if let Ok(mut redis) = client.get_connection() {
            let _ = evictions::listen(&mut redis, running, |name| cluster.note("key evicted", name));
        }
        sleep(Duration::from_millis(20));
    }
}
