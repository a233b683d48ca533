//! The component: the ports over spin-sdk, and the entry.
//!
//! An instance serves many requests, several at a time, and keeps what is expensive to create: the configuration and the
//! connection to Redis. It may die between any two requests, so nothing that it keeps is needed for correctness; and no
//! request ever waits for another of its instance, since the component model gives each a task of its own, and a waker
//! from one task cannot wake another.

mod inbound;
mod outbound;
mod platform;
mod redis;
mod response;
mod variables;

use std::cell::OnceCell;
use std::marker::PhantomData;
use std::rc::Rc;

use fenced_cache::{Ports, ReadThrough};
use http::{HeaderValue, Request, header};
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::{service, types};
use talc::wasm::{WasmDynamicTalc, new_wasm_dynamic_allocator};

use crate::auth::jwt::VerifiedTokens;
use crate::backend::Backend;
use crate::budget::Held;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::database::data_api::DataApi;
use crate::database::object_id::ObjectIds;
use crate::http::context::{Context, Memory};
use crate::http::metrics::observer::CacheObserver;
use crate::http::problem::Problem;
use crate::http::request_id;
use crate::http::{self as api, LoggedResponse};
use outbound::Outbound;
use platform::SpinPlatform;
use redis::SpinRedis;

/// A hit allocates some 150 times. The allocator that Rust has for Wasm takes twice as many instructions for it.
#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = new_wasm_dynamic_allocator();

/// What the cache stands on: Redis by way of the host.
struct SpinPorts;

impl Ports for SpinPorts {
    type Connector = SpinRedis;
    type Platform = SpinPlatform;
    type Observer = CacheObserver;
}

/// What the store stands on, for one request: the client of the Data API borrows the rest.
struct SpinBackend<'a>(PhantomData<&'a ()>);

impl<'a> Backend for SpinBackend<'a> {
    type Ports = SpinPorts;
    type Database = DataApi<'a, Outbound, SpinPlatform>;
    type Platform = SpinPlatform;
}

/// What lives as long as the instance.
struct Instance {
    config: Config,
    cache: ReadThrough<SpinPorts>,
    verified: VerifiedTokens,
    ids: ObjectIds,
    memory: Memory,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

impl Instance {
    /// The instance, made with its first request. Two first requests at once each read the variables, rather than wait
    /// for one another; a configuration that cannot be used is read again with each request.
    async fn get() -> Result<Rc<Self>, Problem> {
        if let Some(instance) = INSTANCE.with(|cell| cell.get().cloned()) {
            return Ok(instance);
        }
        let config = variables::read().await.map_err(Problem::Misconfigured)?;
        let memory = Memory::new(&config.catalog, &config.http);
        let observer = CacheObserver(Rc::clone(&memory.metrics));
        let redis = SpinRedis::new(config.redis_url.clone());
        let made = Rc::new(Instance {
            cache: ReadThrough::new(config.cache.clone(), redis, SpinPlatform, observer),
            config,
            verified: VerifiedTokens::default(),
            ids: ObjectIds::default(),
            memory,
        });
        Ok(INSTANCE.with(|cell| Rc::clone(cell.get_or_init(|| made))))
    }

    async fn answer(&self, head: &Request<()>, body: inbound::Body, held: &Held) -> LoggedResponse {
        let (platform, http_client) = (SpinPlatform, Outbound);
        let database = DataApi::new(&http_client, &platform, &self.config.database, head.headers(), held);
        let catalog = Catalog {
            settings: &self.config.catalog,
            cache: &self.cache,
            database: &database,
            platform: &platform,
            ids: &self.ids,
        };
        let context = Context::<SpinBackend<'_>> {
            catalog,
            access: &self.config.access,
            settings: &self.config.http,
            verified: &self.verified,
            memory: &self.memory,
            held,
        };
        api::answer(&context, head, body).await
    }

    /// Adds up what was counted, unless another request is about to. Boxed, since every response's task has room
    /// for it and few run it.
    async fn share(&self) {
        if !self.memory.metrics.is_waiting() {
            Box::pin(self.memory.metrics.share(&self.cache, &self.config.catalog)).await;
        }
    }
}

/// The entry. spin-sdk's `#[http_service]` would convert the whole request before we see it.
struct Component;

service::export!(Component);

impl Guest for Component {
    async fn handle(request: types::Request) -> Result<types::Response, types::ErrorCode> {
        let head = inbound::head(&request)?;
        let id = request_id::of(head.headers(), &SpinPlatform);
        let (answer, instance) = match Instance::get().await {
            Ok(instance) => {
                let held = instance.memory.budget.hold();
                let answer = instance.answer(&head, inbound::Body::new(&head, request), &held).await;
                (answer, Some((instance, held)))
            }
            Err(problem) => (LoggedResponse { log: problem.log(), response: problem.into_response() }, None),
        };
        let LoggedResponse { mut response, log } = answer;
        if let Some(why) = log {
            let (method, path) = (head.method(), head.uri().path());
            // Quoted, so that nothing that came from outside can start a line of its own.
            eprintln!("store-api: request {id:?}: {} {method} {path:?}: {why:?}", response.status());
        }
        let headers = response.headers_mut();
        headers.insert(request_id::X_REQUEST_ID, id);
        // What is JSON is not to be taken for a page (Fetch standard).
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response::send(response, async move {
            if let Some((instance, held)) = instance {
                drop(held);
                instance.share().await;
            }
        })
        .await
    }
}
