use std::rc::Rc;

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderValue, Request};
use serde_json::json;

use super::*;
use crate::budget::Budget;

fn request(headers: &[(&str, &str)], body: &str) -> Incoming {
    let mut request = Request::builder();
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Ok(Bytes::from(body.to_owned()))).unwrap()
}

fn read(media_type: &str, body: &str) -> Result<Document, Problem> {
    object(&request(&[("content-type", media_type)], body), 1024).map(|(object, _)| object)
}

fn many(body: &str) -> Result<Documents, Problem> {
    documents(&request(&[("content-type", "application/json")], body), 1024).map(|(documents, _)| documents)
}

#[test]
fn an_object_keeps_its_fields_in_their_order() {
    let read = read("application/json; charset=utf-8", r#"{"b":1,"a":[{"c":null}]}"#).unwrap();
    assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"b":1,"a":[{"c":null}]}"#);
}

#[test]
fn only_json_is_read() {
    assert!(read("application/merge-patch+json", r#"{"a":1}"#).is_ok());
    for other in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")] {
        let headers: Vec<_> = other.iter().map(|other| ("content-type", *other)).collect();
        let read = object(&request(&headers, r#"{"a":1}"#), 1024);
        assert_eq!(read, Err(Problem::UnsupportedMediaType(other.map(str::to_owned))));
    }
}

#[test]
fn a_byte_order_mark_is_skipped() {
    assert_eq!(read("application/json", "\u{feff}{\"a\":1}").unwrap(), *json!({"a": 1}).as_object().unwrap());
    assert!(read("application/json", "\u{feff}\u{feff}{\"a\":1}").is_err());
}

#[test]
fn a_body_with_a_content_coding_is_not_read() {
    let with = |coding| {
        let headers = [("content-type", "application/json"), ("content-encoding", coding)];
        object(&request(&headers, r#"{"a":1}"#), 1024)
    };
    assert!(with("identity").is_ok());
    assert_eq!(with("gzip"), Err(Problem::UnsupportedEncoding("gzip".to_owned())));
    assert_eq!(with("identity, br"), Err(Problem::UnsupportedEncoding("br".to_owned())));
}

#[test]
fn a_bad_body_is_told_what_is_wrong_and_where() {
    for (body, said) in [
        ("", "not JSON"),
        ("{", "line 1 column 1"),
        ("{\"a\":1}x", "trailing"),
        ("[]", "one JSON object"),
        ("null", "one JSON object"),
        ("{}", "empty object"),
        (r#"{"$set":{}}"#, "\"$set\" in the body starts with `$`"),
        (r#"{"price":{"$gt":0}}"#, "\"$gt\" in /price starts with `$`"),
        (r#"{"a":[0,{"b.c":1}]}"#, "\"b.c\" in /a/1 holds a `.`"),
        (r#"{"a\u0000":1}"#, "NUL"),
        (r#"{"":1}"#, "is empty"),
        (r#"{"a":{"b":9223372036854775808}}"#, "at /a/b is beyond the range of Int64"),
        (r#"{"a":1e400}"#, "not JSON"),
        ("{\"a\":\"\u{1}\"}", "not JSON"),
    ] {
        match read("application/json", body) {
            Err(Problem::Invalid(why)) => assert!(why.contains(said), "{body}: {why}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_whole_number_is_never_rounded() {
    for (body, place) in [
        (r#"{"a":18446744073709551616}"#, "/a"),
        (r#"{"a":-9223372036854775809}"#, "/a"),
        (r#"{"x":{"y":[1]},"a":["b,\":{",[2,{"c":"d"}],{"e":1,"f":100000000000000000000000}]}"#, "/a/2/f"),
    ] {
        match read("application/json", body) {
            Err(Problem::Invalid(why)) => assert!(why.contains(&format!(" at {place} ")), "{body}: {why}"),
            other => panic!("{body}: {other:?}"),
        }
    }
    let fit = r#"{"a":[9223372036854775807,-9223372036854775808,1e300,123456789012345678901234567890.5],"b":"18446744073709551616"}"#;
    assert!(read("application/json", fit).is_ok());
}

#[test]
fn extended_json_comes_out_canonical() {
    let read = |body: &str| read("application/ejson", body).map(Value::Object);
    assert_eq!(
        read(r#"{"when":{"$date":"1970-01-01T00:00:00Z"},"a":[{"$numberLong":"1"}],"b":{"c":2}}"#),
        Ok(json!({"when": {"$date": {"$numberLong": "0"}}, "a": [{"$numberLong": "1"}], "b": {"c": 2}}))
    );
    for (body, said) in [
        (r#"{"$oid":"5a1f00000000000000000001"}"#, "in the body starts with"),
        (r#"{"a":{"$gt":1}}"#, "at /a holds \"$gt\""),
        (r#"{"a":[{"$numberLong":"9223372036854775808"}]}"#, "at /a/0 holds"),
        (r#"{"a":{"b.c":1}}"#, "holds a `.`"),
    ] {
        match read(body) {
            Err(Problem::Invalid(why)) => assert!(why.contains(said), "{body}: {why}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn an_array_is_checked_whole() {
    assert!(matches!(many(r#"{"a":1}"#), Ok(Documents::One(_))));
    assert!(matches!(many(r#"[{"a":1},{"b":2}]"#), Ok(Documents::Many(documents)) if documents.len() == 2));
    let long = format!("[{}]", vec![r#"{"a":1}"#; 1001].join(","));
    for (body, said) in [
        ("[]", "1 to 1000"),
        (long.as_str(), "1 to 1000"),
        (r#"[{"a":1},{}]"#, "/1 is an empty object"),
        (r#"[{"a":1},2]"#, "/1 must be a JSON object"),
        (r#"[{"a":1},{"b":{"$c":1}}]"#, "\"$c\" in /1/b"),
    ] {
        match many(body) {
            Err(Problem::Invalid(why)) => assert!(why.contains(said), "{body}: {why}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}

#[test]
fn a_hundred_levels_are_read_and_one_more_is_not() {
    let nested = |levels: usize| {
        let inner = levels - 1;
        format!("{{\"a\":{}0{}}}", "[".repeat(inner), "]".repeat(inner))
    };
    assert!(read("application/json", &nested(100)).is_ok());
    for levels in [101, 2000] {
        match read("application/json", &nested(levels)) {
            Err(Problem::Invalid(why)) => assert!(why.contains("100 levels"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    let brackets_in_a_string = format!("{{\"a\":\"\\\"{}\"}}", "[".repeat(500));
    assert!(read("application/json", &brackets_in_a_string).is_ok());
}

#[test]
fn a_body_for_which_there_is_no_room_is_refused_for_now() {
    let budget = Rc::new(Budget::new(10));
    let (first, second) = (budget.hold(), budget.hold());
    let body = || Bytes::from_static(b"{\"a\":1}");
    assert_eq!(body().read(100, &first).now_or_never(), Some(Ok(body())));
    let refused = body().read(100, &second).now_or_never().unwrap();
    let problem = object(&Request::new(refused), 100).unwrap_err();
    assert_eq!(problem, Problem::OverBudget);
    let response = problem.into_response();
    assert_eq!((response.status().as_u16(), &response.headers()["retry-after"]), (503, &HeaderValue::from(1)));
    // A body that is too large takes nothing.
    assert_eq!(body().read(6, &second).now_or_never(), Some(Err(BodyError::TooLarge)));
    drop(first);
    assert_eq!(body().read(100, &second).now_or_never(), Some(Ok(body())));
}
