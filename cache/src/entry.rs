//! What is cached and what a write invalidates: plain data that the caller builds.
//!
//! A *space* is the part of every key that a family of entries shares, for example the name of a collection. Within a
//! space an [`Entry`] is one cached value and a [`Scope`] is what one write can make stale.

use std::time::Duration;

use crate::keys::MAX_SCOPES;

/// What one write can make stale: a single entry, or a group of entries.
///
/// A scope invalidates the entry of its own name in any case, and every entry that names it among its scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scope<'a> {
    /// Its name, unique within the space.
    pub name: &'a str,
    /// Whether more than one entry can depend on it.
    pub group: bool,
}

impl<'a> Scope<'a> {
    /// The scope of the one entry of this name.
    pub const fn single(name: &'a str) -> Self {
        Scope { name, group: false }
    }

    /// The scope of all entries that name it.
    pub const fn group(name: &'a str) -> Self {
        Scope { name, group: true }
    }
}

/// A cached value: where it lives, and which writes make it stale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry<'a> {
    /// The first part of its keys, without the `:` that ends it.
    pub space: &'a str,
    /// The rest of its key. Must not start with `~`: that is where the cache keeps its own keys.
    pub name: &'a str,
    /// The scopes whose writes make the value stale, 6 at most. Exactly one of them is a group.
    pub scopes: &'a [Scope<'a>],
    /// How long the value lives, where it is not as long as the settings say.
    pub ttl: Option<Duration>,
    /// Whether the value is cached only while the group has room
    /// ([`Settings::max_entries`](crate::Settings::max_entries)). That a value does not exist always needs room, since
    /// what does not exist is unlimited.
    pub bounded: bool,
}

impl<'a> Entry<'a> {
    /// An entry of this name that depends on these scopes, with the usual TTL, bounded.
    pub fn new(space: &'a str, name: &'a str, scopes: &'a [Scope<'a>]) -> Self {
        let entry = Entry { space, name, scopes, ttl: None, bounded: true };
        debug_assert!(entry.is_sound(), "{entry:?} would never be cached");
        entry
    }

    /// The same, living for this long.
    pub fn ttl(self, ttl: Duration) -> Self {
        Entry { ttl: Some(ttl), ..self }
    }

    /// The same, cached however many of its group are.
    pub fn unbounded(self) -> Self {
        Entry { bounded: false, ..self }
    }

    /// Whether it is what [`Entry`] asks for, so that every write to it is noticed.
    pub(crate) fn is_sound(&self) -> bool {
        let groups = self.scopes.iter().filter(|scope| scope.group).count();
        groups == 1 && self.scopes.len() <= MAX_SCOPES && !self.name.starts_with('~')
    }

    /// The name of its group.
    pub(crate) fn group(&self) -> &'a str {
        self.scopes.iter().find(|scope| scope.group).map_or(self.name, |scope| scope.name)
    }
}
