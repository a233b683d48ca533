//! The thread that all processes are started from.
//!
//! The kernel sends the death signal when the *thread* that started a child ends, not its process. A test's thread
//! ends with its test, while the stack it started may serve the next one; so one thread, which lives as long as the
//! process, does all the starting.

use std::io;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::thread;

type Request = (Command, Sender<io::Result<Child>>);

/// Starts the command, from the thread that outlives all others.
pub fn spawn(command: Command) -> io::Result<Child> {
    let (answer, answered) = channel();
    queue()?.send((command, answer)).map_err(|_| gone())?;
    answered.recv().map_err(|_| gone())?
}

fn queue() -> io::Result<&'static Sender<Request>> {
    static QUEUE: OnceLock<io::Result<Sender<Request>>> = OnceLock::new();
    let queue = QUEUE.get_or_init(|| {
        let (queue, requests) = channel::<Request>();
        thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            for (mut command, answer) in requests {
                // An asker that is gone leaves a child that nobody holds: it dies with this process.
                let _ = answer.send(command.spawn());
            }
        })?;
        Ok(queue)
    });
    queue.as_ref().map_err(|error| io::Error::new(error.kind(), error.to_string()))
}

fn gone() -> io::Error {
    io::Error::other("the thread that starts processes is gone")
}
