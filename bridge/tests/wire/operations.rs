//! What operators need: metrics, traces, TLS, HTTP/2, compression, the configuration file, the orderly end.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::bridge::{Bridge, KEY, program};
use crate::folder::Folder;

#[test]
fn metrics_by_action_and_outcome() {
    let bridge = Bridge::start();
    bridge.ok("insertOne", json!({"document": {"_id": 1}}));
    bridge.ok("findOne", json!({}));
    bridge.ok("findOne", json!({}));
    bridge.call("find", json!({"limit": -1})).error(400, "InvalidParameter");
    bridge.call("insertOne", json!({"document": {"_id": 1}})).error(400, "MongoDBError");
    // The driver takes its connections back after the answers have left.
    let deadline = Instant::now() + Duration::from_secs(5);
    while !bridge.get("/metrics").text.contains("\ndata_api_mongodb_connections_in_use 0\n")
        && Instant::now() < deadline
    {
        thread::sleep(Duration::from_millis(20));
    }
    let reply = bridge.get("/metrics");
    assert_eq!(reply.header("content-type"), Some("application/openmetrics-text; version=1.0.0; charset=utf-8"));
    for line in [
        r#"data_api_requests_total{action="insertOne",outcome="ok"} 1"#,
        r#"data_api_requests_total{action="insertOne",outcome="MongoDBError"} 1"#,
        r#"data_api_requests_total{action="findOne",outcome="ok"} 2"#,
        r#"data_api_requests_total{action="find",outcome="InvalidParameter"} 1"#,
        r#"data_api_request_duration_seconds_count{action="findOne",outcome="ok"} 2"#,
        "data_api_requests_in_flight 0",
        "data_api_mongodb_connections_in_use 0",
        "data_api_mongodb_operations_waiting 0",
    ] {
        assert!(reply.text.lines().any(|found| found == line), "{line} is not in:\n{}", reply.text);
    }
    let opened = reply.text.lines().find_map(|line| line.strip_prefix("data_api_mongodb_connections_opened_total "));
    assert!(opened.unwrap().parse::<u32>().unwrap() >= 1, "{opened:?}");
}

#[test]
fn traces_continue_the_callers() {
    let collector = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/v1/traces", collector.local_addr().unwrap());
    let received = Arc::new(Mutex::new(Vec::new()));
    let collected = Arc::clone(&received);
    thread::spawn(move || {
        for connection in collector.incoming() {
            let (mut connection, mut buffer) = (connection.unwrap(), vec![0; 1 << 16]);
            let length = connection.read(&mut buffer).unwrap();
            collected.lock().unwrap().extend_from_slice(&buffer[..length]);
            connection.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            while let Ok(length @ 1..) = connection.read(&mut buffer) {
                collected.lock().unwrap().extend_from_slice(&buffer[..length]);
            }
            connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").unwrap();
        }
    });
    let mut bridge = Bridge::start_with(&["--api-key", KEY, "--traces-endpoint", &endpoint]);
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c",
        "filter": {"secret": "s3cret"}});
    let headers = [
        ("apiKey", KEY),
        ("Content-Type", "application/json"),
        ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
    ];
    assert_eq!(bridge.post(&bridge.action_url("find"), &headers, body.to_string().as_bytes()).status, 200);
    // Spans wait to be sent together; the orderly end sends what there is.
    assert!(Command::new("kill").arg(bridge.pid().to_string()).status().unwrap().success());
    assert_eq!(bridge.wait(), Some(0));
    let received = received.lock().unwrap();
    let count = |bytes: &[u8]| received.windows(bytes.len()).filter(|window| *window == bytes).count();
    let trace = [0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36];
    assert_eq!(count(&trace), 2, "the request's span and MongoDB's, in the caller's trace");
    assert_eq!(count(&[0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]), 1, "the caller's span is the parent");
    assert_eq!((count(b"POST action/find"), count(b"db.operation.name")), (1, 1));
    assert_eq!((count(b"s3cret"), count(KEY.as_bytes())), (0, 0));
}

fn certificate(folder: &Folder, name: &str) -> (String, String) {
    let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
    // The key first: a look in between finds two that do not belong together.
    let key = folder.write("key.pem", made.signing_key.serialize_pem());
    (folder.write("certificate.pem", made.cert.pem()), key)
}

