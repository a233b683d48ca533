//! What the store does with its documents, through the cache: one file for each operation.
//!
//! The entries of the cache, and the scopes that a write invalidates, are chosen here and nowhere else. Nothing here knows
//! HTTP: a route parses a request, calls one operation, and makes a response of the result or of the [`CatalogError`].
//!
//! - Reads: [`list`](Catalog::list) and [`list_all`](Catalog::list_all), [`get`](Catalog::get).
//! - Writes to documents: [`insert`](Catalog::insert), [`update`](Catalog::update), [`delete`](Catalog::delete). The
//!   latter two find their document by a [`DocumentSelector`].
//! - Writes to whole collections, each named by a [`CollectionSelector`]: [`reset`](Catalog::reset),
//!   [`clear`](Catalog::clear); and [`purge`](Catalog::purge), which writes no document.
//! - [`health`](Catalog::health) asks Redis and the database whether they answer.

mod clear;
mod delete;
pub mod entries;
mod error;
mod get;
mod health;
mod insert;
mod list;
mod locate;
mod new_document;
mod preconditions;
mod purge;
mod report;
mod reset;
mod selector;
mod settings;
mod update;

use fenced_cache::ReadThrough;

use crate::backend::Backend;
use crate::database::object_id::ObjectIds;

pub use clear::Cleared;
pub use delete::Deleted;
pub use error::CatalogError;
pub use get::Found;
pub use health::Readiness;
pub use insert::{Inserted, Insertion};
pub use list::Listing;
pub use preconditions::{Preconditions, Tags};
pub use report::ReadReport;
pub use reset::Reset;
pub use selector::{CollectionSelector, DocumentSelector};
pub use settings::Settings;
pub use update::Updated;

/// The store's documents, as one request reaches them.
pub struct Catalog<'a, B: Backend> {
    /// The open collections.
    pub settings: &'a Settings,
    /// The cache.
    pub cache: &'a ReadThrough<B::Ports>,
    /// The source of truth.
    pub database: &'a B::Database,
    /// Time and randomness.
    pub platform: &'a B::Platform,
    /// Makes the ids of new documents.
    pub ids: &'a ObjectIds,
}
