//! What keeps the host from starting, and how it says so.

use std::net::TcpListener;

use crate::support::app::App;

#[track_caller]
fn says(message: &str, parts: &[&str]) {
    let lines = message.lines().count();
    assert_eq!(lines, 1, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part}: {message}");
    }
}

#[test]
fn help_explains_itself() {
    let help = App::without_manifest().prints(&["--help"]);
    for flag in [
        "--from",
        "--listen",
        "--runtime-config-file",
        "--variable",
        "--max-instance-reuse-count",
        "--max-instance-concurrent-reuse-count",
        "--idle-instance-timeout",
        "--request-timeout",
        "--redis-timeout",
        "--tuned",
        "RUST_LOG",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
}

#[test]
fn the_manifest_may_be_named_by_its_folder() {
    let app = App::new();
    let folder = app.folder.display().to_string();
    assert_eq!(app.start(&["--from", &folder]).get("/hello").ok(), "hello");
}

#[test]
fn a_missing_manifest() {
    says(&App::without_manifest().fails(&[]), &["spin.toml", "--from"]);
    says(&App::without_manifest().fails(&["-f", "other.toml"]), &["other.toml"]);
}

#[test]
fn a_component_that_is_not_built() {
    let app = App::new();
    app.edit("host_test_guest.wasm", "nothing.wasm");
    says(&app.fails(&[]), &["nothing.wasm", "build it first"]);
}

#[test]
fn a_port_that_is_taken() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let app = App::new();
    let message = app.fails_on(&address);
    says(&message, &[&address, "already in use", "--listen"]);
}

#[test]
fn a_required_variable_without_a_value() {
    let app = App::new();
    app.edit("greeting = { default = \"default\" }", "greeting = { required = true }");
    says(&app.fails(&[]), &["greeting", "SPIN_VARIABLE_GREETING", "--variable greeting="]);
    assert_eq!(app.start(&["--variable", "greeting=x"]).get("/variable?name=greeting").ok(), "<x>");
}

#[test]
fn what_the_host_does_not_support() {
    let app = App::new();
    app.edit("[[trigger.http]]", "[[trigger.redis]]\nchannel = \"x\"\ncomponent = \"guest\"\n[[trigger.http]]");
    says(&app.fails(&[]), &["spin.toml", "[[trigger.redis]]"]);
    let app = App::new();
    app.edit("source =", "key_value_stores = [\"default\"]\nsource =");
    says(&app.fails(&[]), &["key_value_stores", "not supported"]);
    let app = App::new();
    app.write("runtime.toml", "[[variables_provider]]\ntype = \"vault\"\nurl = \"http://x\"\n");
    says(&app.fails(&["--runtime-config-file", "runtime.toml"]), &["runtime.toml", "vault"]);
    says(&app.fails(&["--runtime-config-file", "nothing.toml"]), &["nothing.toml"]);
}

#[test]
fn what_is_logged_is_named_by_rust_log() {
    for (value, debugs) in
        [(None, false), (Some(""), false), (Some("warn,store_host=debug"), true), (Some("store_host"), true)]
    {
        let mut app = App::new();
        app.environment.extend(value.map(|value| ("RUST_LOG", value.to_owned())));
        // A compiler's cache that is a file: said at the level debug.
        app.write("cache", "");
        app.environment.push(("XDG_CACHE_HOME", app.folder.join("cache").display().to_string()));
        let log = app.start(&[]).log();
        assert_eq!(log.contains("no cache of compiled components"), debugs, "{value:?}: {log}");
    }
    let mut app = App::new();
    app.environment.push(("RUST_LOG", "store_host=loud".to_owned()));
    says(&app.fails(&[]), &["RUST_LOG=store_host=loud", "level"]);
}

#[test]
fn a_component_that_imports_what_the_host_does_not_offer() {
    for interface in [
        "spin:key-value/key-value@3.0.0",
        "wasi:filesystem/preopens@0.2.0",
        "wasi:filesystem/preopens@0.3.0",
        "wasi:sockets/tcp@0.2.0",
        "wasi:sockets/types@0.3.0",
    ] {
        let app = App::new();
        let component = format!(r#"(component (import "{interface}" (instance (export "f" (func)))))"#);
        app.write("imports.wasm", wat::parse_str(component).unwrap());
        app.edit(&crate::support::app::guest().display().to_string(), "imports.wasm");
        says(&app.fails(&[]), &[&format!("`{interface}`"), "does not offer"]);
    }
}

#[test]
fn a_file_that_is_not_a_component() {
    let app = App::new();
    for (content, part) in [("not wasm".as_bytes().to_vec(), "not a WebAssembly component"), (empty(), "no handler")] {
        app.write("it.wasm", content);
        let manifest = std::fs::read_to_string(app.folder.join("spin.toml")).unwrap();
        if !manifest.contains("it.wasm") {
            app.edit(&crate::support::app::guest().display().to_string(), "it.wasm");
        }
        let message = app.fails(&[]);
        assert!(message.contains("it.wasm") && message.contains(part), "{message}");
    }
}

fn empty() -> Vec<u8> {
    wat::parse_str("(component)").unwrap()
}
