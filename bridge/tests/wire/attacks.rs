//! What one client must not be able to do to the others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bridge::{Bridge, KEY, hash_password, mongodb_uri, program};
use crate::folder::Folder;
use crate::raw::{answer, connect, head, request};

const LOGIN: &str = "/api/client/v2.0/app/x/auth/providers/local-userpass/login";
const LIVE: &str = "/health/live";

fn login(email: &str, password: &str) -> String {
    let body = json!({"username": email, "password": password}).to_string();
    request("POST", LOGIN, &[("Content-Type", "application/json")], &body)
}

fn start_with_user() -> (Bridge, Folder) {
    let folder = Folder::new();
    let user = format!("[[users]]\nemail = \"ann\"\npassword-hash = \"{}\"\n", hash_password("correct horse"));
    let bridge = Bridge::start_with(&["--api-key", KEY, "--access-file", &folder.write("access.toml", user)]);
    (bridge, folder)
}

#[test]
fn slow_logins_cost_others_nothing() {
    let (bridge, _folder) = start_with_user();
    let half = format!("POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{");
    let mut slow: Vec<TcpStream> = (0..300)
        .map(|_| {
            let mut stream = connect(&bridge, "127.0.0.1");
            stream.write_all(half.as_bytes()).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(bridge.call("find", json!({})).status, 200);
    }
    let other = answer(&mut connect(&bridge, "127.0.0.2"), &login("ann", "correct horse")).unwrap();
    assert_eq!(other.0, 200, "{}", other.1);
    let statuses: Vec<u16> = slow.iter_mut().map(|stream| head(stream).unwrap().0).collect();
    assert!(statuses.contains(&429) && statuses.contains(&408), "{statuses:?}");
}

#[test]
fn guessing_passwords_takes_longer_and_longer() {
    let (bridge, _folder) = start_with_user();
    let mut statuses = Vec::new();
    for guess in 0..8 {
        let (status, head) = answer(&mut connect(&bridge, "127.0.0.1"), &login("ann", &guess.to_string())).unwrap();
        assert_eq!(status == 429, head.to_lowercase().contains("\r\nretry-after: "), "{head}");
        statuses.push(status);
    }
    assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429, 429]);
    // By headers of an action it is the same account and the same address.
    let headers = [("email", "ann"), ("password", "9"), ("Content-Type", "application/json")];
    assert_eq!(bridge.post(&bridge.action_url("find"), &headers, b"{}").status, 429);
    let owner = answer(&mut connect(&bridge, "127.0.0.2"), &login("ann", "correct horse")).unwrap();
    assert_eq!(owner.0, 200, "the owner is somewhere else");
}

#[test]
fn many_who_guess_at_a_time_do_not_stop_those_with_keys() {
    let (bridge, _folder) = start_with_user();
    thread::scope(|scope| {
        for guesser in 0..100 {
            let bridge = &bridge;
            scope.spawn(move || {
                let mut stream = connect(bridge, &format!("127.0.1.{guesser}"));
                let (status, _) = answer(&mut stream, &login(&format!("user{guesser}"), "guess")).unwrap();
                assert!(matches!(status, 401 | 503), "{status}");
            });
        }
        for _ in 0..20 {
            assert_eq!(bridge.call("find", json!({})).status, 200);
        }
    });
}

#[test]
fn clients_that_keep_the_server_waiting_are_left() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--head-timeout", "300ms", "--idle-timeout", "600ms"]);
    for (sent, what) in [
        ("", "nothing"),
        ("PRI", "the beginning of HTTP/2"),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2 without a request"),
        ("GET /health/live HTT", "half a head"),
    ] {
        let mut stream = connect(&bridge, "127.0.0.1");
        stream.write_all(sent.as_bytes()).unwrap();
        let closed = stream.read_to_end(&mut Vec::new());
        assert!(closed.is_ok(), "{what}: {closed:?}");
    }
    // A byte now and then does not help.
    let mut dripping = connect(&bridge, "127.0.0.1");
    let started = Instant::now();
    while dripping.write_all(b"G").is_ok() {
        assert!(started.elapsed() < Duration::from_secs(20), "it is still open");
        thread::sleep(Duration::from_millis(50));
    }
    let mut idle = connect(&bridge, "127.0.0.1");
    assert_eq!(answer(&mut idle, &request("GET", LIVE, &[], "")).unwrap().0, 200);
    assert!(idle.read_to_end(&mut Vec::new()).is_ok(), "after an answer");
}

#[test]
fn a_client_that_does_not_read_does_not_hold_its_answer() {
    let bridge = Bridge::start_with(&["--api-key", KEY, "--write-timeout", "500ms"]);
    let documents: Vec<_> = (0..30).map(|_| json!({"text": "x".repeat(1_000_000)})).collect();
    for documents in documents.chunks(10) {
        bridge.ok("insertMany", json!({"documents": documents}));
    }
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    let headers = [("apiKey", KEY), ("Content-Type", "application/json")];
    let mut stream = connect(&bridge, "127.0.0.1");
    let find = request("POST", "/app/x/endpoint/data/v1/action/find", &headers, &body);
    assert_eq!(answer(&mut stream, &find).unwrap().0, 200);
    thread::sleep(Duration::from_secs(4));
    let mut rest = Vec::new();
    // It may be a reset connection.
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 30_000_000, "all of it came, however late: {} bytes", rest.len());
}

