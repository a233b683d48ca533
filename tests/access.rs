//! Who may do what, over sockets: tokens, JWTs, browsers, rate limits, request ids; and that nothing leaks.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use common::host::Host;
use common::jwt::{Key, base64};
use common::system::System;
use serde_json::{Value, json};
use testkit::client::Response;

const READ: &str = "read-token-read-token-read-token-1";
const WRITE: &str = "write-token-write-token-write-token";
const ADMIN: &str = "admin-token-admin-token-admin-token";
const GAMES: &str = "/api/showDB/games";

fn bearer(token: &str) -> String {
    format!("Bearer {token}")
}

fn ask(host: &Host, method: &str, path: &str, token: Option<&str>) -> Response {
    let authorization = token.map(bearer);
    let headers: Vec<_> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
    host.with(method, path, &headers, b"")
}

/// Whether the response says that it depends on this header of the request.
fn varies(response: &Response, name: &str) -> bool {
    response.headers.get_all("vary").iter().any(|value| value == name)
}

fn status(host: &Host, method: &str, path: &str, token: Option<&str>) -> u16 {
    ask(host, method, path, token).status
}

#[test]
fn tokens_open_their_role_and_those_below() {
    let system = System::start(&[]);
    system.post("/api/initDB/all");
    let other = "another-read-token-while-they-change";
    let readers = format!("{READ}, {other}");
    let host = system.second_host(&[
        ("access", "closed"),
        ("read_token", &readers),
        ("write_token", WRITE),
        ("admin_token", ADMIN),
    ]);
    for (token, reads, writes, seeds) in [
        (None, 401, 401, 401),
        (Some("not-a-token-of-anybody-at-all-----"), 401, 401, 401),
        (Some(READ), 200, 403, 403),
        (Some(other), 200, 403, 403),
        (Some(WRITE), 200, 404, 403),
        (Some(ADMIN), 200, 404, 200),
    ] {
        assert_eq!(status(&host, "GET", GAMES, token), reads, "{token:?}");
        // Nobody has this id, so nothing is deleted.
        let nobody = "/api/delete/games/5a1f0000000000000000ffff";
        assert_eq!(status(&host, "DELETE", nobody, token), writes, "{token:?}");
        assert_eq!(status(&host, "POST", "/api/initDB/games", token), seeds, "{token:?}");
        assert_eq!(status(&host, "POST", "/api/purge/games", token), seeds, "{token:?}");
        assert_eq!(status(&host, "GET", "/metrics", token), seeds, "{token:?}");
    }
    // Without a credential nobody learns which collections there are.
    assert_eq!(status(&host, "GET", "/api/showDB/nope", None), 401);
    assert_eq!(status(&host, "GET", "/api/showDB/nope", Some(READ)), 404);
    // By GET nothing is seeded or emptied, whoever asks.
    for path in ["/api/initDB/games", "/api/cleanDB/games"] {
        let answer = ask(&host, "GET", path, Some(ADMIN));
        assert_eq!((answer.status, answer.header("allow").contains("GET")), (405, false), "{path}");
    }
    for path in ["/api/", "/health/live", "/health/ready"] {
        assert_eq!(status(&host, "GET", path, None), 200, "{path}");
    }

    let none = ask(&host, "GET", GAMES, None);
    assert_eq!(none.header("www-authenticate"), "Bearer realm=\"store-api\"");
    let bad = ask(&host, "GET", GAMES, Some("x"));
    assert!(bad.header("www-authenticate").contains("error=\"invalid_token\""));
    let short = ask(&host, "POST", "/api/cleanDB/all", Some(READ));
    assert!(short.header("www-authenticate").contains("error=\"insufficient_scope\", scope=\"store:admin\""));
    assert_eq!(short.header("content-type"), "application/problem+json");

    // No cache that others use may keep it.
    let read = ask(&host, "GET", GAMES, Some(READ));
    assert_eq!(read.header("cache-control"), "private, no-cache");
    assert!(varies(&read, "Authorization"));
}

