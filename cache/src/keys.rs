//! Names of what is kept in Redis. The value keys are the caller's; everything else lives under `<space>:~…`, where no
//! value key can ever be.

use super::{Entry, Scope};

impl Entry<'_> {
    /// The key that holds the value.
    pub fn value_key(&self) -> String {
        // A hit needs it, and this is a fifth of what `format!` takes.
        [self.space, ":", self.name].concat()
    }

    /// The key that stands while the value is known not to exist.
    pub fn absent_key(&self) -> String {
        format!("{}:~absent:{}", self.space, self.name)
    }

    /// The key that one reader at a time holds while it loads the value.
    pub fn lease_key(&self) -> String {
        format!("{}:~lease:{}", self.space, self.name)
    }

    /// The sorted set in which the entry's keys are recorded with their expiry, for writes to find.
    pub fn index_key(&self) -> String {
        let group = self.scopes.iter().find(|scope| scope.group).or(self.scopes.first());
        index_key(self.space, group.map_or(self.name, |scope| scope.name))
    }
}

impl Scope<'_> {
    /// The key that holds the scope's generation.
    pub fn generation_key(&self, space: &str) -> String {
        format!("{space}:~generation:{}", self.name)
    }

    /// The sorted set of the scope's fences, scored by their deadlines.
    pub fn fence_key(&self, space: &str) -> String {
        format!("{space}:~fence:{}", self.name)
    }

    /// The index of the entries that this scope invalidates, where there can be more than one.
    pub fn index_key(&self, space: &str) -> Option<String> {
        self.group.then(|| index_key(space, self.name))
    }

    /// The keys that this scope invalidates whether or not an index knows them.
    pub fn direct_keys(&self, space: &str) -> [String; 2] {
        let entry = Entry { space, name: self.name, scopes: &[] };
        [entry.value_key(), entry.absent_key()]
    }
}

fn index_key(space: &str, group: &str) -> String {
    format!("{space}:~index:{group}")
}
