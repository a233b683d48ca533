//! An authoritative store of numbered documents: what it applied, in the order in which it did.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Platform, timeout};
use serde_json::{Value, json};
use store_api::database::change::Update;
use store_api::database::filter::{Condition, Filter};
use store_api::database::object_id::ObjectId;
use store_api::database::{Database, DatabaseError, Document, Find, Updated};

use super::world::World;

impl store_api::platform::Platform for World {
    fn unix_time(&self) -> Duration {
        self.now()
    }
}

/// How long the store's client waits for it.
pub const TIMEOUT: Duration = Duration::from_millis(500);

/// How the store fails, in times per thousand calls.
#[derive(Clone, Copy, Default)]
pub struct Faults {
    /// Nothing is done, and the caller is told so.
    pub refused: u64,
    /// It is done, and the answer lost until the time is up.
    pub answer_lost: u64,
    /// It is done in the end, but the caller is told before that the time is up.
    pub slow: u64,
}

/// The simulated store: one collection, documents with the number `n` of the write that they are from.
pub struct SimDatabase {
    world: Rc<World>,
    faults: Faults,
    documents: Rc<RefCell<BTreeMap<ObjectId, Document>>>,
    /// How many writes were applied; each gets the next number, which is its place in the order of truth.
    applied: Rc<Cell<u64>>,
    pub reads: Cell<u64>,
}

impl SimDatabase {
    pub fn new(world: &Rc<World>, faults: Faults, ids: &[ObjectId]) -> Self {
        let document = |id: &ObjectId| json!({ "_id": id.to_ejson(), "n": 0 }).as_object().cloned().unwrap_or_default();
        let documents = ids.iter().map(|id| (id.clone(), document(id))).collect();
        SimDatabase {
            world: Rc::clone(world),
            faults,
            documents: Rc::new(RefCell::new(documents)),
            applied: Rc::new(Cell::new(0)),
            reads: Cell::new(0),
        }
    }

    async fn call<T>(&self, call: impl FnOnce(&mut BTreeMap<ObjectId, Document>) -> T) -> Result<T, DatabaseError> {
        let random = &self.world.random;
        let exchange = async {
            self.world.delay(Duration::from_millis(100)).await;
            if random.chance(self.faults.refused) {
                return Err(DatabaseError::Unreachable("simulated".to_owned()));
            }
            if random.chance(self.faults.slow) {
                self.world.sleep(TIMEOUT - Duration::from_millis(1)).await;
            }
            let done = call(&mut self.documents.borrow_mut());
            if random.chance(self.faults.answer_lost) {
                self.world.sleep(TIMEOUT * 2).await;
            }
            self.world.delay(Duration::from_millis(100)).await;
            Ok(done)
        };
        timeout(&*self.world, TIMEOUT, exchange).await.unwrap_or(Err(DatabaseError::Timeout))
    }
}

fn matches(id: &ObjectId, filter: &Filter) -> bool {
    filter.0.iter().all(|condition| matches!(condition, Condition::Id(wanted) if wanted.contains(&id.to_ejson())))
}

fn text(value: &impl serde::Serialize) -> Bytes {
    Bytes::from(serde_json::to_vec(value).unwrap_or_default())
}

impl Database for SimDatabase {
    async fn find(&self, _: &str, find: &Find) -> Result<Bytes, DatabaseError> {
        self.reads.set(self.reads.get() + 1);
        let filter = find.filter.clone();
        self.call(|documents| {
            text(&documents.iter().filter(|(id, _)| matches(id, &filter)).map(|(_, d)| d).collect::<Vec<_>>())
        })
        .await
    }

    async fn find_first(&self, _: &str, filter: &Filter) -> Result<Option<Bytes>, DatabaseError> {
        self.reads.set(self.reads.get() + 1);
        self.call(|documents| documents.iter().find(|(id, _)| matches(id, filter)).map(|(_, d)| text(d))).await
    }

    async fn count(&self, _: &str, filter: &Filter) -> Result<u64, DatabaseError> {
        self.call(|documents| documents.keys().filter(|id| matches(id, filter)).count() as u64).await
    }

    async fn field_names(&self, _: &str) -> Result<Vec<String>, DatabaseError> {
        Ok(vec!["n".to_owned()])
    }

    async fn insert(&self, _: &str, _: &[Value]) -> Result<(), DatabaseError> {
        Err(DatabaseError::Refused("the simulation does not insert".to_owned()))
    }

    /// Sets `n` to the write's place in the order of truth, and answers with it.
    async fn update(&self, _: &str, filter: &Filter, _: &Update) -> Result<Updated, DatabaseError> {
        let applied = Rc::clone(&self.applied);
        self.call(|documents| {
            let Some((_, document)) = documents.iter_mut().find(|(id, _)| matches(id, filter)) else {
                return Updated { matched: 0, modified: 0 };
            };
            applied.set(applied.get() + 1);
            document.insert("n".to_owned(), Value::from(applied.get()));
            Updated { matched: 1, modified: applied.get() }
        })
        .await
    }

    async fn delete(&self, _: &str, _: &Filter) -> Result<u64, DatabaseError> {
        Err(DatabaseError::Refused("the simulation does not delete".to_owned()))
    }

    async fn delete_all(&self, _: &str) -> Result<u64, DatabaseError> {
        Err(DatabaseError::Refused("the simulation does not delete".to_owned()))
    }

    async fn replace_all(&self, _: &str, _: &[Document]) -> Result<(), DatabaseError> {
        Err(DatabaseError::Refused("the simulation does not replace".to_owned()))
    }

    async fn ping(&self, _: &str) -> Result<(), DatabaseError> {
        Ok(())
    }
}
