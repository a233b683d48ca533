//! The template for `spin new`: an app is made from it, built, and asked.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod origin;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::thread;
use std::time::Duration;

use origin::{Origin, TOO_LARGE};
use testkit::cargo::cargo;
use testkit::client::Client;
use testkit::log::Log;
use testkit::port;
use testkit::progress::Progress;
use testkit::project;
use testkit::runtime::Runtime;
use testkit::services::host::{HostOptions, base_url, host_of};
use testkit::services::redis::Redis;
use testkit::{command, programs};

/// What `spin new` would ask for, or knows.
fn values() -> Vec<(&'static str, String)> {
    vec![
        ("project-name | kebab_case", "made-by-a-test".to_owned()),
        ("project-name | snake_case", "made_by_a_test".to_owned()),
        ("project-name", "made-by-a-test".to_owned()),
        ("project-description", "Made by a test".to_owned()),
        ("origin", "http://127.0.0.1:8080".to_owned()),
        ("redis-url", "redis://127.0.0.1:6379".to_owned()),
        ("crate", format!("path = {:?}", project::root().join("cache"))),
    ]
}

/// Fills in a template as `spin new` does: Liquid, of which it uses values and quoted text.
fn fill_in(text: &str) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let (name, after) = match after.strip_prefix(" \"") {
            Some(quoted) => {
                let (quoted, after) = quoted.split_once("\" }}").expect("quoted text ends");
                (quoted.to_owned(), after)
            }
            None => {
                let (name, after) = after.split_once("}}").expect("an expression ends");
                let value = values().into_iter().find(|(known, _)| *known == name.trim());
                (value.unwrap_or_else(|| panic!("the template asks for no {name}")).1, after)
            }
        };
        filled.push_str(&name);
        rest = after;
    }
    filled + rest
}

fn make(template: &Path, app: &Path) {
    fs::create_dir_all(app).unwrap();
    for entry in fs::read_dir(template).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            make(&path, &app.join(name));
        } else {
            let name = name.strip_suffix(".tmpl").unwrap_or(name);
            fs::write(app.join(name), fill_in(&fs::read_to_string(&path).unwrap())).unwrap();
        }
    }
}

