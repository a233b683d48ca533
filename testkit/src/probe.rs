//! Whether a server answers.

use std::io::{Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};

use crate::address::{Address, masked};
use crate::client::agent;

/// How long one attempt may take.
const LIMIT: Duration = Duration::from_secs(3);

/// How a server is asked whether it is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Probe {
    /// It accepts a connection. Also for what is encrypted, or speaks a protocol that is not spoken here.
    Tcp(String),
    /// It answers `PING`, be it with an error: asking for a password is an answer.
    Redis(String),
    /// It answers a `GET`, whatever it answers.
    Http(String),
}

impl Probe {
    /// Asks once.
    ///
    /// # Errors
    /// Why there was no answer. A password in the URL does not show.
    pub fn ask(&self) -> Result<()> {
        match self {
            Self::Tcp(url) => connect(url).map(drop),
            Self::Redis(url) => ping(connect(url)?),
            Self::Http(url) => get(url).map(drop),
        }
    }
}

/// A server that somebody gave us by its URL: an error, in one sentence, where it does not answer.
///
/// # Errors
/// When it does not answer, or the URL is none.
pub fn check_given(name: &str, schemes: &[&str], url: &str) -> Result<()> {
    let scheme = Address::parse(url).map(|address| address.scheme());
    if !scheme.is_some_and(|scheme| schemes.contains(&scheme)) {
        bail!("{name}: {} is no URL that starts with {}://", masked(url), schemes.join(":// or "));
    }
    let probe = match scheme {
        Some("redis") => Probe::Redis(url.to_owned()),
        // Its hosts stand in the DNS; the bridge asks.
        Some("mongodb+srv") => return Ok(()),
        _ => Probe::Tcp(url.to_owned()),
    };
    probe.ask().map_err(|error| anyhow!("{name} does not answer at {}: {error:#}", masked(url)))
}

/// One `GET`: status and body.
///
/// # Errors
/// When there is no answer, or none of HTTP.
pub fn get(url: &str) -> Result<(u16, String)> {
    let mut response = agent(Some(LIMIT)).get(url).call()?;
    let body = response.body_mut().read_to_string()?;
    Ok((response.status().as_u16(), body))
}

fn connect(url: &str) -> Result<TcpStream> {
    let (host, port) =
        Address::parse(url).and_then(|address| address.host_and_port()).context("the URL names no host and port")?;
    let mut failure = anyhow!("the name {host} has no address");
    for address in (host, port).to_socket_addrs().with_context(|| format!("the name {host} is unknown"))? {
        match TcpStream::connect_timeout(&address, LIMIT) {
            Ok(stream) => return Ok(stream),
            Err(error) => failure = error.into(),
        }
    }
    Err(failure)
}

fn ping(mut stream: TcpStream) -> Result<()> {
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(b"PING\r\n")?;
    let mut first = [0];
    stream.read_exact(&mut first)?;
    match first {
        [b'+' | b'-'] => Ok(()),
        _ => bail!("what answers there is not Redis"),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn nobody_there_is_one_sentence_without_the_password() -> Result<()> {
        let port = crate::port::free()?;
        let error = check_given("Redis", &["redis"], &format!("redis://:secret@127.0.0.1:{port}"))
            .map_err(|error| error.to_string());
        let text = error.err().context("an answer from nobody")?;
        assert!(text.starts_with(&format!("Redis does not answer at redis://:***@127.0.0.1:{port}: ")), "{text}");
        Ok(())
    }

    #[test]
    fn the_wrong_kind_of_url() {
        for url in ["127.0.0.1:6379", "http://127.0.0.1"] {
            assert!(check_given("Redis", &["redis", "rediss"], url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_is_not_redis_is_told_apart() -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let probe = Probe::Redis(format!("redis://{}", listener.local_addr()?));
        let server = std::thread::spawn(move || -> Result<()> {
            listener.accept()?.0.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")?;
            Ok(())
        });
        assert!(probe.ask().is_err_and(|error| error.to_string().contains("not Redis")));
        server.join().map_err(|_| anyhow!("the server panicked"))?
    }
}
