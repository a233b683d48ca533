//! A collection of a database, as settings spell it.

use std::str::FromStr;

/// A database and one of its collections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Namespace {
    database: String,
    collection: String,
}

impl Namespace {
    /// The names of the database and the collection.
    pub fn parts(&self) -> (&str, &str) {
        (&self.database, &self.collection)
    }
}

impl FromStr for Namespace {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('.') {
            Some((database, collection)) if !database.is_empty() && !collection.is_empty() => {
                Ok(Namespace { database: database.to_owned(), collection: collection.to_owned() })
            }
            _ => Err("expected a database and a collection, such as data_api.sessions"),
        }
    }
}
