//! An HTTP client of the store.

use std::time::Duration;

use http::HeaderMap;
use serde_json::Value;
use ureq::Agent;
use ureq::http::Request;

/// What no request may take, whatever is broken: a hang is a failure, not a wait.
const LIMIT: Duration = Duration::from_secs(60);

/// An HTTP client of one host.
pub struct Client {
    base_url: String,
    agent: Agent,
}

/// What came back.
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Client {
    pub fn new(base_url: &str) -> Self {
        let agent =
            Agent::config_builder().http_status_as_error(false).proxy(None).timeout_global(Some(LIMIT)).build().into();
        Client { base_url: base_url.to_owned(), agent }
    }

    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    pub fn send(&self, method: &str, path: &str, content_type: Option<&str>, body: &[u8]) -> Answer {
        self.try_send(method, path, content_type, body).unwrap()
    }

    /// As [`Client::send`], where a host that dies is no surprise.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        if let Some(content_type) = content_type {
            request = request.header("Content-Type", content_type);
        }
        Answer::read(self.agent.run(request.body(body).unwrap())?)
    }

    /// A request with these headers.
    pub fn with(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base_url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(self.agent.run(request.body(body).unwrap()).unwrap()).unwrap()
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
    fn read(answer: ureq::http::Response<ureq::Body>) -> Result<Self, ureq::Error> {
        let (head, mut body) = answer.into_parts();
        Ok(Answer { status: head.status.as_u16(), headers: head.headers, body: body.read_to_vec()? })
    }

    /// A header's value, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| {
            panic!("{} {:?} {error}: {:?}", self.status, self.headers, String::from_utf8_lossy(&self.body))
        })
    }
}
