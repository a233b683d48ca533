//! Bodies: every one is an object, or an array of objects, within the limits or a problem, whatever its bytes.

#![no_main]

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use store_api::database::value::Format;
use store_api::database::value::kind::Kind;
use store_api::http::body::{self, Documents, MAX_DEPTH};
use store_api::http::problem::Problem;

fuzz_target!(|bytes: &[u8]| {
    for media_type in ["application/json", "application/ejson"] {
        let request = Request::builder()
            .header("content-type", media_type)
            .body(Ok(Bytes::copy_from_slice(bytes)))
            .expect("a request");
        match body::object(&request, 1024 * 1024) {
            Ok((object, Format::Json)) => {
                let value = Value::Object(object);
                check(&value, 1);
                let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
                assert_eq!(serde_json::from_slice::<Value>(text).ok(), Some(value));
            }
            // Every name that starts with `$` is that of a type, alone or with the other half of its wrapper.
            Ok((object, Format::Ejson)) => check_types(&Value::Object(object)),
            Err(problem) => check_problem(problem),
        }
        match body::documents(&request, 1024 * 1024) {
            Ok((Documents::Many(documents), _)) => {
                assert!(!documents.is_empty() && documents.len() <= body::MAX_DOCUMENTS);
            }
            Ok((Documents::One(object), _)) => assert!(!object.is_empty()),
            Err(problem) => check_problem(problem),
        }
    }
});

/// Its own words, in an answer whose headers it cannot break.
fn check_problem(problem: Problem) {
    let response = problem.into_response();
    assert!(response.status().is_client_error());
    assert!(serde_json::from_slice::<Value>(response.body()).is_ok());
}

fn check_types(value: &Value) {
    match (Kind::of(value), value) {
        (Kind::Document(object), _) => {
            for (name, value) in object {
                assert!(!name.is_empty() && !name.starts_with('$') && !name.contains(['.', '\0']), "{name:?}");
                check_types(value);
            }
        }
        (_, Value::Array(values)) => values.iter().for_each(check_types),
        (_, Value::Number(number)) => assert!(number.is_i64() || number.is_f64(), "{number}"),
        _ => {}
    }
}

fn check(value: &Value, depth: usize) {
    match value {
        Value::Object(object) => {
            assert!(depth <= MAX_DEPTH);
            for (name, value) in object {
                assert!(!name.is_empty() && !name.starts_with('$') && !name.contains(['.', '\0']), "{name:?}");
                check(value, depth + 1);
            }
        }
        Value::Array(values) => {
            assert!(depth <= MAX_DEPTH);
            values.iter().for_each(|value| check(value, depth + 1));
        }
        Value::Number(number) => assert!(number.is_i64() || number.is_f64(), "{number}"),
        _ => {}
    }
}
