//! A collection that another program filled goes through every route, and no value changes its type.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use common::shop::{Shop, encoded};
use serde_json::{Value, json};
use testkit::client::Client;

const JSON: (&str, &str) = ("Content-Type", "application/json");
const EJSON: (&str, &str) = ("Content-Type", "application/ejson");
const AS_EJSON: (&str, &str) = ("Accept", "application/ejson");

/// Ids of every type that MongoDB takes for one and a path can name: how each is stored, and how it is shown.
fn ids() -> Vec<(Value, Value)> {
    vec![
        (json!({"$oid": "5a1f00000000000000000001"}), json!("5a1f00000000000000000001")),
        (json!("ac3"), json!("ac3")),
        (json!("a b/ü"), json!("a b/ü")),
        (json!({"$numberInt": "1"}), json!(1)),
        (json!({"$numberLong": "9007199254740993"}), json!(9_007_199_254_740_993_i64)),
        (json!({"$numberDouble": "1.5"}), json!(1.5)),
        (json!({"$numberDecimal": "29.990"}), json!("29.990")),
        (json!({"$date": {"$numberLong": "1614834367089"}}), json!("2021-03-04T05:06:07.089Z")),
        (
            json!({"$binary": {"base64": "ABEiM0RVZneImaq7zN3u/w==", "subType": "04"}}),
            json!("00112233-4455-6677-8899-aabbccddeeff"),
        ),
        (json!({"$binary": {"base64": "AQID", "subType": "00"}}), json!({"Subtype": 0, "Data": "AQID"})),
        (json!({"$timestamp": {"t": 1, "i": 2}}), json!({"T": 1, "I": 2})),
        (json!(true), json!(true)),
        (json!({"a": {"$numberInt": "1"}, "b": "x"}), json!({"a": 1, "b": "x"})),
    ]
}

fn document(at: usize, id: &Value) -> Value {
    json!({
        "_id": id,
        "name": format!("article {at}"),
        "sku": format!("S-{at}"),
        "price": {"$numberDecimal": format!("{at}.90")},
        "since": {"$date": {"$numberLong": "1614834367089"}},
        "stock": {"$numberLong": "7"},
        "rating": {"$numberDouble": "4.0"},
        "maker": {"$oid": "5a1f000000000000000000ff"},
        "tags": [["x", [{"$numberInt": "1"}]], {"deep": [{"$date": {"$numberLong": "0"}}]}],
    })
}

/// How a path names an id.
fn path_text(shown: &Value) -> String {
    match shown {
        Value::String(text) => encoded(text),
        other => encoded(&other.to_string()),
    }
}

fn filled() -> Shop {
    let shop = Shop::start(&[]);
    let documents: Vec<Value> = ids().iter().enumerate().map(|(at, (id, _))| document(at, id)).collect();
    shop.insert(&documents);
    shop
}

