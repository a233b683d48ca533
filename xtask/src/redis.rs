//! A private Redis: a cache of our own on a free port, empty whenever it starts.

use anyhow::Result;

use crate::log::Log;
use crate::part::Part;
use crate::probe::Probe;
use crate::process::Launch;
use crate::stack::Scratch;
use crate::{install, port};

/// A `redis-server` process on 127.0.0.1.
#[derive(Debug)]
pub struct Redis {
    /// The process.
    pub part: Part,
    port: u16,
    /// Where its log is, when nobody wants to keep that.
    _scratch: Option<Scratch>,
}

impl Redis {
    /// A running Redis for a test that needs no more than that; installed first, where it is missing.
    ///
    /// # Errors
    /// When it is missing and cannot be installed, or does not start.
    pub fn temporary() -> Result<Self> {
        install::redis()?;
        let scratch = Scratch::new()?;
        let mut redis = Self::new(Log::create(scratch.path().join("redis.log"))?)?;
        redis._scratch = Some(scratch);
        redis.part.start()?;
        Ok(redis)
    }

    /// A Redis on a free port, not yet started. Its program must be installed: [`crate::install::redis`].
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(log: Log) -> Result<Self> {
        let port = port::free()?;
        let launch = Launch::new("redis-server").args(["--bind", "127.0.0.1", "--port", &port.to_string()]).args([
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
        let launch = launch.folder(std::env::temp_dir());
        let part = Part::new("redis", launch, Probe::Redis(url(port)), log);
        Ok(Self { part, port, _scratch: None })
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
    use super::*;

    #[test]
    fn it_answers_on_the_same_port_after_a_crash() -> Result<()> {
        if !install::on_path("redis-server") {
            return Ok(());
        }
        let mut redis = Redis::temporary()?;
        redis.part.kill()?;
        assert!(Probe::Redis(redis.url()).ask().is_err());
        redis.part.start()?;
        Probe::Redis(redis.url()).ask()
    }
}
