//! The routes: each knows HTTP and the two ports, and nothing else.
//!
//! [`answer`] takes a request through [`endpoint`] (which route, which collection), asks [`crate::auth`] whether it may go
//! on, checks the method, and calls the route's own file. [`query`] and [`body`] read what the client sent, [`selector`] finds the document that a path means,
//! [`response`] makes the answers.

pub mod body;
pub mod cors;
pub mod endpoint;
pub mod etag;
pub mod problem;
pub mod query;
pub mod rate_limit;
pub mod request_id;
pub mod response;
pub mod routes;
pub mod selector;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};

use crate::auth::jwt::Verified;
use crate::auth::{Grant, Role};
use crate::cache::Cache;
use crate::cache::aside::CacheAside;
use crate::config::Config;
use crate::database::Store;
use crate::http::problem::Problem;
use crate::platform::Platform;
use body::BodyError;
use endpoint::{Route, Target};

/// An answer, whole.
pub type Reply = Response<Bytes>;

/// A request, its body read as far as the limit allows.
pub type Incoming = Request<Result<Bytes, BodyError>>;

/// What every route is given.
pub struct Context<'a, C, S, P> {
    /// What the operator has set.
    pub config: &'a Config,
    /// The cache, by way of cache-aside.
    pub cache: CacheAside<'a, C, P>,
    /// The authoritative store.
    pub store: &'a S,
    /// The credentials that the instance has verified.
    pub verified: &'a Verified,
}

/// A request's answer, and what the operator should read of it.
pub struct Answer {
    /// What the client gets.
    pub reply: Reply,
    /// Why it failed, where there is more to say than the client is told.
    pub log: Option<String>,
}

/// Answers a request.
pub async fn answer<C: Cache, S: Store, P: Platform>(context: &Context<'_, C, S, P>, request: &Incoming) -> Answer {
    let config = context.config;
    let mut told = Told::default();
    let handled = handle(context, request, &mut told).await;
    let log = handled.as_ref().err().and_then(Problem::log);
    let mut reply = handled.unwrap_or_else(Problem::into_reply);
    let headers = reply.headers_mut();
    if told.grant == Some(Grant::ToCaller) {
        keep_private(headers);
    }
    if let Some(left) = told.left {
        left.tell(headers);
    }
    cors::tell(headers, request.headers(), &config.cors_origins, told.preflight);
    Answer { reply, log }
}

/// What is found out on the way and told in the answer's headers, whatever becomes of the request.
#[derive(Default)]
struct Told {
    grant: Option<Grant>,
    left: Option<rate_limit::Left>,
    /// The route's methods, where they were asked for.
    preflight: Option<&'static str>,
}

async fn handle<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    told: &mut Told,
) -> Result<Reply, Problem> {
    let route = Route::parse(request.uri().path())?;
    let access = &context.config.access;
    let allow = route.allow(access.open);
    let method = request.method();
    if method == Method::OPTIONS {
        // Before a browser sends a credential it asks without one; and which collections there are is not told.
        if access.open {
            check_collection(context.config, &route)?;
        }
        told.preflight = Some(allow);
        return Ok(options(allow));
    }
    admit(context, request, &route, told).await?;
    check_collection(context.config, &route)?;
    // The host leaves out the body of an answer to HEAD, and only that.
    let asked = if method == Method::HEAD { "GET" } else { method.as_str() };
    if !allow.split(", ").any(|allowed| allowed == asked) {
        return Err(Problem::MethodNotAllowed(allow));
    }
    let reply = match &route {
        Route::About => routes::index::index(),
        Route::Live => routes::health::live(),
        Route::Ready => routes::health::ready(context).await,
        Route::List(Target::All) => routes::list::all(context, request).await?,
        Route::List(Target::One(collection)) => routes::list::one(context, request, collection).await?,
        Route::Get { collection, value } => routes::get::get(context, request, collection, value).await?,
        Route::Add { collection } => routes::add::add(context, request, collection).await?,
        Route::Update { collection, value } => routes::update::update(context, request, collection, value).await?,
        Route::Delete { collection, value } => routes::delete::delete(context, request, collection, value).await?,
        Route::Init(target) => routes::init::init(context, target).await?,
        Route::Clean(target) => routes::clean::clean(context, target).await?,
    };
    let tagged = asked == "GET" && reply.status() == StatusCode::OK;
    Ok(if tagged && !reply.headers().contains_key(header::ETAG) {
        response::tag(reply, request.headers(), route.is_safe())
    } else {
        reply
    })
}

/// Whether the request may go on: who sent it, how many it has sent, and what it may do, in this order, so that whoever
/// guesses at credentials is counted, too.
async fn admit<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    route: &Route<'_>,
    told: &mut Told,
) -> Result<(), Problem> {
    let config = context.config;
    let (access, headers) = (&config.access, request.headers());
    let caller = if access.open {
        Ok(None)
    } else {
        access.identify(headers, context.verified, context.cache.platform.unix_time())
    };
    if !route.is_health() {
        let known = caller.as_ref().ok().and_then(Option::as_ref);
        told.left = rate_limit::count(&context.cache, headers, known).await;
        if told.left.is_some_and(|left| left.exceeded) {
            return Err(Problem::TooManyRequests(config.rate_limit));
        }
    }
    let Some(needed) = route.role() else { return Ok(()) };
    if needed > Role::Read && cors::is_cross_site(headers, &config.cors_origins) {
        return Err(Problem::CrossSite);
    }
    told.grant = Some(access.authorize(needed, caller)?);
    Ok(())
}

fn check_collection(config: &Config, route: &Route<'_>) -> Result<(), Problem> {
    match route.collection() {
        Some(name) if config.collection(name).is_none() => Err(Problem::UnknownCollection(name.to_owned())),
        _ => Ok(()),
    }
}

/// No cache that several clients share may keep what one was given for its credential.
fn keep_private(headers: &mut HeaderMap) {
    if headers.get(header::CACHE_CONTROL).is_none_or(|control| control != "no-store") {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    headers.append(header::VARY, HeaderValue::from_static("Authorization"));
}

fn options(allow: &'static str) -> Reply {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    reply
}
