//! The routes: each knows HTTP and the two ports, and nothing else.
//!
//! [`handle`] takes a request through [`router`] (which route, which collection), checks the method, and calls the
//! route's own file. [`query`] and [`body`] read what the client sent, [`target`] finds the document that a path means,
//! [`reply`] makes the answers.

pub mod about;
pub mod add;
pub mod body;
pub mod clean;
pub mod delete;
pub mod get;
pub mod health;
pub mod init;
pub mod list;
pub mod query;
pub mod reply;
pub mod router;
pub mod target;
pub mod update;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};

use crate::cache::Cache;
use crate::cache::aside::CacheAside;
use crate::config::Config;
use crate::platform::Platform;
use crate::problem::Problem;
use crate::store::Store;
use body::BodyError;
use router::{Route, Target};

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
}

/// Answers a request.
///
/// # Errors
/// What the client gets as problem details.
pub async fn handle<C: Cache, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
) -> Result<Reply, Problem> {
    let route = Route::parse(request.uri().path())?;
    if let Some(name) = route.collection()
        && context.config.collection(name).is_none()
    {
        return Err(Problem::UnknownCollection(name.to_owned()));
    }
    let allow = route.allow();
    let method = request.method();
    if method == Method::OPTIONS {
        return Ok(options(allow));
    }
    // The host leaves out the body of an answer to HEAD, and only that.
    let asked = if method == Method::HEAD { "GET" } else { method.as_str() };
    if !allow.split(", ").any(|allowed| allowed == asked) {
        return Err(Problem::MethodNotAllowed(allow));
    }
    let reply = match &route {
        Route::About => about::about(),
        Route::Live => health::live(),
        Route::Ready => health::ready(context).await,
        Route::List(Target::All) => list::all(context, request).await?,
        Route::List(Target::One(collection)) => list::one(context, request, collection).await?,
        Route::Get { collection, value } => get::get(context, request, collection, value).await?,
        Route::Add { collection } => add::add(context, request, collection).await?,
        Route::Update { collection, value } => update::update(context, request, collection, value).await?,
        Route::Delete { collection, value } => delete::delete(context, request, collection, value).await?,
        Route::Init(target) => init::init(context, target).await?,
        Route::Clean(target) => clean::clean(context, target).await?,
    };
    let tagged = asked == "GET" && reply.status() == StatusCode::OK;
    Ok(if tagged && !reply.headers().contains_key(header::ETAG) {
        reply::tag(reply, request.headers(), route.is_safe())
    } else {
        reply
    })
}

fn options(allow: &'static str) -> Reply {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    reply
}
