//! Pages' scripts: what a browser is told before it lets them call. `browser` tries it with a browser.

use serde_json::json;

use crate::bridge::{Bridge, KEY, Reply};

fn allowed<'a>(reply: &'a Reply, what: &str) -> Option<&'a str> {
    reply.header(&format!("access-control-allow-{what}"))
}

#[test]
fn the_origins_that_are_configured() {
    let origins = "https://shop.example,https://*.preview.example,http://localhost:*,null";
    let bridge = Bridge::start_with(&["--api-key", KEY, "--cors-origin", origins]);
    let url = bridge.action_url("find");
    for (origin, expected) in [
        ("https://shop.example", true),
        ("https://a.b.preview.example", true),
        ("http://localhost:5173", true),
        ("null", true),
        ("https://evil.example", false),
        ("https://preview.example", false),
        ("https://preview.example.evil.example", false),
        ("https://shop.example.evil.example", false),
        ("http://shop.example", false),
    ] {
        let reply = bridge.preflight(&url, origin, "POST", "apikey,content-type");
        assert_eq!((reply.status, allowed(&reply, "origin")), (200, expected.then_some(origin)), "{origin}");
        let reply = bridge.post(&url, &[("Origin", origin), ("apiKey", KEY)], b"{}");
        assert_eq!((reply.status, allowed(&reply, "origin")), (400, expected.then_some(origin)), "{origin}");
        let mut vary = reply.headers.get_all("vary").iter().map(|value| value.to_str().unwrap());
        assert!(vary.any(|names| names.contains("origin")), "a cache must not give it to another origin: {reply:?}");
    }
    let none = Bridge::start();
    let reply = none.post(&none.action_url("find"), &[("Origin", "https://shop.example")], b"{}");
    assert_eq!(allowed(&reply, "origin"), None);
}

#[test]
fn every_origin() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--cors-origin", "*"]);
    for origin in ["https://any.example", "null"] {
        let reply = bridge.preflight(&bridge.action_url("find"), origin, "POST", "apikey");
        assert_eq!(allowed(&reply, "origin"), Some("*"));
        assert_eq!(allowed(&reply, "credentials"), None);
    }
}

#[test]
fn every_method_that_a_route_has() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--cors-origin", "https://shop.example"]);
    for (path, method) in [
        ("/app/x/endpoint/data/v1/action/find", "POST"),
        ("/api/client/v2.0/app/x/functions/call", "POST"),
        ("/api/client/v2.0/auth/session", "POST"),
        ("/api/client/v2.0/auth/session", "DELETE"),
        ("/api/client/v2.0/auth/profile", "GET"),
    ] {
        let reply = bridge.preflight(&format!("{}{path}", bridge.url), "https://shop.example", method, "authorization");
        let methods: Vec<_> = allowed(&reply, "methods").unwrap().split(',').map(str::trim).collect();
        assert!(methods.contains(&method), "{path} {method}: {methods:?}");
    }
}

#[test]
fn any_header_unless_they_are_limited() {
    let headers = |reply: &Reply, wanted: &str| {
        let headers = allowed(reply, "headers").unwrap_or_default().to_lowercase();
        wanted.split(',').all(|name| headers.split(',').any(|allowed| allowed.trim() == name))
    };
    let flags = ["--api-key", KEY, "--cors-origin", "https://shop.example"];
    let bridge = Bridge::start_with(&flags);
    let limited = Bridge::start_with(&[&flags[..], &["--cors-header", "x-request-id,x-team"]].concat());
    for (wanted, when_limited) in [
        ("apikey,content-type", true),
        ("authorization,accept", true),
        ("x-request-id,x-team", true),
        ("apikey,x-realm-op-name", false),
        ("x-anything-else", false),
    ] {
        let ask =
            |bridge: &Bridge| bridge.preflight(&bridge.action_url("find"), "https://shop.example", "POST", wanted);
        assert!(headers(&ask(&bridge), wanted), "{wanted}");
        assert_eq!(headers(&ask(&limited), wanted), when_limited, "{wanted}");
    }
    // Overloaded clients may read when to come back.
    let reply = bridge.post(
        &bridge.action_url("find"),
        &[("Origin", "https://shop.example")],
        &json!({}).to_string().into_bytes(),
    );
    assert_eq!(reply.header("access-control-expose-headers"), Some("retry-after"));
}
