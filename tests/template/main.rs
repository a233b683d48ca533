//! The template for `spin new`: an app is made from it, built, and asked.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

mod origin;

use std::fs;
use std::path::Path;

use origin::Origin;
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
    let redis = Redis::temporary().unwrap();
    let listen = ([127, 0, 0, 1], port::free().unwrap()).into();
    let variables = [("origin".to_owned(), origin.url()), ("redis_url".to_owned(), redis.url())];
    let options =
        HostOptions { runtime: Runtime::Host, listen, runtime_config: None, variables: &variables, arguments: &[] };
    let log = Log::create(app.join("host.log")).unwrap();
    let mut host = host_of("made-by-a-test", &project::store_host(), &app.join("spin.toml"), &options, log);
    host.start().unwrap();
    let client = Client::new(&base_url(listen));
    let get = |path: &str| {
        let response = client.get(path);
        (response.status, response.header("x-cache").to_owned(), String::from_utf8(response.body).unwrap())
    };
    let found = |from: &str, text: &str| (200, from.to_owned(), text.to_owned());

    assert_eq!(client.send("PUT", "/games/1", None, b"one").status, 200);
    // The host was asked whether it answers, and the origin with it.
    let before = origin.reads();
    assert_eq!(get("/games/1"), found("MISS", "one"));
    assert_eq!(get("/games/1"), found("HIT", "one"));
    assert_eq!(origin.reads() - before, 1);
    // A write is seen by the next read; another document's copy stays.
    assert_eq!(client.send("PUT", "/games/2", None, b"other").status, 200);
    assert_eq!(get("/games/1"), found("HIT", "one"));
    assert_eq!(client.send("PUT", "/games/1", None, b"two").status, 200);
    assert_eq!(get("/games/1"), found("MISS", "two"));
    assert_eq!(client.send("DELETE", "/games/1", None, b"").status, 200);
    assert_eq!(get("/games/1").0, 404);
    // What the origin refuses is said, and what it cannot be asked is not cached.
    assert_eq!(client.send("PUT", "/refused", None, b"x").status, 403);
    drop(origin);
    assert_eq!(get("/games/3").0, 502);
}

/// Every value that the content asks for is one that `spin new` knows or asks for.
#[test]
fn the_template_asks_for_what_its_content_needs() {
    let metadata =
        fs::read_to_string(project::root().join("templates/fenced-cache/metadata/spin-template.toml")).unwrap();
    for (name, _) in values().iter().filter(|(name, _)| !name.starts_with("project-name")) {
        assert!(metadata.contains(&format!("\n{name} = {{ type = \"string\"")), "{name}");
    }
}
