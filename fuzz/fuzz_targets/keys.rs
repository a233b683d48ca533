//! Keys in Redis: no two different requests share one, and none reaches the keys of another collection, or the cache's
//! own.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use store_api::catalog::entries::CachedAnswer;

/// What a read asks for.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq)]
enum Request {
    Listing,
    /// By the text of an `_id`, which may be of any type.
    Document(String),
    /// No name twice, none empty and none that starts with `$`, as the query's parser sees to; and at least one, since
    /// without any it is the whole listing.
    Filtered(BTreeMap<String, String>),
    Lookup {
        field: Option<String>,
        value: String,
        ejson: bool,
    },
}

impl Request {
    fn entry(&self, collection: &str) -> Option<CachedAnswer> {
        Some(match self {
            Request::Listing => CachedAnswer::listing(collection),
            Request::Document(id) => CachedAnswer::document(collection, id),
            // `field` is not a parameter of a listing: the query refuses it.
            Request::Filtered(parameters) if parameters.is_empty() || parameters.contains_key("field") => return None,
            Request::Filtered(parameters) => {
                if parameters.keys().any(|name| name.is_empty() || name.starts_with('$')) {
                    return None;
                }
                let parameters: Vec<_> = parameters.clone().into_iter().collect();
                CachedAnswer::filtered_listing(collection, &parameters)
            }
            Request::Lookup { field, value, ejson } => {
                CachedAnswer::lookup(collection, field.as_deref(), value, *ejson)
            }
        })
    }
}

fuzz_target!(|requests: (Request, Request)| {
    let (Some(one), Some(other)) = (requests.0.entry("games"), requests.1.entry("games")) else { return };
    assert_eq!(one.key() == other.key(), requests.0 == requests.1, "{requests:?}");
    for entry in [one, other] {
        let key = entry.key();
        assert!(key.starts_with("games:") && !key.starts_with("games:~"), "{key}");
        // Of a client's text only what needs no encoding stands in a key.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b":-._~%".contains(&byte);
        assert!(key.bytes().all(is_plain), "{key}");
        assert_eq!(key.bytes().filter(|byte| *byte == b':').count(), if key == "games:list" { 1 } else { 2 }, "{key}");
    }
});
