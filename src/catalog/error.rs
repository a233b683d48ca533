//! Why an operation was not done.

use fenced_cache::{CacheError, WriteError};
use serde_json::Value;

use crate::database::DatabaseError;
use crate::database::rejection::Rejection;

/// Why an operation was not done.
#[derive(Clone, Debug, PartialEq)]
pub enum CatalogError {
    /// The collection has no document that the selector means.
    NoDocument {
        /// The collection.
        collection: String,
        /// The `_id`, or the field's value.
        value: String,
        /// The field that was searched.
        field: Option<String>,
    },
    /// The collection has no seed data.
    NoSeed(String),
    /// A new document's `_id` cannot be one; why, to follow "the document's _id".
    InvalidId(&'static str),
    /// A new document has no field in common with its collection.
    UnknownFields {
        /// The fields that the collection's documents have.
        available: Vec<String>,
        /// The fields of the document.
        provided: Vec<String>,
        /// Its place, where there are several.
        place: Option<usize>,
    },
    /// The stored document is not as the preconditions require.
    PreconditionFailed,
    /// A document with the `_id` of the new one exists, and the preconditions require that none does.
    AlreadyExists,
    /// The idempotency key was used before, for other documents.
    KeyReused,
    /// MongoDB refused a new document.
    Rejected {
        /// Which, and why.
        rejection: Rejection,
        /// The ids that were inserted before it, where several documents were to be.
        inserted: Option<Vec<Value>>,
    },
    /// The database failed while it was asked to read.
    Read(DatabaseError),
    /// A write was not acknowledged.
    Write(WriteError<DatabaseError>),
    /// Redis did not take what makes cached values invalid.
    NotPurged(CacheError),
}

impl From<DatabaseError> for CatalogError {
    fn from(error: DatabaseError) -> Self {
        CatalogError::Read(error)
    }
}

impl From<WriteError<DatabaseError>> for CatalogError {
    fn from(error: WriteError<DatabaseError>) -> Self {
        CatalogError::Write(error)
    }
}
