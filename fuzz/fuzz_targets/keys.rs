//! Keys in Redis: no two different requests share one, and none reaches the keys of another collection, or the cache's
//! own.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use store_api::cache::Entry;
use store_api::object_id::ObjectId;

/// What a read asks for.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq)]
enum Request {
    Listing,
    Document([u8; 12]),
    /// No name twice, as the query's parser sees to; never empty, which is the whole listing.
    Filtered(BTreeMap<String, String>),
    Lookup { field: Option<String>, value: String, ejson: bool },
    /// A document of any other `_id`, by the text that names it.
    Named(String),
}

impl Request {
    fn entry(&self, collection: &str) -> Option<Entry> {
        Some(match self {
            Request::Listing => Entry::listing(collection),
            Request::Document(id) => {
                let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                Entry::document(collection, ObjectId::parse(&hex)?.as_str())
            }
            // `field` is no parameter of a listing: the query refuses it.
            Request::Filtered(parameters) if parameters.is_empty() || parameters.contains_key("field") => return None,
            Request::Filtered(parameters) => {
                let parameters: Vec<_> = parameters.clone().into_iter().collect();
                Entry::filtered_listing(collection, &parameters)
            }
            Request::Lookup { field, value, ejson } => {
                // No field's name starts with `$`: the query refuses it.
                if field.as_ref().is_some_and(|field| field.starts_with('$')) {
                    return None;
                }
                Entry::lookup(collection, field.as_deref(), value, *ejson)
            }
            Request::Named(id) if ObjectId::parse(id).is_some() => return None,
            Request::Named(id) => Entry::document(collection, id),
        })
    }
}

fuzz_target!(|requests: (Request, Request)| {
    let (Some(one), Some(other)) = (requests.0.entry("games"), requests.1.entry("games")) else { return };
    assert_eq!(one.value_key() == other.value_key(), requests.0 == requests.1, "{requests:?}");
    for entry in [one, other] {
        let value = entry.value_key();
        assert!(value.starts_with("games:") && !value.starts_with("games:~"), "{value}");
        let own = [entry.absent_key(), entry.lease_key(), entry.index_key()];
        assert!(own.iter().all(|key| key.starts_with("games:~")), "{own:?}");
        // What a key is made of is never the client's own text.
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b":%-._~".contains(&byte)), "{value}");
    }
});
