//! An HTTP origin that keeps what is put into it, with its type. As many do, it ignores the query and decodes the path.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// More than the app takes.
pub const TOO_LARGE: usize = 4 * 1024 * 1024 + 1;

/// A server on a free port, stopped when dropped.
pub struct Origin {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    documents: Mutex<HashMap<String, Document>>,
    reads: AtomicUsize,
    writes: AtomicUsize,
    stopped: AtomicBool,
}

#[derive(Clone, Default)]
struct Document {
    content_type: String,
    body: Vec<u8>,
}

impl Origin {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let state = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            for stream in listener.incoming() {
                if state.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let state = Arc::clone(&state);
                thread::spawn(move || state.serve(stream.unwrap()));
            }
        });
        Origin { address, shared, thread: Some(thread) }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many documents were read.
    pub fn reads(&self) -> usize {
        self.shared.reads.load(Ordering::SeqCst)
    }

    /// How many writes have arrived.
    pub fn writes(&self) -> usize {
        self.shared.writes.load(Ordering::SeqCst)
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // It waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// One request, and the end of the connection.
    fn serve(&self, mut stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut line = String::new();
        reader.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(str::to_owned);
        let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
        let mut length = 0;
        let mut document = Document::default();
        loop {
            let mut header = String::new();
            reader.read_line(&mut header).unwrap();
            match header.trim().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.trim().parse().unwrap();
                }
                Some((name, value)) if name.eq_ignore_ascii_case("content-type") => {
                    document.content_type = value.trim().to_owned();
                }
                Some(_) => {}
                None => break,
            }
        }
        document.body = vec![0; length];
        reader.read_exact(&mut document.body).unwrap();
        let path = path.split('?').next().unwrap_or_default().replace("%31", "1");
        let (status, Document { content_type, body }) = self.answer(&method, path, document);
        let content_type = match content_type.as_str() {
            "" => String::new(),
            some => format!("Content-Type: {some}\r\n"),
        };
        let head =
            format!("HTTP/1.1 {status}\r\n{content_type}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
        // An app that waits no longer, or wants no more of the body, has closed the connection.
        let _ = stream.write_all(&[head.as_bytes(), &body].concat());
    }

    fn answer(&self, method: &str, path: String, document: Document) -> (&'static str, Document) {
        let none = Document::default();
        match method {
            "PUT" | "DELETE" => self.writes.fetch_add(1, Ordering::SeqCst),
            _ => self.reads.fetch_add(1, Ordering::SeqCst),
        };
        match (method, path.as_str()) {
            ("PUT", "/refused") => return ("403 Forbidden", none),
            ("PUT", "/slow") => thread::sleep(Duration::from_secs(2)),
            ("PUT", "/hangs") => thread::sleep(Duration::from_secs(8)),
            ("GET", "/moved") => return ("301 Moved Permanently", none),
            ("GET", "/large") => return ("200 OK", Document { body: vec![b'x'; TOO_LARGE], ..none }),
            _ => {}
        }
        let mut documents = self.documents.lock().unwrap();
        match method {
            "PUT" => {
                documents.insert(path, document);
                ("200 OK", none)
            }
            "DELETE" => {
                documents.remove(&path);
                ("200 OK", none)
            }
            _ => documents.get(&path).map_or(("404 Not Found", none), |document| ("200 OK", document.clone())),
        }
    }
}
