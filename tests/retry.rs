//! A retry with an `Idempotency-Key` adds once, whatever became of the first attempt.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::io::Write;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use common::faulty::Node;
use common::shop::Shop;
use serde_json::{Value, json};
use testkit::client::{Client, Response};
use testkit::proxy::Mode;

fn add(client: &Client, key: &str, body: &Value) -> Response {
    let headers = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
    client.with("POST", "/api/add/shop", &headers, body.to_string().as_bytes())
}

#[test]
fn the_same_request_adds_once_and_is_answered_the_same() {
    let shop = Shop::start(&[]);
    let body = json!({"name": "once", "price": 1.5, "tags": ["a", {"b": null}]});
    let first = add(&shop, "key-00000001", &body);
    assert_eq!(first.status, 201, "{first:?}");
    let again = add(&shop, "key-00000001", &body);
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("location"), first.header("location"));
    // Through another instance, at the same time.
    let second = Node::start(&shop.backends, &[("collections", "shop"), ("store_timeout_ms", "20000")]);
    let responses: Vec<Response> = thread::scope(|scope| {
        let send = |n: usize| {
            let client = Client::new(if n.is_multiple_of(2) { shop.base_url() } else { second.base_url() });
            let body = &body;
            scope.spawn(move || add(&client, "key-00000002", body))
        };
        let sent: Vec<_> = (0..16).map(send).collect();
        sent.into_iter().map(|sent| sent.join().unwrap()).collect()
    });
    assert!(responses.iter().all(|response| response.status == 201 && response.body == responses[0].body));
    assert_eq!(shop.count(&json!({})), 2);

    let other = add(&shop, "key-00000001", &json!({"name": "another"}));
    assert_eq!(other.status, 422, "{other:?}");
    for key in ["short", &"x".repeat(256)] {
        assert_eq!(add(&shop, key, &body).status, 400);
    }
    assert_eq!(shop.count(&json!({})), 2);
}

#[test]
fn a_unique_index_does_not_hide_that_the_document_is_there() {
    let shop = Shop::start(&[]);
    let body = json!({"name": "u", "sku": "U-1"});
    let first = add(&shop, "key-unique-1", &body);
    let again = add(&shop, "key-unique-1", &body);
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body), "{again:?}");
    let other = add(&shop, "key-unique-2", &body);
    assert_eq!(other.status, 409, "{other:?}");
}

#[test]
fn several_documents_are_added_once() {
    let shop = Shop::start(&[]);
    let body = json!([{"name": "a"}, {"name": "b"}, {"name": "c"}]);
    let first = add(&shop, "key-several", &body);
    assert_eq!((first.status, &first.json()["inserted"]), (201, &json!(3)), "{first:?}");
    // As if the first attempt had ended half way.
    let id = first.json()["ids"][1].as_str().unwrap().to_owned();
    assert_eq!(shop.delete(&format!("/api/delete/shop/{id}")).status, 200);
    let again = add(&shop, "key-several", &body);
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(shop.count(&json!({})), 3);
    assert_eq!(add(&shop, "key-several", &json!([{"name": "a"}, {"name": "x"}])).status, 422);
    assert_eq!(shop.count(&json!({})), 3);
}

#[test]
fn another_body_is_another_body_however_long_it_is() {
    let shop = Shop::start(&[]);
    let [a, b, c] = ["a", "b", "c"].map(|name| json!({ "name": name }));
    assert_eq!(add(&shop, "key-lengths", &json!([a, b])).status, 201);
    for other in [json!([a, b, c]), json!([a]), a.clone(), json!([b, a])] {
        let refused = add(&shop, "key-lengths", &other);
        assert_eq!(refused.status, 422, "{other}: {refused:?}");
    }
    assert_eq!(shop.count(&json!({})), 2);
}

#[test]
fn a_retry_is_one_whatever_became_of_the_document() {
    let shop = Shop::start(&[]);
    let body = json!({"name": "n", "price": 1});
    let first = add(&shop, "key-changed", &body);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(shop.put(&format!("/api/update/shop/{id}"), &json!({"price": 2})).status, 200);
    let again = add(&shop, "key-changed", &body);
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(shop.get(&format!("/api/get/shop/{id}")).json()["price"], 2, "the retry changes nothing");
    // Not spelled as the Data API spells it.
    let body = r#"{"name":"x","a":{"$numberDouble":"1e+21"},"b":{"$oid":"5A1F000000000000000000FF"}}"#;
    let headers = [("Content-Type", "application/ejson"), ("Idempotency-Key", "key-spelled")];
    let sent = || shop.with("POST", "/api/add/shop", &headers, body.as_bytes());
    let (first, again) = (sent(), sent());
    assert_eq!((first.status, again.status, &again.body), (201, 201, &first.body), "{again:?}");
    assert_eq!(shop.count(&json!({})), 2);
}

#[test]
fn an_answer_that_is_cut_off_loses_nothing() {
    let shop = Shop::start(&[("store_timeout_ms", "2000")]);
    let body = json!({"name": "cut"});
    // Between the Data API and the component: the document is added, and nobody hears of it.
    assert_eq!(add(&shop, "key-before", &json!({"name": "first"})).status, 201);
    shop.node.to_store.set(Mode::CutAnswers);
    let lost = add(&shop, "key-cut-off", &body);
    assert!(matches!(lost.status, 502..=504), "{lost:?}");
    shop.node.to_store.set(Mode::Pass);
    let again = add(&shop, "key-cut-off", &body);
    assert_eq!(again.status, 201, "{again:?}");
    assert_eq!(shop.count(&json!({"name": "cut"})), 1);

    // Between the component and the client, which goes away at once.
    let body = r#"{"name":"gone"}"#;
    let mut stream = TcpStream::connect(shop.base_url().strip_prefix("http://").unwrap()).unwrap();
    let head = "POST /api/add/shop HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nIdempotency-Key: key-gone-01";
    write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while shop.count(&json!({"name": "gone"})) == 0 {
        assert!(Instant::now() < deadline, "the document is never added");
        thread::sleep(Duration::from_millis(20));
    }
    drop(stream);
    assert_eq!(add(&shop, "key-gone-01", &json!({"name": "gone"})).status, 201);
    assert_eq!(shop.count(&json!({"name": "gone"})), 1);
}

#[test]
fn a_retry_is_safe_without_redis() {
    let shop = Shop::start(&[("cache_timeout_ms", "150")]);
    shop.node.to_redis.set(Mode::Refuse);
    let first = add(&shop, "key-no-redis", &json!({"name": "n"}));
    assert_eq!(first.status, 201, "{first:?}");
    let again = add(&shop, "key-no-redis", &json!({"name": "n"}));
    assert_eq!((again.status, &again.body), (201, &first.body));
    for response in [&first, &again] {
        assert_eq!(response.header("cache-status"), "redis; fwd=method; detail=not-invalidated");
    }
    assert_eq!(add(&shop, "key-no-redis", &json!({"name": "m"})).status, 422);
    assert_eq!(shop.count(&json!({})), 1);
}