#[test]
fn an_app_made_from_the_template_is_never_stale() {
    programs::build(Runtime::Host, &Progress::quiet()).unwrap();
    let folder = project::temporary_folder().unwrap();
    let app = folder.path();
    make(&project::root().join("templates/fenced-cache/content"), app);
    assert!(app.join(".gitignore").is_file(), "an app that is committed with what it is compiled to");
    // The versions that the project uses, which are compiled already.
    fs::copy(project::root().join("Cargo.lock"), app.join("Cargo.lock")).unwrap();
    command::run(&cargo().args(["build", "--release", "--target", "wasm32-wasip2"]).folder(app)).unwrap();
    let wasm = Path::new("wasm32-wasip2/release/made_by_a_test.wasm");
    let expected = app.join("target").join(wasm);
    fs::create_dir_all(expected.parent().unwrap()).unwrap();
    fs::copy(project::target().join(wasm), expected).unwrap();

    let origin = Origin::start();
    let mut redis = Redis::temporary().unwrap();
    let listen: SocketAddr = ([127, 0, 0, 1], port::free().unwrap()).into();
    let variables = [("origin".to_owned(), origin.url()), ("redis_url".to_owned(), redis.url())];
    let options =
        HostOptions { runtime: Runtime::Host, listen, runtime_config: None, variables: &variables, arguments: &[] };
    let log = Log::create(app.join("host.log")).unwrap();
    let mut host = host_of("made-by-a-test", &project::store_host(), &app.join("spin.toml"), &options, log);
    host.start().unwrap();
    let client = Client::new(&base_url(listen));
    // Each document is put with this type, and found with it.
    let media_type = "text/x-game; charset=utf-8";
    let put = |path: &str, body: &[u8]| client.send("PUT", path, Some(media_type), body);
    let get = |path: &str| {
        let response = client.get(path);
        let [from, content_type] = ["x-cache", "content-type"].map(|name| response.header(name).to_owned());
        (response.status, from, content_type, response.text().to_owned())
    };
    let found = |from: &str, text: &str| (200, from.to_owned(), media_type.to_owned(), text.to_owned());

    assert_eq!(put("/games/1", b"one").status, 200);
    // The host was asked whether it answers, and the origin with it.
    let before = origin.reads();
    assert_eq!(get("/games/1"), found("MISS", "one"));
    assert_eq!(get("/games/1"), found("HIT", "one"));
    assert_eq!(origin.reads() - before, 1);
    // A write is seen by the next read; another document's copy stays.
    assert_eq!(put("/games/2", b"other").status, 200);
    assert_eq!(get("/games/1"), found("HIT", "one"));
    // Of one document each name has a copy, and a write by any name makes all of them stale.
    let names = ["/games/1", "/games/1?v=1", "/games/%31"];
    for (name, text) in names.into_iter().zip(["two", "three", "four"]) {
        for name in names {
            get(name);
            assert_eq!(get(name).1, "HIT", "{name}");
        }
        assert_eq!(put(name, text.as_bytes()).status, 200);
        for name in names {
            assert_eq!(get(name), found("MISS", text), "{name}");
        }
    }
    // What is not percent-encoding is a name like any other.
    assert_eq!(put("/100%", b"all").status, 200);
    assert_eq!(get("/100%"), found("MISS", "all"));
    assert_eq!(client.send("DELETE", "/games/1", None, b"").status, 200);
    assert_eq!(get("/games/1").0, 404);
    // What the origin refuses is said; neither a redirect nor too large an answer is passed on.
    assert_eq!(put("/refused", b"x").status, 403);
    assert_eq!(get("/moved").0, 502);
    assert_eq!(get("/large").0, 502);
    // A body has its limit, and so has the time that a client or the origin takes for a write.
    let before = origin.writes();
    assert_eq!(put("/too-large", &vec![b'x'; TOO_LARGE]).status, 413);
    assert_eq!(origin.writes(), before);
    thread::scope(|scope| {
        scope.spawn(|| assert_eq!(put("/hangs", b"x").status, 504));
        scope.spawn(|| assert!(stalled_put(listen).contains(" 408 ")));
    });

    // Redis goes while a write is under way: the write is done, but it is not acknowledged.
    let before = origin.writes();
    thread::scope(|scope| {
        let write = scope.spawn(|| put("/slow", b"x"));
        while origin.writes() == before {
            thread::sleep(Duration::from_millis(10));
        }
        redis.service.stop().unwrap();
        let response = write.join().unwrap();
        assert_eq!((response.status, response.text().contains("the write was done")), (504, true));
    });
    // Without Redis what is there is read, and nothing is written.
    assert_eq!(put("/games/2", b"lost").status, 503);
    assert_eq!(get("/games/2"), found("BYPASS", "other"));
    // What the origin cannot be asked is not found.
    drop(origin);
    assert_eq!(get("/games/3").0, 502);
}

/// The status line of the answer to a `PUT` whose body stops before its end.
fn stalled_put(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    stream.write_all(b"PUT /stalled HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf").unwrap();
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).unwrap();
    line
}

/// Every value that the content asks for is one that `spin new` knows or asks for.
#[test]
fn the_template_asks_for_what_its_content_needs() {
    let metadata =
        fs::read_to_string(project::root().join("templates/fenced-cache/metadata/spin-template.toml")).unwrap();
    for (name, _) in values().iter().filter(|(name, _)| !name.starts_with("project-name")) {
        assert!(metadata.contains(&format!("\n{name} = {{ type = \"string\"")), "{name}");
    }
    // The crate is not on crates.io: where it comes from must be said.
    let asked = metadata.lines().find(|line| line.starts_with("crate = ")).unwrap();
    assert!(!asked.contains("default") && asked.contains("pattern = '^(path|git)"), "{asked}");
}
