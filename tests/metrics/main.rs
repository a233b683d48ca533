//! `GET /metrics` over sockets, on a real Redis: what two hosts have counted adds up, outlives them, and is valid.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;
mod exposition;

use std::thread;
use std::time::{Duration, Instant};

use common::backends::Backends;
use common::faulty::Node;
use exposition::Samples;
use serde_json::json;
use testkit::client::Client;
use testkit::proxy::Mode;

const CELESTE: &str = "/api/update/games/5a1f00000000000000000008";
/// So that a busy machine does not make a bypass of a hit.
const PATIENT: [(&str, &str); 3] =
    [("cache_ttl_seconds", "600"), ("cache_timeout_ms", "5000"), ("store_timeout_ms", "20000")];

/// Asks the host until its metrics are so: each instance adds up within some time after its last answer.
fn until(host: &Client, what: &str, so: impl Fn(&Samples) -> bool) -> Samples {
    let began = Instant::now();
    loop {
        let samples = exposition::of(host);
        if so(&samples) {
            return samples;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "{what}: {}", text(host));
        thread::sleep(Duration::from_millis(100));
    }
}

fn text(host: &Client) -> String {
    let text = String::from_utf8(host.get("/metrics").body).unwrap();
    text.lines().filter(|line| !line.starts_with('#') && !line.ends_with(" 0")).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_two_hosts_count_adds_up_and_outlives_them() {
    let backends = Backends::start();
    let (first, second) = (Node::start(&backends, &PATIENT), Node::start(&backends, &PATIENT));
    assert_eq!(first.post("/api/initDB/games").status, 200);
    for (host, cache) in [(&first, "MISS"), (&first, "HIT"), (&second, "HIT"), (&second, "HIT")] {
        assert_eq!(host.get("/api/showDB/games").header("x-cache"), cache);
    }
    assert_eq!(second.put(CELESTE, &json!({ "price": 1.5 })).status, 200);
    assert_eq!(first.get("/api/showDB/games").header("x-cache"), "MISS");
    assert_eq!(first.get("/api/nope").status, 404);
    assert_eq!(second.get("/api/showDB/nope").status, 404);

    let listings = r#"requests_total{route="showDB",status="2xx"}"#;
    let complete = |samples: &Samples| {
        samples.all(listings) == 5
            && samples.all(r#"requests_total{route="unknown",status="4xx"}"#) == 1
            && samples.all(r#"requests_total{route="showDB",status="4xx"}"#) == 1
            && samples.all(r#"requests_total{route="update",status="2xx"}"#) == 1
    };
    let samples = until(&first, "all is counted", complete);
    for (name, expected) in [
        (r#"requests_total{route="initDB",status="2xx"}"#, 1),
        (r#"cache_reads_total{collection="games",result="hit"}"#, 3),
        (r#"cache_reads_total{collection="games",result="miss"}"#, 2),
        (r#"cache_reads_total{collection="games",result="bypass"}"#, 0),
        (r#"cache_reads_total{collection="clients",result="hit"}"#, 0),
        (r#"cache_invalidations_total{collection="games",result="done"}"#, 2),
        (r#"cache_invalidations_total{collection="games",result="failed"}"#, 0),
        (r#"cache_duration_seconds_count{operation="read"}"#, 5),
        (r#"cache_duration_seconds_count{operation="write"}"#, 2),
        (r#"database_duration_seconds_count{operation="read"}"#, 2),
        (r#"database_duration_seconds_count{operation="write"}"#, 2),
    ] {
        assert_eq!(samples.all(name), expected, "{name}");
    }
    assert!(samples.get(r#"store_database_duration_seconds_sum{operation="write",scope="all"}"#) > 0.0);
    assert_eq!((samples.get("store_metrics_complete{}"), samples.get("store_cache_circuit_open{}")), (1.0, 0.0));
    // Its hits are one question to Redis each.
    let mut redis = backends.redis_connection();
    let before = commands(&mut redis, "mget");
    for _ in 0..50 {
        assert_eq!(first.get("/api/showDB/games").header("x-cache"), "HIT");
    }
    assert_eq!(commands(&mut redis, "mget") - before, 50);

    // Both hosts end; the next one goes on where they were.
    until(&first, "the hits are counted", |samples| samples.all(listings) == 55);
    drop((first, second));
    let third = Node::start(&backends, &PATIENT);
    assert_eq!(exposition::of(&third).all(listings), 55);
    assert_eq!(third.get("/api/showDB/games").status, 200);
    until(&third, "it goes on", |samples| samples.all(listings) == 56);
}

/// How often Redis was sent this command, or a script used it.
fn commands(redis: &mut redis::Connection, name: &str) -> u64 {
    let info: String = redis::cmd("INFO").arg("commandstats").query(redis).unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{name}:calls="))).unwrap();
    line.split(',').next().unwrap().parse().unwrap()
}

#[test]
fn an_instance_takes_nothing_with_it_when_its_requests_are_over() {
    // An instance serves 128 requests and ends: of a busy host's, each within some milliseconds.
    let backends = Backends::start();
    let host = Node::start(&backends, &PATIENT);
    assert_eq!(host.post("/api/initDB/games").status, 200);
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| (0..250).for_each(|_| assert_eq!(host.get("/api/showDB/games").status, 200)));
        }
    });
    let listings = r#"requests_total{route="showDB",status="2xx"}"#;
    let samples = until(&host, "2,000 listings are counted", |samples| samples.all(listings) >= 2000);
    assert_eq!(samples.all(listings), 2000);
    let read = |result| samples.all(&format!("cache_reads_total{{collection=\"games\",result=\"{result}\"}}"));
    assert_eq!(["hit", "miss", "bypass", "stale", "failed"].map(read).iter().sum::<u64>(), 2000);
}

#[test]
fn without_redis_an_instance_tells_what_it_has_counted_itself() {
    let backends = Backends::start();
    let host = Node::start(&backends, &PATIENT);
    assert_eq!(host.post("/api/initDB/games").status, 200);
    let listings = r#"requests_total{route="showDB",status="2xx"}"#;
    let bypasses = r#"cache_reads_total{collection="games",result="bypass"}"#;
    host.to_redis.set(Mode::Refuse);
    // The host may give a request to another of its instances, which has counted less.
    let samples = until(&host, "the instance that was asked answers", |samples| {
        assert_eq!(host.get("/api/showDB/games").header("x-cache"), "BYPASS");
        assert_eq!(samples.get("store_metrics_complete{}"), 0.0);
        samples.instance(listings) > 0
    });
    assert_eq!(samples.instance(listings), samples.instance(bypasses));
    assert_eq!(samples.get("store_cache_circuit_open{}"), 1.0);
    assert!(samples.instance("cache_circuit_opened_total{}") > 0);
    // Not a sample that could be taken for a count of all.
    assert_eq!(samples.count(r#"scope="all""#), 0);

    // They are added once Redis is back.
    host.to_redis.set(Mode::Pass);
    let back = |samples: &Samples| samples.get("store_metrics_complete{}") == 1.0 && samples.all(listings) > 0;
    let samples = until(&host, "Redis is back", back);
    assert!(samples.all(bypasses) > 0 && samples.all("cache_circuit_opened_total{}") > 0);
    assert_eq!(samples.get("store_cache_circuit_open{}"), 0.0);
    assert_eq!(samples.count(r#"scope="instance""#), 0);
}

#[test]
fn the_counts_stand_under_the_prefix_and_expire() {
    let backends = Backends::start();
    let ours = Node::start(&backends, &[&PATIENT[..], &[("cache_prefix", "shop1:")]].concat());
    let theirs = Node::start(&backends, &PATIENT);
    assert_eq!(ours.get("/api/showDB/clients").status, 200);
    let listings = r#"requests_total{route="showDB",status="2xx"}"#;
    until(&ours, "it is counted", |samples| samples.all(listings) == 1);
    assert_eq!(exposition::of(&theirs).all(listings), 0);
    let ttl: i64 = redis::cmd("TTL").arg("shop1:games:~metrics").query(&mut backends.redis_connection()).unwrap();
    assert!((1..=7 * 24 * 60 * 60).contains(&ttl), "{ttl}");
}

#[test]
fn the_checker_finds_mistakes() {
    let head = "# HELP a_total A.\n# TYPE a_total counter\n";
    assert_eq!(exposition::parse(format!("{head}a_total 1\n").as_bytes()).unwrap().get("a_total{}"), 1.0);
    let histogram = "# HELP h_seconds H.\n# TYPE h_seconds histogram\n";
    for text in [
        "a_total 1\n".to_owned(),
        format!("{head}a_total 1"),
        format!("{head}a_total x\n"),
        format!("{head}a_total -1\n"),
        format!("{head}a_total 1\na_total 2\n"),
        format!("{head}b_total 1\n"),
        head.to_owned(),
        "# HELP a A.\n# TYPE a counter\na 1\n".to_owned(),
        "# HELP a_ms A.\n# TYPE a_ms gauge\na_ms 1\n".to_owned(),
        "# TYPE a gauge\na 1\n".to_owned(),
        format!(
            "{histogram}h_seconds_bucket{{le=\"1.0\"}} 2\nh_seconds_bucket{{le=\"+Inf\"}} 1\nh_seconds_sum 1\nh_seconds_count 1\n"
        ),
        format!("{histogram}h_seconds_bucket{{le=\"1.0\"}} 1\nh_seconds_sum 1\nh_seconds_count 1\n"),
        format!("{histogram}h_seconds_bucket{{le=\"+Inf\"}} 1\nh_seconds_sum 1\nh_seconds_count 2\n"),
        format!("{histogram}h_seconds_bucket{{le=\"+Inf\"}} 1\nh_seconds_count 1\n"),
    ] {
        assert!(exposition::parse(text.as_bytes()).is_err(), "{text}");
    }
}
