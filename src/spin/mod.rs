//! The component: the ports over spin-sdk, and the entry.
//!
//! An instance serves many requests, several at a time, and keeps what is dear to make: the configuration and the
//! connection to Redis. It may die between any two requests, so nothing that it keeps is needed for correctness; and no
//! request ever waits for another of its instance, since the component model gives each a task of its own, which a
//! waker of another cannot wake.

mod inbound;
mod machine;
mod outbound;
mod redis;
mod response;
mod variables;

use std::cell::OnceCell;
use std::rc::Rc;

use http::{HeaderValue, header};
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::{service, types};

use crate::auth::jwt::Verified;
use crate::cache::aside::CacheAside;
use crate::cache::freshness::Freshness;
use crate::cache::guard::Guard;
use crate::cache::redis::RedisCache;
use crate::config::Config;
use crate::database::data_api::DataApi;
use crate::http::problem::Problem;
use crate::http::request_id;
use crate::http::{Answer, Context, Incoming};
use machine::Machine;
use outbound::Outbound;
use redis::SpinRedis;

/// What lives as long as the instance.
struct Instance {
    config: Config,
    cache: RedisCache<SpinRedis>,
    guard: Guard,
    freshness: Freshness,
    verified: Verified,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

impl Instance {
    /// The instance, made with its first request. Two first requests at once each read the variables, rather than wait
    /// for one another; a configuration that cannot be used is read anew with each request.
    async fn get() -> Result<Rc<Self>, Problem> {
        if let Some(instance) = INSTANCE.with(|cell| cell.get().cloned()) {
            return Ok(instance);
        }
        let config = variables::read().await.map_err(Problem::Misconfigured)?;
        let made = Rc::new(Instance {
            cache: RedisCache::new(SpinRedis::new(config.redis_url.clone())),
            config,
            guard: Guard::default(),
            freshness: Freshness::default(),
            verified: Verified::default(),
        });
        Ok(INSTANCE.with(|cell| Rc::clone(cell.get_or_init(|| made))))
    }

    async fn answer(&self, request: &Incoming) -> Answer {
        let machine = Machine;
        let outbound = Outbound;
        let context = Context {
            config: &self.config,
            cache: CacheAside {
                cache: &self.cache,
                platform: &machine,
                config: &self.config,
                guard: &self.guard,
                freshness: &self.freshness,
            },
            store: &DataApi::new(&outbound, &machine, &self.config),
            verified: &self.verified,
        };
        crate::http::answer(&context, request).await
    }
}

/// The entry. spin-sdk's `#[http_service]` would convert the whole request before we see it.
struct Component;

service::export!(Component);

impl Guest for Component {
    async fn handle(request: types::Request) -> Result<types::Response, types::ErrorCode> {
        let head = inbound::head(&request)?;
        let id = request_id::of(head.headers(), &Machine);
        let (head, Answer { mut reply, log }) = match Instance::get().await {
            Ok(instance) => {
                let body = inbound::body(&head, request, instance.config.max_body_bytes).await;
                let request = head.map(|()| body);
                let answer = instance.answer(&request).await;
                (request.map(drop), answer)
            }
            Err(problem) => (head, Answer { log: problem.log(), reply: problem.into_reply() }),
        };
        if let Some(why) = log {
            let (method, path) = (head.method(), head.uri().path());
            // Quoted, so that nothing that came from outside can start a line of its own.
            eprintln!("store-api: request {id:?}: {} {method} {path:?}: {why:?}", reply.status());
        }
        let headers = reply.headers_mut();
        headers.insert(request_id::X_REQUEST_ID, id);
        // What is JSON is not to be taken for a page (Fetch standard).
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response::send(reply).await
    }
}
