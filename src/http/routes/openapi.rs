//! `GET /openapi.json`: the description of the API.

use bytes::Bytes;
use http::{HeaderValue, header};

use crate::http::response::Response;

/// The JSON of `docs/reference/openapi.yaml`.
const DESCRIPTION: &str = include_str!("../../../docs/reference/openapi.json");

/// The description, which changes only with the service itself.
pub fn openapi() -> Response {
    let mut response = Response::new(Bytes::from_static(DESCRIPTION.as_bytes()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

#[cfg(test)]
mod tests {
    use std::fs;

    use serde_json::Value;

    use super::*;

    fn described() -> Value {
        serde_json::from_str(DESCRIPTION).unwrap()
    }

    #[test]
    fn it_is_the_page_in_the_documentation() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/openapi.yaml");
        let page: Value = serde_norway::from_str(&fs::read_to_string(page).unwrap()).unwrap();
        assert_eq!(described(), page, "write openapi.json from openapi.yaml again");
    }

    #[test]
    fn every_reference_leads_somewhere() {
        fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
            match value {
                Value::Object(object) => {
                    found.extend(object.get("$ref").and_then(Value::as_str));
                    object.values().for_each(|value| references(value, found));
                }
                Value::Array(values) => values.iter().for_each(|value| references(value, found)),
                _ => {}
            }
        }
        let described = described();
        let mut found = Vec::new();
        references(&described, &mut found);
        assert!(!found.is_empty());
        for reference in found {
            let place = reference.strip_prefix('#').unwrap();
            assert!(described.pointer(place).is_some(), "{reference}");
        }
    }
}
