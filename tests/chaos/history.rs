//! What was written and acknowledged, and what a read may therefore find.
//!
//! A *register* is a field of a document that one writer sets to 1, 2, 3, … A write whose outcome is unknown ends its
//! register, since it may still come true at any time; the writer goes on with a new one. So of every register a read
//! must find the last version that was acknowledged before it began, or a later one that was at least attempted.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde_json::Value;

/// A document's number, and the name of a field of it.
pub type Register = (usize, String);

/// How far a register has come.
#[derive(Clone, Copy, Default)]
struct Progress {
    attempted: u64,
    acknowledged: u64,
    at: Option<Instant>,
}

/// What a read must find at least: taken before it begins.
pub struct Expected {
    registers: BTreeMap<Register, Progress>,
    began: Instant,
}

/// All that happened.
pub struct History {
    registers: Mutex<BTreeMap<Register, Progress>>,
    violation: Mutex<Option<String>>,
    pub reads: AtomicU64,
    pub hits: AtomicU64,
    pub checked: AtomicU64,
    pub acknowledged: AtomicU64,
    pub unknown: AtomicU64,
    pub unrecorded: AtomicU64,
    pub failed_reads: AtomicU64,
}

impl History {
    pub fn new() -> Self {
        History {
            registers: Mutex::default(),
            violation: Mutex::default(),
            reads: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            checked: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            unknown: AtomicU64::new(0),
            unrecorded: AtomicU64::new(0),
            failed_reads: AtomicU64::new(0),
        }
    }

    /// A write of this version is about to be sent.
    pub fn attempt(&self, register: &Register, version: u64) {
        self.registers.lock().unwrap().entry(register.clone()).or_default().attempted = version;
    }

    /// The write of this version was acknowledged.
    pub fn acknowledge(&self, register: &Register, version: u64) {
        let mut registers = self.registers.lock().unwrap();
        let progress = registers.get_mut(register).unwrap();
        progress.acknowledged = version;
        progress.at = Some(Instant::now());
        self.acknowledged.fetch_add(1, Ordering::Relaxed);
    }

    /// To be called before a read is sent.
    pub fn expected(&self) -> Expected {
        Expected { registers: self.registers.lock().unwrap().clone(), began: Instant::now() }
    }

    /// Checks a document that a read found. `told` describes the read.
    pub fn check(&self, expected: &Expected, document: usize, found: &Value, told: &str) {
        self.checked.fetch_add(1, Ordering::Relaxed);
        let attempted = self.registers.lock().unwrap().clone();
        for (register, least) in expected.registers.iter().filter(|((number, _), _)| *number == document) {
            let version = found[&register.1].as_u64().unwrap_or(0);
            if version < least.acknowledged {
                self.violate(&format!(
                    "{told} found version {version} of {register:?}, which was at {} when it began; acknowledged {:?} before",
                    least.acknowledged,
                    least.at.map(|at| expected.began - at),
                ));
            } else if version > attempted[register].attempted {
                self.violate(&format!("{told} found version {version} of {register:?}, which nobody has written"));
            }
        }
    }

    /// Notes the first violation.
    pub fn violate(&self, what: &str) {
        self.violation.lock().unwrap().get_or_insert_with(|| what.to_owned());
    }

    pub fn violation(&self) -> Option<String> {
        self.violation.lock().unwrap().clone()
    }

    pub fn summary(&self) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        format!(
            "{} reads, {} of them hits, {} failed, {} documents checked; {} writes acknowledged, {} with an unknown outcome, {} not promised",
            count(&self.reads),
            count(&self.hits),
            count(&self.failed_reads),
            count(&self.checked),
            count(&self.acknowledged),
            count(&self.unknown),
            count(&self.unrecorded),
        )
    }

    /// Whether enough was cached and written for the run to prove something.
    pub fn tells_something(&self) -> bool {
        [&self.hits, &self.acknowledged, &self.unknown, &self.checked]
            .iter()
            .all(|counter| counter.load(Ordering::Relaxed) > 10)
    }
}
