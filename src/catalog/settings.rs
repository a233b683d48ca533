//! The open collections, and how their keys begin.

use std::borrow::Cow;

use crate::variable::{VariableError, collections, flag};

/// The open collections, and how their keys begin.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The open collections, in the operator's order. Any other name is unknown to every route.
    pub collections: Vec<String>,
    /// Whether the collection's part of every key is written `{games}`, so that in a Redis Cluster the keys of a
    /// collection share a slot.
    pub hash_tag: bool,
}

impl Settings {
    /// Reads the variables `collections` and `cache_hash_tag`.
    ///
    /// # Errors
    /// The first variable whose value is invalid.
    pub fn parse(value: &mut impl FnMut(&'static str) -> String) -> Result<Self, VariableError> {
        Ok(Settings {
            collections: collections(&value("collections"))?,
            hash_tag: flag("cache_hash_tag", &value("cache_hash_tag"))?,
        })
    }

    /// The collection's part of its keys in Redis.
    pub fn key_prefix<'a>(&self, collection: &'a str) -> Cow<'a, str> {
        if self.hash_tag { format!("{{{collection}}}").into() } else { collection.into() }
    }

    /// The open collection of this name, or `None`.
    pub fn collection(&self, name: &str) -> Option<&str> {
        self.collections.iter().map(String::as_str).find(|open| *open == name)
    }
}
