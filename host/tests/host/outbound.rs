//! Requests that the component makes.

use std::collections::HashSet;
use std::io::Write;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use crate::support::app::{App, Host};
use crate::support::free_port;
use crate::support::upstream::{read_head, respond, upstream};

fn fetch(host: &Host, url: &str) -> String {
    host.get(&format!("/fetch?url={url}")).text()
}

/// A server that answers each request with the number of the connection it came on.
fn counting() -> u16 {
    upstream(|mut stream, number| {
        while read_head(&mut stream) {
            respond(&mut stream, &number.to_string());
        }
    })
}

#[test]
fn connections_are_kept_and_shared_by_all_instances() {
    let port = counting();
    let host = App::new().start(&["--max-instance-reuse-count", "1"]);
    let answers: Vec<_> = (0..10).map(|_| fetch(&host, &format!("http://127.0.0.1:{port}/"))).collect();
    // On a busy machine a connection may be back in the pool only after the next request has looked for one.
    let connections: HashSet<_> = answers.iter().collect();
    assert!(answers.iter().all(|answer| answer.starts_with("200 ")), "{answers:?}");
    assert!(connections.len() < 5, "{answers:?}");
}

#[test]
fn pooling_can_be_turned_off() {
    let port = counting();
    let app = App::new();
    app.write("runtime.toml", "[outbound_http]\nconnection_pooling = false\n");
    let host = app.start(&["--runtime-config-file", "runtime.toml"]);
    let answers: Vec<_> = (0..3).map(|_| fetch(&host, &format!("http://127.0.0.1:{port}/"))).collect();
    assert_eq!(answers, ["200 1", "200 2", "200 3"]);
}

#[test]
fn a_connection_that_the_server_closed_meanwhile_is_replaced() {
    let port = upstream(|mut stream, number| {
        read_head(&mut stream);
        respond(&mut stream, &number.to_string());
        std::thread::sleep(Duration::from_millis(50));
        _ = stream.shutdown(Shutdown::Both);
    });
    let host = App::new().start(&[]);
    for number in 1..4 {
        assert_eq!(fetch(&host, &format!("http://127.0.0.1:{port}/")), format!("200 {number}"));
        std::thread::sleep(Duration::from_millis(150));
    }
}

#[test]
fn failures_have_their_codes() {
    let silent = upstream(|mut stream, _| {
        read_head(&mut stream);
        _ = stream.shutdown(Shutdown::Both);
    });
    let nonsense = upstream(|mut stream, _| {
        read_head(&mut stream);
        _ = stream.write_all(b"this is not HTTP\r\n\r\n");
    });
    let cut_off = upstream(|mut stream, _| {
        read_head(&mut stream);
        _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
        _ = stream.shutdown(Shutdown::Both);
    });
    let host = App::new().start(&[]);
    for (url, code) in [
        (format!("http://127.0.0.1:{}/", free_port()), "ErrorCode::ConnectionRefused"),
        // Spin does not tell these apart.
        (format!("http://127.0.0.1:{silent}/"), "ErrorCode::HttpProtocolError"),
        (format!("http://127.0.0.1:{nonsense}/"), "ErrorCode::HttpProtocolError"),
        (format!("http://127.0.0.1:{cut_off}/"), "HttpProtocolError"),
        ("http://no-such-host.invalid/".to_owned(), "ErrorCode::DnsError"),
    ] {
        let answer = host.get(&format!("/fetch?url={url}"));
        assert_eq!(answer.status, 502, "{url}");
        assert!(answer.text().contains(code), "{url}: {}", answer.text());
    }
}

#[test]
fn the_components_timeouts_are_kept() {
    let slow = upstream(|mut stream, _| {
        read_head(&mut stream);
        std::thread::sleep(Duration::from_secs(5));
    });
    let pausing = upstream(|mut stream, _| {
        read_head(&mut stream);
        _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        std::thread::sleep(Duration::from_secs(5));
    });
    let host = App::new().start(&[]);
    let started = Instant::now();
    assert_eq!(
        fetch(&host, &format!("http://127.0.0.1:{slow}/&first_byte_ms=150")),
        "ErrorCode::ConnectionReadTimeout"
    );
    let paused = fetch(&host, &format!("http://127.0.0.1:{pausing}/&between_bytes_ms=150"));
    assert!(paused.contains("ConnectionReadTimeout"), "{paused}");
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[test]
fn a_host_that_is_not_allowed_is_refused_and_named() {
    let host = App::new().start(&[]);
    for url in ["http://127.0.0.2:80/secret-path", "https://127.0.0.1:4433/"] {
        assert_eq!(fetch(&host, url), "ErrorCode::HttpRequestDenied", "{url}");
    }
    host.has_logged("to disallowed destination 'http://127.0.0.2'");
    host.has_logged("to disallowed destination 'https://127.0.0.1:4433'");
    host.has_logged("allowed_outbound_hosts");
    assert!(!host.log().contains("secret-path"));
}
