//! What passes between client and component.

use crate::support::app::App;

#[test]
fn a_request_and_its_body_reach_the_component_and_the_response_comes_back() {
    let host = App::new().start(&[]);
    let mut client = host.client();
    assert_eq!(client.request("POST", "/echo", "", b"some bytes").ok(), "some bytes");
    assert_eq!(client.get("/uri?a=b%20c").ok(), "http://test/uri?a=b%20c");
    assert_eq!(client.get("/nothing").status, 404);
}

#[test]
fn a_connection_is_kept_alive() {
    let host = App::new().start(&[]);
    let mut client = host.client();
    let from =
        |answer: String| answer.lines().find_map(|line| Some(line.strip_prefix("spin-client-addr: ")?.to_owned()));
    let first = from(client.get("/headers").ok()).unwrap();
    assert!(first.starts_with("127.0.0.1:"), "{first}");
    for _ in 0..20 {
        assert_eq!(from(client.get("/headers").ok()).as_ref(), Some(&first));
    }
}

#[test]
fn the_spin_headers_are_the_hosts_own() {
    let host = App::new().start(&[]);
    let forged = "Spin-Client-Addr: 1.2.3.4\r\nspin-path-match-id: x\r\nX-Mine: kept\r\nConnection: keep-alive\r\n";
    let headers = host.client().request("GET", "/headers?q", forged, b"").ok();
    assert!(!headers.contains("1.2.3.4") && !headers.contains("path-match"), "{headers}");
    assert!(!headers.contains("connection"), "{headers}");
    for line in
        ["x-mine: kept", "spin-full-url: http://test/headers?q", "spin-path-info: /headers", "spin-base-path: /"]
    {
        assert!(headers.lines().any(|known| known == line), "{line}: {headers}");
    }
}

#[test]
fn head_says_the_length_of_gets_body_and_sends_none() {
    let host = App::new().start(&[]);
    let mut client = host.client();
    // A component that writes the body anyway, and one that does not.
    for (path, length) in [("/hello", "5"), ("/head?bytes=7", "7")] {
        for _ in 0..3 {
            let answer = client.request("HEAD", path, "", b"");
            assert_eq!(answer.status, 200);
            assert_eq!(answer.header("content-length"), Some(length), "{path}");
            assert!(answer.body.is_empty());
        }
    }
    assert_eq!(client.get("/hello").ok(), "hello");
}

#[test]
fn large_bodies_pass_both_ways() {
    let host = App::new().start(&[]);
    let body: Vec<u8> = (0..4 << 20).map(|n: u32| (n % 251) as u8).collect();
    let echoed = host.client().request("POST", "/echo", "", &body);
    assert_eq!(echoed.status, 200);
    assert!(echoed.body == body);
    assert_eq!(host.get("/big?bytes=20000000").ok().len(), 20_000_000);
}

#[test]
fn head_and_body_leave_in_one_piece() {
    let host = App::new().start(&[]);
    let mut client = host.client();
    for _ in 0..50 {
        assert_eq!(client.get("/big?bytes=1600").reads, 1);
    }
}

#[test]
fn a_response_that_is_shorter_than_announced_is_a_500() {
    let host = App::new().start(&[]);
    let mut client = host.client();
    let answer = client.get("/head?bytes=7");
    assert_eq!(answer.status, 500);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    assert_eq!(client.get("/hello").ok(), "hello");
}

#[test]
fn what_is_no_proper_request_is_a_400() {
    let host = App::new().start(&[]);
    for request in
        ["GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"]
    {
        let mut client = host.client();
        client.send(request.as_bytes());
        let answer = client.read(false);
        assert_eq!(answer.status, 400, "{request}");
        assert!(answer.text().contains("\"status\":400"), "{}", answer.text());
    }
    let mut old = host.client();
    old.send(b"GET /uri HTTP/1.0\r\n\r\n");
    assert_eq!(old.read(false).ok(), format!("http://{}/uri", host.address));
}
