//! What the program does beside serving.

use std::io::BufRead as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::auth::keys::KeyHash;
use crate::auth::{new_key, passwords};
use crate::config::Command;

/// How long the server may take to say whether it is ready.
const HEALTH_TIMEOUT: Duration = Duration::from_secs(10);

/// Runs a command; the text is for stdout.
///
/// # Errors
/// A sentence that says why it cannot be done.
pub fn run(command: &Command) -> Result<String, String> {
    match command {
        Command::NewKey => {
            let key = new_key()?;
            Ok(format!("key:  {key}\nhash: {}", KeyHash::of(key.as_bytes())))
        }
        Command::HashKey => Ok(KeyHash::of(line()?.as_bytes()).to_string()),
        Command::HashPassword => passwords::hash(line()?.as_bytes()),
        Command::Health { address, path } => health(*address, path),
    }
}

fn line() -> Result<String, String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).map_err(|error| format!("cannot read it: {error}"))?;
    let line = line.trim_end_matches(['\n', '\r']);
    if line.is_empty() { Err("nothing was given on standard input".to_owned()) } else { Ok(line.to_owned()) }
}

/// By the program itself: an image that has a shell or `curl` for it is a larger one.
fn health(address: SocketAddr, path: &str) -> Result<String, String> {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(HEALTH_TIMEOUT))
        .http_status_as_error(false)
        .proxy(None)
        .build();
    let answer = ureq::Agent::new_with_config(config).get(format!("http://{address}{path}")).call();
    let status = answer.map_err(|error| format!("{address} does not answer: {error}"))?.status();
    if status.as_u16() == 200 { Ok(status.to_string()) } else { Err(format!("not ready: {status}")) }
}
