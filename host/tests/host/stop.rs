//! How the host ends.

use std::time::Duration;

use crate::support::app::App;

#[test]
fn a_signal_ends_it_with_exit_code_0() {
    for signal in ["TERM", "INT"] {
        let mut host = App::new().start(&[]);
        // A connection without a request must not hold it up.
        let mut idle = host.client();
        assert_eq!(idle.get("/hello").ok(), "hello");
        host.signal(signal);
        assert_eq!(host.ends_within(Duration::from_secs(3)).code(), Some(0), "{signal}");
        assert!(idle.is_closed());
        // Nor is there anything to report of the instance, which waits for its next request.
        let log = host.whole_log();
        assert!(!log.contains("ERROR"), "{signal}: {log}");
    }
}

#[test]
fn components_that_compute_without_end_do_not_keep_it() {
    let mut host = App::new().start(&[]);
    // On every thread.
    let threads = std::thread::available_parallelism().unwrap().get();
    let mut clients: Vec<_> = (0..=threads).map(|_| host.client()).collect();
    for client in &mut clients {
        client.send(b"GET /compute HTTP/1.1\r\nHost: test\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(500));
    host.signal("TERM");
    assert_eq!(host.ends_within(Duration::from_secs(5)).code(), Some(0));
}

#[test]
fn requests_that_are_being_answered_are_cut_off() {
    // Several times, because it was a matter of which task ended first: the request's or its instance's.
    for _ in 0..10 {
        let mut host = App::new().start(&[]);
        let mut client = host.client();
        client.send(b"GET /sleep?ms=60000 HTTP/1.1\r\nHost: test\r\n\r\n");
        std::thread::sleep(Duration::from_millis(300));
        host.signal("TERM");
        assert_eq!(host.ends_within(Duration::from_secs(3)).code(), Some(0));
        assert!(client.is_closed());
        let log = host.whole_log();
        assert!(!log.contains("ERROR"), "{log}");
    }
}
