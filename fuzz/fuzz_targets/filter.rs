//! Query parameters to a MongoDB query: whatever a client writes stands where a value stands, or is a field's name; it is
//! never an operator.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use store_api::http::query;
use store_api::database::filter::{Condition, Filter, field_name};

/// Every operator that the service writes itself.
const OPERATORS: [&str; 10] =
    ["$and", "$or", "$in", "$type", "$exists", "$expr", "$literal", "$map", "$objectToArray", "$oid"];

fuzz_target!(|query: &str| {
    let Ok(parameters) = query::parse(Some(query)) else { return };
    // As a listing's parameters.
    if let Ok(find) = query::find(&parameters) {
        check(&find.filter.to_query());
        for name in find.fields.iter().chain(find.sort.iter().map(|key| &key.field)) {
            assert!(field_name(name).is_ok(), "{name:?}");
        }
    }
    // As a lookup's field and value; and as a value alone.
    for (name, value) in parameters {
        if let Ok(condition) = query::condition(&name, &value) {
            check(&Filter(vec![condition]).to_query());
        }
        let any = Filter(vec![Condition::AnyField(value.clone())]).to_query();
        let expected = serde_json::json!({ "$expr": { "$in": [
            { "$literal": value },
            { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.v" } },
        ] } });
        assert_eq!(any, expected);
    }
});

/// Walks a query: every name that starts with `$` is ours, and every other is a field's.
fn check(query: &Value) {
    match query {
        Value::Object(object) => {
            for (name, value) in object {
                match name.strip_prefix('$') {
                    Some("date") => assert!(value.is_string(), "{query}"),
                    Some(_) => assert!(OPERATORS.contains(&name.as_str()), "{query}"),
                    None => assert!(name == "_id" || field_name(name).is_ok(), "{query}"),
                }
                check(value);
            }
        }
        Value::Array(values) => values.iter().for_each(check),
        _ => {}
    }
}
