//! The component and Redis.

use std::net::TcpListener;

use crate::support::app::{App, Host};
use crate::support::certificates::TestCertificates;
use crate::support::redis_server::RedisServer;
use crate::support::{eventually, free_port};

fn start(redis: &RedisServer, arguments: &[&str]) -> Host {
    App::new().start(&[&["--variable", &redis.variable()], arguments].concat())
}

#[test]
fn every_function_works() {
    let redis = RedisServer::start();
    let host = start(&redis, &[]);
    let expected = [
        "get Some([0, 98, 105, 110, 97, 114, 121, 255])",
        "get None",
        "incr 1 2",
        "sadd 2",
        "srem 1",
        "smembers [\"y\"]",
        "publish Ok(())",
        "del 2",
        "wrong type Err(Error::Other(\"WRONGTYPE: Operation against a key holding the wrong kind of value\"))",
    ];
    assert_eq!(host.get("/redis/all").ok(), expected.join("\n"));
}

#[test]
fn execute_gives_replies_of_every_shape_as_a_flat_list() {
    let redis = RedisServer::start();
    let host = start(&redis, &[]);
    for (line, expected) in [
        ("PING", "status PONG"),
        ("SET,e:k,v", "status OK"),
        ("GET,e:k", "binary v"),
        ("GET,e:none", "nil"),
        ("INCRBY,e:n,int:7", "int 7"),
        ("MGET,e:k,e:none,e:n", "binary v\nnil\nbinary 7"),
    ] {
        assert_eq!(host.get(&format!("/redis/execute?line={line}")).ok(), expected, "{line}");
    }
    // Arrays within arrays.
    host.get("/redis/execute?line=GEOADD,e:geo,int:13,int:38,a").ok();
    let nested = host.get("/redis/execute?line=GEOPOS,e:geo,a,none").ok();
    assert_eq!(
        nested.lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>(),
        ["binary", "binary", "nil"]
    );
}

#[test]
fn errors_have_spins_words() {
    let redis = RedisServer::start();
    let host = start(&redis, &[]);
    for (line, expected) in [
        ("EVALSHA,abc,int:0", "An error was signalled by the server - NoScriptError: No matching script."),
        ("GET", "An error was signalled by the server - ResponseError: wrong number of arguments for 'get' command"),
        ("LPUSH,e:s,x", "int 1"),
        ("GET,e:s", "WRONGTYPE: Operation against a key holding the wrong kind of value"),
    ] {
        let answer = host.get(&format!("/redis/execute?line={line}"));
        assert!(answer.text().contains(expected), "{line}: {}", answer.text());
    }
}

#[test]
fn calls_that_were_given_up_do_not_disturb_those_that_follow() {
    let redis = RedisServer::start();
    let host = start(&redis, &[]);
    for _ in 0..20 {
        let answer = host.get("/redis/cancel?commands=30").ok();
        // "in step"
        assert!(answer.ends_with("[RedisResult::Binary([105, 110, 32, 115, 116, 101, 112])]"), "{answer}");
    }
}

#[test]
fn each_instance_opens_a_connection_and_closes_it_when_it_ends() {
    let redis = RedisServer::start();
    let host = start(&redis, &["--max-instance-concurrent-reuse-count", "1", "--idle-instance-timeout", "3s"]);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| host.get("/redis/execute?line=BLPOP,none,1").ok());
        }
    });
    assert!(redis.connections() >= 4);
    eventually("idle instances close their connections", || redis.connections() == 0);
}

#[test]
fn a_limit_on_connections_makes_an_instance_wait_for_another() {
    let redis = RedisServer::start();
    let app = App::new();
    app.write("runtime.toml", "[outbound_redis]\nmax_connections = 1\n");
    let variable = redis.variable();
    let flags = ["--variable", &variable, "--runtime-config-file", "runtime.toml", "--max-instance-reuse-count", "1"];
    let host = app.start(&flags);
    for _ in 0..5 {
        assert_eq!(host.get("/redis/execute?line=PING").ok(), "status PONG");
    }
}

#[test]
fn a_redis_that_comes_back_is_found_again() {
    let redis = RedisServer::start();
    let port = redis.port;
    let host = start(&redis, &["--idle-instance-timeout", "10s"]);
    host.get("/redis/execute?line=SET,k,one").ok();
    assert_eq!(host.get("/redis/get?key=k").ok(), "one");

    drop(redis);
    for _ in 0..3 {
        assert_eq!(host.get("/redis/get?key=k").status, 503);
    }
    let _redis = RedisServer::start_on(port);
    // Once it is back, the next connection that the component opens works: at most one more failure, of the old one.
    eventually("Redis answers again", || host.get("/redis/get?key=k").status == 404);
    assert_eq!(host.get("/redis/execute?line=SET,k,two").ok(), "status OK");
    assert_eq!(host.get("/redis/get?key=k").ok(), "two");
}

