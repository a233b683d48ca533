//! Who takes part: the store in its host, the runtime alone, and two servers that do the same in another way.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;
use testkit::address::Address;
use testkit::cargo::cargo;
use testkit::log::Log;
use testkit::probe::Probe;
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::runtime::Runtime;
use testkit::service::Service;
use testkit::services::host::{HostOptions, base_url, host_of};
use testkit::stack::{Stack, StackConfig};
use testkit::{command, install, port, project};

use crate::{bridge, interleaved, optimized};

/// A server that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// The component in its runtime.
    Store,
    /// A component that answers the same bytes and asks nobody, in the same runtime.
    Bare,
    /// The same component, asking Redis once, with a time limit.
    OneCall,
    /// Fastify and ioredis on Node.
    Node,
    /// axum and redis-rs.
    Native,
}

impl Peer {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Store, Self::Bare, Self::OneCall, Self::Node, Self::Native];

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Store => "store-api",
            Self::Bare => "without Redis",
            Self::OneCall => "one call to Redis",
            Self::Node => "Fastify + ioredis",
            Self::Native => "axum + redis-rs",
        }
    }
}

/// Everything that runs while something is measured.
#[derive(Debug)]
pub struct Peers {
    /// Redis, MongoDB and the bridge; and the store as `up` has it, which idles.
    pub stack: Stack,
    runtime: Runtime,
    store_host: PathBuf,
    servers: Vec<(Peer, Service, String)>,
    logs: TempDir,
}

/// Builds all of them as they would be shipped. The path of store-host.
///
/// # Errors
/// When something does not compile, and where npm is missing.
pub fn build(runtime: Runtime) -> Result<PathBuf> {
    let store_host = build_hosts(runtime)?;
    status("Building", "the native and the Node server");
    command::run(&cargo_of_peers().args(["--release", "--package", "bench-native"]))?;
    build_node()?;
    Ok(store_host)
}

/// Builds what runs components, the bridge, and the component that asks nobody. The path of store-host: `up` and the tests use
/// one that compiles in a fraction of the time.
///
/// # Errors
/// When something does not compile.
pub fn build_hosts(runtime: Runtime) -> Result<PathBuf> {
    install::wasm_target()?;
    let store_host = match runtime {
        Runtime::Host | Runtime::Tuned => optimized::build()?,
        // Not used.
        Runtime::Spin => project::store_host(),
    };
    status("Building", "the bridge as it is shipped");
    bridge::build()?;
    let bare = ["--release", "--target", "wasm32-wasip2", "--package", "bench-bare"];
    command::run(&cargo_of_peers().args(bare))?;
    Ok(store_host)
}

fn cargo_of_peers() -> CommandSpec {
    let manifest = folder().join("Cargo.toml");
    cargo().env("CARGO_TARGET_DIR", target()).args(["build", "--locked", "--manifest-path"]).arg(manifest)
}

/// Installs what the lock file names, beside a copy of the server: Node looks for modules in the server's own folder.
fn build_node() -> Result<()> {
    ensure!(install::on_path("npm"), "npm is missing: install Node 20 or later (https://nodejs.org)");
    let node = target().join("node");
    fs::create_dir_all(&node)?;
    for file in ["package.json", "package-lock.json", "server.js"] {
        let from = folder().join("node").join(file);
        fs::copy(&from, node.join(file)).with_context(|| format!("cannot copy {}", from.display()))?;
    }
    let install = CommandSpec::new("npm").folder(&node).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]);
    command::run(&install)
}

fn folder() -> PathBuf {
    project::root().join("bench")
}

fn bare_manifest() -> PathBuf {
    folder().join("bare/spin.toml")
}

fn target() -> PathBuf {
    project::target().join("bench")
}

impl Peers {
    /// Starts what the store needs, with seed data, and no peers.
    ///
    /// # Errors
    /// When a service does not start.
    pub fn backends(runtime: Runtime, store_host: PathBuf, mongodb_uri: Option<&str>) -> Result<Self> {
        let mongodb_uri = mongodb_uri.map(str::to_owned);
        let data_api_program = Some(bridge::program());
        let config = StackConfig { runtime: Some(runtime), mongodb_uri, data_api_program, ..StackConfig::default() };
        let stack = Stack::start(config.variable("access", "open"))?;
        let answer = interleaved::client().post(format!("{}/api/initDB/games", stack.base_url())).send_empty()?;
        ensure!(answer.status() == 200, "the seed data: {}", answer.status());
        Ok(Self { stack, runtime, store_host, servers: Vec::new(), logs: project::temporary_folder()? })
    }

    /// Starts them all.
    ///
    /// # Errors
    /// When one does not start.
    pub fn start(runtime: Runtime, store_host: PathBuf, mongodb_uri: Option<&str>) -> Result<Self> {
        let mut peers = Self::backends(runtime, store_host, mongodb_uri)?;
        let store = peers.store(&[], &[])?;
        peers.servers.push((Peer::Store, store.0, store.1));
        for peer in [Peer::Bare, Peer::OneCall, Peer::Node, Peer::Native] {
            let (service, url) = peers.peer(peer)?;
            peers.servers.push((peer, service, url));
        }
        for (_, service, _) in &mut peers.servers {
            status("Starting", service.name());
            service.start()?;
        }
        Ok(peers)
    }

