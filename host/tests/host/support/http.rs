//! An HTTP client that shows what is on the wire: one connection, one request at a time, nothing retried.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// One connection.
pub struct Client {
    stream: TcpStream,
}

/// A response.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    /// How many reads it took to get all of it.
    pub reads: usize,
}

impl Client {
    pub fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.request("GET", path, "", b"")
    }

    /// Sends a request. `headers` are lines, each with its line end.
    pub fn request(&mut self, method: &str, path: &str, headers: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n{headers}\r\n");
        // From a thread: a server may answer before it has read everything, and must not block us.
        let mut writer = self.stream.try_clone().unwrap();
        let bytes = [head.as_bytes(), body].concat();
        let writing = std::thread::spawn(move || writer.write_all(&bytes));
        let answer = self.read(method == "HEAD");
        writing.join().unwrap().unwrap();
        answer
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Reads a response, which must have a Content-Length: everything that the host sends in these tests has one.
    pub fn read(&mut self, is_head: bool) -> Answer {
        let mut bytes = Vec::new();
        let mut reads = 0;
        let head_end = loop {
            if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            self.read_more(&mut bytes);
            reads += 1;
        };
        let head = String::from_utf8(bytes[..head_end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap_or((line.trim_end_matches(':'), "")))
            .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
            .collect();
        let mut body = bytes.split_off(head_end + 4);
        let mut answer = Answer { status, headers, body: Vec::new(), reads };
        if !is_head {
            let length: usize = answer.header("content-length").expect("a Content-Length").parse().unwrap();
            while body.len() < length {
                self.read_more(&mut body);
                answer.reads += 1;
            }
            assert_eq!(body.len(), length, "bytes behind the body");
        }
        answer.body = body;
        answer
    }

    /// Everything until the server closes the connection.
    pub fn read_to_end(&mut self) -> String {
        let mut bytes = Vec::new();
        // An error is an end, too.
        let _ = self.stream.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Whether the server closes the connection without another word.
    pub fn is_closed(&mut self) -> bool {
        match self.stream.read(&mut [0]) {
            Ok(count) => count == 0,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    fn read_more(&mut self, bytes: &mut Vec<u8>) {
        let mut buffer = vec![0; 1 << 20];
        let count = self.stream.read(&mut buffer).unwrap();
        assert!(count > 0, "the connection was closed within a response: {:?}", String::from_utf8_lossy(bytes));
        bytes.extend_from_slice(&buffer[..count]);
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The text of a 200.
    #[track_caller]
    pub fn ok(&self) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        self.text()
    }
}
