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
        install::redis()?;
        let folder = project::temporary_folder()?;
        let mut redis = Self::new(Log::create(folder.path().join("redis.log"))?)?;
        redis._folder = Some(folder);
        redis.service.start()?;
        Ok(redis)
    }

    /// A Redis on a free port, not yet started. Its program must be installed: [`crate::install::redis`].
    ///
    /// # Errors
    /// When there is no free port.
    pub fn new(log: Log) -> Result<Self> {
        let port = port::free()?;
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
        let spec = spec.folder(std::env::temp_dir());
        let service = Service::new("redis", spec, Probe::Redis(url(port)), log);
        Ok(Self { service, port, _folder: None })
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
        redis.service.kill()?;
        assert!(Probe::Redis(redis.url()).ask().is_err());
        redis.service.start()?;
        Probe::Redis(redis.url()).ask()
    }
}
