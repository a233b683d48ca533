//! Query parameters to a MongoDB query: whatever a client writes stands where a value stands, or is a field's name; it is
//! never an operator.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use store_api::database::filter::{Condition, Filter, field_name};
use store_api::database::keyset::{Keyset, Part};
use store_api::database::value::kind::Kind;
use store_api::http::{listing_query, query};

/// Every operator that the service writes itself.
const OPERATORS: [&str; 21] = [
    "$and", "$or", "$nor", "$in", "$eq", "$gt", "$gte", "$lt", "$lte", "$type", "$size", "$exists", "$regex", "$options",
    "$expr", "$literal", "$map", "$objectToArray", "$anyElementTrue", "$cond", "$regexMatch",
];

fuzz_target!(|query: &str| {
    let Ok(parameters) = query::parse(Some(query)) else { return };
    // As a listing's parameters.
    if let Ok(listing) = listing_query::list_query(&parameters) {
        let query = listing.filter.to_query();
        check(&query);
        for name in listing.fields.iter().chain(listing.sort.iter().map(|key| &key.field)) {
            assert!(field_name(name).is_ok(), "{name:?}");
        }
        if let Some(cursor) = &listing.after {
            for part in [Part::SameType, Part::LaterTypes] {
                let keyset = Keyset { keys: listing.sort.clone(), values: cursor.values.clone(), part };
                check(&Filter(vec![Condition::Beyond(keyset)]).to_query());
            }
        }
        // Its one form means the same.
        let again = listing_query::list_query(&listing.parameters).expect("the form is a listing");
        assert_eq!(again.parameters, listing.parameters);
    }
    // As a lookup's field and value; and as a value alone.
    for (name, value) in parameters {
        if let Ok(condition) = query::condition(&name, &value) {
            check(&Filter(vec![condition]).to_query());
        }
        let any = Filter(vec![Condition::AnyField(value.clone())]).to_query();
        let expected = json!({ "$expr": { "$in": [
            { "$literal": value },
            { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.v" } },
        ] } });
        assert_eq!(any, expected);
    }
});

/// Walks a query: every name that starts with `$` is ours or that of a value's type, and every other is a field's.
fn check(query: &Value) {
    match (Kind::of(query), query) {
        (Kind::Document(object), _) => {
            for (name, value) in object {
                if name.starts_with('$') {
                    assert!(OPERATORS.contains(&name.as_str()), "{query}");
                } else {
                    assert!(field_name(name).is_ok(), "{query}");
                }
                check(value);
            }
        }
        (_, Value::Array(values)) => values.iter().for_each(check),
        _ => {}
    }
}