#[test]
fn the_index_lists_what_can_be_used_and_links_to_what_the_caller_may_read() {
    let methods = |index: &Value, path: &str| {
        let routes = index["routes"].as_array().unwrap();
        routes.iter().find(|route| route["path"] == path).map(|route| route["methods"].clone())
    };
    let init = "/api/initDB/{collection}";
    let system = System::start(&[]);
    let open = system.get("/api/").json();
    assert_eq!(open["links"]["clients"], "/api/showDB/clients");
    assert_eq!(methods(&open, init), Some(json!("POST, GET")));

    let host = system.second_host(&[("access", "closed"), ("collections", "games,orders"), ("admin_token", ADMIN)]);
    let nobody = ask(&host, "GET", "/api/", None);
    assert_eq!(methods(&nobody.json(), init), Some(json!("POST")));
    let admin = ask(&host, "GET", "/api/", Some(ADMIN)).json();
    assert_eq!(admin["links"]["orders"], "/api/showDB/orders");
    assert_eq!(admin["links"].get("clients"), None, "it is not open");
    // Without a credential nobody learns which collections there are.
    assert_eq!((nobody.json()["links"].get("games"), varies(&nobody, "Authorization")), (None, true));
    assert_eq!(nobody.json()["links"]["health"], "/health/ready");

    let readers = system.second_host(&[("access", "closed"), ("public_read", "true")]);
    let index = ask(&readers, "GET", "/api/", None).json();
    assert_eq!(index["links"]["games"], "/api/showDB/games");
    assert_eq!(methods(&index, init), None, "no credential for it is configured");
}

#[test]
fn closed_is_the_default_and_a_role_without_a_credential_is_off() {
    let system = System::start(&[]);
    let host = system.second_host(&[("access", "closed"), ("public_read", "true"), ("write_token", WRITE)]);
    let read = ask(&host, "GET", GAMES, None);
    assert_eq!((read.status, read.header("cache-control")), (200, "no-cache"));
    let clean = ask(&host, "POST", "/api/cleanDB/all", Some(WRITE));
    assert_eq!(clean.status, 403);
    assert!(clean.json()["detail"].as_str().unwrap().contains("is disabled"));
    let manifest = include_str!("../spin.toml");
    assert!(manifest.contains("access = { default = \"closed\""));
}

