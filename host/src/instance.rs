//! The life of an instance: Spin's rules of reuse, on `wasmtime-wasi-http`'s [`ProxyHandler`].
//!
//! The handler gives a request to an instance that has room, or makes a new one. An instance serves so many requests, so
//! many of them at a time, and goes when it was idle for too long, or has grown large. A trap ends it, and the requests that
//! it was serving.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::time::{Sleep, sleep, sleep_until};
use wasmtime::component::GuestTaskId;
use wasmtime::{Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    HandlerState, Instance, Proxy, ProxyHandler, ShouldAccept, ViewFn, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::p3::WasiHttpView;
use wasmtime_wasi_http::p3::bindings::ServicePre;

use crate::guest::{ComponentState, Guest};
use crate::memory::IsLarge;
use crate::range::Range;

/// Gives requests to instances.
pub type Handler = ProxyHandler<Factory>;

/// What the flags say about instances.
#[derive(Clone, Copy, Debug)]
pub struct Reuse {
    /// Requests per instance.
    pub count: Range<usize>,
    /// Requests per instance at the same time.
    pub concurrent: Range<usize>,
    /// How long an instance may wait for its next request.
    pub idle: Range<Duration>,
    /// How long a request may take. None: as long as it likes.
    pub request_timeout: Option<Range<Duration>>,
}

/// Makes instances.
pub struct Factory {
    service: ServicePre<Guest>,
    component: Arc<ComponentState>,
    reuse: Reuse,
    stopping: Arc<AtomicBool>,
}

impl Factory {
    /// A factory for instances of `service`, which share `component`.
    #[must_use]
    pub fn new(service: ServicePre<Guest>, component: Arc<ComponentState>, reuse: Reuse) -> Self {
        Self { service, component, reuse, stopping: Arc::default() }
    }

    /// From now on no instance is missed: this process is ending, and takes those that are left with it.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

impl HandlerState for Factory {
    type StoreData = Guest;
    type WorkerExpiration = Expiration;
    type WorkerState = Limits;

    async fn instantiate(&self) -> wasmtime::Result<Instance<Guest, Expiration, Limits>> {
        let mut store = Store::new(self.service.engine(), Guest::new(self.component.clone()));
        store.limiter(|guest| &mut guest.memory);
        if self.reuse.request_timeout.is_some() {
            // Lets a component that computes give way at every tick, so that its timeout can be noticed at all.
            store.epoch_deadline_async_yield_and_update(1);
            store.set_epoch_deadline(1);
        }
        let is_large = store.data().memory.is_large();
        let service = self.service.instantiate_async(&mut store).await?;
        let request_timeout = self.reuse.request_timeout.map(Range::<Duration>::draw);
        Ok(Instance {
            store,
            proxy: Proxy::P3(service),
            view: ViewFn::P3(Guest::http),
            expiration: Expiration {
                idle: self.reuse.idle.draw(),
                request_timeout,
                alarm: Box::pin(sleep(Duration::ZERO)),
            },
            state: Limits {
                count: self.reuse.count.draw(),
                concurrent: self.reuse.concurrent.draw(),
                request_timeout,
                is_large,
                stopping: self.stopping.clone(),
            },
        })
    }
}

/// Decides when an instance has waited, or computed, for long enough.
pub struct Expiration {
    idle: Duration,
    request_timeout: Option<Duration>,
    alarm: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>, status: WorkerStatus, since: Instant) -> Poll<()> {
        let limit = match status {
            WorkerStatus::Idle => Some(self.idle),
            WorkerStatus::Requests | WorkerStatus::PostReturn => self.request_timeout,
        };
        let Some(deadline) = limit.and_then(|limit| since.checked_add(limit)) else {
            return Poll::Pending;
        };
        let deadline = deadline.into();
        // Setting a timer takes a lock, and most polls find the deadline unchanged.
        if self.alarm.deadline() != deadline {
            self.alarm.set(sleep_until(deadline));
        }
        self.alarm.as_mut().poll(cx)
    }
}

/// How much one instance may do.
pub struct Limits {
    count: usize,
    concurrent: usize,
    request_timeout: Option<Duration>,
    is_large: IsLarge,
    stopping: Arc<AtomicBool>,
}

impl WorkerState for Limits {
    type StoreData = Guest;
    type RequestId = ();

    fn should_accept_request(&self, now: usize, so_far: usize) -> ShouldAccept {
        if so_far >= self.count || self.is_large.get() {
            ShouldAccept::Never
        } else if now >= self.concurrent {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        _: StoreContextMut<'_, Guest>,
        (): (),
        _: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + Sync>> {
        match self.request_timeout {
            Some(limit) => Box::pin(sleep(limit)),
            None => Box::pin(std::future::pending()),
        }
    }

    fn drop(&self, _: Store<Guest>, end: wasmtime::Result<()>) {
        // The handler cannot tell an instance whose task the runtime drops as it ends from one whose task panicked.
        if let Err(error) = end
            && !self.stopping.load(Ordering::Relaxed)
        {
            tracing::error!("an instance of the component ended: {error:?}");
        }
    }
}