#[test]
fn one_address_does_not_take_all_connections() {
    let bridge =
        Bridge::start_with(&["--api-key", KEY, "--max-client-connections", "20", "--max-connections-per-address", "6"]);
    let live = request("GET", LIVE, &[], "");
    let mut held: Vec<_> = (0..30).map(|_| connect(&bridge, "127.0.0.1")).collect();
    let answered = held.iter_mut().filter_map(|stream| answer(stream, &live)).count();
    assert_eq!(answered, 6);
    assert_eq!(answer(&mut connect(&bridge, "127.0.0.2"), &live).unwrap().0, 200);
    // Of all there are 20, whatever their addresses.
    let mut others: Vec<_> = (3..33).map(|last| connect(&bridge, &format!("127.0.0.{last}"))).collect();
    let answered = others.iter_mut().filter_map(|stream| answer(stream, &live)).count();
    assert!((13..=14).contains(&answered), "{answered}");
}

#[test]
fn silent_connections_do_not_use_up_file_descriptors() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 256 && exec \"$0\" \"$@\""]).arg(program().get_program());
    let bridge = Bridge::spawn(command, &["--mongodb-uri", &mongodb_uri(), "--api-key", KEY]);
    let _silent: Vec<_> = (0..300).map(|_| connect(&bridge, "127.0.0.1")).collect();
    let live = request("GET", LIVE, &[], "");
    assert_eq!(answer(&mut connect(&bridge, "127.0.0.2"), &live).unwrap().0, 200);
}

#[test]
fn an_account_may_make_so_many_requests() {
    let folder = Folder::new();
    let access = format!(
        "[[keys]]\nname = \"slow\"\nhash = \"{}\"\nrate-limit = 2\n[[keys]]\nname = \"free\"\nhash = \"{}\"\nrate-limit = 0\n",
        crate::bridge::hash("slow"),
        crate::bridge::hash("free"),
    );
    let bridge = Bridge::start_with(&[
        "--api-key",
        KEY,
        "--rate-limit",
        "4",
        "--access-file",
        &folder.write("access.toml", access),
    ]);
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    for (key, allowed) in [("slow", 2), ("free", 10), (KEY, 4)] {
        let headers = [("apiKey", key), ("Content-Type", "application/json")];
        let replies: Vec<_> =
            (0..10).map(|_| bridge.post(&bridge.action_url("find"), &headers, body.as_bytes())).collect();
        let refused: Vec<_> = replies.iter().filter(|reply| reply.status == 429).collect();
        assert_eq!(replies.len() - refused.len(), allowed, "{key}");
        for reply in refused {
            reply.error(429, "TooManyRequests");
            assert!(reply.header("retry-after").unwrap().parse::<u64>().unwrap() > 0);
        }
    }
}

#[test]
fn a_server_without_credentials_answers_to_its_own_names_only() {
    let bridge = Bridge::start_with(&["--no-auth", "--allowed-host", "api.test"]);
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    for (host, status) in [
        ("127.0.0.1:4000", 200),
        ("localhost", 200),
        ("[::1]:4000", 200),
        ("api.test:4000", 200),
        ("evil.example:4000", 403),
        ("localhost.evil.example", 403),
    ] {
        let headers = [("Host", host), ("Content-Type", "application/json")];
        let find = request("POST", "/app/x/endpoint/data/v1/action/find", &headers, &body);
        assert_eq!(answer(&mut connect(&bridge, "127.0.0.1"), &find).unwrap().0, status, "{host}");
    }
}

/// A page cannot read what a form is answered with, but it can measure how long that takes.
#[test]
fn a_server_without_credentials_answers_no_page_of_another_site() {
    let bridge = Bridge::start_with(&["--no-auth", "--cors-origin", "https://shop.example"]);
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    for (headers, status) in [
        (&[][..], 200),
        (&[("Origin", "http://127.0.0.1:4000"), ("Sec-Fetch-Site", "same-origin")], 200),
        (&[("Origin", "http://127.0.0.1:4000")], 200),
        (&[("Origin", "https://shop.example"), ("Sec-Fetch-Site", "cross-site")], 200),
        (&[("Origin", "https://evil.example"), ("Sec-Fetch-Site", "cross-site")], 403),
        (&[("Origin", "http://127.0.0.1:8000"), ("Sec-Fetch-Site", "same-site")], 403),
        (&[("Origin", "http://evil.example")], 403),
        (&[("Origin", "null")], 403),
        (&[("Sec-Fetch-Site", "cross-site")], 403),
    ] {
        let form = [("Host", "127.0.0.1:4000"), ("Content-Type", "application/x-www-form-urlencoded")];
        let headers = [&form[..], headers].concat();
        let find = request("POST", "/app/x/endpoint/data/v1/action/find", &headers, &body);
        assert_eq!(answer(&mut connect(&bridge, "127.0.0.1"), &find).unwrap().0, status, "{headers:?}");
    }
}

#[test]
fn a_proxy_that_is_trusted_says_who_it_is() {
    let bridge =
        Bridge::start_with(&["--api-key", KEY, "--trusted-proxy", "127.0.0.1", "--max-connections-per-address", "1"]);
    let live = request("GET", LIVE, &[], "");
    let mut proxy: Vec<_> = (0..5).map(|_| connect(&bridge, "127.0.0.1")).collect();
    assert_eq!(proxy.iter_mut().filter_map(|stream| answer(stream, &live)).count(), 5);
    let mut client: Vec<_> = (0..5).map(|_| connect(&bridge, "127.0.0.2")).collect();
    assert_eq!(client.iter_mut().filter_map(|stream| answer(stream, &live)).count(), 1);
}
