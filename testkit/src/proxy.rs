//! A TCP proxy between two services, which misbehaves on demand.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// What the proxy does with what passes through it, from now on, on old connections and new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Passes everything on.
    Pass,
    /// Closes every connection.
    Refuse,
    /// Holds everything back, in order, until the mode changes: a connection never loses what is in its middle.
    Hang,
    /// Passes everything on, answers this much later.
    Slow(Duration),
    /// Passes requests on, and half of the answer; then closes.
    CutAnswers,
    /// Swallows one request and closes its connection; then passes everything on.
    CloseOnce,
    /// Swallows requests, and answers each with this; then closes.
    Answer(&'static [u8]),
    /// Passes on, but each piece may be delayed, or the connection closed before it, by chance.
    Chaos,
}

/// A proxy on a port of its own; it ends with the test's process.
pub struct Proxy {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    mode: Mutex<Mode>,
    upstream: SocketAddr,
    stopped: AtomicBool,
    /// With a seed of its own, so that a run can be repeated.
    chance: Mutex<fastrand::Rng>,
    /// How many pieces were delayed, connections closed.
    faults: AtomicU64,
    /// How many pieces began a request of HTTP's method `POST`.
    posts: AtomicU64,
}

impl Proxy {
    /// A proxy before the server at `upstream`.
    pub fn before(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            mode: Mutex::new(Mode::Pass),
            upstream,
            stopped: AtomicBool::new(false),
            chance: Mutex::new(fastrand::Rng::with_seed(1)),
            faults: AtomicU64::new(0),
            posts: AtomicU64::new(0),
        });
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if of_thread.stopped.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&of_thread);
                thread::spawn(move || shared.serve(client));
            }
        });
        Proxy { address, shared }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Changes what it does.
    pub fn set(&self, mode: Mode) {
        self.shared.set(mode);
    }

    /// How many requests of HTTP's method `POST` came by: all that the bridge is ever asked.
    pub fn posts(&self) -> u64 {
        self.shared.posts.load(Ordering::Relaxed)
    }

    /// How many pieces [`Mode::Chaos`] delayed, and connections it closed.
    pub fn faults(&self) -> u64 {
        self.shared.faults.load(Ordering::Relaxed)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

impl Shared {
    fn mode(&self) -> Mode {
        *self.mode.lock().unwrap()
    }

    fn set(&self, mode: Mode) {
        *self.mode.lock().unwrap() = mode;
    }

    fn serve(self: Arc<Self>, client: TcpStream) {
        if self.mode() == Mode::Refuse {
            return;
        }
        let Ok(server) = TcpStream::connect(self.upstream) else { return };
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
            // So that a change of mode is seen on a connection that is silent.
            stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        }
        let (client_too, server_too) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let requests = Arc::clone(&self);
        thread::spawn(move || requests.pass(client_too, server_too, true));
        self.pass(server, client, false);
    }

    /// Passes on what comes from one side to the other until either closes.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, request: bool) {
        let mut buffer = vec![0; 64 * 1024];
        while !self.stopped.load(Ordering::Relaxed) && self.mode() != Mode::Refuse {
            let length = match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => length,
                Err(error) if matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {
                    continue;
                }
                Err(_) => break,
            };
            let piece = &buffer[..length];
            if request && piece.starts_with(b"POST ") {
                self.posts.fetch_add(1, Ordering::Relaxed);
            }
            while self.mode() == Mode::Hang && !self.stopped.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(5));
            }
            let passed = match (self.mode(), request) {
                (Mode::Pass, _) | (Mode::CutAnswers, true) | (Mode::Slow(_), true) => to.write_all(piece).is_ok(),
                (Mode::Refuse | Mode::Hang, _) => false,
                (Mode::Slow(delay), false) => {
                    thread::sleep(delay);
                    to.write_all(piece).is_ok()
                }
                (Mode::CutAnswers, false) => {
                    let _ = to.write_all(&piece[..length / 2]);
                    false
                }
                (Mode::CloseOnce, true) => {
                    self.set(Mode::Pass);
                    false
                }
                (Mode::CloseOnce, false) => to.write_all(piece).is_ok(),
                (Mode::Answer(answer), true) => {
                    let _ = from.write_all(answer);
                    false
                }
                (Mode::Answer(_), false) => true,
                (Mode::Chaos, _) => self.chaotic(piece, &mut to),
            };
            if !passed {
                break;
            }
        }
        let _ = from.shutdown(Shutdown::Both);
        let _ = to.shutdown(Shutdown::Both);
    }

    fn chaotic(&self, piece: &[u8], to: &mut TcpStream) -> bool {
        let (outcome, delay) = {
            let mut chance = self.chance.lock().unwrap();
            (chance.u32(0..1000), Duration::from_millis(chance.u64(0..300)))
        };
        match outcome {
            0..10 => {
                self.faults.fetch_add(1, Ordering::Relaxed);
                false
            }
            10..100 => {
                self.faults.fetch_add(1, Ordering::Relaxed);
                thread::sleep(delay);
                to.write_all(piece).is_ok()
            }
            _ => to.write_all(piece).is_ok(),
        }
    }
}
