//! The whole system, running, and a client of it.

use std::ops::Deref;

use http::HeaderMap;
use redis::Commands;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;
use xtask::host::{HostOptions, Runtime, base_url, host};
use xtask::log::Log;
use xtask::part::Part;
use xtask::stack::{Stack, StackConfig};
use xtask::{port, project};

/// The whole system, stopped when dropped; it derefs to a client of it.
pub struct System {
    stack: Stack,
    client: Client,
}

/// An HTTP client of one host.
pub struct Client {
    base_url: String,
    agent: Agent,
}

/// A second host beside a system's own, with other variables.
pub struct SecondHost {
    client: Client,
    _part: Part,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl System {
    /// The system with the local runtime configuration, as `cargo xtask up` runs it, and these variables.
    pub fn start(variables: &[(&str, &str)]) -> Self {
        let config = StackConfig { runtime_config: Some(runtime_config()), ..StackConfig::default() };
        let config = variables.iter().fold(config, |config, (name, value)| config.variable(name, value));
        let stack = Stack::start(config).expect("the system starts");
        let client = Client::new(stack.base_url());
        System { stack, client }
    }

    /// A host of its own, with these variables, on the same Redis and Data API.
    pub fn second_host(&self, variables: &[(&str, &str)]) -> SecondHost {
        let mut all = vec![("redis_url", self.stack.redis_url()), ("data_api_url", self.stack.data_api_url())];
        all.extend(variables);
        let all: Vec<_> = all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let port = port::free().unwrap();
        let listen = ([127, 0, 0, 1], port).into();
        let options =
            HostOptions { runtime: Runtime::Host, listen, runtime_config: None, variables: &all, arguments: &[] };
        let log = Log::create(project::scratch_dir().join(format!("second-host-{port}.log"))).unwrap();
        let mut part = host(&options, log);
        part.start().expect("a second host starts");
        SecondHost { client: Client::new(&base_url(listen)), _part: part }
    }

    pub fn stop_redis(&mut self) {
        self.stack.redis().unwrap().kill().unwrap();
    }

    pub fn restart_redis(&mut self) {
        self.stop_redis();
        self.stack.redis().unwrap().start().unwrap();
    }

    pub fn stop_data_api(&mut self) {
        self.stack.data_api().unwrap().kill().unwrap();
    }

    fn redis(&self) -> redis::Connection {
        redis::Client::open(self.stack.redis_url()).unwrap().get_connection().unwrap()
    }

    /// The keys in Redis that match a pattern.
    pub fn keys(&self, pattern: &str) -> Vec<String> {
        self.redis().keys(pattern).unwrap()
    }

    /// The value of a key, where there is one.
    pub fn value(&self, key: &str) -> Option<Vec<u8>> {
        self.redis().get(key).unwrap()
    }

    /// What is left of a key's TTL, or less than zero.
    pub fn ttl_ms(&self, key: &str) -> i64 {
        self.redis().pttl(key).unwrap()
    }
}

impl Deref for System {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Deref for SecondHost {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Client {
    pub fn new(base_url: &str) -> Self {
        let agent = Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        Client { base_url: base_url.to_owned(), agent }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        let answer = self.agent.run(request.body(body).unwrap()).unwrap();
        let (head, mut body) = answer.into_parts();
        Answer { status: head.status.as_u16(), headers: head.headers, body: body.read_to_vec().unwrap() }
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, None, b"")
    }

    pub fn post(&self, path: &str) -> Answer {
        self.send("POST", path, None, b"")
    }

    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, None, b"")
    }

    pub fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, Some("application/json"), body.to_string().as_bytes())
    }

    pub fn add(&self, collection: &str, document: &Value) -> Answer {
        let path = format!("/api/add/{collection}");
        self.send("POST", &path, Some("application/json"), document.to_string().as_bytes())
    }
}

impl Answer {
    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What `cargo xtask up` gives the host.
fn runtime_config() -> std::path::PathBuf {
    project::root().join("runtime-config.toml")
}
