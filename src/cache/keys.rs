//! Names of what is kept in Redis. The value keys are part of the contract; everything else lives under
//! `<collection>:~…`, where no value key can ever be.

use sha1::{Digest, Sha1};

use super::{Entry, Scope};
use crate::hex::hex;

impl Entry {
    /// The full listing of a collection: `<collection>:list`.
    pub fn listing(prefix: &str) -> Self {
        Entry { prefix: prefix.to_owned(), suffix: "list".to_owned(), scopes: vec![Scope::Listings] }
    }

    /// One document by its id: `<collection>:id:<_id>`.
    pub fn document(prefix: &str, id: &str) -> Self {
        Entry {
            prefix: prefix.to_owned(),
            suffix: document_name(id),
            scopes: vec![Scope::Document(id.to_owned()), Scope::Documents],
        }
    }

    /// A listing with parameters: `<collection>:list:<sha1>`. `parameters` are decoded, in any order, no name twice.
    ///
    /// The contract joins them as `k=v&k=v`. Where a name or a value holds `=` or `&`, or a name is `lookup`, two
    /// different requests could join to the same text; those are spelled so that they cannot.
    pub fn filtered_listing(prefix: &str, parameters: &[(String, String)]) -> Self {
        let mut sorted: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        sorted.sort_unstable();
        let ambiguous =
            |(name, value): &(&str, &str)| *name == "lookup" || name.contains(['=', '&']) || value.contains('&');
        let spelling = if sorted.iter().any(ambiguous) { escaped("listing", &sorted) } else { joined(&sorted) };
        Self::variant(prefix, &spelling)
    }

    /// A lookup by value: `<collection>:list:<sha1>` of `lookup=<value>`, or of `field=<F>&lookup=<value>`.
    ///
    /// The value stands last, so it may hold anything; the field's name may not hold what would end it.
    ///
    /// No field's name starts with `$`, so `$ejson=1&` before a text makes it another.
    pub fn lookup(prefix: &str, field: Option<&str>, value: &str, ejson: bool) -> Self {
        let spelling = match field {
            None => joined(&[("lookup", value)]),
            Some(field) if field.contains(['=', '&']) => escaped("lookup", &[("field", field), ("lookup", value)]),
            Some(field) => joined(&[("field", field), ("lookup", value)]),
        };
        let ejson = if ejson { "$ejson=1&" } else { "" };
        Self::variant(prefix, &[ejson, &spelling].concat())
    }

    /// What the headers of a listing say, beside its value.
    pub fn links(&self) -> Self {
        Entry { suffix: format!("~links:{}", self.suffix), ..self.clone() }
    }

    fn variant(prefix: &str, spelling: &str) -> Self {
        Entry {
            prefix: prefix.to_owned(),
            suffix: format!("list:{}", hex_sha1(spelling.as_bytes())),
            scopes: vec![Scope::Listings],
        }
    }

    /// The key that holds the value.
    pub fn value_key(&self) -> String {
        // A hit needs it, and this is a fifth of what `format!` takes.
        [self.prefix.as_str(), ":", &self.suffix].concat()
    }

    /// The key that stands while the entry's document is known not to exist.
    pub fn absent_key(&self) -> String {
        format!("{}:~absent:{}", self.prefix, self.suffix)
    }

    /// The key that one reader at a time holds while it fetches the value.
    pub fn lease_key(&self) -> String {
        format!("{}:~lease:{}", self.prefix, self.suffix)
    }

    /// The sorted set in which the entry's keys are recorded with their expiry, for writes to find.
    pub fn index_key(&self) -> String {
        let documents = self.scopes.contains(&Scope::Documents);
        index_key(&self.prefix, documents)
    }
}

impl Scope {
    /// The key that holds the scope's generation.
    pub fn generation_key(&self, prefix: &str) -> String {
        format!("{prefix}:~generation:{}", self.name())
    }

    /// The sorted set of the scope's fences, scored by their deadlines.
    pub fn fence_key(&self, prefix: &str) -> String {
        format!("{prefix}:~fence:{}", self.name())
    }

    /// The index of the entries that this scope makes untrue, where there can be more than one.
    pub fn index_key(&self, prefix: &str) -> Option<String> {
        match self {
            Scope::Listings => Some(index_key(prefix, false)),
            Scope::Documents => Some(index_key(prefix, true)),
            Scope::Document(_) => None,
        }
    }

    /// The keys that this scope makes untrue whether or not an index knows them.
    pub fn direct_keys(&self, prefix: &str) -> Vec<String> {
        match self {
            Scope::Listings => vec![Entry::listing(prefix).value_key()],
            Scope::Documents => vec![],
            Scope::Document(id) => {
                let entry = Entry::document(prefix, id);
                vec![entry.value_key(), entry.absent_key()]
            }
        }
    }

    fn name(&self) -> String {
        match self {
            Scope::Listings => "list".to_owned(),
            Scope::Documents => "id".to_owned(),
            Scope::Document(id) => document_name(id),
        }
    }
}