    /// Another host of the store, not yet started, and its URL.
    ///
    /// # Errors
    /// When there is no free port.
    pub fn store(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Result<(Service, String)> {
        self.host("store-api", &project::manifest(), &self.variables(variables), arguments)
    }

    /// What tells the bare component of the Redis.
    fn redis_variable(&self) -> [(String, String); 1] {
        [("redis_url".to_owned(), self.stack.redis_url().to_owned())]
    }

    /// The variables of every host of the store, and these.
    fn variables(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        let origin = |url: &str| Address::parse(url).and_then(|address| address.origin()).unwrap_or_default();
        let (redis, data_api) = (self.stack.redis_url(), self.stack.data_api_url());
        let all = [
            ("redis_url", redis),
            ("redis_origin", "redis://127.0.0.1:*"),
            ("data_api_url", data_api),
            ("data_api_origin", &origin(data_api)),
            ("access", "open"),
            // Nothing expires while it is measured.
            ("cache_ttl_seconds", "36000"),
        ];
        all.iter().chain(more).map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn peer(&self, peer: Peer) -> Result<(Service, String)> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        let redis = self.stack.redis_url();
        let (name, spec) = match peer {
            Peer::Store => return self.store(&[], &[]),
            Peer::Bare => return self.host("bare", &bare_manifest(), &[], &[]),
            Peer::OneCall => return self.host("one-call", &bare_manifest(), &self.redis_variable(), &[]),
            Peer::Node => {
                let spec = CommandSpec::new("node").env("NODE_ENV", "production").arg(target().join("node/server.js"));
                ("node", spec.args([&address.port().to_string(), redis]))
            }
            Peer::Native => {
                let spec = CommandSpec::new(target().join("release/bench-native"));
                ("native", spec.args([&address.to_string(), redis]))
            }
        };
        let url = base_url(address);
        let probe = Probe::Http(format!("{url}/health/live"));
        Ok((Service::new(name, spec, probe, self.log(name)?), url))
    }

    fn host(
        &self,
        name: &'static str,
        manifest: &Path,
        variables: &[(String, String)],
        arguments: &[&str],
    ) -> Result<(Service, String)> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        let runtime = self.runtime;
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        let options = HostOptions { runtime, listen, runtime_config: None, variables, arguments: &arguments };
        Ok((host_of(name, &self.store_host, manifest, &options, self.log(name)?), base_url(listen)))
    }

    /// The host of one of our components under callgrind; its URL, and the file in which the counts will be.
    ///
    /// # Errors
    /// For a peer that is none of our components, and when there is no free port.
    pub fn counted(&self, peer: Peer) -> Result<(Service, String, PathBuf)> {
        let file = self.logs.path().join("callgrind.out");
        let (manifest, variables) = match peer {
            // Everything takes fifty times as long.
            Peer::Store => {
                (project::manifest(), self.variables(&[("cache_timeout_ms", "10000"), ("store_timeout_ms", "60000")]))
            }
            Peer::Bare => (bare_manifest(), Vec::new()),
            Peer::OneCall => (bare_manifest(), self.redis_variable().into()),
            Peer::Node | Peer::Native => bail!("{} is no component", peer.name()),
        };
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, port::free()?));
        let mut spec = CommandSpec::new("valgrind")
            .arg("--tool=callgrind")
            .arg(format!("--callgrind-out-file={}", file.display()))
            .arg(&self.store_host)
            .arg("--from")
            .arg(manifest)
            .args(["--tuned", "--redis-timeout=10s", "--listen", &listen.to_string(), "--idle-instance-timeout=600s"]);
        for (name, value) in variables {
            spec = spec.arg("--variable").arg(format!("{name}={value}"));
        }
        let url = base_url(listen);
        let probe = Probe::Http(format!("{url}/health/live"));
        let service = Service::new("counted", spec, probe, self.log("counted")?);
        // A component that Wasmtime has not compiled for this processor yet is compiled here, too.
        Ok((service.start_limit(Duration::from_secs(600)), url, file))
    }

    /// A folder for files of the measurement.
    pub fn scratch(&self) -> &Path {
        self.logs.path()
    }

    fn log(&self, name: &str) -> Result<Log> {
        Log::create(self.logs.path().join(format!("{name}-{}.log", port::free()?)))
    }

    /// The URL of a peer.
    pub fn url(&self, peer: Peer) -> &str {
        let server = self.servers.iter().find(|(which, ..)| *which == peer);
        server.map_or("", |(_, _, url)| url)
    }

    /// Stops all but the store: what follows is measured without them.
    ///
    /// # Errors
    /// When one does not stop.
    pub fn stop_others(&mut self) -> Result<()> {
        for (_, service, _) in self.servers.iter_mut().filter(|(peer, ..)| *peer != Peer::Store) {
            service.stop()?;
        }
        self.servers.retain(|(peer, ..)| *peer == Peer::Store);
        Ok(())
    }

    /// Stops everything.
    ///
    /// # Errors
    /// When something does not stop.
    pub fn stop(&mut self) -> Result<()> {
        for (_, service, _) in &mut self.servers {
            service.stop()?;
        }
        self.servers.clear();
        self.stack.stop()
    }
}
