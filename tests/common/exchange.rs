//! A server between the component and the bridge that looks at what passes: one request a connection.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

/// A request, whole; its head without `Connection` and without the empty line at its end.
pub struct Request {
    pub head: String,
    pub body: Vec<u8>,
}

/// Serves each connection to a port of its own by `serve`, until the test's process ends. The port's address.
pub fn listen(serve: impl Fn(TcpStream) -> Result<()> + Clone + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let serve = serve.clone();
            // A client that goes away is no failure of the test.
            thread::spawn(move || drop(serve(client)));
        }
    });
    address
}

impl Request {
    /// Reads a request; `None` where the client closes before it has sent one.
    pub fn read(client: &TcpStream) -> Result<Option<Self>> {
        let mut reader = BufReader::new(client.try_clone()?);
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
            if !lower.starts_with("connection:") {
                head.push_str(&line);
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body)?;
        Ok(Some(Request { head, body }))
    }

    /// Passes it on, and the answer back.
    pub fn forward(self, upstream: SocketAddr, client: &mut TcpStream) -> Result<()> {
        let mut server = TcpStream::connect(upstream)?;
        write!(server, "{}Connection: close\r\n\r\n", self.head)?;
        server.write_all(&self.body)?;
        std::io::copy(&mut server, client)?;
        Ok(())
    }
}
