//! The cache's entries, by the names that the reference of keys gives them, and the scopes that they depend on.

use std::future::Future;

use fenced_cache::{Entry, Loaded, Ports, Read, ReadThrough, Scope, SourceError};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Settings;
use crate::hex::hex_sha1;

/// Every listing and lookup of the collection: any write changes them.
pub const LISTINGS: Scope<'static> = Scope::group("list");

/// Every document of the collection by its id: `initDB` and `cleanDB` change them all.
pub const DOCUMENTS: Scope<'static> = Scope::group("id");

/// The name of a document's entry, and of the scope of writes to it: `id:<_id>`.
///
/// Percent-encoded as in a URL where the id's text holds other characters than letters, digits, `-`, `.`, `_` and `~`.
pub fn document_name(id: &str) -> String {
    const ID: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let name = ["id:", &utf8_percent_encode(id, ID).to_string()].concat();
    // No percent-encoded text begins with `%s`.
    if name.len() > MAX_NAME { ["id:%sha1-", &hex_sha1(id.as_bytes())].concat() } else { name }
}

/// The name of the full listing's entry.
const WHOLE: &str = "list";

/// The longest name of a document's entry.
const MAX_NAME: usize = 200;

/// A cached answer: where it lives, and what makes it stale.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachedAnswer {
    /// The collection's part of every key; see [`Settings::key_prefix`].
    space: String,
    /// The rest of the key: `list`, `list:<sha1>` or `id:<_id>`.
    name: String,
    /// Whether it is a document by its id, and so unaffected by writes to other documents.
    document: bool,
}

impl CachedAnswer {
    /// The full listing of a collection: `<collection>:list`.
    pub fn listing(space: &str) -> Self {
        Self::of_all(space, WHOLE.to_owned())
    }

    /// One document by its id: `<collection>:id:<_id>`.
    pub fn document(space: &str, id: &str) -> Self {
        CachedAnswer { space: space.to_owned(), name: document_name(id), document: true }
    }

    /// A listing with parameters: `<collection>:list:<sha1>`. `parameters` are decoded, in any order, no name twice.
    ///
    /// The contract joins them as `k=v&k=v`. Where a name or a value holds `=` or `&`, or a name is `lookup`, two
    /// different requests could join to the same text; those are spelled so that they cannot.
    pub fn filtered_listing(space: &str, parameters: &[(String, String)]) -> Self {
        let mut sorted: Vec<(&str, &str)> =
            parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        sorted.sort_unstable();
        let ambiguous =
            |(name, value): &(&str, &str)| *name == "lookup" || name.contains(['=', '&']) || value.contains('&');
        let spelling = if sorted.iter().any(ambiguous) { escaped("listing", &sorted) } else { joined(&sorted) };
        Self::variant(space, &spelling)
    }

    /// A lookup by value: `<collection>:list:<sha1>` of `lookup=<value>`, or of `field=<F>&lookup=<value>`.
    ///
    /// The value stands last, so it may hold anything; the field's name may not hold what would end it.
    ///
    /// No field's name starts with `$`, so `$ejson=1&` before a text makes it another.
    pub fn lookup(space: &str, field: Option<&str>, value: &str, ejson: bool) -> Self {
        let spelling = match field {
            None => joined(&[("lookup", value)]),
            Some(field) if field.contains(['=', '&']) => escaped("lookup", &[("field", field), ("lookup", value)]),
            Some(field) => joined(&[("field", field), ("lookup", value)]),
        };
        let ejson = if ejson { "$ejson=1&" } else { "" };
        Self::variant(space, &[ejson, &spelling].concat())
    }

    fn variant(space: &str, spelling: &str) -> Self {
        Self::of_all(space, ["list:", &hex_sha1(spelling.as_bytes())].concat())
    }

    fn of_all(space: &str, name: String) -> Self {
        CachedAnswer { space: space.to_owned(), name, document: false }
    }

    /// Its key in Redis.
    pub fn key(&self) -> String {
        [self.space.as_str(), ":", &self.name].concat()
    }

    /// Reads it through the cache.
    ///
    /// # Errors
    /// Those of `load`.
    pub async fn read<P: Ports, E: SourceError>(
        &self,
        settings: &Settings,
        cache: &ReadThrough<P>,
        load: impl Future<Output = Result<Option<Loaded>, E>>,
    ) -> Result<Read, E> {
        let document = [Scope::single(&self.name), DOCUMENTS];
        let scopes = if self.document { &document[..] } else { &[LISTINGS] };
        let entry = Entry::new(&self.space, &self.name, scopes);
        // A collection has only so many documents, and one full listing; filtered listings and lookups are unlimited.
        let entry = if self.document || self.name == WHOLE { entry.unbounded() } else { entry };
        let entry = match settings.ttl(&self.space) {
            Some(ttl) => entry.ttl(ttl),
            None => entry,
        };
        cache.read(&entry, load).await
    }
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
        assert_eq!(CachedAnswer::listing("games").key(), "games:list");
        for (id, key) in [
            ("5a1f00000000000000000001", "games:id:5a1f00000000000000000001"),
            ("ac3", "games:id:ac3"),
            ("1", "games:id:1"),
            ("-1.5", "games:id:-1.5"),
            ("2021-03-04T05:06:07.089Z", "games:id:2021-03-04T05%3A06%3A07.089Z"),
            ("a b{é}", "games:id:a%20b%7B%C3%A9%7D"),
        ] {
            assert_eq!(CachedAnswer::document("games", id).key(), key);
        }
        assert_eq!(CachedAnswer::document("games", &"x".repeat(300)).key().len(), "games:id:%sha1-".len() + 40);
        // printf 'limit=2&sort=-price' | sha1sum
        assert_eq!(
            CachedAnswer::filtered_listing("games", &pairs(&[("sort", "-price"), ("limit", "2")])).key(),
            "games:list:8639b2cc23ecf668fbfbb5f8f4f78e500c99bd09"
        );
        // printf 'field=item&lookup=Ratchet & Clank' | sha1sum
        assert_eq!(
            CachedAnswer::lookup("games", Some("item"), "Ratchet & Clank", false).key(),
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
        .map(|parameters| CachedAnswer::filtered_listing("games", &parameters).name);
        let lookups = [
            CachedAnswer::lookup("games", None, "x", false),
            CachedAnswer::lookup("games", None, "x&a=b", false),
            CachedAnswer::lookup("games", Some("a"), "b&lookup=c", false),
            CachedAnswer::lookup("games", Some("a&lookup=b"), "c", false),
        ]
        .map(|entry| entry.name);
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
                    // A listing has no parameter `field`: the query rejects it.
                    let parameters: Vec<_> =
                        parameters.into_iter().filter(|(name, _)| name != "field").collect();
                    if parameters.is_empty() {
                        continue;
                    }
                    (CachedAnswer::filtered_listing("games", &parameters), format!("{parameters:?}"))
                } else {
                    (CachedAnswer::lookup("games", field.as_deref(), &value, false), format!("{field:?} {value:?}"))
                };
                let other = seen.insert(entry.name.clone(), request.clone());
                prop_assert!(other.as_ref().is_none_or(|other| *other == request), "{other:?} and {request}");
            }
        }
    }
}
