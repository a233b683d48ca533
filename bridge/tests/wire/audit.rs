//! The audit line of each request.

use std::io::Read;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::bridge::{mongodb_uri, program};

#[test]
fn who_did_what_and_no_documents() {
    let mut child = program()
        .args(["--listen", "127.0.0.1:0", "--mongodb-uri", &mongodb_uri(), "--log-format", "json"])
        .env("DATA_API_KEYS", "s3cret-key")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = [0; 64];
    let length = child.stdout.as_mut().unwrap().read(&mut line).unwrap();
    let url = String::from_utf8_lossy(&line[..length]).trim().replace("data-api listening on ", "");
    let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
    let body = json!({
        "dataSource": "mongodb-atlas", "database": "bridge_audit", "collection": "c", "filter": {"a": "s3cret"},
    });
    for key in ["s3cret-key", "s3cret-wrong"] {
        let request = agent.post(format!("{url}/app/x/endpoint/data/v1/action/findOne"));
        request.header("apiKey", key).header("Content-Type", "application/json").send(body.to_string()).unwrap();
    }
    let login = agent.post(format!("{url}/api/client/v2.0/app/x/auth/providers/api-key/login"));
    login.send(r#"{"key":"s3cret-key"}"#).unwrap();
    child.kill().unwrap();
    let logged = String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();
    assert!(!logged.contains("s3cret"), "{logged}");
    let lines = logged.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let lines: Vec<_> = lines.filter(|line| line["target"] == "audit").collect();
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            assert_eq!(line["level"], "INFO");
            ["who", "address", "action", "database", "collection", "outcome"].map(|name| line[name].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ["key:#1", "127.0.0.1", "findOne", "bridge_audit", "c", "ok"],
            ["nobody", "127.0.0.1", "findOne", "", "", "InvalidSession"],
            ["key:#1", "127.0.0.1", "login", "", "", "ok"],
        ]
    );
}
