//! A private Redis: a cache of our own on a free port, empty whenever it starts.

use anyhow::Result;
use tempfile::TempDir;

use crate::log::Log;
use crate::probe::Probe;
use crate::process::CommandSpec;
use crate::service::Service;
use crate::{install, port, project};

/// A `redis-server` process on 127.0.0.1.
#[derive(Debug)]
pub struct Redis {
    /// The process.
    pub service: Service,
    port: u16,
    /// Where its log is, when nobody wants to keep that.
    _folder: Option<TempDir>,
}

impl Redis {
    /// A running Redis for a test that needs no more than that; installed first, where it is missing.
    ///
    /// # Errors
    /// When it is missing and cannot be installed, or does not start.
    pub fn temporary() -> Result<Self> {
        Self::temporary_on(port::free()?, &[])
    }

    /// As [`Redis::temporary`], on this port, with these arguments beside the usual ones, such as `--requirepass`.
    ///
    /// # Errors
    /// As [`Redis::temporary`]; and when the port is taken.
    pub fn temporary_on(port: u16, arguments: &[&str]) -> Result<Self> {
        install::redis()?;
        let folder = project::temporary_folder()?;
        let mut redis = Self::on(port, arguments, Log::create(folder.path().join("redis.log"))?);
        redis._folder = Some(folder);
        redis.service.start()?;
        Ok(redis)
    }

    /// A Redis on a free port, not yet started. Its program must be installed: [`crate::install::redis`].
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(log: Log) -> Result<Self> {
        Ok(Self::on(port::free()?, &[], log))
    }

    fn on(port: u16, arguments: &[&str], log: Log) -> Self {
        let spec = CommandSpec::new("redis-server").args(["--bind", "127.0.0.1", "--port", &port.to_string()]).args([
            // A cache: nothing of it is worth keeping, and a restart is to find it empty.
            "--save",
            "",
            "--appendonly",
            "no",
            // As Compose's: a full cache drops what was not used for long.
            "--maxmemory",
            "256mb",
            "--maxmemory-policy",
            "allkeys-lru",
        ]);
        // Of an argument that is given twice the last one counts.
        let spec = spec.args(arguments).folder(std::env::temp_dir());
        // One that speaks TLS does not answer a plain PING.
        let probe = if arguments.is_empty() { Probe::Redis(url(port)) } else { Probe::Tcp(url(port)) };
        Self { service: Service::new("redis", spec, probe, log), port, _folder: None }
    }

    /// `redis://127.0.0.1:PORT`
    pub fn url(&self) -> String {
        url(self.port)
    }
}

fn url(port: u16) -> String {
    format!("redis://127.0.0.1:{port}")
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};

    use super::*;

    #[test]
    fn it_answers_on_the_same_port_after_a_crash() -> Result<()> {
        let mut redis = Redis::temporary()?;
        redis.service.kill()?;
        assert!(Probe::Redis(redis.url()).ask().is_err());
        redis.service.start()?;
        Probe::Redis(redis.url()).ask()
    }

    #[test]
    fn its_port_and_its_arguments_are_the_callers() -> Result<()> {
        let port = port::free()?;
        let redis = Redis::temporary_on(port, &["--requirepass", "secret"])?;
        assert_eq!(redis.url(), format!("redis://127.0.0.1:{port}"));
        let mut connection = std::net::TcpStream::connect(("127.0.0.1", port))?;
        connection.write_all(b"GET key\r\n")?;
        let mut answer = [0; 7];
        connection.read_exact(&mut answer)?;
        assert_eq!(&answer, b"-NOAUTH");
        Ok(())
    }
}
