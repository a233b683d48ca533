//! The whole system, running: Redis, MongoDB, the bridge and the component's host.
//!
//! A test gives it variables and takes it apart: `Stack::start(StackConfig::default().variable("cache_ttl_seconds", "2"))`,
//! then `stack.redis()?.kill()` is a crash, and `stack.redis()?.start()` the same Redis again, empty, on the same port.

mod config;
mod readiness;
mod scratch;

use std::net::{Ipv4Addr, SocketAddr};
use std::thread;

use anyhow::{Context, Result};

pub use config::StackConfig;

use crate::address::Address;
use crate::data_api::DataApi;
use crate::host::{HostOptions, base_url, host};
use crate::install::{self, python};
use crate::log::Log;
use crate::mongodb::MongoDb;
use crate::part::{Death, Part};
use crate::progress::status;
use crate::redis::Redis;
use crate::{port, programs};
pub use scratch::Scratch;

/// The running system. Dropping it stops what it started.
#[derive(Debug)]
pub struct Stack {
    redis: Option<Redis>,
    mongodb: Option<MongoDb>,
    data_api: Option<DataApi>,
    host: Part,
    base_url: String,
    redis_url: String,
    mongodb_uri: Option<String>,
    data_api_url: String,
    verbose: bool,
    /// Where data and logs are that nobody wants to keep.
    scratch: Option<Scratch>,
}

impl Stack {
    /// Builds and installs what is missing, starts every part that is not given, and waits until the store says that
    /// it is ready.
    ///
    /// # Errors
    /// When a part does not start, or the store does not become ready; by then everything is stopped again.
    pub fn start(config: StackConfig) -> Result<Self> {
        install_servers(&config)?;
        programs::build(config.runtime)?;
        let mut stack = Self::assemble(config)?;
        stack.start_parts()?;
        stack.wait_until_ready()?;
        Ok(stack)
    }

