//! `store-host` runs a Spin HTTP application where Spin is not installed: a development and test runner, not a second
//! Spin. What it offers behaves as in Spin 4.1 (the README has the table); what an application asks of it that it does
//! not offer, it refuses by name.
//!
//! From the command line to the first request ([`run`]):
//!
//! - [`cli`]: the flags, with `spin up`'s names; [`range`]: their value syntax; [`variable_arg`]: `--variable`.
//! - [`manifest`]: `spin.toml`. [`runtime_config`]: `runtime-config.toml`.
//! - [`variables`]: the variables' values, in Spin's order; [`template`]: `{{ name }}`.
//! - [`engine`]: Wasmtime's settings; compiles the components and connects their imports.
//!
//! A request:
//!
//! - [`server`] reads it from the connection; [`routes`] finds the component for its path; `request` makes it what a
//!   component expects.
//! - [`instance`] finds an instance for it, or makes one, by Spin's rules of reuse.
//! - [`guest`] is the state of an instance, and the list of what the component may call:
//!   `guest_variables` and [`redis`] for Spin's interfaces ([`bindings`]), [`outbound_http`] for `wasi:http/client`.
//!   [`allowed_hosts`] says where it may connect to; [`tls`] is how it does so securely.
//! - `response` is the way back; with `--tuned` it joins head and body.
//! - With `--tuned`, [`cores`] gives each connection to one of several servers, each on a thread of its own.
//!
//! Wasmtime and its handler (`wasmtime_wasi_http::handler::ProxyHandler`) are the versions that Spin 4.1 has, the pool of
//! instances and its defaults are Spin's, and so is redis-rs: what is measured and tested here holds there.

pub mod allowed_hosts;
pub mod bindings;
pub mod cli;
pub mod cores;
pub mod engine;
pub mod guest;
mod guest_variables;
pub mod instance;
pub mod manifest;
mod memory;
pub mod outbound_http;
pub mod range;
pub mod redis;
mod request;
mod response;
pub mod routes;
pub mod runtime_config;
pub mod server;
pub mod template;
pub mod tls;
pub mod variable_arg;
pub mod variables;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::{self, available_parallelism};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::allowed_hosts::AllowedHosts;
use crate::cli::Cli;
use crate::cores::Cores;
use crate::guest::{AppState, ComponentState, Guest};
use crate::instance::{Factory, Handler, Reuse};
use crate::manifest::Manifest;
use crate::routes::Router;
use crate::runtime_config::RuntimeConfig;
use crate::server::{Connections, Server, Tuning};
use crate::variables::{Provider, Variables};

/// How often a component that computes is asked whether its time is up; only with `--request-timeout`.
const TICK: Duration = Duration::from_millis(10);

/// How long ending takes at most, beside what requests are given.
const PATIENCE: Duration = Duration::from_secs(1);

/// Starts the application and serves it until SIGTERM or SIGINT.
///
/// # Errors
/// Why it cannot start, in a sentence for the person who started it.
pub async fn run(cli: Cli) -> Result<()> {
    let manifest = Manifest::load(&cli.from)?;
    let mut config = match &cli.runtime_config_file {
        Some(path) => RuntimeConfig::load(path)?,
        None => RuntimeConfig::default(),
    };
    let variables = variables(&cli, &manifest, &mut config)?;
    // Before the components are compiled: a taken port and a variable without a value are known at once.
    let listener = listen(cli.listen).await?;
    let runtimes = if cli.tuned { available_parallelism().map_or(1, NonZero::get) } else { 1 };
    // Each runtime has what its instances share to itself.
    let components: Vec<_> =
        (0..runtimes).map(|_| components(&cli, &manifest, &config, &variables)).collect::<Result<_>>()?;
    let services = compile(&cli, &manifest)?;

    let mut servers = Vec::with_capacity(runtimes);
    let mut factories = Vec::new();
    for components in components {
        let handlers = handlers(&cli, &services, components);
        factories.extend(handlers.values().cloned());
        servers.push(server(&manifest, &handlers, cli.tuned.then(|| Tuning::of_one_of(runtimes)))?);
    }

    let stop = stop_signal(if cli.tuned { server::GRACE + PATIENCE } else { PATIENCE })?;
    let address = listener.local_addr()?;
    // The reader of this line may have gone away; that is no reason to stop.
    _ = writeln!(std::io::stdout(), "Serving http://{address}");
    if cli.tuned {
        server::serve(listener, Cores::start(servers)?, true, stop).await;
    } else if let Some(server) = servers.pop() {
        server::serve(listener, Connections::of(server), false, stop).await;
    }
    for factory in factories {
        factory.state().stop();
    }
    Ok(())
}

