//! What the host keeps for one instance of a component, and the interfaces that reach it.

use std::collections::HashMap;
use std::sync::Arc;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView};
use wasmtime_wasi::p2::bindings::{cli, random};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, p2, p3};
use wasmtime_wasi_http::WasiHttpCtx;
use wasmtime_wasi_http::p3::{WasiHttpCtxView, WasiHttpView};

use crate::allowed_hosts::AllowedHosts;
use crate::bindings;
use crate::memory::MemoryLimit;
use crate::outbound_http::{Client, Outbound};
use crate::redis::Connections;

/// The environment variable that tells a component after how many milliseconds the host ends a call to Redis.
const REDIS_TIMEOUT_MS: &str = "STORE_HOST_REDIS_TIMEOUT_MS";

/// The environment variable that tells a component, by `1`, that the host sends head and body of a response together.
const JOINS_RESPONSES: &str = "STORE_HOST_JOINS_RESPONSES";

/// What the instances of all components share. Cheap to clone: handles.
#[derive(Clone)]
pub struct AppState {
    /// The connections to Redis, or the permits for them.
    pub redis: Arc<Connections>,
    /// The HTTP client with its pool of connections.
    pub http: Client,
    /// The most linear memory of one instance, in bytes.
    pub max_memory: Option<usize>,
    /// Whether a thread that reads a variable leaves the runtime's other tasks to another thread meanwhile, as in Spin.
    pub variables_block: bool,
    /// Whether a response's head waits for the beginning of its body.
    pub joins_responses: bool,
}

/// What the instances of one component share.
pub struct ComponentState {
    /// The component's id in the manifest.
    pub id: String,
    /// Its variables, filled in.
    pub variables: HashMap<String, String>,
    /// Where it may connect to.
    pub allowed_hosts: Arc<AllowedHosts>,
    /// What it shares with the other components.
    pub app: AppState,
}

/// The state of one instance: Wasmtime's store data.
pub struct Guest {
    pub(crate) component: Arc<ComponentState>,
    pub(crate) table: ResourceTable,
    pub(crate) memory: MemoryLimit,
    /// Connections to Redis that the instance holds.
    pub(crate) redis_connections: usize,
    wasi: WasiCtx,
    http: WasiHttpCtx,
    outbound: Outbound,
}

impl Guest {
    /// The state of a new instance. It sees no files, no arguments and no sockets, and of the environment only what this host
    /// does beyond Spin; what it prints goes to this process's stdout and stderr.
    #[must_use]
    pub fn new(component: Arc<ComponentState>) -> Self {
        let mut wasi = WasiCtx::builder();
        wasi.inherit_stdout().inherit_stderr();
        if let Some(limit) = component.app.redis.time_limit() {
            wasi.env(REDIS_TIMEOUT_MS, limit.as_millis().to_string());
        }
        if component.app.joins_responses {
            wasi.env(JOINS_RESPONSES, "1");
        }
        Self {
            table: ResourceTable::new(),
            memory: MemoryLimit::new(component.app.max_memory),
            redis_connections: 0,
            wasi: wasi.build(),
            http: WasiHttpCtx::new(),
            outbound: Outbound::new(component.app.http.clone(), Arc::clone(&component.allowed_hosts)),
            component,
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for Guest {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.outbound, table: &mut self.table, ctx: &mut self.http }
    }
}

/// Tells the generated traits that their host state is a [`Guest`].
pub(crate) struct HasGuest;

impl HasData for HasGuest {
    type Data<'a> = &'a mut Guest;
}

/// Offers a component what this host has: of WASI all but files and sockets, because no component gets any here. A component
/// that imports one of them is refused at start, by an error that names it.
///
/// # Errors
/// Two interfaces of one name; that is, never.
pub fn link(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    // Rust's standard library imports WASI 0.2, spin-sdk WASI 0.3.
    link_wasi_0_2(linker)?;
    p3::cli::add_to_linker(linker)?;
    p3::clocks::add_to_linker(linker)?;
    p3::random::add_to_linker(linker)?;
    wasmtime_wasi_http::p3::add_to_linker(linker)?;
    bindings::redis::add_to_linker::<_, HasGuest>(linker, |guest| guest)?;
    bindings::variables::add_to_linker::<_, HasGuest>(linker, |guest| guest)?;
    Ok(())
}

/// What the world of an HTTP proxy has, and of a command's what Rust's standard library imports.
fn link_wasi_0_2(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    p2::add_to_linker_proxy_interfaces_async(linker)?;
    cli::environment::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::exit::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_input::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_output::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdin::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stdout::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    cli::terminal_stderr::add_to_linker::<_, WasiCli>(linker, Guest::cli)?;
    random::insecure::add_to_linker::<_, WasiRandom>(linker, Guest::random)?;
    random::insecure_seed::add_to_linker::<_, WasiRandom>(linker, Guest::random)?;
    Ok(())
}
