//! The headers of W3C Trace Context go on to the Data API.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod common;

use common::backends::Backends;
use common::host::Host;
use common::recorder::Recorder;
use serde_json::json;

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const STATE: &str = "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE";

/// A host whose way to the bridge is noted.
fn start(backends: &Backends) -> (Host, Recorder) {
    let recorder = Recorder::before(backends.bridge_address());
    let direct = backends.bridge_address().to_string();
    let data_api_url = backends.bridge.url().replace(&direct, &recorder.address().to_string());
    let redis_url = backends.redis.url();
    let host = Host::start(&[
        ("redis_url", &redis_url),
        ("data_api_url", &data_api_url),
        ("store_timeout_ms", "20000"),
        ("cache_ttl_seconds", "600"),
    ]);
    (host, recorder)
}

/// As many times as there are requests, one at least.
fn each_has(values: Vec<Vec<String>>, expected: &[&str]) {
    assert!(!values.is_empty());
    for value in values {
        assert_eq!(value, expected);
    }
}

#[test]
fn a_trace_goes_on_to_the_data_api() {
    let backends = Backends::start();
    let (host, recorder) = start(&backends);
    let traced = [("traceparent", PARENT), ("tracestate", STATE)];
    assert_eq!(host.with("POST", "/api/initDB/games", &traced, b"").status, 200);
    each_has(recorder.take("traceparent"), &[PARENT]);
    for header in [("traceparent", PARENT), ("tracestate", STATE)] {
        // A miss, and a write of several calls.
        let path = format!("/api/showDB/games?item={}", header.0);
        assert_eq!(host.with("GET", &path, &traced, b"").header("x-cache"), "MISS");
        let json = [&traced[..], &[("Content-Type", "application/json")]].concat();
        let body = json!({ "price": 1.5 }).to_string();
        let update = host.with("PUT", "/api/update/games/Celeste?field=item", &json, body.as_bytes());
        assert_eq!(update.status, 200);
        each_has(recorder.take(header.0), &[header.1]);
    }
    // Of two requests at the same instance each has its own.
    assert_eq!(host.get("/api/showDB/games?item=untraced").status, 200);
    each_has(recorder.take("traceparent"), &[]);
    let other = PARENT.replace("00f067aa0ba902b7", "00f067aa0ba902b8");
    assert_eq!(host.with("GET", "/api/showDB/games?item=other", &[("traceparent", &other)], b"").status, 200);
    each_has(recorder.take("traceparent"), &[&other]);
}

#[test]
fn what_is_invalid_does_not_go_on() {
    let backends = Backends::start();
    let (host, recorder) = start(&backends);
    let zeros = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
    for (n, parent) in [zeros, "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "x"].iter().enumerate() {
        for header in ["traceparent", "tracestate"] {
            let path = format!("/api/showDB/games?item={n}{header}");
            let answer = host.with("GET", &path, &[("traceparent", parent), ("tracestate", STATE)], b"");
            assert_eq!(answer.status, 200);
            each_has(recorder.take(header), &[]);
        }
    }
    for (header, expected) in [("traceparent", &[PARENT][..]), ("tracestate", &[])] {
        let path = format!("/api/showDB/games?item={header}");
        assert_eq!(host.with("GET", &path, &[("traceparent", PARENT), ("tracestate", "a=1,a=2")], b"").status, 200);
        each_has(recorder.take(header), expected);
    }
}
