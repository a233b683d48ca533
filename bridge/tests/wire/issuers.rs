//! Other issuers: what their tokens must not contain, and what happens when their servers do not answer.

use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::accounts::{RULES, find, key, log_in};
use crate::bridge::Bridge;
use crate::folder::Folder;
use crate::lifecycle::refused;
use crate::token;

/// A key on a curve that ES256 does not use.
const P384: &str = include_str!("p384-public-key.txt");

const SECRET: &[u8] = b"a secret of forty bytes, for tests only..";

fn claims() -> Value {
    json!({"sub": "ann", "aud": "shop", "exp": 4_000_000_000_u64})
}

fn issuer(algorithm: &str, source: &str) -> String {
    format!("[[jwt]]\nname = \"{algorithm}\"\nalgorithm = \"{algorithm}\"\naudience = \"shop\"\n{source}\n{RULES}\n")
}

/// Accepts connections, and never says anything.
fn hanging() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    thread::spawn(move || {
        let _held: Vec<_> = listener.incoming().collect();
    });
    url
}

#[test]
fn headers_that_must_be_understood_and_are_not() {
    let folder = Folder::new();
    let file = format!("key-file = {:?}", folder.write("secret", SECRET));
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", issuer("HS256", &file))]);
    for (header, status) in [
        (json!({"alg": "HS256", "typ": "JWT"}), 200),
        (json!({"alg": "HS256", "b64": true}), 200),
        (json!({"alg": "HS256", "crit": ["exp"], "exp": 1}), 401),
        (json!({"alg": "HS256", "crit": []}), 401),
        (json!({"alg": "HS256", "crit": ["b64"], "b64": false}), 401),
        (json!({"alg": "HS256", "b64": false}), 401),
    ] {
        let token = token::hs256_with(&header, SECRET, &claims());
        assert_eq!(find(&bridge, &[("jwtTokenString", &token)]).status, status, "{header}");
    }
}

#[test]
fn times_may_have_fractions() {
    let folder = Folder::new();
    let file = format!("key-file = {:?}", folder.write("secret", SECRET));
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", issuer("HS256", &file))]);
    for (exp, status) in [(json!(4_000_000_000.5), 200), (json!(4e9), 200), (json!(1000.5), 401), (json!("soon"), 401)]
    {
        let mut claims = claims();
        claims["exp"] = exp;
        let token = token::hs256(SECRET, &claims);
        assert_eq!(find(&bridge, &[("jwtTokenString", &token)]).status, status, "{claims}");
        assert_eq!(log_in(&bridge, "custom-token", json!({"token": token})).status, status, "{claims}");
    }
}

#[test]
fn a_key_file_that_verifies_nothing_is_refused_at_start() {
    let folder = Folder::new();
    // Two numbers in a sequence (RFC 8017, appendix A.1.1): the first has 1024 bits.
    let numbers = [[&[0x02, 0x81, 0x81, 0x00][..], &[0xff; 128]].concat(), vec![0x02, 0x03, 0x01, 0x00, 0x01]].concat();
    let short = [&[0x30, 0x81, 0x89][..], &numbers].concat();
    let pem = format!("-----BEGIN RSA PUBLIC KEY-----\n{}\n-----END RSA PUBLIC KEY-----\n", STANDARD.encode(short));
    for (algorithm, key, why) in [
        ("RS256", pem.as_str(), "is RSA of 1024 bits, and must have 2048 to 8192"),
        ("ES256", P384, "is on another curve than P-256"),
        ("ES256", pem.as_str(), "holds no PEM public key for ES256"),
        ("HS256", pem.as_str(), "it is a PEM file, and HS256 needs a secret"),
    ] {
        let file = format!("key-file = {:?}", folder.write("key.pem", key));
        let access = folder.write("access.toml", issuer(algorithm, &file));
        let said = refused(&["--access-file", &access]);
        assert!(said.contains("key.pem is not usable") && said.contains(why), "{said}");
    }
}

#[test]
fn a_server_of_keys_that_hangs_holds_up_nobody() {
    let folder = Folder::new();
    let secret = format!("key-file = {:?}", folder.write("secret", SECRET));
    let access =
        key("a", "key-a") + &issuer("HS256", &secret) + &issuer("RS256", &format!("jwks-url = {:?}", hanging()));
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", access)]);
    let rs256 = token::Rs256::new().sign(&claims());
    let started = Instant::now();
    thread::scope(|scope| {
        for _ in 0..300 {
            scope.spawn(|| find(&bridge, &[("jwtTokenString", &rs256)]).error(503, "ServiceUnavailable"));
        }
        for _ in 0..20 {
            assert_eq!(find(&bridge, &[("apiKey", "key-a")]).status, 200);
        }
    });
    // One after the other they would take five seconds each.
    for _ in 0..20 {
        find(&bridge, &[("jwtTokenString", &rs256)]).error(503, "ServiceUnavailable");
    }
    assert!(started.elapsed() < Duration::from_secs(60), "{:?}", started.elapsed());
    assert_eq!(find(&bridge, &[("jwtTokenString", &token::hs256(SECRET, &claims()))]).status, 200, "another issuer");
}

#[test]
fn keys_that_are_known_survive_another_access_file() {
    let folder = Folder::new();
    let rs256 = token::Rs256::new();
    let url = serve_once(rs256.jwks());
    let file = issuer("RS256", &format!("jwks-url = {url:?}"));
    let bridge = Bridge::start_with(&["--access-file", &folder.write("access.toml", &file)]);
    let token = rs256.sign(&claims());
    assert_eq!(find(&bridge, &[("jwtTokenString", &token)]).status, 200);
    // The server hangs from now on; the file is another one.
    folder.write("access.toml", key("new", "key-new") + &file);
    crate::accounts::eventually("the new file", || find(&bridge, &[("apiKey", "key-new")]).status == 200);
    assert_eq!(find(&bridge, &[("jwtTokenString", &token)]).status, 200);
    let session = log_in(&bridge, "custom-token", json!({"token": token}));
    let bearer = format!("Bearer {}", session.json()["access_token"].as_str().unwrap());
    assert_eq!(find(&bridge, &[("Authorization", &bearer)]).status, 200);
}

/// Serves a document once, and hangs from then on.
fn serve_once(document: String) -> String {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut first, _) = listener.accept().unwrap();
        let _ = first.read(&mut [0; 4096]).unwrap();
        write!(first, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{document}", document.len()).unwrap();
        let _held: Vec<_> = listener.incoming().collect();
    });
    url
}
