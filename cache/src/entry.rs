//! What is cached and what a write invalidates: plain data that the caller builds.
//!
//! A *space* is the part of every key that a family of entries shares, for example the name of a collection. Within a
//! space an [`Entry`] is one cached value and a [`Scope`] is what one write can make stale.

/// What one write can make stale: a single entry, or a group of entries.
///
/// A scope invalidates the entry of its own name in any case, and a group every other entry that names it among its
/// scopes.
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
    /// The scopes whose writes make the value stale: at least one, at most one of them a group.
    pub scopes: &'a [Scope<'a>],
}

impl<'a> Entry<'a> {
    /// An entry of this name that depends on these scopes.
    pub fn new(space: &'a str, name: &'a str, scopes: &'a [Scope<'a>]) -> Self {
        debug_assert!(!name.starts_with('~'), "{name:?} is reserved for the cache's own keys");
        debug_assert!(!scopes.is_empty(), "no write could ever invalidate {name:?}");
        debug_assert!(scopes.iter().filter(|scope| scope.group).count() <= 1, "{scopes:?}");
        Entry { space, name, scopes }
    }
}
