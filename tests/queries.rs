//! Listings: operators, text, pages and their links, totals.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use common::shop::{Shop, encoded};
use common::strict::Strict;
use serde_json::{Value, json};
use testkit::client::Response;

fn names(shop: &Shop, query: &str) -> Vec<String> {
    let response = shop.get(&format!("/api/showDB/shop?{query}"));
    assert_eq!(response.status, 200, "{query}: {response:?}");
    names_of(&response)
}

fn names_of(response: &Response) -> Vec<String> {
    let documents = response.json();
    documents.as_array().unwrap().iter().map(|document| document["name"].as_str().unwrap().to_owned()).collect()
}

/// The target of a link.
fn link(response: &Response, rel: &str) -> Option<String> {
    let rel = format!("; rel=\"{rel}\"");
    let link = response.header("link").split(", ").find_map(|link| link.strip_suffix(rel.as_str()))?;
    Some(link.trim_start_matches('<').trim_end_matches('>').to_owned())
}

#[test]
fn operators_compare_values_of_every_type() {
    let shop = Shop::start(&[]);
    shop.insert(&[
        json!({"_id": 1, "name": "decimal", "price": {"$numberDecimal": "19.99"}, "since": {"$date": {"$numberLong": "0"}}}),
        json!({"_id": 2, "name": "double", "price": {"$numberDouble": "20.0"}, "tags": ["a,b", "c"]}),
        json!({"_id": 3, "name": "int", "price": {"$numberInt": "21"}, "big": {"$numberLong": "9007199254740993"}}),
        json!({"_id": 4, "name": "none", "note": "50% off (a.b)*", "ok": true}),
        json!({"_id": 5, "name": "nan", "odd": {"$numberDouble": "NaN"}, "empty": null, "note": "Été"}),
    ]);
    for (query, expected) in [
        ("price[lt]=20", &["decimal"][..]),
        ("price[lte]=20", &["decimal", "double"]),
        ("price[gt]=19.99&sort=name", &["double", "int"]),
        ("price[gte]=19.99&price[lte]=20&sort=-name", &["double", "decimal"]),
        ("price=19.99", &["decimal"]),
        ("price=20", &["double"]),
        ("price[in]=21,19.99&sort=name", &["decimal", "int"]),
        ("price[nin]=21,19.99,20&sort=name", &["nan", "none"]),
        ("price[ne]=21&price[exists]=true&sort=name", &["decimal", "double"]),
        ("price[exists]=false&sort=name", &["nan", "none"]),
        ("big=9007199254740993", &["int"]),
        ("big[gt]=9007199254740992", &["int"]),
        ("since[lt]=1970-01-02", &["decimal"]),
        ("since=1970-01-01T00:00:00.000Z", &["decimal"]),
        ("tags[in]=a%252Cb,zzz", &["double"]),
        ("empty=null", &["nan"]),
        ("ok=true", &["none"]),
        ("note[contains]=%25%20off%20(a.b)*", &["none"]),
        ("note[contains]=.*", &[]),
        ("note[starts]=50", &["none"]),
        ("note[starts]=off", &[]),
        ("note[icontains]=OFF", &["none"]),
        ("note[icontains]=%C3%89T", &["nan"]),
        ("q=OFF%20(A.B)", &["none"]),
        ("q=DEC", &["decimal"]),
        ("q=.*", &[]),
        ("_id[gt]=3&sort=name", &["nan", "none"]),
    ] {
        assert_eq!(names(&shop, query), expected, "{query}");
    }
    for (query, named) in [
        ("price[less]=20", "less"),
        ("price[lte]=1&price[lte]=2", "price[lte]"),
        ("%20price=1", "space"),
        ("limit=x", "limit"),
        ("count=yes", "count"),
        ("after=abc", "after"),
    ] {
        let response = shop.get(&format!("/api/showDB/shop?{query}"));
        assert_eq!(response.status, 400, "{query}");
        assert!(response.json()["error"].as_str().unwrap().contains(named), "{query}: {response:?}");
    }
}

