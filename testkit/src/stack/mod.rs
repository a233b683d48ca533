//! The whole system, running: Redis, MongoDB, the bridge and the component's host.
//!
//! A test gives it variables and takes it apart: `Stack::start(StackConfig::default().variable("cache_ttl_seconds", "2"))`,
//! then `stack.redis()?.kill()` is a crash, and `stack.redis()?.start()` the same Redis again, empty, on the same port.

mod config;
mod readiness;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::thread;

use anyhow::{Context, Result};
use tempfile::TempDir;

pub use config::StackConfig;

use crate::address::Address;
use crate::install::{self, python};
use crate::log::Log;
use crate::progress::{Progress, side_by_side, status};
use crate::runtime::Runtime;
use crate::service::{Service, UnexpectedExit};
use crate::services::data_api::DataApi;
use crate::services::host::{HostOptions, base_url, host_of};
use crate::services::mongodb::MongoDb;
use crate::services::redis::Redis;
use crate::{port, programs, project};

/// The steps that [`Stack::start`] takes beside those of [`programs::build`], by their names in the progress.
const INSTALL_REDIS: &str = "install Redis";
const INSTALL_MONGODB: &str = "install the MongoDB server";
const READY: &str = "wait until the store is ready";

/// The running system. Dropping it stops what it started.
#[derive(Debug)]
pub struct Stack {
    redis: Option<Redis>,
    mongodb: Option<MongoDb>,
    data_api: Option<DataApi>,
    host: Service,
    base_url: String,
    redis_url: String,
    mongodb_uri: Option<String>,
    data_api_url: String,
    verbose: bool,
    /// Where data and logs are that nobody wants to keep.
    temporary: Option<TempDir>,
}

impl Stack {
    /// Builds and installs what is missing, starts every service that is not given, and waits until the store says that
    /// it is ready.
    ///
    /// # Errors
    /// When a service does not start, or the store does not become ready; by then everything is stopped again.
    pub fn start(config: StackConfig) -> Result<Self> {
        let runtime = config.runtime.map_or_else(Runtime::from_environment, Ok)?;
        runtime.check()?;
        let progress = if config.verbose { Progress::new(steps(&config)) } else { Progress::quiet() };
        // The compiler leaves time to those who wait for the network.
        side_by_side(|| install_servers(&config, &progress), || programs::build(runtime, &progress))?;
        let mut stack = Self::assemble(config, runtime)?;
        stack.start_services(&progress)?;
        progress.step(READY, || stack.wait_until_ready())?;
        Ok(stack)
    }

