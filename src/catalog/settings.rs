//! The open collections, and how their keys begin.

use std::time::Duration;

use fenced_cache::{Space, space_key};

use super::entries::{DOCUMENTS, LISTINGS};
use crate::variable::{VariableError, collections, flag, invalid, ttl};

/// The open collections, and how their keys begin.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The open collections, in the operator's order. Any other name is unknown to every route.
    pub collections: Vec<String>,
    /// What stands before every key, so that several deployments can share a Redis.
    pub prefix: String,
    /// Whether the collection's part of every key is written `{games}`, so that in a Redis Cluster the keys of a
    /// collection share a slot.
    pub hash_tag: bool,
    /// The collections whose values have a TTL of their own.
    pub ttl_overrides: Vec<(String, Duration)>,
}

impl Settings {
    /// Reads the variables `collections`, `cache_prefix`, `cache_hash_tag` and `cache_ttl_overrides`.
    ///
    /// # Errors
    /// The first variable whose value is invalid.
    pub fn parse(value: &mut impl FnMut(&'static str) -> String) -> Result<Self, VariableError> {
        let collections = collections(&value("collections"))?;
        let ttl_overrides = ttl_overrides(&value("cache_ttl_overrides"), &collections)?;
        let prefix = value("cache_prefix");
        if prefix.contains(|c: char| c.is_control() || c.is_whitespace() || matches!(c, '{' | '}' | '"' | '\\')) {
            return invalid("cache_prefix", "contains a space, a control character, a brace, a quote or a backslash");
        }
        Ok(Settings { collections, prefix, hash_tag: flag("cache_hash_tag", &value("cache_hash_tag"))?, ttl_overrides })
    }

    /// What the cache must know of the collections.
    pub fn spaces(&self) -> Vec<Space> {
        let groups = || vec![LISTINGS.name.to_owned(), DOCUMENTS.name.to_owned()];
        self.collections.iter().map(|name| Space { key: self.key_prefix(name), groups: groups() }).collect()
    }

    /// The TTL of the values of a space, where it has one of its own.
    pub fn ttl(&self, space: &str) -> Option<Duration> {
        self.ttl_overrides.iter().find(|(name, _)| self.key_prefix(name) == space).map(|(_, ttl)| *ttl)
    }

    /// The collection's part of its keys in Redis.
    pub fn key_prefix(&self, collection: &str) -> String {
        space_key(&self.prefix, collection, self.hash_tag)
    }

    /// The open collection of this name, or `None`.
    pub fn collection(&self, name: &str) -> Option<&str> {
        self.collections.iter().map(String::as_str).find(|open| *open == name)
    }
}

/// Reads `games=30,clients=600`.
fn ttl_overrides(list: &str, collections: &[String]) -> Result<Vec<(String, Duration)>, VariableError> {
    let variable = "cache_ttl_overrides";
    let mut overrides: Vec<(String, Duration)> = Vec::new();
    for part in list.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let Some((name, seconds)) = part.split_once('=') else {
            return invalid(variable, format!("contains {part:?}: expected collection=seconds, separated by commas"));
        };
        let name = name.trim();
        if !collections.iter().any(|open| open == name) {
            return invalid(variable, format!("names {name:?}, which is not an open collection"));
        }
        if overrides.iter().any(|(known, _)| known == name) {
            return invalid(variable, format!("names {name:?} twice"));
        }
        overrides.push((name.to_owned(), ttl(variable, seconds)?));
    }
    Ok(overrides)
}