#[test]
fn a_short_token_is_refused_at_the_start_and_not_shown() {
    let system = System::start(&[]);
    for (variable, value) in [("admin_token", "hunter2hunter2"), ("jwt_secret", "hunter2"), ("cors_origins", "*")] {
        let host = system.second_host(&[(variable, value)]);
        let answer = host.get(GAMES);
        assert_eq!(answer.status, 500);
        let body = answer.text();
        assert!(body.contains(&format!("`{variable}`")) && !body.contains("hunter2"), "{body}");
        assert!(!host.service.log().tail(100).contains("hunter2"));
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn claims(scope: &str) -> Value {
    json!({ "iss": "https://id.example", "aud": ["shop", "store"], "sub": "ann", "exp": now() + 60, "scope": scope })
}

#[test]
fn jwts_are_checked_in_every_part() {
    let secret = "a-shared-secret-of-more-than-32-characters";
    let keys = [Key::hs256(secret.as_bytes()), Key::es256(), Key::rs256()];
    let [hmac, elliptic, rsa] = &keys;
    let jwks = json!({ "keys": [elliptic.jwk(), rsa.jwk()] });
    let system = System::start(&[]);
    let jwks = jwks.to_string();
    let host = system.second_host(&[
        ("access", "closed"),
        ("jwt_secret", secret),
        ("jwt_jwks", &jwks),
        ("jwt_issuer", "https://id.example"),
        ("jwt_audience", "store"),
    ]);
    for key in &keys {
        let algorithm = key.name();
        let reads = key.token(&claims("profile store:read"));
        assert_eq!(status(&host, "GET", GAMES, Some(&reads)), 200, "{algorithm}");
        // From what the instance remembers.
        assert_eq!(status(&host, "GET", GAMES, Some(&reads)), 200, "{algorithm}");
        assert_eq!(status(&host, "POST", "/api/initDB/games", Some(&reads)), 403, "{algorithm}");
        let seeds = key.token(&claims("store:read store:admin"));
        assert_eq!(status(&host, "POST", "/api/initDB/games", Some(&seeds)), 200, "{algorithm}");
        // Another's signature under our claims.
        let (head, signature) = (reads.rsplit_once('.').unwrap().0, seeds.rsplit_once('.').unwrap().1);
        assert_eq!(status(&host, "GET", GAMES, Some(&format!("{head}.{signature}"))), 401, "{algorithm}");
    }
    assert_eq!(status(&host, "GET", GAMES, Some(&hmac.token(&claims("profile")))), 403);
    for (claim, value) in [
        ("exp", json!(now() - 3600)),
        ("exp", Value::Null),
        ("exp", json!("tomorrow")),
        ("nbf", json!(now() + 3600)),
        ("iss", json!("https://elsewhere.example")),
        ("iss", json!(["https://id.example"])),
        ("iss", Value::Null),
        ("aud", json!("shop")),
        ("aud", Value::Null),
        ("scope", json!(["store:read"])),
    ] {
        let mut claims = claims("store:read");
        claims[claim] = value.clone();
        let answer = ask(&host, "GET", GAMES, Some(&hmac.token(&claims)));
        assert_eq!(answer.status, 401, "{claim}: {value}");
    }
    // The public key taken for a shared secret (RFC 8725, section 2.1), no algorithm at all, and one that we do not check.
    let n = Key::hs256(&URL_SAFE_NO_PAD.decode(rsa.jwk()["n"].as_str().unwrap()).unwrap());
    let none = format!("{}.{}.", base64(r#"{"alg":"none"}"#), base64(claims("store:admin").to_string()));
    let hs384 = Key::hs384(secret.as_bytes()).token(&claims("store:read"));
    for forged in [n.token(&claims("store:admin")), none, hs384] {
        assert_eq!(status(&host, "GET", GAMES, Some(&forged)), 401, "{forged}");
    }
    // Extensions that must be understood, and are not (RFC 7515, section 4.1.11), under a good signature.
    for header in [json!({ "alg": "HS256", "crit": ["exp"] }), json!({ "alg": "HS256", "b64": false })] {
        let token = hmac.token_with(&header, &claims("store:read"));
        assert_eq!(status(&host, "GET", GAMES, Some(&token)), 401, "{header}");
    }
}

#[test]
fn pages_use_it_where_their_origin_is_in_the_list() {
    let system = System::start(&[("cors_origins", "https://shop.example")]);
    let ours = ("Origin", "https://shop.example");
    let theirs = ("Origin", "https://evil.example");
    let preflight = system.with("OPTIONS", "/api/add/games", &[ours, ("Access-Control-Request-Method", "POST")], b"");
    assert_eq!(preflight.status, 204);
    assert_eq!(preflight.header("access-control-allow-origin"), "https://shop.example");
    assert_eq!(preflight.header("access-control-allow-methods"), "POST, OPTIONS");
    assert!(preflight.header("access-control-allow-headers").contains("Authorization"));
    let answer = system.with("GET", GAMES, &[ours], b"");
    assert_eq!(answer.header("access-control-allow-origin"), "https://shop.example");
    assert!(answer.header("access-control-expose-headers").contains("X-Cache"));
    assert!(varies(&answer, "Origin"));
    // Errors, too: a script may read why.
    let missing = system.with("GET", "/api/showDB/nope", &[ours], b"");
    assert_eq!((missing.status, missing.header("access-control-allow-origin")), (404, "https://shop.example"));
    for method in ["GET", "OPTIONS"] {
        let answer = system.with(method, GAMES, &[theirs, ("Access-Control-Request-Method", "GET")], b"");
        assert_eq!(answer.header("access-control-allow-origin"), "", "{method}");
        assert!(varies(&answer, "Origin"), "{method}");
    }
}

#[test]
fn no_other_page_changes_anything_through_a_browser() {
    // What a laptop runs: open to everyone who reaches it, and every page in a browser there does.
    let system = System::start(&[]);
    system.post("/api/initDB/all");
    let cross_site = [("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")];
    for (method, path) in [
        ("GET", "/api/cleanDB/all"),
        ("POST", "/api/cleanDB/all"),
        ("POST", "/api/initDB/games"),
        ("GET", "/api/initDB/all"),
    ] {
        assert_eq!(system.with(method, path, &cross_site, b"").status, 403, "{method} {path}");
        assert_eq!(
            system.with(method, path, &[("Origin", "https://evil.example")], b"").status,
            403,
            "{method} {path}"
        );
    }
    // Over plain HTTP to another machine a browser says nothing with a GET, such as that of an image.
    for path in ["/api/cleanDB/all", "/api/initDB/games"] {
        let answer = system.with("GET", path, &[("Host", "192.168.1.7:3000")], b"");
        assert_eq!(answer.status, 403, "{path}");
        assert!(answer.json()["detail"].as_str().unwrap().contains("use POST"), "{path}");
        assert_eq!(system.with("HEAD", path, &[("Host", "192.168.1.7:3000")], b"").status, 403, "{path}");
    }
    assert_eq!(system.get(GAMES).json().as_array().unwrap().len(), 8);
    assert_eq!(system.with("POST", "/api/initDB/games", &[("Host", "192.168.1.7:3000")], b"").status, 200);
    assert_eq!(system.get("/api/initDB/games").status, 200);
    // Its own pages, and programs that are no browser, may.
    let own = [("Origin", system.base_url()), ("Sec-Fetch-Site", "same-origin")];
    assert_eq!(system.with("POST", "/api/initDB/games", &own, b"").status, 200);
}

#[test]
fn a_caller_has_so_many_requests_a_minute_across_hosts() {
    let mut system = System::start(&[]);
    let limited =
        [("access", "closed"), ("public_read", "true"), ("write_token", WRITE), ("rate_limit_per_minute", "5")];
    let hosts = [system.second_host(&limited), system.second_host(&limited)];
    for n in 1..=5 {
        let answer = hosts[n % 2].get(GAMES);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("ratelimit-policy"), "\"minute\";q=5;w=60");
        assert!(answer.header("ratelimit").starts_with(&format!("\"minute\";r={};t=", 5 - n)), "{n}");
    }
    for host in &hosts {
        // Whatever a client says of its own address.
        let forged = [("Spin-Client-Addr", "6.6.6.6:66"), ("X-Forwarded-For", "6.6.6.6")];
        let answer = host.with("GET", GAMES, &forged, b"");
        assert_eq!(answer.status, 429);
        let wait: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&wait));
        assert_eq!(answer.header("content-type"), "application/problem+json");
        // A caller with a credential has a count of its own; health has none.
        assert_eq!(status(host, "GET", GAMES, Some(WRITE)), 200);
        assert_eq!(host.get("/health/live").status, 200);
    }
    // Guesses count for the address they come from.
    assert_eq!(status(&hosts[0], "POST", "/api/cleanDB/all", Some("guess")), 429);
    assert!(system.keys("games:~rate:*").iter().all(|key| system.ttl_ms(key) > 0));
    // Paths that do not exist and preflights count, too.
    assert_eq!((hosts[0].get("/api/nope").status, hosts[0].with("OPTIONS", GAMES, &[], b"").status), (429, 429));
    // Where the proxy is trusted, the client is who the proxy says it is.
    let behind = system.second_host(&[&limited[..], &[("trusted_proxies", "127.0.0.0/8")]].concat());
    assert_eq!(behind.get(GAMES).status, 429);
    assert_eq!(behind.with("GET", GAMES, &[("X-Forwarded-For", "1.1.1.1, 6.6.6.6")], b"").status, 200);
    // Without Redis each instance counts for itself, from the beginning.
    system.stop_redis();
    let answers: Vec<u16> = (0..200).map(|_| hosts[0].get("/api/").status).collect();
    assert_eq!(answers[..5], [200; 5]);
    assert!(answers.contains(&429));
    assert_eq!(hosts[0].get("/health/live").status, 200);
}

#[test]
fn every_answer_has_a_request_id_and_is_not_a_page() {
    let mut system = System::start(&[]);
    let own = system.with("GET", GAMES, &[("X-Request-Id", "4bf92f3577b34da6.1")], b"");
    assert_eq!(own.header("x-request-id"), "4bf92f3577b34da6.1");
    for bad in ["two words", "a\"b", &"x".repeat(129), ""] {
        let answer = system.with("GET", GAMES, &[("X-Request-Id", bad)], b"");
        let id = answer.header("x-request-id");
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    }
    for (method, path) in [("GET", "/api/"), ("GET", GAMES), ("GET", "/nope"), ("PUT", GAMES), ("OPTIONS", GAMES)] {
        let answer = system.with(method, path, &[], b"");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{method} {path}");
        assert!(answer.header("x-request-id").len() == 16, "{method} {path}");
        assert!(!answer.header("content-type").contains("html"), "{method} {path}");
    }
    // What an upstream did is in the log, by that id, and not in the answer.
    system.stop_data_api();
    let failed = system.with("GET", "/api/showDB/games?item=x", &[("X-Request-Id", "find-me-17")], b"");
    assert_eq!(failed.status, 503);
    let body = failed.text();
    assert!(!body.contains("127.0.0.1") && !body.contains("local-dev-key"), "{body}");
    let log = system.log();
    let line = log.lines().find(|line| line.contains("find-me-17")).unwrap();
    assert!(line.contains("503") && !log.contains("local-dev-key"), "{log}");
}
