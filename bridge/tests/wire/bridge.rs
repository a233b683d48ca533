//! A bridge of a test's own, and requests to it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use testkit::process::{CommandSpec, Process, Streams};

/// The key that a bridge is started with unless a test says otherwise.
pub const KEY: &str = "a-key-for-tests";

/// A running data-api, stopped when it is dropped.
pub struct Bridge {
    process: Process,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// A database that no other test uses.
    pub database: String,
    agent: ureq::Agent,
}

/// An answer, with its body read.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: ureq::http::HeaderMap,
    pub text: String,
}

/// Where the MongoDB server for tests is.
pub fn mongodb_uri() -> String {
    std::env::var("MONGODB_URI").unwrap_or_else(|_| {
        panic!(
            "MONGODB_URI is not set: run these tests with `cargo xtask test`, which starts a MongoDB server for them"
        )
    })
}

/// The program with an environment in which only its flags matter.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_data-api"));
    for (name, _) in std::env::vars() {
        if name.starts_with("DATA_API_") || name == "MONGODB_URI" {
            command.env_remove(name);
        }
    }
    command
}

/// A key's hash, as the program itself prints it.
pub fn hash(key: &str) -> String {
    printed("hash-key", key)
}

/// A password's hash, as the program itself prints it.
pub fn hash_password(password: &str) -> String {
    printed("hash-password", password)
}

fn printed(command: &str, input: &str) -> String {
    let mut child =
        program().arg(command).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("data-api starts");
    writeln!(child.stdin.take().unwrap(), "{input}").unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Bridge {
    /// Against the server for tests, with the key of tests.
    pub fn start() -> Self {
        Self::start_with(&["--api-key", KEY])
    }

    /// Against the server for tests, with these flags.
    pub fn start_with(flags: &[&str]) -> Self {
        Self::start_at(&mongodb_uri(), flags)
    }

    /// Against any server, there or not.
    pub fn start_at(mongodb_uri: &str, flags: &[&str]) -> Self {
        Self::spawn(program(), &[&["--mongodb-uri", mongodb_uri], flags].concat())
    }

    /// With these flags only.
    pub fn start_bare(flags: &[&str]) -> Self {
        Self::spawn(program(), flags)
    }

    /// By a command that takes the program's flags.
    pub fn spawn(mut command: Command, flags: &[&str]) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        command.args(["--listen", "127.0.0.1:0", "--log-level", "warn"]).args(flags);
        let streams = Streams { stdout: Stdio::piped(), stderr: Stdio::inherit() };
        let mut process = Process::spawn(&CommandSpec::from(&command), streams).expect("data-api starts");
        let mut line = String::new();
        BufReader::new(process.take_stdout().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().strip_prefix("data-api listening on ").unwrap_or_else(|| panic!("first line: {line:?}"));
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        Bridge {
            url: url.to_owned(),
            database: format!("bridge_{}_{number}", std::process::id()),
            agent: testkit::client::agent(Some(Duration::from_secs(60))),
            process,
        }
    }

    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// The exit code, once it has ended by itself.
    pub fn wait(&mut self) -> Option<i32> {
        self.process.wait().unwrap().code()
    }

    pub fn address(&self) -> &str {
        self.url.split_once("://").unwrap().1
    }

    /// The most memory that it had at a time since it was last asked to forget, in bytes.
    pub fn peak_memory(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().trim().parse::<usize>().unwrap() * 1024
    }

    pub fn reset_peak_memory(&self) {
        std::fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").unwrap();
    }

    pub fn action_url(&self, action: &str) -> String {
        format!("{}/app/any-app/endpoint/data/v1/action/{action}", self.url)
    }

    pub fn get(&self, path: &str) -> Reply {
        Reply::of(self.agent.get(format!("{}{path}", self.url)).call().unwrap())
    }

    /// Gets something with headers.
    pub fn get_with(&self, url: &str, headers: &[(&str, &str)]) -> Reply {
        let request = headers.iter().fold(self.agent.get(url), |request, (name, value)| request.header(*name, *value));
        Reply::of(request.call().unwrap())
    }

    /// Deletes something.
    pub fn delete(&self, url: &str, headers: &[(&str, &str)]) -> Reply {
        let request =
            headers.iter().fold(self.agent.delete(url), |request, (name, value)| request.header(*name, *value));
        Reply::of(request.call().unwrap())
    }

    /// Posts anything anywhere.
    pub fn post(&self, url: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply {
        let request = headers.iter().fold(self.agent.post(url), |request, (name, value)| request.header(*name, *value));
        Reply::of(request.send(body).unwrap())
    }

    /// Posts a body with these headers and none that a library would add, and gives the whole answer.
    pub fn post_bare(&self, url: &str, headers: &[(&str, &str)], body: &str) -> String {
        let path = url.strip_prefix(&self.url).unwrap();
        let mut connection = TcpStream::connect(self.address()).unwrap();
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
        );
        connection.write_all(head.as_bytes()).unwrap();
        connection.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Asks with the method OPTIONS, as a browser does before it lets a page's script send something.
    pub fn preflight(&self, url: &str, origin: &str, method: &str, headers: &str) -> Reply {
        let config = ureq::Agent::config_builder().http_status_as_error(false).build();
        let request = ureq::http::Request::builder()
            .method("OPTIONS")
            .uri(url)
            .header("Origin", origin)
            .header("Access-Control-Request-Method", method)
            .header("Access-Control-Request-Headers", headers);
        Reply::of(ureq::Agent::new_with_config(config).run(request.body(()).unwrap()).unwrap())
    }

    /// Calls an action on the collection `c`; `fields` is the text of a JSON object, the namespace is added.
    pub fn call_text(&self, action: &str, accept: &str, fields: &str) -> Reply {
        let rest = fields.trim().strip_prefix('{').unwrap();
        let comma = if rest.trim_start().starts_with('}') { "" } else { "," };
        let database = &self.database;
        let body =
            format!("{{\"dataSource\":\"mongodb-atlas\",\"database\":\"{database}\",\"collection\":\"c\"{comma}{rest}");
        let headers = [("apiKey", KEY), ("Content-Type", "application/json"), ("Accept", accept)];
        self.post(&self.action_url(action), &headers, body.as_bytes())
    }

    pub fn call(&self, action: &str, fields: Value) -> Reply {
        self.call_text(action, "application/json", &fields.to_string())
    }

    /// Calls an action that must go well, and gives its answer.
    pub fn ok(&self, action: &str, fields: Value) -> Value {
        let reply = self.call(action, fields);
        assert!(matches!(reply.status, 200 | 201), "{reply:?}");
        reply.json()
    }
}

impl Reply {
    fn of(mut response: ureq::http::Response<ureq::Body>) -> Self {
        let text = response.body_mut().with_config().limit(400 << 20).read_to_string().unwrap();
        let reply = Reply { status: response.status().as_u16(), headers: response.headers().clone(), text };
        // Only what is large may come in pieces.
        if (reply.status != 204 && reply.text.len() < 1 << 20) || reply.header("content-length").is_some() {
            assert_eq!(reply.header("content-length"), Some(reply.text.len().to_string().as_str()), "{reply:?}");
        }
        reply
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Asserts that this is an error in the protocol's form, and gives its text.
    pub fn error(&self, status: u16, code: &str) -> String {
        let body = self.json();
        assert_eq!((self.status, &body["error_code"]), (status, &json!(code)), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/json"));
        assert!(body["link"].is_string(), "{self:?}");
        body["error"].as_str().unwrap().to_owned()
    }
}