fn server(manifest: &Manifest, handlers: &BTreeMap<String, Handler>, tuning: Option<Tuning>) -> Result<Server> {
    let routes = manifest.triggers.iter().filter_map(|trigger| {
        let handler = handlers.get(&trigger.component)?;
        Some((trigger.route.clone(), handler.clone()))
    });
    Ok(Server {
        router: Router::new(routes)?,
        info: serde_json::to_string_pretty(&serde_json::json!({ "name": manifest.name, "version": manifest.version }))?,
        tuning,
    })
}

/// Compiles the components, by their ids.
fn compile(cli: &Cli, manifest: &Manifest) -> Result<BTreeMap<String, ServicePre<Guest>>> {
    let engine = engine::new_engine(cli.request_timeout.is_some(), cli.perf_map)?;
    let mut services = BTreeMap::new();
    for (id, component) in &manifest.components {
        services.insert(id.clone(), engine::load(&engine, &component.wasm)?);
    }
    if cli.request_timeout.is_some() {
        // A thread, because components that compute may keep all of tokio's busy.
        thread::spawn(move || {
            loop {
                std::thread::sleep(TICK);
                engine.increment_epoch();
            }
        });
    }
    Ok(services)
}

/// What gives requests to the instances of each component.
fn handlers(
    cli: &Cli,
    services: &BTreeMap<String, ServicePre<Guest>>,
    components: Vec<ComponentState>,
) -> BTreeMap<String, Handler> {
    let reuse = Reuse {
        count: cli.max_instance_reuse_count,
        concurrent: cli.max_instance_concurrent_reuse_count,
        idle: cli.idle_instance_timeout,
        request_timeout: cli.request_timeout,
    };
    let handlers = components.into_iter().filter_map(|component| {
        let service = services.get(&component.id)?.clone();
        Some((component.id.clone(), Handler::new(Factory::new(service, Arc::new(component), reuse))))
    });
    handlers.collect()
}

/// The variables' values.
fn variables(cli: &Cli, manifest: &Manifest, config: &mut RuntimeConfig) -> Result<Variables> {
    let mut given = BTreeMap::new();
    for variable in &cli.variable {
        given.extend(variable.read()?);
    }
    for name in given.keys().filter(|name| !manifest.variables.contains_key(*name)) {
        tracing::warn!("--variable gives {name}, which the manifest does not declare in [variables]");
    }
    let mut providers = vec![Provider::Table(given)];
    providers.append(&mut config.providers);
    providers.push(runtime_config::default_environment()?);
    Variables::resolve(&manifest.variables, &providers)
}

/// What the instances of each component share.
fn components(
    cli: &Cli,
    manifest: &Manifest,
    config: &RuntimeConfig,
    variables: &Variables,
) -> Result<Vec<ComponentState>> {
    let app = AppState {
        redis: Arc::new(redis::Connections::new(redis::Limits {
            connections: config.outbound_redis.max_connections,
            time: cli.redis_timeout,
            shares: cli.tuned,
        })),
        http: outbound_http::Client::new(&config.outbound_http, cli.tuned),
        max_memory: config.max_instance_memory,
        variables_block: !cli.tuned,
        joins_responses: cli.tuned,
    };
    let components = manifest.components.iter().map(|(id, component)| {
        Ok(ComponentState {
            id: id.clone(),
            variables: variables.of_component(id, component)?,
            allowed_hosts: AllowedHosts::resolve(&component.allowed_outbound_hosts, variables)
                .map(Arc::new)
                .with_context(|| format!("[component.{id}]"))?,
            app: app.clone(),
        })
    });
    components.collect()
}

async fn listen(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => {
            anyhow!("{address} is already in use: stop what listens there, or give another with --listen")
        }
        _ => anyhow!("cannot listen on {address}: {error}"),
    })
}

/// Resolves at the first SIGTERM or SIGINT. A thread of its own waits for them, because components that compute may keep all
/// of tokio's busy. At the second one, or after `patience`, it ends the process itself.
fn stop_signal(patience: Duration) -> Result<impl Future<Output = ()>> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let (mut terminate, mut interrupt) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::terminate()).context("cannot wait for SIGTERM")?,
            signal(SignalKind::interrupt()).context("cannot wait for SIGINT")?,
        )
    };
    let (tell, told) = oneshot::channel();
    let wait = async move {
        let mut signalled = async || {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        };
        signalled().await;
        _ = tell.send(());
        _ = timeout(patience, signalled()).await;
        std::process::exit(0)
    };
    thread::Builder::new().name("signals".to_owned()).spawn(move || runtime.block_on(wait))?;
    Ok(async {
        _ = told.await;
    })
}
