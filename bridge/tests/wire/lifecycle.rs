//! From the command line to the last request; and MongoDB coming and going in between.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bridge::{Bridge, KEY, mongodb_uri, program};

/// What is said instead of starting: one sentence.
pub fn refused(flags: &[&str]) -> String {
    let Output { status, stderr, stdout } = program().args(flags).output().unwrap();
    let stderr = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{flags:?}: {stderr}");
    assert!(stdout.is_empty());
    assert_eq!(stderr.lines().count(), 1, "one sentence: {stderr}");
    stderr
}

#[test]
fn reasons_not_to_start() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    assert!(refused(&[]).contains("--api-key"));
    assert!(refused(&["--no-auth", "--listen", "0.0.0.0:0"]).contains("loopback"));
    assert!(refused(&["--no-auth", "--listen", &address]).contains(&format!("the address {address} is taken")));
    assert!(refused(&["--no-auth", "--mongodb-uri", "nonsense"]).contains("the MongoDB URI is not usable"));
    for uri in ["mongodb://user:s3cret@host:port", "mongodb://user:s3@cret@host", "mongodb://s3cret:%zz@host"] {
        assert!(!refused(&["--no-auth", "--mongodb-uri", uri]).contains("s3"), "{uri}");
    }
}

#[test]
fn help_is_for_strangers_and_tells_no_secrets() {
    let output = program()
        .arg("--help")
        .env("DATA_API_KEYS", "s3cret")
        .env("MONGODB_URI", "mongodb://u:s3cret@h")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for word in ["--listen", "--mongodb-uri", "--api-key", "DATA_API_KEYS", "MONGODB_URI", "127.0.0.1:4000", "curl"] {
        assert!(help.contains(word), "{word}");
    }
    assert!(!help.contains("s3cret"));
}

#[test]
fn logs_have_neither_credentials_nor_documents() {
    let uri = mongodb_uri();
    let mut child = program()
        .args(["--listen", "127.0.0.1:0", "--mongodb-uri", &uri, "--log-level", "trace", "--log-format", "json"])
        .env("DATA_API_KEYS", "s3cret-key")
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 64];
    let length = child.stdout.as_mut().unwrap().read(&mut line).unwrap();
    let url = String::from_utf8_lossy(&line[..length]).trim().replace("data-api listening on ", "");
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    let body = json!({"dataSource": "mongodb-atlas", "database": "bridge_logs", "collection": "c", "filter": {"$s3cret": "s3cret"}});
    for key in ["s3cret-key", "s3cret-wrong"] {
        let request = agent.post(format!("{url}/app/x/endpoint/data/v1/action/find"));
        request.header("apiKey", key).header("Content-Type", "application/json").send(body.to_string()).unwrap();
    }
    child.kill().unwrap();
    let logged = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(logged.contains("\"level\":\"DEBUG\""), "{logged}");
    assert!(!logged.contains("s3cret"), "{logged}");
}

#[test]
fn a_signal_lets_requests_in_flight_finish() {
    for signal in ["-TERM", "-INT"] {
        let mut bridge = Bridge::start();
        let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
        let mut connection = TcpStream::connect(bridge.address()).unwrap();
        let head = format!(
            "POST /app/x/endpoint/data/v1/action/find HTTP/1.1\r\nHost: x\r\napiKey: {KEY}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        connection.write_all(head.as_bytes()).unwrap();
        // The request must have been taken up before the signal.
        thread::sleep(Duration::from_millis(300));
        let _idle = TcpStream::connect(bridge.address()).unwrap();
        assert!(Command::new("kill").args([signal, &bridge.pid().to_string()]).status().unwrap().success());
        thread::sleep(Duration::from_millis(300));
        assert!(TcpStream::connect(bridge.address()).is_err(), "no new connections");
        connection.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"documents":[]}"#), "{answer}");
        assert_eq!(bridge.wait(), Some(0));
    }
}

#[test]
fn mongodb_away_and_back() {
    // A port that nobody listens on, until the way to MongoDB opens there.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let bridge = Bridge::start_at(&format!("mongodb://{address}/?directConnection=true"), &["--api-key", KEY]);
    assert_eq!(bridge.get("/health/live").status, 200);
    let started = Instant::now();
    let reply = bridge.call("find", json!({}));
    assert_eq!(reply.error(503, "ServiceUnavailable"), "MongoDB could not be reached");
    assert_eq!(reply.header("retry-after"), Some("1"));
    assert!(!reply.text.contains(&address.to_string()), "{}", reply.text);
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    bridge.get("/health/ready").error(503, "ServiceUnavailable");

    let way = TcpListener::bind(address).unwrap();
    thread::spawn(move || way.incoming().for_each(|connection| forward(connection.unwrap())));
    let deadline = Instant::now() + Duration::from_secs(15);
    while bridge.get("/health/ready").status != 200 {
        assert!(Instant::now() < deadline, "it must recover by itself");
    }
    assert_eq!(bridge.ok("find", json!({})), json!({"documents": []}));
}

#[test]
fn a_mongodb_that_says_nothing() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("mongodb://{}", silent.local_addr().unwrap());
    let bridge = Bridge::start_at(&uri, &["--api-key", KEY, "--server-selection-timeout", "500ms"]);
    let started = Instant::now();
    bridge.call("find", json!({})).error(503, "ServiceUnavailable");
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

/// Passes bytes between a connection and the MongoDB server for tests, both ways.
fn forward(client: TcpStream) {
    let uri = mongodb_uri();
    let rest = uri.strip_prefix("mongodb://").expect("a plain mongodb:// URI");
    let host = rest.split(['/', '?']).next().unwrap().rsplit('@').next().unwrap().to_owned();
    let server = TcpStream::connect(host).unwrap();
    for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
        thread::spawn(move || std::io::copy(&mut from, &mut to));
    }
}