    /// Gives every service its port and its neighbours' addresses.
    fn assemble(config: StackConfig, runtime: Runtime) -> Result<Self> {
        let temporary = match (&config.data_dir, &config.log_dir) {
            (Some(_), Some(_)) => None,
            _ => Some(project::temporary_folder()?),
        };
        let folder = |given: &Option<PathBuf>, name: &str| match (given, &temporary) {
            (Some(folder), _) => Ok(folder.clone()),
            (None, Some(temporary)) => Ok(temporary.path().join(name)),
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
                let program = config.data_api_program.clone().unwrap_or_else(project::data_api);
                let mut data_api = DataApi::new(&program, uri, &key, &data_source, log("data-api")?)?;
                data_api.service = data_api.service.echo(config.verbose);
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
            runtime,
            listen,
            runtime_config: config.runtime_config.as_deref(),
            variables: &variables,
            arguments: &config.host_arguments,
        };
        let program = config.store_host_program.clone().unwrap_or_else(project::store_host);
        let host =
            host_of("store-api", &program, &project::manifest(), &options, log("store-api")?).echo(config.verbose);
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
            temporary,
        })
    }

    /// In this order: nothing is started before what it needs answers. Redis and MongoDB need nothing, and start
    /// side by side.
    fn start_services(&mut self, progress: &Progress) -> Result<()> {
        let step = |service: &mut Service, start: fn(&mut Service) -> Result<()>| {
            progress.step(&starting(service.name()), || start(service))
        };
        let mut servers: Vec<&mut Service> = Vec::new();
        servers.extend(self.redis.as_mut().map(|redis| &mut redis.service));
        servers.extend(self.mongodb.as_mut().map(|mongodb| &mut mongodb.service));
        for service in &mut servers {
            service.spawn()?;
        }
        for service in servers {
            step(service, Service::wait)?;
        }
        if let Some(data_api) = &mut self.data_api {
            step(&mut data_api.service, Service::start)?;
        }
        step(&mut self.host, Service::start)
    }

    /// Waits until `/health/ready` is 200.
    ///
    /// # Errors
    /// What was not ready after half a minute; or which service died.
    pub fn wait_until_ready(&mut self) -> Result<()> {
        let url = format!("{}/health/ready", self.base_url);
        readiness::wait(&url, || match self.unexpected_exit()? {
            Some(unexpected_exit) => Err(unexpected_exit.into()),
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
    pub fn redis(&mut self) -> Result<&mut Service> {
        self.redis.as_mut().map(|redis| &mut redis.service).context("this Redis was given, not started here")
    }

    /// The private MongoDB, to stop, kill, pause or restart.
    ///
    /// # Errors
    /// When it, or the Data API, was given.
    pub fn mongodb(&mut self) -> Result<&mut Service> {
        self.mongodb.as_mut().map(|mongodb| &mut mongodb.service).context("this MongoDB was given, not started here")
    }

    /// The bridge, to stop, kill, pause or restart.
    ///
    /// # Errors
    /// When a Data API was given.
    pub fn data_api(&mut self) -> Result<&mut Service> {
        self.data_api.as_mut().map(|bridge| &mut bridge.service).context("this Data API was given, not started here")
    }

    /// The component's host, to stop, kill, pause or restart.
    pub fn host(&mut self) -> &mut Service {
        &mut self.host
    }

    /// The first service found that ended by itself.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn unexpected_exit(&mut self) -> Result<Option<UnexpectedExit>> {
        for service in self.services() {
            if let Some(unexpected_exit) = service.unexpected_exit()? {
                return Ok(Some(unexpected_exit));
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
        for service in self.services().into_iter().rev().filter(|service| service.id().is_some()) {
            if verbose {
                status("Stopping", service.name());
            }
            outcome = outcome.and(service.stop());
        }
        outcome
    }

    /// In the order of their start.
    fn services(&mut self) -> Vec<&mut Service> {
        let mut services: Vec<&mut Service> = Vec::new();
        services.extend(self.redis.as_mut().map(|redis| &mut redis.service));
        services.extend(self.mongodb.as_mut().map(|mongodb| &mut mongodb.service));
        services.extend(self.data_api.as_mut().map(|data_api| &mut data_api.service));
        services.push(&mut self.host);
        services
    }

    /// The logs' ends, for a test that failed: its stack is gone before anybody can look.
    fn show_logs(&mut self) {
        for service in self.services() {
            let tail = service.log().tail(20);
            if !tail.is_empty() {
                eprintln!("--- {}: the end of its log\n{tail}", service.name());
            }
        }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if self.temporary.is_none() {
            // Whoever wants to know has called `stop`; what is left is killed as the services are dropped.
            let _ = self.stop();
        } else if thread::panicking() {
            self.show_logs();
        }
        // With nothing to keep there is nothing to wait for: the services are killed.
    }
}

/// What is to be done, in about the order in which it will be.
fn steps(config: &StackConfig) -> Vec<String> {
    let private_redis = config.redis_url.is_none();
    let bridge = config.data_api_url.is_none();
    let private_mongodb = bridge && config.mongodb_uri.is_none();
    let step = |needed: bool, name: &str| needed.then(|| name.to_owned());
    let start = |needed: bool, name: &str| needed.then(|| starting(name));
    let installs = [step(private_redis, INSTALL_REDIS), step(private_mongodb, INSTALL_MONGODB)];
    let builds = programs::STEPS.map(|name| step(true, name));
    let starts = [("redis", private_redis), ("mongodb", private_mongodb), ("data-api", bridge), ("store-api", true)];
    let starts = starts.map(|(name, needed)| start(needed, name));
    installs.into_iter().chain(builds).chain(starts).chain([step(true, READY)]).flatten().collect()
}

fn starting(service: &str) -> String {
    format!("start {service}")
}

/// One after the other: either may call apt, which locks.
fn install_servers(config: &StackConfig, progress: &Progress) -> Result<()> {
    if config.redis_url.is_none() {
        progress.step(INSTALL_REDIS, install::redis)?;
    }
    if config.mongodb_uri.is_none() && config.data_api_url.is_none() {
        progress.step(INSTALL_MONGODB, python::secantus)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_neither_installed_nor_started() {
        assert_eq!(steps(&StackConfig::default()).len(), 9);
        let given = Some(String::new());
        let config = StackConfig { redis_url: given.clone(), data_api_url: given, ..StackConfig::default() };
        let left = ["build the component", "build the bridge and the host", "start store-api", READY];
        assert_eq!(steps(&config), left);
    }
}