/// Documents whose values for `k` are of many types, missing, in arrays, and equal to one another.
fn mixed() -> Vec<Value> {
    let mut values = vec![
        json!(null),
        json!({"$numberInt": "3"}),
        json!({"$numberDouble": "2.5"}),
        json!({"$numberDecimal": "2.75"}),
        json!({"$numberInt": "3"}),
        json!({"$numberLong": "-4"}),
        json!("b"),
        json!("a"),
        json!("b"),
        json!(true),
        json!(false),
        json!({"$date": {"$numberLong": "5"}}),
        json!({"$oid": "5a1f00000000000000000001"}),
        json!({"x": {"$numberInt": "1"}}),
        json!(["c", {"$numberInt": "9"}]),
        json!([{"$numberInt": "1"}, {"$numberInt": "8"}]),
        json!([{"x": {"$numberInt": "3"}}, {"x": {"$numberInt": "0"}}]),
        json!([{"x": {"$numberInt": "2"}}, {"w": {"$numberInt": "9"}}]),
        json!(["a", "z"]),
    ];
    values.extend((0..5).map(|_| json!("same")));
    let mut documents: Vec<Value> = values
        .into_iter()
        .enumerate()
        .map(|(at, value)| json!({"_id": at, "name": format!("d{at:02}"), "k": value, "j": at % 3}))
        .collect();
    documents.push(json!({"_id": 100, "name": "missing", "j": 1}));
    documents
}

#[test]
fn pages_follow_one_another_through_all_types() {
    let shop = Shop::start(&[]);
    shop.insert(&mixed());
    for sort in ["", "sort=k&", "sort=-k&", "sort=j,k&", "sort=-j,-k&", "sort=-_id&", "sort=k,-_id&"] {
        let all = names(&shop, sort.trim_end_matches('&'));
        for limit in [1, 4, 7] {
            let mut path = Some(format!("/api/showDB/shop?{sort}limit={limit}&count=true"));
            let (mut seen, mut pages, mut last) = (vec![], vec![], None);
            while let Some(at) = path {
                let response = shop.get(&at);
                assert_eq!(response.status, 200, "{at}: {response:?}");
                assert_eq!(response.header("x-total-count"), all.len().to_string());
                assert_eq!(shop.get(&at).header("link"), response.header("link"), "as fresh as the body, and cached");
                assert_eq!(link(&response, "first").is_some(), !seen.is_empty(), "{at}");
                assert_eq!(link(&response, "prev").is_some(), !seen.is_empty(), "{at}");
                pages.push(names_of(&response));
                seen.extend(names_of(&response));
                assert!(seen.len() <= all.len(), "{sort}limit={limit}: {seen:?}");
                path = link(&response, "next");
                last = Some(response);
            }
            assert_eq!(seen, all, "{sort}limit={limit}");
            let mut last = last.unwrap();
            let first = link(&last, "first").map(|first| names_of(&shop.get(&first)));
            assert!(first.is_none_or(|first| first == all[..limit]));
            // And back.
            for page in pages.iter().rev().skip(1) {
                let previous = link(&last, "prev").unwrap();
                last = shop.get(&previous);
                assert_eq!(names_of(&last), *page, "{previous}");
            }
            assert_eq!(link(&last, "prev"), None, "{sort}limit={limit}");
        }
    }
}