#[test]
fn a_reply_above_128_mib_is_refused() {
    let redis = RedisServer::start();
    let host = start(&redis, &[]);
    host.get("/redis/execute?line=SETRANGE,large,int:134217727,x").ok();
    let expected = "query result exceeds limit of 134217728 bytes";
    for path in ["/redis/get?key=large", "/redis/execute?line=GET,large"] {
        let answer = host.get(path);
        assert!(answer.status > 500 && answer.text().contains(expected), "{path}: {} {}", answer.status, answer.text());
    }
    assert_eq!(host.get("/redis/execute?line=STRLEN,large").ok(), "int 134217728");
}

#[test]
fn redis_is_reached_over_tls() {
    let certificates = TestCertificates::new();
    let port = free_port();
    let [authority, certificate, key] = certificates.paths();
    let tls = ["--port", "0", "--tls-port", &port.to_string(), "--tls-auth-clients", "no"];
    let files = ["--tls-ca-cert-file", &authority, "--tls-cert-file", &certificate, "--tls-key-file", &key];
    let _redis = RedisServer::start_with(port, &[tls.as_slice(), files.as_slice()].concat());
    let variable = format!("redis_url=rediss://127.0.0.1:{port}");
    for flags in [["--variable", &variable].as_slice(), &["--variable", &variable, "--tuned"]] {
        let mut app = App::new();
        app.environment.push(("SSL_CERT_FILE", authority.clone()));
        assert_eq!(app.start(flags).get("/redis/execute?line=PING").ok(), "status PONG", "{flags:?}");
    }
    // An authority that is not trusted.
    let host = App::new().start(&["--variable", &variable]);
    let answer = host.get("/redis/execute?line=PING");
    assert_eq!(answer.status, 502, "{}", answer.text());
}

#[test]
fn a_host_that_is_not_allowed_is_refused_and_named_without_its_password() {
    let host = App::new().start(&[]);
    let answer = host.get("/redis/open?url=redis://user:hunter2@127.0.0.2:6400/1");
    assert_eq!((answer.status, answer.text().as_str()), (502, "Error::InvalidAddress"));
    host.has_logged("to disallowed destination 'redis://127.0.0.2:6400'");
    host.has_logged("allowed_outbound_hosts");
    assert_eq!(host.get("/redis/open?url=").text(), "Error::InvalidAddress");
    assert!(!host.log().contains("hunter2"), "{}", host.log());
}

#[test]
fn a_redis_that_is_not_there_is_an_error_with_a_reason() {
    let host = App::new().start(&[]);
    let answer = host.get("/redis/open?url=redis://127.0.0.1:1");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("Connection refused"), "{}", answer.text());
}

const LIMIT: [&str; 2] = ["--redis-timeout", "250ms"];

#[test]
fn a_call_that_takes_longer_than_the_limit_fails_and_the_component_knows_the_limit() {
    let redis = RedisServer::start();
    for further in [&[][..], &["--tuned"]] {
        let host = start(&redis, &[&LIMIT, further].concat());
        assert!(host.get("/environment").ok().contains("STORE_HOST_REDIS_TIMEOUT_MS=250\n"), "{further:?}");
        assert_eq!(host.get("/redis/execute?line=PING").ok(), "status PONG");
        let answer = host.get("/redis/execute?line=BLPOP,nobody-pushes,int:0");
        assert_eq!((answer.status, answer.text().as_str()), (502, "Error::Other(\"timed out\")"));
        // So long that no test would end without the limit.
        assert_eq!(host.get("/redis/execute?line=BLPOP,nobody-pushes,int:3600").status, 502);
    }
}

#[test]
fn connecting_has_the_same_limit() {
    // Connects, since the system accepts for it, and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("redis://{}", silent.local_addr().unwrap());
    for further in [&[][..], &["--tuned"]] {
        let host = App::new().start(&[&LIMIT, &["--variable", &format!("redis_url={url}")], further].concat());
        let answer = host.get(&format!("/redis/open?url={url}"));
        assert_eq!((answer.status, answer.text().as_str()), (502, "Error::Other(\"timed out\")"), "{further:?}");
    }
}

#[test]
fn a_component_sees_of_the_environment_what_the_host_does_beyond_spin() {
    let redis = RedisServer::start();
    assert_eq!(start(&redis, &[]).get("/environment").ok(), "");
    assert_eq!(start(&redis, &["--tuned"]).get("/environment").ok(), "STORE_HOST_JOINS_RESPONSES=1\n");
}