    /// Gives every part its port and its neighbours' addresses.
    fn assemble(config: StackConfig) -> Result<Self> {
        let scratch = match (&config.data_dir, &config.log_dir) {
            (Some(_), Some(_)) => None,
            _ => Some(Scratch::new()?),
        };
        let folder = |given: &Option<std::path::PathBuf>, name: &str| match (given, &scratch) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(scratch)) => Ok(scratch.path().join(name)),
            (None, None) => std::env::current_dir().context("no current folder"),
        };
        let log_dir = folder(&config.log_dir, "log")?;
        let log = |name: &str| Log::create(log_dir.join(format!("{name}.log")));

        let (redis, redis_url) = match &config.redis_url {
            Some(url) => (None, url.clone()),
            None => {
                let redis = Redis::new(log("redis")?)?;
                let url = redis.url();
                (Some(redis), url)
            }
        };
        let (mongodb, mongodb_uri) = match (&config.data_api_url, &config.mongodb_uri) {
            (Some(_), _) => (None, None),
            (None, Some(uri)) => (None, Some(uri.clone())),
            (None, None) => {
                let mongodb = MongoDb::new(&folder(&config.data_dir, "data")?, log("mongodb")?)?;
                let uri = mongodb.uri();
                (Some(mongodb), Some(uri))
            }
        };
        let (data_api, data_api_url) = match (&config.data_api_url, &mongodb_uri) {
            (Some(url), _) => (None, url.clone()),
            (None, uri) => {
                let uri = uri.as_deref().unwrap_or_default();
                // The defaults are the manifest's.
                let key = config.effective("data_api_key", "local-dev-key");
                let data_source = config.effective("data_source", "mongodb-atlas");
                let mut data_api = DataApi::new(uri, &key, &data_source, log("data-api")?)?;
                data_api.part = data_api.part.echo(config.verbose);
                let url = data_api.url();
                (Some(data_api), url)
            }
        };
        let listen = match config.listen {
            Some(address) if address.port() > 0 => address,
            Some(address) => SocketAddr::new(address.ip(), port::free()?),
            None => SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?)),
        };
        let mut variables = config.variables.clone();
        for (name, url) in [("redis", &redis_url), ("data_api", &data_api_url)] {
            variables.push((format!("{name}_url"), url.clone()));
            // What the component may connect to; its manifest allows this machine alone.
            let origin = Address::parse(url).and_then(|address| address.origin());
            variables.extend(origin.map(|origin| (format!("{name}_origin"), origin)));
        }
        let options = HostOptions {
            runtime: config.runtime,
            listen,
            runtime_config: config.runtime_config.as_deref(),
            variables: &variables,
            arguments: &config.host_arguments,
        };
        let host = host(&options, log("store-api")?).echo(config.verbose);
        Ok(Self {
            redis,
            mongodb,
            data_api,
            host,
            base_url: base_url(listen),
            redis_url,
            mongodb_uri,
            data_api_url,
            verbose: config.verbose,
            scratch,
        })
    }

    /// In this order: nothing is started before what it needs answers. Redis and MongoDB need nothing, and start
    /// side by side.
    fn start_parts(&mut self) -> Result<()> {
        let verbose = self.verbose;
        let say = |part: &Part| {
            if verbose {
                status("Starting", part.name());
            }
        };
        let mut servers: Vec<&mut Part> = Vec::new();
        servers.extend(self.redis.as_mut().map(|redis| &mut redis.part));
        servers.extend(self.mongodb.as_mut().map(|mongodb| &mut mongodb.part));
        for part in &mut servers {
            say(part);
            part.spawn()?;
        }
        for part in servers {
            part.wait()?;
        }
        if let Some(data_api) = &mut self.data_api {
            say(&data_api.part);
            data_api.part.start()?;
        }
        say(&self.host);
        self.host.start()
    }

    /// Waits until `/health/ready` is 200.
    ///
    /// # Errors
    /// What was not ready after half a minute; or which part died.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let url = format!("{}/health/ready", self.base_url);
        readiness::wait(&url, || match self.death()? {
            Some(death) => Err(death.into()),
            None => Ok(()),
        })
    }

    /// The store's own URL, without a slash at its end: `http://127.0.0.1:PORT`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The URL of its Redis.
    pub fn redis_url(&self) -> &str {
        &self.redis_url
    }

    /// The URI of the MongoDB behind it; `None` when a Data API was given, which alone knows.
    pub fn mongodb_uri(&self) -> Option<&str> {
        self.mongodb_uri.as_deref()
    }

    /// The base URL of its Data API.
    pub fn data_api_url(&self) -> &str {
        &self.data_api_url
    }

    /// The private Redis, to stop, kill, pause or restart.
    ///
    /// # Errors
    /// When Redis was given.
    pub fn redis(&mut self) -> Result<&mut Part> {
        self.redis.as_mut().map(|redis| &mut redis.part).context("this Redis was given, not started here")
    }

    /// The private MongoDB, to stop, kill, pause or restart.
    ///
    /// # Errors
    /// When it, or the Data API, was given.
    pub fn mongodb(&mut self) -> Result<&mut Part> {
        self.mongodb.as_mut().map(|mongodb| &mut mongodb.part).context("this MongoDB was given, not started here")
    }

    /// The bridge, to stop, kill, pause or restart.
    ///
    /// # Errors
    /// When a Data API was given.
    pub fn data_api(&mut self) -> Result<&mut Part> {
        self.data_api.as_mut().map(|bridge| &mut bridge.part).context("this Data API was given, not started here")
    }

    /// The component's host, to stop, kill, pause or restart.
    pub fn host(&mut self) -> &mut Part {
        &mut self.host
    }

    /// The first part found that ended by itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn death(&mut self) -> Result<Option<Death>> {
        for part in self.parts() {
            if let Some(death) = part.death()? {
                return Ok(Some(death));
            }
        }
        Ok(None)
    }

    /// Stops everything in an orderly way, in the reverse order of its start.
    ///
    /// # Errors
    /// What could not be stopped; the others are.
    pub fn stop(&mut self) -> Result<()> {
        let verbose = self.verbose;
        let mut outcome = Ok(());
        for part in self.parts().into_iter().rev().filter(|part| part.id().is_some()) {
            if verbose {
                status("Stopping", part.name());
            }
            outcome = outcome.and(part.stop());
        }
        outcome
    }

    /// In the order of their start.
    fn parts(&mut self) -> Vec<&mut Part> {
        let mut parts: Vec<&mut Part> = Vec::new();
        parts.extend(self.redis.as_mut().map(|redis| &mut redis.part));
        parts.extend(self.mongodb.as_mut().map(|mongodb| &mut mongodb.part));
        parts.extend(self.data_api.as_mut().map(|data_api| &mut data_api.part));
        parts.push(&mut self.host);
        parts
    }

    /// The logs' ends, for a test that failed: its stack is gone before anybody can look.
    fn show_logs(&mut self) {
        for part in self.parts() {
            let tail = part.log().tail(20);
            if !tail.is_empty() {
                eprintln!("--- {}: the end of its log\n{tail}", part.name());
            }
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.scratch.is_none() {
            // Whoever wants to know has called `stop`; what is left is killed as the parts are dropped.
            let _ = self.stop();
        } else if thread::panicking() {
            self.show_logs();
        }
        // With nothing to keep there is nothing to wait for: the parts are killed.
    }
}

fn install_servers(config: &StackConfig) -> Result<()> {
    if config.redis_url.is_none() {
        install::redis()?;
    }
    if config.mongodb_uri.is_none() && config.data_api_url.is_none() {
        python::secantus()?;
    }
    Ok(())
}
