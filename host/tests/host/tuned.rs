//! What `--tuned` turns on.

use std::time::Duration;

use crate::support::app::App;
use crate::support::eventually;
use crate::support::redis_server::RedisServer;
use crate::support::upstream::Pipe;

#[test]
fn head_and_body_leave_in_one_piece() {
    let host = App::new().start(&["--tuned"]);
    let mut client = host.client();
    for _ in 0..50 {
        assert_eq!(client.get("/order/trailers-first/1600").reads, 1);
    }
}

#[test]
fn a_response_that_is_shorter_than_announced_is_a_500() {
    let host = App::new().start(&["--tuned"]);
    let mut client = host.client();
    let answer = client.get("/head?bytes=7");
    assert_eq!((answer.status, answer.text().as_str()), (500, ""));
    assert_eq!(client.get("/hello").ok(), "hello");
}

#[test]
fn the_instances_of_a_core_share_one_connection_to_redis() {
    let redis = RedisServer::start();
    let host = App::new().start(&["--tuned", "--variable", &redis.variable(), "--max-instance-reuse-count", "1"]);
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| host.get("/redis/execute?line=PING").ok());
        }
    });
    let cores = std::thread::available_parallelism().unwrap().get();
    assert!((1..=cores).contains(&redis.connections()), "{} connections, {cores} cores", redis.connections());
}

/// Each connection stays on its thread, and the threads share the work.
#[test]
fn connections_are_spread_over_the_cores() {
    let redis = RedisServer::start();
    let host = App::new().start(&["--tuned", "--variable", &redis.variable()]);
    let mut clients: Vec<_> = (0..8).map(|_| host.client()).collect();
    for _ in 0..3 {
        for client in &mut clients {
            assert_eq!(client.get("/redis/execute?line=PING").ok(), "status PONG");
        }
    }
    // Eight connections that are open at once go to every core that there is, and each core has its own way to Redis.
    let cores = std::thread::available_parallelism().unwrap().get();
    assert_eq!(redis.connections(), cores.min(8));
}

#[test]
fn an_instance_is_not_given_a_connection_that_hangs() {
    let redis = RedisServer::start();
    let pipe = Pipe::to(redis.port);
    let variable = format!("redis_url=redis://127.0.0.1:{}", pipe.port);
    let host = App::new().start(&["--tuned", "--variable", &variable, "--max-instance-reuse-count", "1"]);
    // One connection, and so one core.
    let mut client = host.client();
    assert_eq!(client.get("/redis/execute?line=PING").ok(), "status PONG");
    assert_eq!(client.get("/redis/execute?line=PING").ok(), "status PONG");
    assert_eq!(pipe.connections(), 1);

    pipe.go_dead();
    assert_eq!(client.get("/redis/execute?line=PING").ok(), "status PONG");
    assert_eq!(pipe.connections(), 2);
}

/// Its buffers would be kept for as long as it lasts.
#[test]
fn a_connection_that_carried_much_is_given_up() {
    let redis = RedisServer::start();
    let pipe = Pipe::to(redis.port);
    let variable = format!("redis_url=redis://127.0.0.1:{}", pipe.port);
    let host = App::new().start(&["--tuned", "--variable", &variable]);
    // One connection, and so one core; and one instance, which holds on to what it opened.
    let mut client = host.client();
    let mut ask = |line: &str| client.get(&format!("/redis/execute?line={line}")).ok();
    for (length, connections) in [(1_000_000, 1), (2_000_000, 2), (1_000_000, 2), (3_000_000, 3)] {
        ask("DEL,big");
        assert_eq!(ask(&format!("SETRANGE,big,{},x", length - 1)), format!("int {length}"));
        assert!(ask("GET,big").len() > length);
        assert_eq!(ask("PING"), "status PONG");
        assert_eq!(pipe.connections(), connections, "after {length} bytes");
    }
    eventually("the connections that carried much are closed", || redis.connections() == 1);
}

/// What it knows of the Redis behind it may not be true of another.
#[test]
fn an_instance_notices_that_redis_was_restarted_behind_a_new_connection() {
    let redis = RedisServer::start();
    let port = redis.port;
    let host = App::new().start(&["--tuned", "--variable", &redis.variable()]);
    let mut client = host.client();
    client.get("/redis/execute?line=SETRANGE,big,2000000,x").ok();
    // After so much, the connection is given up, and the next command opens another: to the same Redis, which is none of the
    // component's business.
    client.get("/redis/get?key=big").ok();
    assert_eq!(client.get("/redis/get?key=none").status, 404);
    client.get("/redis/get?key=big").ok();
    drop(redis);
    let _redis = RedisServer::start_on(port);
    let answer = client.get("/redis/get?key=none");
    assert!(answer.text().contains("Redis was restarted, or replaced"), "{} {}", answer.status, answer.text());
    // It opens a connection of its own accord then.
    assert_eq!(client.get("/redis/get?key=none").status, 404);
}

#[test]
fn requests_that_are_being_answered_get_their_answer_when_the_host_is_stopped() {
    let mut host = App::new().start(&["--tuned"]);
    let mut client = host.client();
    let answer = std::thread::spawn(move || client.get("/sleep?ms=800").ok());
    std::thread::sleep(Duration::from_millis(300));
    host.signal("TERM");
    assert_eq!(host.ends_within(Duration::from_secs(5)).code(), Some(0));
    assert_eq!(answer.join().unwrap(), "slept");
}

#[test]
fn a_second_signal_cuts_them_off() {
    let mut host = App::new().start(&["--tuned"]);
    let mut client = host.client();
    client.send(b"GET /sleep?ms=60000 HTTP/1.1\r\nHost: test\r\n\r\n");
    for signal in ["TERM", "INT"] {
        std::thread::sleep(Duration::from_millis(300));
        host.signal(signal);
    }
    assert_eq!(host.ends_within(Duration::from_secs(5)).code(), Some(0));
}

#[test]
fn a_request_that_does_not_end_is_cut_off_after_ten_seconds() {
    let mut host = App::new().start(&["--tuned"]);
    let mut client = host.client();
    client.send(b"GET /sleep?ms=60000 HTTP/1.1\r\nHost: test\r\n\r\n");
    std::thread::sleep(Duration::from_millis(300));
    host.signal("TERM");
    assert_eq!(host.ends_within(Duration::from_secs(13)).code(), Some(0));
    host.has_logged("cut off");
}
