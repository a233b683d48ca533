//! The audit line of each request.

use std::io::{Read, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::bridge::{mongodb_uri, program};
use crate::folder::Folder;
use crate::way::Way;

const KEY: &str = "s3cret-key";

/// A bridge whose log is read.
struct Logged {
    child: Child,
    url: String,
    agent: ureq::Agent,
    log: Folder,
}

impl Logged {
    fn start(mongodb_uri: &str) -> Self {
        let log = Folder::new();
        let file = std::fs::File::create(log.write("log", "")).unwrap();
        let mut command: Command = program();
        command.args(["--listen", "127.0.0.1:0", "--mongodb-uri", mongodb_uri, "--log-format", "json"]);
        let mut child =
            command.env("DATA_API_KEYS", KEY).stdout(Stdio::piped()).stderr(Stdio::from(file)).spawn().unwrap();
        let mut line = [0; 64];
        let length = child.stdout.as_mut().unwrap().read(&mut line).unwrap();
        let url = String::from_utf8_lossy(&line[..length]).trim().replace("data-api listening on ", "");
        let agent = ureq::Agent::new_with_config(ureq::Agent::config_builder().http_status_as_error(false).build());
        Logged { child, url, agent, log }
    }

    fn post(&self, path: &str, header: (&str, &str), body: &str) -> Value {
        let request = self.agent.post(format!("{}{path}", self.url)).header(header.0, header.1);
        let mut answer = request.header("Content-Type", "application/json").send(body).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn text(&self) -> String {
        std::fs::read_to_string(self.log.path("log")).unwrap()
    }

    /// The audit lines so far, once there are so many.
    fn lines(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let text = self.text();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            let lines: Vec<_> = lines.filter(|line| line["target"] == "audit").collect();
            if lines.len() >= count {
                return lines;
            }
            assert!(Instant::now() < deadline, "{text}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Logged {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn body() -> Value {
    json!({
        "dataSource": "mongodb-atlas", "database": "bridge_audit", "collection": "c", "filter": {"a": "s3cret"},
    })
}

fn shown(lines: &[Value], names: &[&str]) -> Vec<Vec<String>> {
    let line = |line: &Value| names.iter().map(|name| line[name].as_str().unwrap().to_owned()).collect();
    lines.iter().map(line).collect()
}

#[test]
fn who_did_what_and_no_documents() {
    let bridge = Logged::start(&mongodb_uri());
    for key in [KEY, "s3cret-wrong"] {
        bridge.post("/app/x/endpoint/data/v1/action/findOne", ("apiKey", key), &body().to_string());
    }
    bridge.post("/api/client/v2.0/app/x/auth/providers/api-key/login", ("x", "x"), &json!({"key": KEY}).to_string());
    let lines = bridge.lines(3);
    assert!(!bridge.text().contains("s3cret"), "{}", bridge.text());
    assert!(lines.iter().all(|line| line["level"] == "INFO"));
    assert_eq!(
        shown(&lines, &["who", "address", "action", "database", "collection", "outcome"]),
        [
            ["key:#1", "127.0.0.1", "findOne", "bridge_audit", "c", "ok"],
            ["nobody", "127.0.0.1", "findOne", "", "", "InvalidSession"],
            ["key:#1", "127.0.0.1", "login", "", "", "ok"],
        ]
    );
}

#[test]
fn a_function_is_the_action_that_it_calls() {
    let bridge = Logged::start(&mongodb_uri());
    let mut argument = body();
    argument.as_object_mut().unwrap().remove("dataSource");
    for name in ["deleteMany", "nonsense"] {
        let call = json!({"name": name, "service": "mongodb-atlas", "arguments": [argument]}).to_string();
        bridge.post("/api/client/v2.0/app/x/functions/call", ("apiKey", KEY), &call);
    }
    assert_eq!(
        shown(&bridge.lines(2), &["action", "collection", "outcome"]),
        [["deleteMany", "c", "ok"], ["functions/call", "", "FunctionNotFound"]]
    );
    let metrics =
        bridge.agent.get(format!("{}/metrics", bridge.url)).call().unwrap().body_mut().read_to_string().unwrap();
    assert!(metrics.contains(r#"data_api_requests_total{action="deleteMany",outcome="ok"} 1"#), "{metrics}");
}

#[test]
fn a_session_is_seen_from_its_login_to_its_logout() {
    let bridge = Logged::start(&mongodb_uri());
    let login = json!({"key": KEY}).to_string();
    let session = bridge.post("/api/client/v2.0/app/x/auth/providers/api-key/login", ("x", "x"), &login);
    let bearer = format!("Bearer {}", session["refresh_token"].as_str().unwrap());
    let path = "/api/client/v2.0/auth/session";
    for bearer in [&bearer, "Bearer wrong"] {
        bridge.post(path, ("Authorization", bearer), "");
    }
    for status in [204, 401] {
        let log_out = bridge.agent.delete(format!("{}{path}", bridge.url)).header("Authorization", &bearer);
        assert_eq!(log_out.call().unwrap().status(), status);
    }
    assert_eq!(
        shown(&bridge.lines(5), &["who", "action", "outcome"]),
        [
            ["key:#1", "login", "ok"],
            ["key:#1", "refresh", "ok"],
            ["nobody", "refresh", "InvalidSession"],
            ["key:#1", "logout", "ok"],
            ["nobody", "logout", "InvalidSession"],
        ]
    );
}

#[test]
fn a_client_that_leaves_is_seen_too() {
    let way = Way::open();
    let bridge = Logged::start(&way.uri());
    let find = "/app/x/endpoint/data/v1/action/find";
    bridge.post(find, ("apiKey", KEY), &body().to_string());
    way.block(true);
    let mut connection = TcpStream::connect(bridge.url.strip_prefix("http://").unwrap()).unwrap();
    let body = body().to_string();
    let head = format!(
        "POST {find} HTTP/1.1\r\nHost: x\r\napiKey: {KEY}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    connection.write_all((head + &body).as_bytes()).unwrap();
    // It must have been taken up.
    thread::sleep(Duration::from_millis(300));
    drop(connection);
    let lines = bridge.lines(2);
    assert_eq!(shown(&lines[1..], &["who", "action", "collection", "outcome"]), [["key:#1", "find", "c", "gone"]]);
    assert!(lines[1]["status"].is_null() && lines[1]["seconds"].is_number(), "{}", lines[1]);
}
