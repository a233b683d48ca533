//! A server before the bridge that refuses what a real `mongod` refuses and the local MongoDB does not: it answers what the
//! bridge answers to MongoDB's error.

use std::io::Write;
use std::net::{SocketAddr, TcpStream};

use serde_json::{Value, json};

use super::exchange::{Request, listen};

/// The server, on a port of its own; it ends with the test's process.
pub struct Strict {
    address: SocketAddr,
}

impl Strict {
    /// A server before the bridge at `upstream`.
    pub fn before(upstream: SocketAddr) -> Self {
        Strict { address: listen(move |client| serve(client, upstream)) }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

/// One request a connection.
fn serve(client: TcpStream, upstream: SocketAddr) -> std::io::Result<()> {
    let Some(Request { head, body }) = Request::read(&client)? else { return Ok(()) };
    let mut client = client;
    if let Some((code, name, message)) = refusal(&serde_json::from_slice(&body).unwrap_or_default()) {
        let error = json!({
            "error": format!("({name}) {message}"),
            "error_code": "MongoDBError",
            "link": "urn:data-api:request:0",
            "code": code,
        })
        .to_string();
        let head = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close";
        return write!(client, "{head}\r\nContent-Length: {}\r\n\r\n{error}", error.len());
    }
    Request { head, body }.forward(upstream, &mut client)
}

/// MongoDB's code, its name, and its words, as server 8.0 has them.
fn refusal(body: &Value) -> Option<(i32, &'static str, &'static str)> {
    let sort: Vec<&str> = body["sort"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if sort.len() > 32 {
        return Some((13103, "Location13103", "too many compound keys"));
    }
    if sort.contains(&"genre") && sort.contains(&"platforms") {
        let words = "Executor error during find command on namespace: storeDB.games :: caused by :: cannot sort with keys \
                     that are parallel arrays";
        return Some((2, "BadValue", words));
    }
    let fields: Vec<&String> = body["projection"].as_object().into_iter().flatten().map(|(name, _)| name).collect();
    if fields.iter().any(|field| fields.iter().any(|other| field.starts_with(&format!("{other}.")))) {
        return Some((31249, "Location31249", "Path collision at a.b remaining portion b"));
    }
    match body["document"]["item"].as_str()? {
        "too large to insert" => Some((10334, "BSONObjectTooLarge", "BSONObj size: 16777300 is invalid")),
        "too large to store" => {
            Some((17419, "Location17419", "Resulting document after update is larger than 16777216"))
        }
        _ => None,
    }
}
