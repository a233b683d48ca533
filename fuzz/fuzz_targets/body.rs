//! Bodies: every one is an object within the limits or a problem, whatever its bytes.

#![no_main]

use bytes::Bytes;
use http::Request;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use store_api::http::body::{self, MAX_DEPTH};

fuzz_target!(|bytes: &[u8]| {
    let request = Request::builder()
        .header("content-type", "application/json")
        .body(Ok(Bytes::copy_from_slice(bytes)))
        .expect("a request");
    match body::object(&request, 1024 * 1024) {
        Ok(object) => {
            let value = Value::Object(object);
            check(&value, 1);
            assert_eq!(serde_json::from_slice::<Value>(bytes).ok(), Some(value));
        }
        // Its own words, in an answer whose headers it cannot break.
        Err(problem) => {
            let reply = problem.into_reply();
            assert!(reply.status().is_client_error());
            assert!(serde_json::from_slice::<Value>(reply.body()).is_ok());
        }
    }
});

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
