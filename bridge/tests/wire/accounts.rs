//! The access file: hashed keys that are changed while the bridge runs, users, other issuers' tokens, and the login.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bridge::{Bridge, Reply, hash, hash_password};
use crate::folder::Folder;
use crate::token;

pub const RULES: &str = r#"rules = [{ database = "*", collections = ["*"], access = "read-write" }]"#;
pub const NOBODY: &str = "invalid session: error finding user for endpoint";

pub fn key(name: &str, key: &str) -> String {
    format!("[[keys]]\nname = \"{name}\"\nhash = \"{}\"\n{RULES}\n", hash(key))
}

pub fn find(bridge: &Bridge, headers: &[(&str, &str)]) -> Reply {
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "filter": {}});
    let headers: Vec<_> = headers.iter().copied().chain([("Content-Type", "application/json")]).collect();
    bridge.post(&bridge.action_url("find"), &headers, body.to_string().as_bytes())
}

pub fn log_in(bridge: &Bridge, provider: &str, body: Value) -> Reply {
    let url = format!("{}/api/client/v2.0/app/any-app/auth/providers/{provider}/login", bridge.url);
    bridge.post(&url, &[("Content-Type", "application/json")], body.to_string().as_bytes())
}

pub fn eventually(what: &str, check: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while !check() {
        assert!(Instant::now() < deadline, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn keys_are_rotated_while_the_bridge_runs() {
    let folder = Folder::new();
    let file = folder.write("access.toml", key("old", "the-old-key"));
    let bridge = Bridge::start_with(&["--access-file", &file]);
    assert_eq!(find(&bridge, &[("apiKey", "the-old-key")]).status, 200);
    assert_eq!(find(&bridge, &[("apiKey", &hash("the-old-key"))]).error(401, "InvalidSession"), NOBODY);
    assert_eq!(find(&bridge, &[("apiKey", "the-new-key")]).error(401, "InvalidSession"), NOBODY);

    folder.write("access.toml", key("old", "the-old-key") + &key("new", "the-new-key"));
    eventually("the new key is let in", || find(&bridge, &[("apiKey", "the-new-key")]).status == 200);
    assert_eq!(find(&bridge, &[("apiKey", "the-old-key")]).status, 200);

    folder.write("access.toml", "[[keys]]\nname = ");
    thread::sleep(Duration::from_millis(1500));
    assert_eq!(find(&bridge, &[("apiKey", "the-old-key")]).status, 200, "a file that is half written changes nothing");

    folder.write("access.toml", key("new", "the-new-key"));
    eventually("the old key is refused", || find(&bridge, &[("apiKey", "the-old-key")]).status == 401);
    assert_eq!(find(&bridge, &[("apiKey", "the-new-key")]).status, 200);
}

#[test]
fn files_that_cannot_be_meant_so() {
    for (text, why) in [
        (String::new(), "it lets nobody in"),
        ("[[keys]]\nname = \"a\"\nhash = \"plain\"".to_owned(), "the key `a`: a key's hash is"),
        (key("a", "1") + &key("a", "2"), "`key:a` is defined twice"),
        (key("a", "1").replace("rules", "rule"), "unknown field `rule`"),
        (key("a", "1").replace("read-write", "write"), "unknown variant `write`"),
        (key("a", "1").replace("\"*\"]", "\"a*\"]"), "patterns are not supported"),
        ("[[users]]\nemail = \"e\"\npassword-hash = \"secret\"".to_owned(), "a password's hash is"),
        (
            "[[jwt]]\nname = \"i\"\nalgorithm = \"HS256\"\naudience = \"a\"\njwks-url = \"http://x\"".to_owned(),
            "HS256 uses a secret",
        ),
        ("[[jwt]]\nname = \"i\"\nalgorithm = \"none\"\naudience = \"a\"".to_owned(), "unknown variant `none`"),
    ] {
        let folder = Folder::new();
        let file = folder.write("access.toml", &text);
        let output =
            crate::bridge::program().args(["--access-file", &file, "--listen", "127.0.0.1:0"]).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success() && error.contains(why), "{text}\n{error}");
    }
}

#[test]
fn users_and_their_passwords() {
    let folder = Folder::new();
    let user = format!(
        "[[users]]\nemail = \"ann@shop.example\"\npassword-hash = \"{}\"\n{RULES}",
        hash_password("correct horse")
    );
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", user)]);
    let with = |email, password| find(&bridge, &[("email", email), ("password", password)]);
    for _ in 0..2 {
        assert_eq!(with("ann@shop.example", "correct horse").status, 200);
        assert_eq!(with("ann@shop.example", "wrong").error(401, "InvalidSession"), NOBODY);
        assert_eq!(with("bob@shop.example", "correct horse").error(401, "InvalidSession"), NOBODY);
    }
    find(&bridge, &[("email", "ann@shop.example")]).error(400, "MissingParameter");

    let login = |password: &str| {
        log_in(&bridge, "local-userpass", json!({"username": "ann@shop.example", "password": password}))
    };
    assert_eq!(login("wrong").error(401, "InvalidPassword"), "invalid username/password");
    let session = login("correct horse");
    assert_eq!(session.status, 200);
    let token = format!("Bearer {}", session.json()["access_token"].as_str().unwrap());
    assert_eq!(find(&bridge, &[("Authorization", &token)]).status, 200);
}

#[test]
fn a_session_from_login_to_the_end_of_its_account() {
    let folder = Folder::new();
    let file = folder.write("access.toml", key("a", "key-a") + &key("b", "key-b"));
    let bridge = Bridge::start_with(&["--access-file", &file]);
    let reply = log_in(&bridge, "api-key", json!({"key": "key-a", "options": {"device": {}}}));
    assert_eq!(reply.status, 200);
    let session = reply.json();
    let bearer = |name: &str| format!("Bearer {}", session[name].as_str().unwrap());
    let (access, refresh) = (bearer("access_token"), bearer("refresh_token"));
    assert_eq!(session["user_id"].as_str().unwrap().len(), 24);
    assert_eq!(find(&bridge, &[("Authorization", &access)]).status, 200);
    find(&bridge, &[("Authorization", &refresh)]).error(401, "InvalidSession");

    let url = format!("{}/api/client/v2.0/auth/session", bridge.url);
    let renewed = bridge.post(&url, &[("Authorization", &refresh)], b"");
    assert_eq!(renewed.status, 201);
    let renewed = format!("Bearer {}", renewed.json()["access_token"].as_str().unwrap());
    assert_eq!(find(&bridge, &[("Authorization", &renewed)]).status, 200);
    bridge.post(&url, &[("Authorization", &access)], b"").error(401, "InvalidSession");
    bridge.post(&url, &[], b"").error(400, "InvalidParameter");

    let other = log_in(&bridge, "api-key", json!({"key": "key-a"})).json();
    let other = |name: &str| format!("Bearer {}", other[name].as_str().unwrap());
    assert_eq!(bridge.delete(&url, &[("Authorization", &other("refresh_token"))]).status, 204);
    bridge.post(&url, &[("Authorization", &other("refresh_token"))], b"").error(401, "InvalidSession");
    find(&bridge, &[("Authorization", &other("access_token"))]).error(401, "InvalidSession");
    assert_eq!(find(&bridge, &[("Authorization", &access)]).status, 200, "another session goes on");

    for (provider, body, status, code) in [
        ("api-key", json!({"key": "wrong"}), 401, "InvalidSession"),
        ("api-key", json!({}), 400, "MissingParameter"),
        ("api-key", json!([]), 400, "InvalidParameter"),
        ("local-userpass", json!({"username": "x"}), 400, "MissingParameter"),
        ("custom-token", json!({"token": "x.y.z"}), 401, "InvalidSession"),
        ("anon-user", json!({}), 404, "NotFound"),
    ] {
        log_in(&bridge, provider, body).error(status, code);
    }
    folder.write("access.toml", key("b", "key-b"));
    eventually("tokens end with their account", || find(&bridge, &[("Authorization", &access)]).status == 401);
}

#[test]
fn anonymous_users() {
    let folder = Folder::new();
    let file = folder.write("access.toml", key("a", "key-a"));
    let bridge = Bridge::start_with(&["--access-file", &file]);
    let enter = || log_in(&bridge, "anon-user", json!({}));
    enter().error(404, "NotFound");

    let open = "[anonymous]\nrules = [{ database = \"*\", collections = [\"c\"], access = \"read\" }]\n";
    folder.write("access.toml", key("a", "key-a") + open);
    eventually("anonymous users are let in", || enter().status == 200);
    let (session, other) = (enter().json(), enter().json());
    assert_ne!(session["user_id"], other["user_id"], "each is a user of its own");
    let access = format!("Bearer {}", session["access_token"].as_str().unwrap());
    assert_eq!(find(&bridge, &[("Authorization", &access)]).status, 200);
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c", "document": {}});
    let headers = [("Authorization", access.as_str()), ("Content-Type", "application/json")];
    let insert = bridge.post(&bridge.action_url("insertOne"), &headers, body.to_string().as_bytes());
    insert.error(403, "NoMatchingRuleFound");
    // MongoDB's documentation sends no body.
    let url = format!("{}/api/client/v2.0/app/any-app/auth/providers/anon-user/login", bridge.url);
    assert_eq!(bridge.post(&url, &[("Content-Type", "application/json")], b"").status, 200);
    // Without a login there are still no credentials.
    find(&bridge, &[]).error(400, "InvalidParameter");

    folder.write("access.toml", key("a", "key-a"));
    eventually("their tokens end with them", || find(&bridge, &[("Authorization", &access)]).status == 401);
    enter().error(404, "NotFound");
}

#[test]
fn tokens_of_other_issuers() {
    let folder = Folder::new();
    let secret = [b'k'; 40];
    let issuer = |algorithm: &str, source: String| {
        format!(
            "[[jwt]]\nname = \"{algorithm}\"\nalgorithm = \"{algorithm}\"\naudience = \"shop\"\nissuer = \"https://id\"\n\
             {source}\n{RULES}\n"
        )
    };
    let file = |name: &str, text: &[u8]| format!("key-file = {:?}", folder.write(name, text));
    let (es256, rs256) = (token::Es256::new(), token::Rs256::new());
    let access = issuer("HS256", file("secret", &secret))
        + &issuer("ES256", file("ec.pem", es256.public_pem().as_bytes()))
        + &issuer("RS256", format!("jwks-url = \"{}\"", serve(rs256.jwks())));
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", access)]);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let good = json!({"sub": "ann", "aud": "shop", "iss": "https://id", "exp": now + 60, "nbf": now - 60});
    let signers: [&dyn Fn(&Value) -> String; 3] =
        [&|claims| token::hs256(&secret, claims), &|claims| es256.sign(claims), &|claims| rs256.sign(claims)];
    for (place, sign) in signers.iter().enumerate() {
        let token = sign(&good);
        assert_eq!(find(&bridge, &[("jwtTokenString", &token)]).status, 200, "signer {place}");
        assert_eq!(find(&bridge, &[("Authorization", &format!("Bearer {token}"))]).status, 200, "signer {place}");
        let session = log_in(&bridge, "custom-token", json!({"token": token}));
        assert_eq!(session.status, 200, "{session:?}");
        let bearer = format!("Bearer {}", session.json()["access_token"].as_str().unwrap());
        assert_eq!(find(&bridge, &[("Authorization", &bearer)]).status, 200);
        for (claim, value) in [
            ("aud", json!("other")),
            ("aud", Value::Null),
            ("iss", json!("https://other")),
            ("iss", Value::Null),
            ("exp", json!(now - 3600)),
            ("exp", Value::Null),
            ("nbf", json!(now + 3600)),
            ("sub", Value::Null),
        ] {
            let mut claims = good.clone();
            match value.is_null() {
                true => drop(claims.as_object_mut().unwrap().remove(claim)),
                false => claims[claim] = value.clone(),
            }
            let reply = find(&bridge, &[("jwtTokenString", &sign(&claims))]);
            assert_eq!(reply.error(401, "InvalidSession"), NOBODY, "signer {place}: {claim} = {value}");
        }
        let (body, signature) = token.rsplit_once('.').unwrap();
        let flipped = if signature.starts_with('A') { "B" } else { "A" };
        let forged = format!("{body}.{flipped}{}", &signature[1..]);
        find(&bridge, &[("jwtTokenString", &forged)]).error(401, "InvalidSession");
    }
    // The two old tricks: no signature at all, and a public key taken for a secret.
    for forged in [token::unsigned(&good), token::hs256(es256.public_pem().as_bytes(), &good)] {
        find(&bridge, &[("jwtTokenString", &forged)]).error(401, "InvalidSession");
    }
}

/// Serves one document for ever, and gives its address.
fn serve(document: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let _ = connection.read(&mut [0; 4096]).unwrap();
            write!(connection, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len()).unwrap();
        }
    });
    url
}
