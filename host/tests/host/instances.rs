//! How long an instance lives, and what ends with it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use crate::support::app::{App, Host};

/// The instance that answered, and how many requests it has seen.
fn count(host: &Host, path: &str) -> (String, u32) {
    let text = host.get(path).ok();
    let (instance, count) = text.split_once(' ').unwrap();
    (instance.to_owned(), count.parse().unwrap())
}

#[test]
fn an_instance_serves_one_request_after_the_other() {
    let host = App::new().start(&["--idle-instance-timeout", "10s"]);
    let (first, _) = count(&host, "/count");
    for expected in 2..30 {
        assert_eq!(count(&host, "/count"), (first.clone(), expected));
    }
}

#[test]
fn an_instance_serves_no_more_requests_than_it_may() {
    let host = App::new().start(&["--max-instance-reuse-count", "3", "--idle-instance-timeout", "10s"]);
    let seen: Vec<_> = (0..9).map(|_| count(&host, "/count")).collect();
    assert_eq!(seen.iter().map(|(_, count)| *count).collect::<Vec<_>>(), [1, 2, 3, 1, 2, 3, 1, 2, 3]);
    assert_ne!(seen[0].0, seen[3].0);
}

#[test]
fn an_idle_instance_is_dropped() {
    let host = App::new().start(&["--idle-instance-timeout", "50ms"]);
    let (first, _) = count(&host, "/count");
    std::thread::sleep(Duration::from_millis(400));
    let (second, served) = count(&host, "/count");
    assert_ne!(first, second);
    assert_eq!(served, 1);
}

#[test]
fn an_instance_that_has_grown_large_serves_no_further_request() {
    let host = App::new().start(&["--idle-instance-timeout", "10s"]);
    let (first, _) = count(&host, "/count");
    assert_eq!(host.get("/big?bytes=1000000").text().len(), 1_000_000);
    assert_eq!(count(&host, "/count"), (first.clone(), 3));
    assert_eq!(host.get("/big?bytes=20000000").text().len(), 20_000_000);
    let (second, served) = count(&host, "/count");
    assert_ne!(first, second);
    assert_eq!(served, 1);
}

#[test]
fn an_instance_serves_requests_at_the_same_time() {
    let host = App::new().start(&[]);
    let started = Instant::now();
    let instances: HashSet<String> = std::thread::scope(|scope| {
        let sleepers: Vec<_> = (0..12).map(|_| scope.spawn(|| count(&host, "/count?ms=500").0)).collect();
        sleepers.into_iter().map(|sleeper| sleeper.join().unwrap()).collect()
    });
    // How many instances the first requests get is a race between them; not one each.
    assert!(instances.len() < 12);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn an_instance_serves_no_more_at_the_same_time_than_it_may() {
    let host = App::new().start(&["--max-instance-concurrent-reuse-count", "1"]);
    std::thread::scope(|scope| {
        scope.spawn(|| host.get("/sleep?ms=500").ok());
        std::thread::sleep(Duration::from_millis(200));
        assert_eq!(count(&host, "/count").1, 1);
    });
}

#[test]
fn a_panic_is_a_500_and_others_do_not_notice() {
    let host = App::new().start(&["--max-instance-concurrent-reuse-count", "1"]);
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| host.get("/sleep?ms=600"));
        std::thread::sleep(Duration::from_millis(150));
        let mut client = host.client();
        for _ in 0..3 {
            let answer = client.get("/panic");
            assert_eq!((answer.status, answer.text().as_str()), (500, ""));
            assert_eq!(client.get("/hello").ok(), "hello");
        }
        assert_eq!(sleeper.join().unwrap().ok(), "slept");
    });
    host.has_logged("as the test asked");
    host.has_logged("unreachable");
}

#[test]
fn a_request_that_takes_too_long_is_a_500() {
    let host = App::new().start(&["--request-timeout", "300ms"]);
    // One that waits, and one that computes without end, which no timer inside the component could stop.
    for path in ["/sleep?ms=120000", "/compute"] {
        let started = Instant::now();
        let answer = host.get(path);
        assert_eq!(answer.status, 500, "{path}");
        assert!(started.elapsed() < Duration::from_secs(60), "{path}: {:?}", started.elapsed());
        assert_eq!(host.get("/hello").ok(), "hello");
    }
    assert_eq!(host.get("/sleep?ms=20").ok(), "slept");
}

#[test]
fn many_clients_at_once_are_all_served() {
    let host = App::new().start(&[]);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut client = host.client();
                for _ in 0..50 {
                    assert_eq!(client.get("/hello").ok(), "hello");
                }
            });
        }
    });
}
