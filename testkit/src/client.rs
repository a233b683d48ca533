//! The HTTP client of all tests, of the probes and of the benchmark.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a panic is how a test fails")]

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// What no step of a request may take, whatever is broken: a hang is a failure, not a wait.
const LIMIT: Duration = Duration::from_secs(60);

/// What every request to a server of this machine goes through: connections are kept, an error status is a response like
/// others, and `HTTP_PROXY` is ignored. `limit` is for each step of a request: to connect, to send it, to receive the head
/// and the body of its response.
pub fn agent(limit: Option<Duration>) -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        // A limit for the whole request is one for resolving its host, too, which takes ureq a thread for each request.
        .timeout_connect(limit)
        .timeout_send_request(limit)
        .timeout_send_body(limit)
        .timeout_recv_response(limit)
        .timeout_recv_body(limit)
        .build()
        .into()
}

/// An HTTP client of one host.
pub struct Client {
    base_url: String,
    agent: Agent,
}

/// A response, read to its end.
#[derive(Debug)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
}

impl Client {
    /// A client of the host at this URL, which has no slash at its end.
    pub fn new(base_url: &str) -> Self {
        Client { base_url: base_url.to_owned(), agent: agent(Some(LIMIT)) }
    }

    /// The URL that it was made with.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Sends a request that must be answered.
    pub fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Response {
        self.try_send(method, path, content_type, body).unwrap()
    }

    /// Sends a request that may remain without a response, such as to a host that is killed.
    ///
    /// # Errors
    /// When there is no response.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Response, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        Response::read(self.agent.run(request.body(body).unwrap())?)
    }

    /// Sends a request with these headers.
    pub fn with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Response::read(self.agent.run(request.body(body).unwrap()).unwrap()).unwrap()
    }

    /// Sends a `GET`.
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, None, b"")
    }

    /// Sends a `POST` without a body.
    pub fn post(&self, path: &str) -> Response {
        self.send("POST", path, None, b"")
    }

    /// Sends a `DELETE`.
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, None, b"")
    }

    /// Sends a `PUT` of a JSON document.
    pub fn put(&self, path: &str, body: &Value) -> Response {
        self.send("PUT", path, Some("application/json"), body.to_string().as_bytes())
    }

    /// Adds a document to a collection.
    pub fn add(&self, collection: &str, document: &Value) -> Response {
        let path = format!("/api/add/{collection}");
        self.send("POST", &path, Some("application/json"), document.to_string().as_bytes())
    }
}

impl Response {
    fn read(response: ureq::http::Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let (head, mut body) = response.into_parts();
        Ok(Response { status: head.status.as_u16(), headers: head.headers, body: body.read_to_vec()? })
    }

    /// A header's value; empty where there is no such header.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {:?} {error}: {:?}", self.status, self.headers, String::from_utf8_lossy(&self.body))
        })
    }
}
