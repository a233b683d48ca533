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
fn the_hosts_own_spin_headers_come_last() {
    let host = App::new().start(&[]);
    let forged = "Spin-Client-Addr: 1.2.3.4\r\nspin-path-match-id: x\r\nX-Mine: kept\r\nConnection: keep-alive\r\n";
    let headers = host.client().request("GET", "/headers?q", forged, b"").ok();
    let addresses: Vec<_> = headers.lines().filter_map(|line| line.strip_prefix("spin-client-addr: ")).collect();
    // Spin leaves what the client sent, and adds its own behind it.
    assert!(matches!(addresses.as_slice(), ["1.2.3.4", own] if own.starts_with("127.0.0.1:")), "{headers}");
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
fn a_response_that_is_shorter_than_announced_breaks_the_connection() {
    let host = App::new().start(&[]);
    let mut client = host.client();
    client.send(b"GET /head?bytes=7 HTTP/1.1\r\nHost: test\r\n\r\n");
    // Wasmtime may break it off before the head has left.
    let received = client.read_to_end();
    let body = received.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    assert_eq!(body, "", "{received}");
    assert_eq!(host.get("/hello").ok(), "hello");
}

#[test]
fn a_request_without_a_host_is_not_answered() {
    let host = App::new().start(&[]);
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
        "GET / HTTP/1.0\r\n\r\n",
        "GET http://x/ HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        let mut client = host.client();
        client.send(request.as_bytes());
        assert!(client.is_closed(), "{request}");
    }
    assert_eq!(host.get("/hello").ok(), "hello");
}

#[test]
fn http2_is_spoken_with_prior_knowledge() {
    let host = App::new().start(&[]);
    let url = format!("http://{}/hello", host.address);
    let curl = std::process::Command::new("curl")
        .args(["--silent", "--http2-prior-knowledge", "--write-out", " %{http_version}", &url])
        .output()
        .expect("curl is installed");
    assert_eq!(String::from_utf8_lossy(&curl.stdout), "hello 2");
}
