//! A client that is generated from the API's description calls every route: `openapi-typescript` makes its types, `tsc` checks
//! the calls against them, and each answer of the running system is held against the description.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a panic is how a test fails")]

#[path = "../common/mod.rs"]
mod common;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use common::system::System;
use serde_json::{Value, json};
use testkit::{install, project};

const TOKEN: &str = "a-token-of-the-generated-client-0123456789";
const DESCRIPTION: &str = include_str!("../../docs/reference/openapi.json");

/// Runs a program, and returns what it prints.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}\n{out}\n{error}");
    out.into_owned()
}

/// A folder with the client's sources and the packages that the lock file names; the lock is held until it is dropped.
fn folder() -> (PathBuf, File) {
    install::clients().unwrap();
    let source = project::root().join("tests/client");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("openapi-client");
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let wanted = fs::read_to_string(source.join("package-lock.json")).unwrap();
    let marker = folder.join("installed");
    for name in ["package.json", "package-lock.json", "tsconfig.json", "client.ts", "calls.ts"] {
        fs::copy(source.join(name), folder.join(name)).unwrap();
    }
    if !fs::read_to_string(&marker).is_ok_and(|installed| installed == wanted) {
        run(Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]).current_dir(&folder));
        fs::write(marker, wanted).unwrap();
    }
    (folder, lock)
}

/// The operations of the description that were not called: `GET /api/`, ….
fn not_called(description: &Value, called: &str) -> Vec<String> {
    const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
    let called: BTreeSet<&str> = called.lines().collect();
    let mut routes = Vec::new();
    for (path, item) in description["paths"].as_object().unwrap() {
        let methods = item.as_object().unwrap().keys().filter(|name| METHODS.contains(&name.as_str()));
        routes.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    assert!(routes.len() >= 15, "{routes:?}");
    routes.retain(|route| !called.contains(route.as_str()));
    routes
}

#[test]
fn a_generated_client_calls_every_route() {
    let (folder, _lock) = folder();
    let tool = |name: &str| {
        let mut command = Command::new("node");
        command.arg(folder.join("node_modules").join(name)).current_dir(&folder);
        command
    };
    let description = project::root().join("docs/reference/openapi.yaml");
    run(tool("openapi-typescript/bin/cli.js").arg(description).args(["--output", "api.ts"]));
    run(&mut tool("typescript/bin/tsc"));

    let system = System::start(&[("access", "closed"), ("admin_token", TOKEN), ("cache_ttl_seconds", "120")]);
    let mut calls = Command::new("node");
    calls.arg("out/calls.js").current_dir(&folder);
    let called = run(calls.env("BASE_URL", system.base_url()).env("ADMIN_TOKEN", TOKEN));

    let mut description: Value = serde_json::from_str(DESCRIPTION).unwrap();
    assert_eq!(not_called(&description, &called), [""; 0], "add calls to tests/client/calls.ts");
    // A route that is not called is noticed, and so is a further method.
    description["paths"]["/api/new"] = json!({"summary": "Not a method", "get": {}});
    description["paths"]["/health/live"]["post"] = json!({});
    assert_eq!(not_called(&description, &called), ["POST /health/live", "GET /api/new"]);
}
