//! Names of what is kept in Redis. The value keys are the caller's; everything else lives under `<space>:~…`, where no
//! value key can ever be.

use crate::{Entry, Scope};

/// How many scopes an entry can depend on; one with more is never cached.
pub(crate) const MAX_SCOPES: usize = 6;

impl Entry<'_> {
    /// The key that holds the value.
    pub fn value_key(&self) -> String {
        [self.space, ":", self.name].concat()
    }

    /// The key that holds the value's stamp.
    pub fn stamp_key(&self) -> String {
        [self.space, ":~stamp:", self.name].concat()
    }

    /// The key of the copy that is kept for the time that the source fails.
    pub fn kept_key(&self) -> String {
        [self.space, ":~kept:", self.name].concat()
    }

    /// The key that one reader at a time holds while it loads the value.
    pub fn lease_key(&self) -> String {
        [self.space, ":~lease:", self.name].concat()
    }

    /// The sorted set in which the entries of its group are recorded with their expiry, for writes to find.
    pub fn index_key(&self) -> String {
        index_key(self.space, self.group())
    }

    /// The keys of what a hit asks for, in one text: the value (unless a kept copy is asked for), its stamp or the copy,
    /// and the generations.
    pub(crate) fn lookup_keys(&self, kept: bool) -> LookupKeys {
        let scopes: usize = self.scopes.iter().map(|scope| scope.name.len() + 13).sum();
        let spaces = self.space.len() * (self.scopes.len() + 2);
        let mut keys = LookupKeys {
            text: String::with_capacity(spaces + 2 * self.name.len() + scopes + 9),
            ends: [0; MAX_SCOPES + 2],
            count: 0,
        };
        if kept {
            keys.push(self.space, ":~kept:", self.name);
        } else {
            keys.push(self.space, ":", self.name);
            keys.push(self.space, ":~stamp:", self.name);
        }
        for scope in self.scopes.iter().take(MAX_SCOPES) {
            keys.push(self.space, ":~generation:", scope.name);
        }
        keys
    }
}

/// Several keys in one text, since an allocation for each would be a good part of a hit.
pub(crate) struct LookupKeys {
    text: String,
    ends: [usize; MAX_SCOPES + 2],
    count: usize,
}

impl LookupKeys {
    fn push(&mut self, space: &str, kind: &str, name: &str) {
        self.text.push_str(space);
        self.text.push_str(kind);
        self.text.push_str(name);
        self.ends[self.count] = self.text.len();
        self.count += 1;
    }

    /// The keys in their order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends);
        starts.zip(&self.ends[..self.count]).map(|(start, end)| &self.text[start..*end])
    }

    /// The first of them.
    pub fn into_first(mut self) -> String {
        self.text.truncate(self.ends[0]);
        self.text
    }
}

impl Scope<'_> {
    /// The key that holds the scope's generation.
    pub fn generation_key(&self, space: &str) -> String {
        [space, ":~generation:", self.name].concat()
    }

    /// The sorted set of the scope's fences, scored by their deadlines.
    pub fn fence_key(&self, space: &str) -> String {
        [space, ":~fence:", self.name].concat()
    }

    /// The index of the entries that depend on this scope, where it is a group.
    pub fn index_key(&self, space: &str) -> Option<String> {
        self.group.then(|| index_key(space, self.name))
    }
}

/// Where the run id of the Redis that holds the space is noted.
pub(crate) fn run_id_key(space: &str) -> String {
    [space, ":~run-id"].concat()
}

fn index_key(space: &str, group: &str) -> String {
    [space, ":~index:", group].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lookup_asks_for_value_stamp_and_generations() {
        let scopes = [Scope::single("id:1"), Scope::group("id")];
        let entry = Entry::new("games", "id:1", &scopes);
        let keys = entry.lookup_keys(false);
        let expected = [
            entry.value_key(),
            entry.stamp_key(),
            scopes[0].generation_key("games"),
            scopes[1].generation_key("games"),
        ];
        assert_eq!(keys.iter().collect::<Vec<_>>(), expected);
        assert_eq!(keys.text.capacity(), keys.text.len());
        assert_eq!(keys.into_first(), "games:id:1");
        let kept = entry.lookup_keys(true);
        assert_eq!(kept.iter().next(), Some("games:~kept:id:1"));
        assert_eq!(kept.iter().count(), 3);
    }

    #[test]
    fn the_caches_own_keys_start_with_a_tilde() {
        let scope = Scope::group("list");
        let entry = Entry::new("games", "list:1", std::slice::from_ref(&scope));
        let own = [
            entry.stamp_key(),
            entry.kept_key(),
            entry.lease_key(),
            entry.index_key(),
            scope.generation_key("games"),
            scope.fence_key("games"),
            run_id_key("games"),
        ];
        assert!(own.iter().all(|key| key.starts_with("games:~")), "{own:?}");
    }
}
