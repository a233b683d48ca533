//! Query parameters to a MongoDB query: whatever a client writes stands where a value stands, or is a field's name; it is
//! never an operator.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use store_api::database::filter::{Condition, Filter, field_name};
use store_api::database::keyset::{Keyset, Part};
use store_api::database::value::candidates::id_candidates;
use store_api::database::value::kind::Kind;
use store_api::database::value::show::path_text;
use store_api::http::{listing_query, query};

/// Every operator that the service writes itself.
const OPERATORS: [&str; 21] = [
    "$and",
    "$or",
    "$nor",
    "$in",
    "$eq",
    "$gt",
    "$gte",
    "$lt",
    "$lte",
    "$type",
    "$size",
    "$exists",
    "$regex",
    "$options",
    "$expr",
    "$literal",
    "$map",
    "$objectToArray",
    "$anyElementTrue",
    "$cond",
    "$regexMatch",
];

fuzz_target!(|query: &str| {
    let Ok(parameters) = query::parse(Some(query)) else { return };
    // As a listing's parameters.
    if let Ok(listing) = listing_query::list_query(&parameters) {
        let query = listing.filter.to_query();
        check(&query, false);
        for name in listing.fields.iter().chain(listing.sort.iter().map(|key| &key.field)) {
            assert!(field_name(name).is_ok(), "{name:?}");
        }
        if let Some(cursor) = &listing.after {
            for part in [Part::SameType, Part::LaterTypes] {
                let keyset = Keyset { keys: listing.sort.clone(), values: cursor.values.clone(), part };
                check(&Filter(vec![Condition::Beyond(keyset)]).to_query(), false);
            }
        }
        // Its one form means the same.
        let again = listing_query::list_query(&listing.parameters).expect("the form is a listing");
        assert_eq!(again.parameters, listing.parameters);
    }
    // As a lookup's field and value; as a value alone; and as an `_id`.
    for (name, value) in parameters {
        check_ids(&value);
        if field_name(&name).is_ok() {
            check(&Filter(vec![Condition::equals(&name, &value)]).to_query(), false);
        }
        let any = Filter(vec![Condition::AnyField(value.clone())]).to_query();
        let expected = json!({ "$expr": { "$in": [
            { "$literal": value },
            { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.v" } },
        ] } });
        assert_eq!(any, expected);
    }
});

/// Walks a query: every name that starts with `$` is ours, and every other is a field's. A client's value stands where
/// MongoDB takes it for a value.
fn check(query: &Value, in_expression: bool) {
    match query {
        Value::Object(object) => {
            for (name, value) in object {
                match name.as_str() {
                    "$eq" | "$gt" | "$gte" | "$lt" | "$lte" | "$in" if !in_expression => check_data(value),
                    "$literal" => check_data(value),
                    name if name.starts_with('$') => {
                        assert!(OPERATORS.contains(&name), "{query}");
                        check(value, in_expression || name == "$expr");
                    }
                    name => {
                        assert!(field_name(name).is_ok(), "{query}");
                        check(value, in_expression);
                    }
                }
            }
        }
        Value::Array(values) => values.iter().for_each(|value| check(value, in_expression)),
        _ => {}
    }
}

/// A value: a name in it that starts with `$` is that of a type.
fn check_data(value: &Value) {
    match (Kind::of(value), value) {
        (Kind::Document(object), _) => {
            for (name, value) in object {
                assert!(!name.starts_with('$'), "{name:?}");
                check_data(value);
            }
        }
        (_, Value::Array(values)) => values.iter().for_each(check_data),
        _ => {}
    }
}

/// An `_id` of any type is found by the text that a path has for it.
fn check_ids(text: &str) {
    let ids = id_candidates(text);
    check(&Filter(vec![Condition::Id(ids.clone())]).to_query(), false);
    for id in ids {
        // What a document's numbers look like after they were read and written again is serde_json's affair.
        if matches!(Kind::of(&id), Kind::Document(_)) {
            continue;
        }
        let text = path_text(&id);
        assert!(id_candidates(&text).contains(&id), "{id} by {text:?}");
    }
}
