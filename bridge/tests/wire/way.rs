//! A way to the MongoDB server for tests that can be watched and blocked: what a network does, at will.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use mongodb::bson::{Bson, Document};
use serde_json::Value;

use crate::bridge::mongodb_uri;

/// Listens, and passes bytes on, both ways.
#[derive(Clone, Default)]
pub struct Way {
    port: u16,
    blocked: Arc<AtomicBool>,
    closed: Arc<AtomicUsize>,
    sent: Arc<Mutex<Vec<u8>>>,
    commands: Arc<Mutex<Vec<Document>>>,
}

impl Way {
    pub fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let way = Way { port: listener.local_addr().unwrap().port(), ..Way::default() };
        let this = way.clone();
        thread::spawn(move || listener.incoming().for_each(|connection| this.pass(connection.unwrap())));
        way
    }

    pub fn uri(&self) -> String {
        format!("mongodb://127.0.0.1:{}/?directConnection=true", self.port)
    }

    /// From now on nothing arrives, and nothing is closed: a server that froze.
    pub fn block(&self, blocked: bool) {
        self.blocked.store(blocked, Ordering::SeqCst);
    }

    /// How many of the bridge's connections the bridge has closed.
    pub fn closed(&self) -> usize {
        self.closed.load(Ordering::SeqCst)
    }

    /// Whether the bridge sends these bytes within some seconds.
    pub fn sees(&self, bytes: &[u8]) -> bool {
        let deadline = Instant::now() + Duration::from_secs(5);
        loop {
            let seen = self.sent.lock().unwrap().windows(bytes.len()).any(|window| window == bytes);
            if seen || Instant::now() > deadline {
                return seen;
            }
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// How many commands of this name the bridge has sent.
    pub fn count(&self, command: &str) -> usize {
        let commands = self.commands.lock().unwrap();
        commands.iter().filter(|sent| sent.keys().next().is_some_and(|name| name == command)).count()
    }

    /// The last command of this name that the bridge sent.
    pub fn last(&self, command: &str) -> Value {
        let commands = self.commands.lock().unwrap();
        let sent = commands.iter().rev().find(|sent| sent.keys().next().is_some_and(|name| name == command));
        serde_json::to_value(sent.unwrap_or_else(|| panic!("no {command} was sent"))).unwrap()
    }

    fn pass(&self, client: TcpStream) {
        let uri = mongodb_uri();
        let rest = uri.strip_prefix("mongodb://").expect("a plain mongodb:// URI");
        let host = rest.split(['/', '?']).next().unwrap().rsplit('@').next().unwrap().to_owned();
        let server = TcpStream::connect(host).unwrap();
        let (from_client, to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let (up, down) = (self.clone(), self.clone());
        thread::spawn(move || {
            let mut pending = Vec::new();
            up.copy(from_client, to_server, |bytes| {
                up.sent.lock().unwrap().extend_from_slice(bytes);
                pending.extend_from_slice(bytes);
                while let Some(command) = take_command(&mut pending) {
                    up.commands.lock().unwrap().extend(command);
                }
            });
            up.closed.fetch_add(1, Ordering::SeqCst);
        });
        thread::spawn(move || down.copy(server, client, |_| ()));
    }

    fn copy(&self, mut from: TcpStream, mut to: TcpStream, mut seen: impl FnMut(&[u8])) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from.read(&mut buffer) {
            seen(&buffer[..length]);
            while self.blocked.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(5));
                // The end is seen also while nothing passes.
                from.set_nonblocking(true).unwrap();
                let ended = matches!(from.peek(&mut [0]), Ok(0));
                from.set_nonblocking(false).unwrap();
                if ended {
                    return;
                }
            }
            if to.write_all(&buffer[..length]).is_err() {
                break;
            }
        }
        // Where the other side is closed already there is nothing to shut.
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

/// Takes the first whole message of MongoDB's wire protocol, and gives its command: `None` where it has not arrived, nothing in it
/// where it is not an `OP_MSG`.
fn take_command(pending: &mut Vec<u8>) -> Option<Option<Document>> {
    let number = |bytes: &[u8], at: usize| {
        bytes.get(at..at + 4).map(|bytes| u32::from_le_bytes(bytes.try_into().unwrap()) as usize)
    };
    let length = number(pending, 0).filter(|length| pending.len() >= *length)?;
    let message: Vec<u8> = pending.drain(..length).collect();
    if number(&message, 12) != Some(2013) {
        return Some(None);
    }
    let (mut command, mut sequences, mut at) = (Document::new(), Document::new(), 20);
    while let Some(kind) = message.get(at) {
        let Some(size) = number(&message, at + 1) else { break };
        let section = &message[at + 1..at + 1 + size];
        match kind {
            0 => command = Document::from_reader(section).unwrap(),
            1 => {
                let name = section[4..].iter().position(|byte| *byte == 0).unwrap();
                let (mut documents, mut rest) = (Vec::new(), &section[4 + name + 1..]);
                while !rest.is_empty() {
                    documents.push(Bson::Document(Document::from_reader(&mut rest).unwrap()));
                }
                sequences.insert(String::from_utf8_lossy(&section[4..4 + name]), documents);
            }
            _ => break,
        }
        at += 1 + size;
    }
    command.extend(sequences);
    Some(Some(command))
}
