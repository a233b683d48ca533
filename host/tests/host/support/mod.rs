//! What the tests stand on.

pub mod app;
pub mod certificates;
pub mod http;
pub mod redis_server;
pub mod upstream;

use std::time::{Duration, Instant};

/// A port that is free now.
pub fn free_port() -> u16 {
    testkit::port::free().unwrap()
}

/// Waits until `holds`, for ten seconds at most.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < Duration::from_secs(10), "not within ten seconds: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
