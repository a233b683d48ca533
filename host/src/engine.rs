//! Wasmtime: its settings, and the component compiled and ready to be instantiated.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{
    Cache, CacheConfig, Config, Engine, InstanceAllocationStrategy, OptLevel, PoolingAllocationConfig,
    ProfilingStrategy,
};
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::guest::{self, Guest};

/// How many instances may exist at a time, of all components. Spin's number: a request that would need one more is answered
/// with 500.
pub const MAX_INSTANCES: u32 = 1000;

/// Compiling for longer than this is announced, so that nobody takes it for a hang.
const SLOW_COMPILE: Duration = Duration::from_secs(1);

/// The engine. With `interruptible`, a component that computes without end can be stopped, at the cost of a check in
/// every loop. With `profiled`, `perf` finds the names of a component's functions in `/tmp/perf-<process id>.map`.
///
/// # Errors
/// A machine on which Wasmtime cannot run.
pub fn new_engine(interruptible: bool, profiled: bool) -> Result<Engine> {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    config.cranelift_opt_level(OptLevel::Speed);
    config.epoch_interruption(interruptible);
    config.cache(cache());
    if profiled {
        config.profiler(ProfilingStrategy::PerfMap);
    }

    // Reserves address space once, instead of asking the kernel for every new instance. It is a lot of it (4 GiB and
    // guard pages per memory), which some machines do not give.
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(MAX_INSTANCES);
    pool.total_memories(MAX_INSTANCES);
    pool.total_core_instances(4 * MAX_INSTANCES);
    pool.total_tables(2 * MAX_INSTANCES);
    pool.total_stacks(MAX_INSTANCES);
    pool.table_elements(100_000);
    // What an instance leaves behind of this is zeroed by hand for the next one, instead of given back to the kernel.
    pool.linear_memory_keep_resident(2 << 20);
    pool.table_keep_resident(512 << 10);
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
        .or_else(|error| {
            tracing::debug!("no pooling allocator on this machine: {error:#}");
            config.allocation_strategy(InstanceAllocationStrategy::OnDemand);
            Engine::new(&config)
        })
        .map_err(|error| anyhow!("Wasmtime cannot run on this machine: {error:#}"))
}

/// Where machine code is kept from one start to the next: Wasmtime's own place in the user's cache folder. Without such a
/// place every start compiles.
fn cache() -> Option<Cache> {
    Cache::new(CacheConfig::new())
        .inspect_err(|error| tracing::debug!("no cache of compiled components: {error:#}"))
        .ok()
}

/// Compiles the component in the file `wasm` and connects its imports.
///
/// # Errors
/// A file that is missing (with the advice to build it) or is not a component, and an import that this host does not offer,
/// by name.
pub fn load(engine: &Engine, wasm: &Path) -> Result<ServicePre<Guest>> {
    let shown = wasm.display();
    if !wasm.is_file() {
        return Err(anyhow!(
            "the component {shown} does not exist: build it first (cargo build --release --target wasm32-wasip2)"
        ));
    }
    let bytes = std::fs::read(wasm).with_context(|| format!("cannot read the component {shown}"))?;
    let component = compile(engine, &bytes)
        .map_err(|error| anyhow!("{shown} is not a WebAssembly component that store-host can run: {error:#}"))?;

    let mut linker = Linker::new(engine);
    guest::link(&mut linker).map_err(|error| anyhow!("the host's interfaces cannot be offered: {error:#}"))?;
    let instance: InstancePre<Guest> = linker.instantiate_pre(&component).map_err(|error| {
        anyhow!("the component {shown} imports something that store-host does not offer: {error:#}")
    })?;
    ServicePre::new(instance).map_err(|error| {
        anyhow!("the component {shown} has no handler for HTTP requests (wasi:http/handler@0.3): {error:#}")
    })
}

fn compile(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Component> {
    let started = Instant::now();
    std::thread::scope(|scope| {
        let (done, finished) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            if finished.recv_timeout(SLOW_COMPILE) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
                tracing::info!("compiling the component …");
            }
        });
        let component = Component::from_binary(engine, bytes);
        drop(done);
        tracing::debug!("compiled {} bytes in {:?}", bytes.len(), started.elapsed());
        component
    })
}
