use std::collections::BTreeMap;

use super::*;
use crate::manifest::Variable;

fn variables(values: &[(&str, &str)]) -> Variables {
    let declared: BTreeMap<_, _> = values
        .iter()
        .map(|(name, value)| ((*name).to_owned(), Variable { default: Some((*value).into()), ..Variable::default() }))
        .collect();
    Variables::resolve(&declared, &[]).unwrap()
}

fn allows(pattern: &str, url: &str) -> bool {
    let hosts = AllowedHosts::resolve(&[pattern.to_owned()], &variables(&[])).unwrap();
    hosts.allow(&Destination::parse(url, "redis").unwrap())
}

#[test]
fn scheme_host_and_port_must_all_match() {
    let pattern = "http://shop.example:8080";
    assert!(allows(pattern, "http://shop.example:8080/path?q"));
    for other in ["https://shop.example:8080", "http://shop.example", "http://other.example:8080"] {
        assert!(!allows(pattern, other), "{other}");
    }
}

#[test]
fn a_port_that_is_not_written_is_the_schemes_own() {
    assert!(allows("http://a.example", "http://a.example"));
    assert!(allows("http://a.example", "http://a.example:80"));
    assert!(allows("https://a.example", "https://a.example:443"));
    assert!(allows("redis://a.example", "redis://a.example"));
    assert!(allows("redis://a.example", "a.example:6379"));
    assert!(!allows("http://a.example", "http://a.example:81"));
}

#[test]
fn wildcards() {
    assert!(allows("*://*:*", "anything://at.all:1"));
    assert!(allows("http://*", "http://any.example"));
    assert!(!allows("http://*", "http://any.example:8080"));
    assert!(allows("http://*:*", "http://any.example:8080"));
    assert!(allows("*://a.example:80", "http://a.example"));
    assert!(allows("https://*.example.com", "https://a.b.example.com"));
    assert!(!allows("https://*.example.com", "https://example.com"));
    assert!(!allows("https://*.example.com", "https://evilexample.com"));
}

#[test]
fn a_port_range_has_no_end() {
    assert!(allows("http://a.example:8000..8002", "http://a.example:8000"));
    assert!(allows("http://a.example:8000..8002", "http://a.example:8001"));
    assert!(!allows("http://a.example:8000..8002", "http://a.example:8002"));
    assert!(allows("http://a.example:65535", "http://a.example:65535"));
}

#[test]
fn addresses_and_names_are_different_hosts() {
    assert!(allows("redis://127.0.0.1:6379", "redis://127.0.0.1"));
    assert!(!allows("redis://127.0.0.1:6379", "redis://localhost"));
    assert!(allows("http://[::1]:80", "http://[::1]/"));
    assert!(allows("http://[::1]", "http://[0:0:0:0:0:0:0:1]/"));
    assert!(allows("http://A.Example", "http://a.example"));
}

#[test]
fn credentials_and_a_database_in_the_url_do_not_matter_and_are_not_shown() {
    let with_both = "redis://user:p%40ss@127.0.0.1:7000/2";
    assert!(allows("redis://127.0.0.1:7000", with_both));
    assert!(!allows("redis://127.0.0.1:7001", with_both));
    let shown = Destination::parse(with_both, "redis").unwrap().to_string();
    assert_eq!(shown, "redis://127.0.0.1:7000");
}

#[test]
fn templates_are_filled_in_and_an_empty_one_allows_nothing() {
    let variables = variables(&[("url", "redis://cache:6379"), ("empty", "")]);
    let entries = ["{{ url }}".to_owned(), "{{ empty }}".to_owned(), "http://{{ empty }}".to_owned()];
    let hosts = AllowedHosts::resolve(&entries, &variables).unwrap();
    assert!(hosts.allow(&Destination::parse("redis://cache", "redis").unwrap()));
    assert!(!hosts.allow(&Destination::parse("http://cache", "redis").unwrap()));
}

#[test]
fn mistakes_are_named() {
    for (entry, named) in [
        ("", "no scheme"),
        ("*", "no scheme"),
        ("a.example", "no scheme"),
        ("http://a.example/path", "path"),
        ("http://a.example:80/path", "path"),
        ("redis://a.example:6379/2", "path"),
        ("redis://user:secret@a.example:6379", "password"),
        ("ftp://a.example", "no port"),
        ("http://a.example:x", "not a port"),
        ("http://a.*.example", "wildcard"),
        ("http://*.1.2.3.4", "wildcard"),
        ("ht2p://a", "not a scheme"),
        ("http://self", "self"),
        ("http://{{ nope }}", "nope"),
    ] {
        let error = AllowedHosts::resolve(&[entry.to_owned()], &variables(&[])).unwrap_err();
        let message = format!("{error:#}");
        assert!(message.contains(named) && message.contains(&format!("{entry:?}")), "{entry}: {message}");
    }
}
