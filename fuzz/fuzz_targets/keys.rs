//! Keys in Redis: no two different requests share one, and none reaches the keys of another collection, or the cache's
//! own.

#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use store_api::catalog::entries::CachedAnswer;
use store_api::database::object_id::ObjectId;

/// What a read asks for.
#[derive(Arbitrary, Clone, Debug, PartialEq, Eq)]
enum Request {
    Listing,
    Document([u8; 12]),
    /// No name twice, as the query's parser sees to; never empty, which is the whole listing.
    Filtered(BTreeMap<String, String>),
    Lookup { field: Option<String>, value: String },
}

impl Request {
    fn entry(&self, collection: &str) -> Option<CachedAnswer> {
        Some(match self {
            Request::Listing => CachedAnswer::listing(collection),
            Request::Document(id) => {
                let hex: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
                CachedAnswer::document(collection, ObjectId::parse(&hex)?.as_str())
            }
            // `field` is no parameter of a listing: the query refuses it.
            Request::Filtered(parameters) if parameters.is_empty() || parameters.contains_key("field") => return None,
            Request::Filtered(parameters) => {
                let parameters: Vec<_> = parameters.clone().into_iter().collect();
                CachedAnswer::filtered_listing(collection, &parameters)
            }
            Request::Lookup { field, value } => CachedAnswer::lookup(collection, field.as_deref(), value, false),
        })
    }
}

fuzz_target!(|requests: (Request, Request)| {
    let (Some(one), Some(other)) = (requests.0.entry("games"), requests.1.entry("games")) else { return };
    assert_eq!(one.key() == other.key(), requests.0 == requests.1, "{requests:?}");
    for entry in [one, other] {
        let value = entry.key();
        assert!(value.starts_with("games:") && !value.starts_with("games:~"), "{value}");
        // What a key is made of is never the client's own text.
        assert!(value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b':'), "{value}");
    }
});