/// What `curl` says: the answer, and its version of HTTP.
fn curl(bridge: &Bridge, arguments: &[&str]) -> String {
    let url = format!("{}/health", bridge.url);
    let output =
        Command::new("curl").args(["-sk", "-w", " %{http_version}"]).args(arguments).arg(url).output().unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

#[test]
fn tls_with_a_certificate_that_is_reloaded() {
    let folder = Folder::new();
    let (file, key) = certificate(&folder, "first.example");
    let bridge = Bridge::start_with(&["--api-key", KEY, "--tls-certificate", &file, "--tls-key", &key]);
    assert!(bridge.url.starts_with("https://"), "{}", bridge.url);
    assert!(curl(&bridge, &[]).ends_with("} 2"), "HTTP/2 where the client can");
    assert!(curl(&bridge, &["--http1.1"]).ends_with("} 1.1"));
    let shown = |name: &str| {
        let address = bridge.address().to_owned();
        let resolve = format!("{name}:{}", address.rsplit(':').next().unwrap());
        let url = format!("https://{resolve}/health");
        let resolve = format!("{resolve}:127.0.0.1");
        let output = Command::new("curl").args(["-s", "--cacert", &file, "--resolve", &resolve, &url]).output();
        output.unwrap().status.success()
    };
    assert!(shown("first.example") && !shown("second.example"));
    certificate(&folder, "second.example");
    let deadline = Instant::now() + Duration::from_secs(10);
    while !shown("second.example") {
        assert!(Instant::now() < deadline, "the new certificate is not in force");
        thread::sleep(Duration::from_millis(100));
    }
    folder.write("key.pem", "nonsense");
    thread::sleep(Duration::from_millis(1200));
    assert!(shown("second.example"), "what cannot be used changes nothing");
}

#[test]
fn http2_without_tls() {
    assert!(curl(&Bridge::start(), &["--http2-prior-knowledge"]).ends_with("} 2"));
}

#[test]
fn the_location_is_the_address_that_the_client_used() {
    let bridge = Bridge::start();
    let port = bridge.address().rsplit(':').next().unwrap();
    let address = format!("http://localhost:{port}");
    for version in ["--http1.1", "--http2-prior-knowledge"] {
        let url = format!("{address}/api/client/v2.0/app/x/location");
        let output = Command::new("curl").args(["-s", "-4", version, &url]).output().unwrap();
        let location: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(location["hostname"], json!(address), "{version}");
    }
}

#[test]
fn compression_where_it_is_asked_for() {
    let bridge = Bridge::start();
    bridge.ok("insertOne", json!({"document": {"_id": 1, "text": "x".repeat(5000)}}));
    let body = json!({"dataSource": "mongodb-atlas", "database": bridge.database, "collection": "c"}).to_string();
    let key = format!("apiKey: {KEY}");
    let get = |encoding: &str| {
        let accept = format!("Accept-Encoding: {encoding}");
        let mut curl = Command::new("curl");
        curl.args(["-s", "-i", "-H", &key, "-H", &accept, "-H", "Content-Type: application/json", "-d", &body]);
        curl.arg(bridge.action_url("find")).output().unwrap().stdout
    };
    for encoding in ["gzip", "zstd"] {
        let answer = get(encoding);
        let head = String::from_utf8_lossy(&answer[..answer.len().min(400)]).to_lowercase();
        assert!(head.contains(&format!("content-encoding: {encoding}")) && answer.len() < 1000, "{head}");
        assert!(head.contains("vary: accept-encoding"), "{head}");
    }
    assert!(get("identity").len() > 5000);
    let output = Command::new("curl")
        .args(["-s", "--compressed", "-H", &key, "-H", "Content-Type: application/json", "-d", &body])
        .arg(bridge.action_url("find"))
        .output();
    let text = String::from_utf8(output.unwrap().stdout).unwrap();
    assert_eq!(text, bridge.call("find", json!({})).text);
}

#[test]
fn settings_from_a_file() {
    let folder = Folder::new();
    let file = folder.write("data-api.toml", format!("api-key = [\"{KEY}\"]\nmax-body-bytes = 300\n"));
    let bridge = Bridge::start_with(&["--config", &file]);
    bridge.call("insertOne", json!({"document": {"text": "x".repeat(300)}})).error(413, "InvalidParameter");
    let file = folder.write("wrong.toml", "max-body-byte = 300\n");
    let output = program().args(["--config", &file, "--no-auth", "--listen", "127.0.0.1:0"]).output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && error.contains("the setting `max-body-byte` is unknown"), "{error}");
}

#[test]
fn not_ready_from_the_signal_on() {
    let mut bridge = Bridge::start();
    assert_eq!(bridge.get("/health/ready").status, 200);
    let status = program().args(["health", bridge.address()]).output().unwrap().status;
    assert!(status.success(), "the program asks, too");
    // A request that is still being sent keeps the server there, and this connection open.
    let mut slow = TcpStream::connect(bridge.address()).unwrap();
    let head = format!(
        "POST /app/x/endpoint/data/v1/action/find HTTP/1.1\r\nHost: x\r\napiKey: {KEY}\r\n\
        Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{"
    );
    slow.write_all(head.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(300));
    assert!(Command::new("kill").arg(bridge.pid().to_string()).status().unwrap().success());
    thread::sleep(Duration::from_millis(200));
    assert!(!program().args(["health", bridge.address()]).output().unwrap().status.success());
    slow.write_all(b"}").unwrap();
    let mut answer = String::new();
    slow.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(bridge.wait(), Some(0));
}
