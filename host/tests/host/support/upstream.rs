//! Servers on the other side of the component, that behave as badly as a test wants.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// Serves each connection with `serve`, which gets the connection and its number, from 1. Gives the port.
pub fn upstream(serve: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    std::thread::spawn(move || {
        let count = AtomicUsize::new(0);
        for stream in listener.incoming().map_while(Result::ok) {
            let number = count.fetch_add(1, Ordering::Relaxed) + 1;
            let serve = serve.clone();
            std::thread::spawn(move || serve(stream, number));
        }
    });
    port
}

/// Reads the head of a request. False at the connection's end.
pub fn read_head(stream: &mut TcpStream) -> bool {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return false,
        }
    }
    true
}

/// A 200 with this body.
pub fn respond(stream: &mut TcpStream, body: &str) {
    let length = body.len();
    _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
}

/// A pipe in front of a server, which can go dead without closing: bytes are swallowed in both directions on every
/// connection that exists, and new ones work.
pub struct Pipe {
    pub port: u16,
    live: Arc<Mutex<Vec<Arc<AtomicBool>>>>,
}

impl Pipe {
    pub fn to(target: u16) -> Self {
        let live: Arc<Mutex<Vec<Arc<AtomicBool>>>> = Arc::default();
        let connections = live.clone();
        let port = upstream(move |client, _| {
            let server = TcpStream::connect(("127.0.0.1", target)).unwrap();
            let is_dead = Arc::new(AtomicBool::new(false));
            connections.lock().unwrap().push(is_dead.clone());
            let back = (server.try_clone().unwrap(), client.try_clone().unwrap(), is_dead.clone());
            std::thread::spawn(move || copy(back.0, back.1, &back.2));
            copy(client, server, &is_dead);
        });
        Self { port, live }
    }

    /// Connections made so far.
    pub fn connections(&self) -> usize {
        self.live.lock().unwrap().len()
    }

    pub fn go_dead(&self) {
        for is_dead in self.live.lock().unwrap().iter() {
            is_dead.store(true, Ordering::Relaxed);
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, is_dead: &AtomicBool) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !is_dead.load(Ordering::Relaxed) && to.write_all(&buffer[..count]).is_err() {
            break;
        }
    }
    _ = to.shutdown(Shutdown::Both);
}