/// The longest text of an id in a key.
const MAX_ID: usize = 200;

/// `id:<_id>`, percent-encoded as in a URL where it holds other characters than letters, digits, `-`, `.`, `_` and `~`.
fn document_name(id: &str) -> String {
    const ID: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let encoded = percent_encoding::utf8_percent_encode(id, ID).to_string();
    if encoded.len() > MAX_ID {
        // No percent-encoded text begins so.
        return format!("id:%sha1-{}", hex_sha1(id.as_bytes()));
    }
    format!("id:{encoded}")
}

fn index_key(prefix: &str, documents: bool) -> String {
    let class = if documents { "id" } else { "list" };
    format!("{prefix}:~index:{class}")
}

fn joined(parameters: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Starts with `&`, which no [`joined`] text does, since no name is empty.
fn escaped(kind: &str, parameters: &[(&str, &str)]) -> String {
    let mut text = format!("&{kind}");
    for (name, value) in parameters {
        for (mark, part) in [('&', name), ('=', value)] {
            text.push(mark);
            text.extend(percent_encoding::utf8_percent_encode(part, percent_encoding::NON_ALPHANUMERIC));
        }
    }
    text
}

/// The hex SHA-1 of `bytes`: the contract's name for a variant, and Redis's name for a script.
pub fn hex_sha1(bytes: &[u8]) -> String {
    hex(&Sha1::digest(bytes))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    fn pairs(parameters: &[(&str, &str)]) -> Vec<(String, String)> {
        parameters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn keys_are_those_of_the_contract() {
        assert_eq!(Entry::listing("games").value_key(), "games:list");
        for (id, key) in [
            ("5a1f00000000000000000001", "games:id:5a1f00000000000000000001"),
            ("ac3", "games:id:ac3"),
            ("1", "games:id:1"),
            ("-1.5", "games:id:-1.5"),
            ("2021-03-04T05:06:07.089Z", "games:id:2021-03-04T05%3A06%3A07.089Z"),
            ("a b{é}", "games:id:a%20b%7B%C3%A9%7D"),
        ] {
            assert_eq!(Entry::document("games", id).value_key(), key);
        }
        assert_eq!(Entry::document("games", &"x".repeat(300)).value_key().len(), "games:id:%sha1-".len() + 40);
        // printf 'limit=2&sort=-price' | sha1sum
        assert_eq!(
            Entry::filtered_listing("games", &pairs(&[("sort", "-price"), ("limit", "2")])).value_key(),
            "games:list:8639b2cc23ecf668fbfbb5f8f4f78e500c99bd09"
        );
        // printf 'field=item&lookup=Ratchet & Clank' | sha1sum
        assert_eq!(
            Entry::lookup("games", Some("item"), "Ratchet & Clank", false).value_key(),
            "games:list:c16e679442f1b9aa6d4e27741d14c45e89968ec7"
        );
    }

    #[test]
    fn requests_that_would_join_to_the_same_text_have_different_keys() {
        let listings = [
            pairs(&[("a", "b&c=d")]),
            pairs(&[("a", "b"), ("c", "d")]),
            pairs(&[("a=b&c", "d")]),
            pairs(&[("lookup", "x")]),
            pairs(&[("lookup", "x&a=b")]),
        ]
        .map(|parameters| Entry::filtered_listing("games", &parameters).suffix);
        let lookups = [
            Entry::lookup("games", None, "x", false),
            Entry::lookup("games", None, "x&a=b", false),
            Entry::lookup("games", Some("a"), "b&lookup=c", false),
            Entry::lookup("games", Some("a&lookup=b"), "c", false),
        ]
        .map(|entry| entry.suffix);
        let mut all: Vec<_> = listings.into_iter().chain(lookups).collect();
        all.sort();
        let before = all.len();
        all.dedup();
        assert_eq!(all.len(), before);
    }

    /// Short texts over the characters that matter, so that collisions would be found.
    fn text() -> impl Strategy<Value = String> {
        "[ab=&%]{1,4}|lookup|field"
    }

    proptest! {
        #[test]
        fn no_two_requests_share_a_key(
            requests in prop::collection::vec(
                (any::<bool>(), prop::collection::btree_map(text(), text(), 1..3), text(), prop::option::of(text())),
                1..60,
            )
        ) {
            let mut seen = HashMap::new();
            for (is_listing, parameters, value, field) in requests {
                let (entry, request) = if is_listing {
                    // `field` is no parameter of a listing: the query refuses it.
                    let parameters: Vec<_> =
                        parameters.into_iter().filter(|(name, _)| name != "field").collect();
                    if parameters.is_empty() {
                        continue;
                    }
                    (Entry::filtered_listing("games", &parameters), format!("{parameters:?}"))
                } else {
                    (Entry::lookup("games", field.as_deref(), &value, false), format!("{field:?} {value:?}"))
                };
                let other = seen.insert(entry.suffix.clone(), request.clone());
                prop_assert!(other.as_ref().is_none_or(|other| *other == request), "{other:?} and {request}");
            }
        }
    }
}
