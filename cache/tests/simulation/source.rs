//! A source of numbered documents, some of which exist: what it applied, in the order in which it did.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Loaded, Platform, SourceError, timeout};

use super::world::World;

/// How long the source may take.
pub const TIMEOUT: Duration = Duration::from_millis(500);

/// How the source fails, in times per thousand calls.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// Nothing is done, and the caller is told so.
    pub refused: u64,
    /// It is done, and the answer lost until the time is up.
    pub answer_lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    Refused,
    TimedOut,
}

impl SourceError for Failure {
    fn timed_out() -> Self {
        Failure::TimedOut
    }

    fn outcome_unknown(&self) -> bool {
        *self == Failure::TimedOut
    }

    fn is_outage(&self) -> bool {
        true
    }
}

/// By document: after each write of it, whether it exists. The number of a write is its place in this list.
pub struct SimSource {
    world: Rc<World>,
    faults: Cell<Faults>,
    documents: RefCell<Vec<Vec<bool>>>,
    pub reads: Cell<u64>,
}

impl SimSource {
    pub fn new(world: &Rc<World>, faults: Faults, documents: usize) -> Self {
        SimSource {
            world: Rc::clone(world),
            faults: Cell::new(faults),
            documents: RefCell::new((0..documents).map(|number| vec![number % 2 == 0]).collect()),
            reads: Cell::new(0),
        }
    }

    /// From now on nothing fails.
    pub fn heal(&self) {
        self.faults.set(Faults::default());
    }

    async fn call<T>(&self, call: impl FnOnce(&mut Vec<Vec<bool>>) -> T) -> Result<T, Failure> {
        let (random, faults) = (&self.world.random, self.faults.get());
        let exchange = async {
            self.world.delay(Duration::from_millis(100)).await;
            if random.chance(faults.refused) {
                return Err(Failure::Refused);
            }
            let done = call(&mut self.documents.borrow_mut());
            if random.chance(faults.answer_lost) {
                self.world.sleep(TIMEOUT * 2).await;
            }
            self.world.delay(Duration::from_millis(100)).await;
            Ok(done)
        };
        timeout(&*self.world, TIMEOUT, exchange).await.unwrap_or(Err(Failure::TimedOut))
    }

    /// The number of the document's last write, if the document exists.
    pub async fn document(&self, number: usize) -> Result<Option<Loaded>, Failure> {
        self.reads.set(self.reads.get() + 1);
        let found = self.call(|documents| {
            documents[number].last().is_some_and(|exists| *exists).then(|| documents[number].len() - 1)
        });
        Ok(found.await?.map(|version| Loaded { bytes: Bytes::from(version.to_string()), meta: format!("v{version}") }))
    }

    /// The numbers of the last writes of all documents.
    pub async fn listing(&self) -> Result<Option<Loaded>, Failure> {
        self.reads.set(self.reads.get() + 1);
        let versions =
            self.call(|documents| documents.iter().map(|states| (states.len() - 1).to_string()).collect::<Vec<_>>());
        Ok(Some(Loaded::from(Bytes::from(versions.await?.join(" ")))))
    }

    /// Writes the document, or deletes it, or makes it exist again: the number of the write.
    pub async fn write(&self, number: usize) -> Result<usize, Failure> {
        let exists = self.world.random.chance(600);
        self.call(|documents| {
            documents[number].push(exists);
            documents[number].len() - 1
        })
        .await
    }

    /// Whether the document was absent after a write from this one on.
    pub fn was_absent_since(&self, number: usize, version: usize) -> bool {
        self.documents.borrow()[number][version..].contains(&false)
    }
}
