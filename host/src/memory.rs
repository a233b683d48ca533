//! The linear memory of an instance: how much it may take, and after how much it serves no further request.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use wasmtime::{ResourceLimiter, StoreLimits, StoreLimitsBuilder};

/// Linear memory never shrinks, so an instance that needed more than this for a request ends after it and gives it back.
const LARGE: usize = 16 << 20;

/// Limits an instance's memory.
pub(crate) struct MemoryLimit {
    limits: StoreLimits,
    is_large: IsLarge,
}

/// Whether an instance has grown large. Cheap to clone: a handle.
#[derive(Clone, Default)]
pub(crate) struct IsLarge(Arc<AtomicBool>);

impl IsLarge {
    pub(crate) fn get(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

impl MemoryLimit {
    /// A limit in bytes; `None` is Wasm's own, 4 GiB.
    pub(crate) fn new(most: Option<usize>) -> Self {
        let limits = match most {
            Some(bytes) => StoreLimitsBuilder::new().memory_size(bytes).build(),
            None => StoreLimits::default(),
        };
        Self { limits, is_large: IsLarge::default() }
    }

    /// Tells from now on whether the instance has grown large.
    pub(crate) fn is_large(&self) -> IsLarge {
        self.is_large.clone()
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        let may_grow = self.limits.memory_growing(current, desired, maximum)?;
        if may_grow && desired > LARGE {
            self.is_large.0.store(true, Ordering::Relaxed);
        }
        Ok(may_grow)
    }

    fn memory_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.memory_grow_failed(error)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        self.limits.table_growing(current, desired, maximum)
    }

    fn table_grow_failed(&mut self, error: wasmtime::Error) -> wasmtime::Result<()> {
        self.limits.table_grow_failed(error)
    }

    fn instances(&self) -> usize {
        self.limits.instances()
    }

    fn tables(&self) -> usize {
        self.limits.tables()
    }

    fn memories(&self) -> usize {
        self.limits.memories()
    }
}