#[test]
fn a_page_leads_back_to_the_one_before() {
    let shop = Shop::start(&[]);
    let documents: Vec<Value> = (0..10)
        .map(|at| json!({"_id": at, "name": format!("d{at}"), "k": at / 4, "inner": {"a": at, "b": at}}))
        .collect();
    shop.insert(&documents);
    let first = shop.get("/api/showDB/shop?sort=-k&limit=3&fields=name");
    let second = shop.get(&link(&first, "next").unwrap());
    let third = shop.get(&link(&second, "next").unwrap());
    let back = shop.get(&link(&third, "prev").unwrap());
    assert_eq!(names_of(&back), names_of(&second));
    assert_eq!(names_of(&shop.get(&link(&back, "next").unwrap())), names_of(&third));
    let start = shop.get(&link(&back, "prev").unwrap());
    assert_eq!(names_of(&start), names_of(&first));
    assert_eq!((link(&start, "prev"), link(&start, "first")), (None, None));
    // The sort's fields were needed, and not asked for.
    assert_eq!(second.json()[0].as_object().unwrap().keys().collect::<Vec<_>>(), ["_id", "name"]);
    let inner = shop.get("/api/showDB/shop?sort=inner.b&limit=1&fields=inner.a").json();
    assert_eq!(inner, json!([{"_id": 0, "inner": {"a": 0}}]));
    let skipped = shop.get("/api/showDB/shop?limit=3&skip=3");
    assert_eq!(names_of(&shop.get(&link(&skipped, "next").unwrap())), ["d6", "d7", "d8"]);
    assert_eq!(names_of(&shop.get(&link(&skipped, "prev").unwrap())), ["d0", "d1", "d2"]);
    // A write changes the pages at once, and the total.
    let counted = "/api/showDB/shop?limit=2&count=true";
    assert_eq!(shop.get(counted).header("x-total-count"), "10");
    assert_eq!(shop.delete("/api/delete/shop/0").status, 200);
    let response = shop.get(counted);
    assert_eq!((response.header("x-total-count"), names_of(&response)), ("9", vec!["d1".to_owned(), "d2".to_owned()]));
}

#[test]
fn a_cursor_for_another_sort_is_a_mistake() {
    let shop = Shop::start(&[]);
    shop.insert(&mixed());
    let next = link(&shop.get("/api/showDB/shop?sort=k&limit=2"), "next").unwrap();
    for other in [next.replace("sort=k", "sort=j"), next.replace("sort=k&", ""), next.replace("after=", "after=A")] {
        assert_eq!(shop.get(&other).status, 400, "{other}");
    }
    let forged = encoded("{\"$gt\":1}");
    assert_eq!(shop.get(&format!("/api/showDB/shop?after={forged}")).status, 400);
}

#[test]
fn what_a_real_mongodb_refuses_is_the_clients_mistake() {
    let shop = Shop::start(&[]);
    let strict = Strict::before(shop.backends.bridge_address());
    let direct = shop.backends.bridge_address().to_string();
    let url = shop.backends.bridge.url().replace(&direct, &strict.address().to_string());
    let host = common::host::Host::start(&[
        ("collections", "shop,games"),
        ("redis_url", &shop.backends.redis.url()),
        ("data_api_url", &url),
    ]);
    assert_eq!(host.post("/api/initDB/games").status, 200);
    let many: Vec<String> = (0..32).map(|at| format!("f{at}")).collect();
    for (path, named) in [
        ("/api/showDB/games?sort=genre,platforms".to_owned(), "sort"),
        (format!("/api/showDB/games?sort={},x", many.join(",")), "sort"),
        ("/api/showDB/games?fields=a.b,a".to_owned(), "fields"),
    ] {
        let response = host.get(&path);
        assert_eq!(response.status, 400, "{path}: {response:?}");
        assert!(response.json()["error"].as_str().unwrap().contains(named), "{path}: {response:?}");
    }
    // As many keys as MongoDB takes.
    assert_eq!(host.get(&format!("/api/showDB/games?sort={}", many.join(","))).status, 200);
    assert_eq!(host.get("/api/showDB/games?sort=genre&limit=2").status, 200);
    for (text, status) in [("too large to insert", 413), ("too large to store", 413)] {
        let response = host.add("games", &json!({"item": text}));
        assert_eq!(response.status, status, "{response:?}");
    }
    assert_eq!(host.get("/api/showDB/games").json().as_array().unwrap().len(), 8);
}
