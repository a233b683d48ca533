//! The system under fire, and a record of what was done to it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Instant;

use serde_json::json;
use testkit::client::Client;

use crate::common::backends::Backends;
use crate::common::faulty::Node;

pub const DOCUMENTS: usize = 6;
pub const NODES: usize = 2;

/// How much memory Redis has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Memory {
    Ample,
    /// It is at its limit all the time, and evicts what its policy says.
    Full,
}

/// Two hosts and the servers behind them.
pub struct Cluster {
    pub nodes: [RwLock<Node>; NODES],
    pub backends: Mutex<Backends>,
    /// The hosts' addresses, which stay the same when they are started again.
    urls: [String; NODES],
    pub memory: Memory,
    /// Odd while Redis is being emptied or loses fences, and changed by it.
    emptied: AtomicU64,
    began: Instant,
    faults: Mutex<Vec<(Instant, &'static str, String)>>,
}

impl Cluster {
    pub fn start(policy: &str, memory: Memory) -> Self {
        let backends = Backends::start();
        // A TTL longer than the run: what is stale stays so until somebody notices.
        let variables = [("cache_write_policy", policy), ("cache_ttl_seconds", "3600")];
        let nodes = [(); NODES].map(|()| Node::start(&backends, &variables));
        let urls = nodes.each_ref().map(|node| node.base_url().to_owned());
        assert_eq!(nodes[0].post("/api/cleanDB/games").status, 200);
        for number in 0..DOCUMENTS {
            let document = json!({ "_id": id(number), "item": format!("game {number}"), "price": number });
            assert_eq!(nodes[0].add("games", &document).status, 201);
        }
        Cluster {
            nodes: nodes.map(RwLock::new),
            backends: Mutex::new(backends),
            urls,
            memory,
            emptied: AtomicU64::new(0),
            began: Instant::now(),
            faults: Mutex::default(),
        }
    }

    /// A client of each host.
    pub fn clients(&self) -> [Client; NODES] {
        self.urls.each_ref().map(|url| Client::new(url))
    }

    /// Notes a fault.
    pub fn note(&self, kind: &'static str, where_: impl Into<String>) {
        self.faults.lock().unwrap().push((Instant::now(), kind, where_.into()));
    }

    /// Empties Redis, or takes fences from it, by `empty`, so that writes know whether it happened during them.
    pub fn empty_redis(&self, empty: impl FnOnce(&mut Backends)) {
        // One at a time: the count is odd while it goes on.
        let mut backends = self.backends.lock().unwrap();
        self.emptied.fetch_add(1, Ordering::SeqCst);
        empty(&mut backends);
        self.emptied.fetch_add(1, Ordering::SeqCst);
    }

    /// Changes whenever Redis is emptied or loses fences; `None` while it does, and where it may at any time.
    pub fn emptied(&self) -> Option<u64> {
        let emptied = self.emptied.load(Ordering::SeqCst);
        (self.memory == Memory::Ample && emptied.is_multiple_of(2)).then_some(emptied)
    }

    pub fn redis_url(&self) -> String {
        self.backends.lock().unwrap().redis.url()
    }

    /// How many faults of a kind there were.
    pub fn count(&self, kind: &str) -> usize {
        self.faults.lock().unwrap().iter().filter(|(_, other, _)| *other == kind).count()
    }

    /// What was done, by kind.
    pub fn faults(&self) -> String {
        let mut kinds = BTreeMap::new();
        for (_, kind, _) in &*self.faults.lock().unwrap() {
            *kinds.entry(*kind).or_insert(0) += 1;
        }
        let pieces: u64 = self
            .nodes
            .iter()
            .map(|node| {
                let node = node.read().unwrap();
                node.to_redis.faults() + node.to_store.faults()
            })
            .sum();
        let kinds: Vec<_> = kinds.iter().map(|(kind, count)| format!("{count} × {kind}")).collect();
        format!("faults: {}, {pieces} pieces delayed or cut by chance", kinds.join(", "))
    }

    pub fn last_faults(&self) -> String {
        let faults = self.faults.lock().unwrap();
        let last = faults.iter().rev().take(40).rev();
        let lines: Vec<_> = last.map(|(at, kind, place)| format!("  {:?} {kind} {place}", *at - self.began)).collect();
        lines.join("\n")
    }
}

/// The `_id` of a document.
pub fn id(number: usize) -> String {
    format!("{:024x}", 0xc0de_0000 + number)
}
