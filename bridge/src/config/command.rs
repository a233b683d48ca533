//! What the program does beside serving: small things that an operator needs at hand.

use std::io::{BufRead as _, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use clap::Subcommand;

use crate::auth::keys::KeyHash;
use crate::auth::{new_key, passwords};

/// Something else than serving.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Make a new API key: prints the key for the client, and its hash for the access file
    NewKey,
    /// Print the hash of an API key that you have; the key is read from standard input
    HashKey,
    /// Print the hash of a user's password for the access file; the password is read from standard input
    HashPassword,
    /// Ask a running server whether it is ready; the exit code is 0 when it is. For health checks in containers
    Health {
        /// Where the server listens
        #[arg(default_value = "127.0.0.1:4000")]
        address: SocketAddr,
        /// What to ask: `/health/ready`, or `/health/live`
        #[arg(default_value = "/health/ready")]
        path: String,
    },
}

impl Command {
    /// Does it; the text is for stdout.
    ///
    /// # Errors
    /// A sentence that says why it cannot be done.
    pub fn run(&self) -> Result<String, String> {
        match self {
            Command::NewKey => {
                let key = new_key()?;
                Ok(format!("key:  {key}\nhash: {}", KeyHash::of(key.as_bytes()).spelled()))
            }
            Command::HashKey => Ok(KeyHash::of(line()?.as_bytes()).spelled()),
            Command::HashPassword => passwords::hash(line()?.as_bytes()),
            Command::Health { address, path } => health(*address, path),
        }
    }
}

fn line() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("cannot read it: {error}"))?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() { Err("nothing was given on standard input".to_owned()) } else { Ok(line.to_owned()) }
}

/// By hand, because it is one request over plain HTTP, and an image that has a shell or `curl` for it is a larger one.
fn health(address: SocketAddr, path: &str) -> Result<String, String> {
    const LIMIT: Duration = Duration::from_secs(10);
    let ask = || {
        let mut connection = TcpStream::connect_timeout(&address, LIMIT)?;
        connection.set_read_timeout(Some(LIMIT))?;
        write!(connection, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        connection.take(64 * 1024).read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().map_err(|error: std::io::Error| format!("{address} does not answer: {error}"))?;
    let status = answer.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") { Ok(status.to_owned()) } else { Err(format!("not ready: {status}")) }
}
