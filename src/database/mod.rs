//! The authoritative store.
//!
//! - [`Database`] is the port: what the catalog needs of a document database.
//! - [`data_api`] is its implementation, a client of MongoDB's Data API; [`upstream`] is its way out.
//! - [`filter`] says which documents are meant, and turns that into a query in which a client's input is only ever data.
//! - [`list_query`] says what a listing asks for; [`page`] reads a page of it, [`cursor`] names where the next one begins,
//!   [`keyset`] goes on from there.
//! - [`change`] says what an update changes; [`rejection`] what MongoDB refuses because of what a client asked for.
//! - [`id`] says which document a text in a path means; [`object_id`] makes the ids of new ones.
//! - [`value`] knows BSON's types, as Extended JSON spells them.

pub mod change;
pub mod cursor;
pub mod data_api;
pub mod filter;
pub mod id;
pub mod idempotency;
pub mod keyset;
pub mod list_query;
pub mod object_id;
pub mod page;
mod query;
pub mod rejection;
mod settings;
pub mod upstream;
pub mod value;

use std::fmt;
use std::future::Future;

use bytes::Bytes;
use fenced_cache::SourceError;
use serde_json::{Map, Value};

use change::Update;
use filter::Filter;
use rejection::Rejection;
pub use settings::Settings;

/// A JSON object with its fields in their order.
pub type Document = Map<String, Value>;

/// What a listing asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Find {
    /// Which documents.
    pub filter: Filter,
    /// Fields to sort by, in their order; `_id` decides between equals.
    pub sort: Vec<SortKey>,
    /// How many documents to pass over.
    pub skip: u64,
    /// How many documents at most.
    pub limit: Option<u64>,
    /// The fields to return, besides `_id`; if empty, all.
    pub fields: Vec<String>,
}

/// One field to sort by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SortKey {
    /// The field's name, dotted to reach into documents.
    pub field: String,
    /// From the largest value to the smallest.
    pub descending: bool,
}

/// What an update did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Updated {
    /// How many documents the filter found: 0 or 1.
    pub matched: u64,
    /// How many of them changed.
    pub modified: u64,
}

/// Why the store did not do what it was asked to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseError {
    /// It could not be reached, so nothing was asked of it: 503.
    Unreachable(String),
    /// It was reached, and says that it cannot serve: 503. A write may have been done all the same.
    Unavailable(String),
    /// No answer in time: 504. A write may have been done all the same.
    Timeout,
    /// It gave an unintelligible answer, or an error of its own: 502. A write may have been done all the same.
    Failed(String),
    /// It refused what was asked, and did nothing: 502, since what we ask should be right.
    Refused(String),
    /// MongoDB refused what a client asked for: 400, 409, 413 or 422. Of several documents that were inserted, those
    /// before the refused one were written.
    Rejected(Rejection),
    /// Its answer is larger than so many bytes: 400, since the client can ask for less.
    TooLarge(usize),
    /// The instance holds as many bytes as it may, and a read can be tried again: 503.
    OverBudget,
}

impl SourceError for DatabaseError {
    fn timed_out() -> Self {
        DatabaseError::Timeout
    }

    fn outcome_unknown(&self) -> bool {
        matches!(
            self,
            DatabaseError::Unavailable(_)
                | DatabaseError::Timeout
                | DatabaseError::Failed(_)
                | DatabaseError::TooLarge(_)
        )
    }

    fn is_outage(&self) -> bool {
        matches!(
            self,
            DatabaseError::Unreachable(_)
                | DatabaseError::Unavailable(_)
                | DatabaseError::Timeout
                | DatabaseError::Failed(_)
        )
    }
}

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DatabaseError::Unreachable(why) => write!(f, "the Data API could not be reached: {why}"),
            DatabaseError::Unavailable(why) => write!(f, "the Data API cannot serve: {why}"),
            DatabaseError::Timeout => f.write_str("the Data API did not answer in time"),
            DatabaseError::Failed(why) => write!(f, "the Data API failed: {why}"),
            DatabaseError::Refused(why) => write!(f, "the Data API refused: {why}"),
            DatabaseError::Rejected(rejection) => rejection.fmt(f),
            DatabaseError::OverBudget => f.write_str("the instance holds as many bytes as it may"),
            DatabaseError::TooLarge(limit) => write!(f, "the Data API's answer is larger than {limit} bytes"),
        }
    }
}

impl std::error::Error for DatabaseError {}

/// The port: a document database. Documents go in and come out as Extended JSON, so that every value keeps its type.
pub trait Database {
    /// The documents that `find` asks for, as the text of a JSON array.
    fn find(&self, collection: &str, find: &Find) -> impl Future<Output = Result<Bytes, DatabaseError>>;

    /// The first matching document in `_id` order, as the text of a JSON object.
    fn find_first(
        &self,
        collection: &str,
        filter: &Filter,
    ) -> impl Future<Output = Result<Option<Bytes>, DatabaseError>>;

    /// How many documents match.
    fn count(&self, collection: &str, filter: &Filter) -> impl Future<Output = Result<u64, DatabaseError>>;

    /// The names of the top-level fields that the collection's documents have, `_id` included, sorted.
    fn field_names(&self, collection: &str) -> impl Future<Output = Result<Vec<String>, DatabaseError>>;

    /// Inserts documents in their order, each with its `_id`, up to the first that MongoDB refuses.
    fn insert(&self, collection: &str, documents: &[Value]) -> impl Future<Output = Result<(), DatabaseError>>;

    /// Updates one document.
    fn update(
        &self,
        collection: &str,
        filter: &Filter,
        update: &Update,
    ) -> impl Future<Output = Result<Updated, DatabaseError>>;

    /// Deletes one document. How many: 0 or 1.
    fn delete(&self, collection: &str, filter: &Filter) -> impl Future<Output = Result<u64, DatabaseError>>;

    /// Deletes every document. How many.
    fn delete_all(&self, collection: &str) -> impl Future<Output = Result<u64, DatabaseError>>;

    /// Makes these, each with its `_id`, the collection's only documents. Done twice, at once or after a failure, it
    /// comes to the same.
    fn replace_all(&self, collection: &str, documents: &[Document]) -> impl Future<Output = Result<(), DatabaseError>>;

    /// Whether the store answers a query.
    fn ping(&self, collection: &str) -> impl Future<Output = Result<(), DatabaseError>>;
}