#[test]
fn ids_of_every_type_go_through_every_route() {
    let shop = filled();
    let listed = shop.get("/api/showDB/shop").json();
    assert_eq!(listed.as_array().unwrap().len(), ids().len());
    for (at, (id, shown)) in ids().into_iter().enumerate() {
        let original = document(at, &id);
        let text = path_text(&shown);
        for path in [format!("/api/get/shop/{text}"), format!("/api/get/shop/{text}?field=_id")] {
            for expected in ["MISS", "HIT"] {
                let response = shop.get(&path);
                assert_eq!(response.status, 200, "{path}: {response:?}");
                assert_eq!(response.json()["_id"], shown, "{path}");
                assert!(expected == "MISS" || response.header("x-cache") == "HIT", "{path}: {response:?}");
            }
        }
        assert!(listed.as_array().unwrap().iter().any(|document| document["_id"] == shown), "{shown} is not listed");
        let by_filter = shop.get(&format!("/api/showDB/shop?_id={text}")).json();
        assert_eq!(by_filter[0]["_id"], shown, "{by_filter}");

        // Written back as it was shown, nothing changes, in either form.
        let mut plain = shop.get(&format!("/api/get/shop/{text}")).json();
        plain.as_object_mut().unwrap().remove("_id");
        let put = shop.put(&format!("/api/update/shop/{text}"), &plain);
        assert_eq!((put.status, &put.json()["modified"]), (200, &json!(0)), "{put:?}");
        assert_eq!(put.json()["id"], shown);
        assert_eq!(shop.stored(&id), original);
        let extended = shop.with("GET", &format!("/api/get/shop/{text}"), &[AS_EJSON], b"");
        assert_eq!(extended.header("content-type"), "application/ejson");
        assert_eq!(extended.json(), original);
        let mut fields = extended.json();
        fields.as_object_mut().unwrap().remove("_id");
        let put = shop.with("PUT", &format!("/api/update/shop/{text}"), &[EJSON], fields.to_string().as_bytes());
        assert_eq!((put.status, &put.json()["modified"]), (200, &json!(0)), "{put:?}");
        assert_eq!(shop.stored(&id), original);

        // By the value of a field, which names no id.
        let put = shop.put(&format!("/api/update/shop/S-{at}?field=sku"), &json!({"name": "renamed"}));
        assert_eq!((put.status, &put.json()["modified"]), (200, &json!(1)), "{put:?}");
        assert_eq!(shop.get(&format!("/api/get/shop/{text}")).json()["name"], "renamed");
        let patch =
            shop.with("PATCH", &format!("/api/update/shop/{text}"), &[JSON], br#"{"rating":null,"name":"again"}"#);
        assert_eq!(patch.status, 200, "{patch:?}");
        let mut expected = original.clone();
        expected["name"] = json!("again");
        expected.as_object_mut().unwrap().shift_remove("rating");
        assert_eq!(shop.stored(&id), expected);
        assert_eq!(shop.get(&format!("/api/get/shop/{text}")).json()["name"], "again");

        let deleted = shop.delete(&format!("/api/delete/shop/{text}"));
        assert_eq!(deleted.status, 200, "{deleted:?}");
        assert_eq!(shop.get(&format!("/api/get/shop/{text}?field=_id")).status, 404);
        assert_eq!(shop.stored(&id), Value::Null);
    }
}

#[test]
fn a_document_as_deep_as_mongodb_takes_them_goes_through_every_route() {
    let shop = Shop::start(&[]);
    // MongoDB takes 200 levels, and so does the bridge, whose body has three of its own around them.
    let arrays = (0..98).fold(json!(true), |inner, _| json!([inner]));
    let nested = (0..98).fold(arrays, |inner, _| json!({ "a": inner }));
    let document = json!({"_id": "deep", "sku": "S-1", "name": "deep", "nested": nested});
    shop.insert(&[document.clone(), json!({"_id": "flat", "sku": "S-2", "name": "flat"})]);
    // A tree of that depth is written, but not read: texts are compared.
    let (text, nested) = (document.to_string(), format!(r#""nested":{nested}"#));
    for query in ["", "?sort=-name&limit=5", "?fields=nested&limit=5", "?nested.a.a.a=1"] {
        for source in ["MISS", "HIT"] {
            let listed = shop.get(&format!("/api/showDB/shop{query}"));
            assert_eq!((listed.status, listed.header("x-cache")), (200, source), "{query}: {listed:?}");
            assert_eq!(listed.text().contains(&nested), !query.contains("=1"), "{query}: {listed:?}");
        }
    }
    for accept in ["application/json", "application/ejson"] {
        let got = shop.with("GET", "/api/get/shop/deep", &[("Accept", accept)], b"");
        assert_eq!((got.status, got.text()), (200, text.as_str()), "{got:?}");
    }
    let patched = shop.with("PATCH", "/api/update/shop/deep", &[JSON], br#"{"name":"deeper"}"#);
    assert_eq!((patched.status, &patched.json()["modified"]), (200, &json!(1)), "{patched:?}");
    let got = shop.get("/api/get/shop/deep");
    assert_eq!(got.text(), text.replace(r#""name":"deep""#, r#""name":"deeper""#));
    assert_eq!(shop.delete("/api/delete/shop/deep").status, 200);
    assert_eq!(shop.get("/api/showDB/shop").json(), json!([{"_id": "flat", "sku": "S-2", "name": "flat"}]));
}

#[test]
fn what_is_added_keeps_its_id_and_types() {
    let shop = Shop::start(&[]);
    for (at, (id, shown)) in ids().into_iter().enumerate() {
        let original = document(at, &id);
        let added = shop.with("POST", "/api/add/shop", &[EJSON, AS_EJSON], original.to_string().as_bytes());
        assert_eq!(added.status, 201, "{added:?}");
        assert_eq!(added.json()["item"], original);
        assert_eq!(shop.stored(&id), original);
        let at_location = shop.get(added.header("location"));
        assert_eq!((at_location.status, &at_location.json()["_id"]), (200, &shown), "{}", added.header("location"));
        let again =
            shop.with("POST", "/api/add/shop", &[EJSON, ("If-None-Match", "*")], original.to_string().as_bytes());
        assert_eq!(again.status, 412, "{again:?}");
    }
    // Plain JSON: 24 hex digits become an ObjectId, other strings and numbers stay what they are.
    for (id, stored) in [
        (json!("5a1f000000000000000000aa"), json!({"$oid": "5a1f000000000000000000aa"})),
        (json!("slug"), json!("slug")),
        (json!(77), json!({"$numberInt": "77"})),
    ] {
        let added = shop.add("shop", &json!({"_id": id, "name": "plain"}));
        assert_eq!((added.status, &added.json()["id"]), (201, &id), "{added:?}");
        assert_eq!(shop.stored(&stored)["name"], "plain");
        let again = shop.add("shop", &json!({"_id": id, "name": "plain"}));
        assert_eq!(again.status, 409, "{again:?}");
        assert!(again.json()["error"].as_str().unwrap().contains("_id"), "{again:?}");
    }
    let made = shop.add("shop", &json!({"name": "no id"})).json()["id"].as_str().unwrap().to_owned();
    assert_eq!(shop.stored(&json!({ "$oid": made }))["name"], "no id");
}

#[test]
fn a_double_is_stored_as_it_was_sent() {
    let shop = Shop::start(&[]);
    for (at, number) in
        ["0.9452706955539223", "-12.015256044740227", "1.7976931348623157e308", "5e-324"].iter().enumerate()
    {
        let body = format!("{{\"_id\":{at},\"name\":\"n\",\"at\":{number}}}");
        assert_eq!(shop.with("POST", "/api/add/shop", &[JSON], body.as_bytes()).status, 201, "{number}");
        let stored = shop.stored(&json!(at))["at"]["$numberDouble"].as_str().unwrap().to_owned();
        assert_eq!(stored.parse::<f64>().unwrap().to_bits(), number.parse::<f64>().unwrap().to_bits(), "{number}");
        let shown = shop.get(&format!("/api/get/shop/{at}")).text().to_owned();
        let shown = shown.split_once("\"at\":").unwrap().1.trim_end_matches('}').to_owned();
        assert_eq!(shown.parse::<f64>().unwrap().to_bits(), number.parse::<f64>().unwrap().to_bits(), "{shown}");
    }
}

#[test]
fn what_only_looks_like_a_value_of_another_type_is_a_text() {
    let shop = Shop::start(&[]);
    shop.insert(&[json!({"_id": 1, "name": "123E456"}), json!({"_id": "9E999", "name": "as an id"})]);
    for path in ["/api/get/shop/123E456", "/api/get/shop/123E456?field=name", "/api/get/shop/9E999"] {
        assert_eq!(shop.get(path).status, 200, "{path}");
    }
    assert_eq!(shop.get("/api/showDB/shop?name=123E456").json().as_array().unwrap().len(), 1);
    assert_eq!(shop.get("/api/showDB/shop?name[gt]=1e400&name[lt]=2e400").status, 200);
    for text in ["{\"Subtype\":0,\"Data\":\"!\"}", "{\"a\\u0000\":1}"] {
        let path = format!("/api/get/shop/{}", encoded(text));
        assert_eq!(shop.get(&path).status, 404, "{text}");
        assert_eq!(shop.delete(&path.replace("get", "delete")).status, 404, "{text}");
    }
    assert_eq!(shop.put("/api/update/shop/9E999", &json!({"name": "found"})).status, 200);
    assert_eq!(shop.delete("/api/delete/shop/9E999").status, 200);
}

#[test]
fn an_id_whose_members_have_types_is_one() {
    let shop = Shop::start(&[]);
    let id = json!({"day": {"$date": {"$numberLong": "1614834367089"}}, "user": {"$oid": "5a1f000000000000000000ff"}});
    let added = json!({"_id": id, "name": "a day"}).to_string();
    let added = shop.with("POST", "/api/add/shop", &[EJSON], added.as_bytes());
    assert_eq!(added.status, 201, "{added:?}");
    assert_eq!(shop.stored(&id)["name"], "a day");
    let location = added.header("location").to_owned();
    assert_eq!(shop.get(&location).json()["name"], "a day", "{location}");
    let path = location.replace("/get/", "/update/");
    assert_eq!(shop.put(&path, &json!({"name": "another day"})).status, 200);
    assert_eq!(shop.get(&location).json()["name"], "another day");
    assert_eq!(shop.delete(&location.replace("/get/", "/delete/")).status, 200);
}

#[test]
fn extended_json_is_taken_as_it_was_given_and_refused_where_it_is_none() {
    let shop = Shop::start(&[]);
    let document = json!({
        "_id": 1,
        "name": "references",
        "by": {"$ref": "people", "$id": {"$oid": "5a1f000000000000000000ff"}, "$db": "shop"},
        "small": {"$numberDecimal": "1E-6176"},
        "price": {"$numberDecimal": "5"},
    });
    shop.insert(std::slice::from_ref(&document));
    let stored = shop.stored(&json!(1));
    let mut read = shop.with("GET", "/api/get/shop/1", &[AS_EJSON], b"").json();
    read.as_object_mut().unwrap().remove("_id");
    for method in ["PUT", "PATCH"] {
        let written = shop.with(method, "/api/update/shop/1", &[EJSON], read.to_string().as_bytes());
        assert_eq!(written.status, 200, "{method}: {written:?}");
        assert_eq!(shop.stored(&json!(1)), stored, "{method}");
    }
    // By a field with such values, too.
    for field in ["by", "small"] {
        let page = shop.get(&format!("/api/showDB/shop?sort={field}&limit=1"));
        assert_eq!(page.status, 200, "{page:?}");
    }
    // A type that is said is a type that is changed.
    let patched = shop.with("PATCH", "/api/update/shop/1", &[EJSON], br#"{"price":"5"}"#);
    assert_eq!((patched.status, &patched.json()["modified"]), (200, &json!(1)), "{patched:?}");
    assert_eq!(shop.stored(&json!(1))["price"], "5");
    for bad in [
        json!({"$minKey": 2}),
        json!({"$timestamp": {"t": 1, "i": 2, "x": 3}}),
        json!({"$regularExpression": {"pattern": "a", "options": "", "x": 1}}),
        json!({"$numberDouble": "1e999"}),
        json!({"$binary": {"base64": "", "subType": "+4"}}),
        json!({"$ref": "people", "$id": 1, "$where": 1}),
    ] {
        let body = json!({"name": "bad", "a": bad}).to_string();
        let refused = shop.with("POST", "/api/add/shop", &[EJSON], body.as_bytes());
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
    }
}

#[test]
fn a_document_that_was_missing_is_found_once_it_is_added() {
    let shop = Shop::start(&[]);
    for id in [json!("5a1f000000000000000000bb"), json!("later"), json!(5)] {
        let text = path_text(&id);
        for path in [format!("/api/get/shop/{text}"), format!("/api/get/shop/{text}?field=_id")] {
            assert_eq!(shop.get(&path).status, 404);
        }
        assert_eq!(shop.add("shop", &json!({"_id": id, "name": "x"})).status, 201);
        for path in [format!("/api/get/shop/{text}"), format!("/api/get/shop/{text}?field=_id")] {
            assert_eq!(shop.get(&path).status, 200, "{path}");
        }
    }
}

#[test]
fn what_mongodb_refuses_is_the_clients_mistake() {
    let shop = Shop::start(&[]);
    assert_eq!(shop.add("shop", &json!({"sku": "A-1", "name": "one"})).status, 201);
    assert_eq!(shop.add("shop", &json!({"sku": "A-2", "name": "two"})).status, 201);
    let duplicate = [
        shop.add("shop", &json!({"sku": "A-1"})),
        shop.put("/api/update/shop/A-2?field=sku", &json!({"sku": "A-1"})),
        shop.with("PATCH", "/api/update/shop/A-2?field=sku", &[JSON], br#"{"sku":"A-1"}"#),
    ];
    for response in duplicate {
        let error = response.json()["error"].as_str().unwrap_or_default().to_owned();
        assert_eq!(response.status, 409, "{error}");
        assert!(error.contains("\"sku_1\"") && error.contains("\"sku\"") && !error.contains("A-1"), "{error}");
    }
    let invalid = [
        shop.add("shop", &json!({"sku": "A-3", "name": 3})),
        shop.put("/api/update/shop/A-2?field=sku", &json!({"name": 3})),
    ];
    for response in invalid {
        assert_eq!(response.status, 422, "{response:?}");
        assert!(response.json()["error"].as_str().unwrap().contains("validat"), "{response:?}");
    }
    assert_eq!(shop.count(&json!({})), 2);

    // Of several, those before the refused one are there, and are named.
    let several = json!([{"sku": "B-1"}, {"sku": "B-2"}, {"sku": "B-1"}, {"sku": "B-3"}]);
    let response = shop.with("POST", "/api/add/shop", &[JSON], several.to_string().as_bytes());
    let problem = response.json();
    assert_eq!((response.status, &problem["index"], &problem["inserted"]), (409, &json!(2), &json!(2)), "{problem}");
    for id in problem["ids"].as_array().unwrap() {
        assert_eq!(shop.get(&format!("/api/get/shop/{}", id.as_str().unwrap())).status, 200);
    }
    // All are checked before any is written.
    let unchecked = json!([{"sku": "C-1"}, {"sku": {"$gt": 1}}]);
    let response = shop.with("POST", "/api/add/shop", &[JSON], unchecked.to_string().as_bytes());
    assert_eq!(response.status, 400, "{response:?}");
    assert_eq!(shop.count(&json!({"sku": "C-1"})), 0);
}

#[test]
fn racing_writers_with_if_match_lose_no_update() {
    const WRITERS: usize = 200;
    let shop = Shop::start(&[]);
    assert_eq!(shop.add("shop", &json!({"_id": "counter", "name": "c", "n": 0, "at": "x"})).status, 201);
    let (refused, next) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let client = Client::new(shop.base_url());
                while next.fetch_add(1, Ordering::Relaxed) < WRITERS {
                    loop {
                        let read = client.get("/api/get/shop/counter");
                        let n = read.json()["n"].as_i64().unwrap();
                        let method = if n % 2 == 0 { "PUT" } else { "PATCH" };
                        let headers = [JSON, ("If-Match", read.header("etag"))];
                        let body = json!({"n": n + 1}).to_string();
                        match client.with(method, "/api/update/shop/counter", &headers, body.as_bytes()).status {
                            200 => break,
                            412 => refused.fetch_add(1, Ordering::Relaxed),
                            // So many at a time that the document changed whenever it was looked for: nothing was done.
                            503 => 0,
                            other => panic!("{other}"),
                        };
                    }
                }
            });
        }
    });
    assert_eq!(shop.get("/api/get/shop/counter").json()["n"], WRITERS);
    assert!(refused.into_inner() > 0, "no two writers met");
}

#[test]
fn preconditions_guard_every_write() {
    let shop = Shop::start(&[]);
    assert_eq!(shop.add("shop", &json!({"_id": "p", "name": "p", "price": 1})).status, 201);
    let path = "/api/update/shop/p";
    let read = shop.get("/api/get/shop/p");
    let weak = format!("W/{}", read.header("etag"));
    let extended = shop.with("GET", "/api/get/shop/p", &[AS_EJSON], b"");
    for (method, path) in [("PUT", path), ("PATCH", path), ("DELETE", "/api/delete/shop/p")] {
        for header in [("If-Match", "\"0\""), ("If-Match", "W/\"0\", \"1\""), ("If-None-Match", "*")] {
            let response = shop.with(method, path, &[JSON, header], br#"{"price":2}"#);
            assert_eq!(response.status, 412, "{method} {header:?}: {response:?}");
        }
    }
    assert_eq!(shop.with("GET", "/api/get/shop/p", &[("If-Match", "\"0\"")], b"").status, 412);
    assert_eq!(shop.get("/api/get/shop/p").body, read.body, "nothing was done");
    assert_eq!(shop.with("PUT", "/api/update/shop/none", &[JSON, ("If-Match", "*")], br#"{"price":2}"#).status, 404);
    for etag in [read.header("etag"), extended.header("etag"), &weak, "*"] {
        let etag_now = shop.get("/api/get/shop/p").header("etag").to_owned();
        assert_eq!(etag_now, read.header("etag"));
        let response = shop.with("PUT", path, &[JSON, ("If-Match", etag)], br#"{"price":1}"#);
        assert_eq!(response.status, 200, "{etag}: {response:?}");
    }
    let deleted = shop.with("DELETE", "/api/delete/shop/p", &[("If-Match", read.header("etag"))], b"");
    assert_eq!(deleted.status, 200, "{deleted:?}");
}
