//! A request in, a response out.
//!
//! [`answer`] takes a request through [`router`] (which row of the table in [`endpoint`], which collection), asks
//! [`crate::auth`] whether the caller may use it, checks the method, and only then reads the body and calls the route's own
//! file in [`routes`]. [`query`] and [`body`] read what the client sent, [`response`] makes the responses, and [`problem`]
//! makes those that report an error. [`metrics`] counts what becomes of it.

pub mod body;
pub mod client_address;
pub mod context;
pub mod cors;
#[cfg(test)]
mod documentation;
pub mod endpoint;
pub mod etag;
pub mod host;
pub mod listing_query;
pub mod local_counts;
pub mod metrics;
pub mod once_a_second;
pub mod preconditions;
pub mod problem;
pub mod query;
pub mod rate_limit;
pub mod request_id;
pub mod response;
pub mod router;
pub mod routes;
pub mod settings;

use bytes::Bytes;
use fenced_cache::timeout;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};

use crate::auth::{AuthError, Caller, Role, Visibility};
use crate::backend::Backend;
use crate::catalog::{Catalog, CollectionSelector};
use crate::platform::Platform;
use body::{BodyError, Incoming, UnreadBody};
use context::Context;
use endpoint::{Endpoint, Route};
use metrics::layout::route_index;
use problem::Problem;
use response::Response;
pub use settings::Settings;

/// A response, and what the operator should read about it.
pub struct LoggedResponse {
    /// What the client gets.
    pub response: Response,
    /// Why the request failed, where there is more to say than the client may know.
    pub log: Option<String>,
}

/// Answers a request, whose body is read only once it is known that the request may be answered.
pub async fn answer<B: Backend>(context: &Context<'_, B>, head: &Request<()>, body: impl UnreadBody) -> LoggedResponse {
    let mut extras = ResponseExtras::default();
    let found = router::find(head.uri().path());
    let counted_as = route_index(found.as_ref().ok().map(|(endpoint, _)| *endpoint));
    let handled = handle(context, head, found, body, &mut extras).await;
    let log = handled.as_ref().err().and_then(Problem::log);
    let mut response = handled.unwrap_or_else(Problem::into_response);
    let headers = response.headers_mut();
    if extras.visibility == Some(Visibility::Private) {
        keep_private(headers);
    }
    if let Some(rate_limit) = extras.rate_limit {
        rate_limit.set_headers(headers);
    }
    cors::set_headers(headers, head.headers(), &context.settings.cors_origins, extras.preflight.as_deref());
    // The request's body and the database's answers are gone, or part of the response.
    context.held.set(response.body().len());
    context.memory.metrics.answered(counted_as, response.status());
    LoggedResponse { response, log }
}

/// What is found out on the way and stands in the response's headers, whatever becomes of the request.
#[derive(Default)]
struct ResponseExtras {
    visibility: Option<Visibility>,
    rate_limit: Option<rate_limit::RateLimit>,
    /// Who asks, where that is known.
    caller: Option<String>,
    /// The route's methods, where they were asked for.
    preflight: Option<String>,
}

async fn handle<B: Backend>(
    context: &Context<'_, B>,
    head: &Request<()>,
    found: Result<(&Endpoint, Route<'_>), Problem>,
    body: impl UnreadBody,
    extras: &mut ResponseExtras,
) -> Result<Response, Problem> {
    let access = context.access;
    if access.open && !host::is_ours(head.headers(), &context.settings.allowed_hosts) {
        return Err(Problem::UnknownHost);
    }
    let caller = if access.open {
        Ok(None)
    } else {
        access.identify(head.headers(), context.verified, context.catalog.platform.unix_time())
    };
    // Before anything is said of the route, so that guesses at paths and credentials are counted, too.
    if !found.as_ref().is_ok_and(|(_, route)| route.is_health()) {
        limit_rate(context, head.headers(), caller.as_ref().ok().and_then(Option::as_ref), extras).await?;
    }
    let (endpoint, route) = found?;
    let method = head.method();
    if method == Method::OPTIONS {
        // Before a browser sends a credential it asks without one, and it must not learn which collections exist.
        if access.open {
            check_collection(&context.catalog, &route)?;
        }
        let allow = endpoint.allow(access.open);
        let response = options(&allow);
        extras.preflight = Some(allow);
        return Ok(response);
    }
    authorize(context, head, endpoint, &caller, extras)?;
    check_collection(&context.catalog, &route)?;
    // The host leaves out the body of a response to HEAD, and only that.
    let asked = if method == Method::HEAD { "GET" } else { method.as_str() };
    if !endpoint.takes(asked, access.open) {
        return Err(Problem::MethodNotAllowed(endpoint.allow(access.open)));
    }
    let response = match &route {
        Route::About => {
            let readable = access.authorize(Role::Read, &caller);
            extras.visibility = Some(readable.unwrap_or(Visibility::Private));
            routes::index::index(context, readable.is_ok())
        }
        Route::OpenApi => routes::openapi::openapi(),
        Route::Metrics => routes::metrics::metrics(context).await,
        Route::Live => routes::health::live(),
        Route::Ready => routes::health::ready(context).await,
        Route::List(CollectionSelector::All) => routes::list::all(context, head).await?,
        Route::List(CollectionSelector::One(collection)) => routes::list::one(context, head, collection).await?,
        Route::Get { collection, value } => routes::get::get(context, head, collection, value).await?,
        Route::Add { collection } => {
            let request = with_body(context, head, body).await;
            let caller = extras.caller.as_deref().unwrap_or_default();
            routes::add::add(context, &request, collection, caller).await?
        }
        Route::Update { collection, value } => {
            let request = with_body(context, head, body).await;
            routes::update::update(context, &request, collection, value).await?
        }
        Route::Delete { collection, value } => routes::delete::delete(context, head, collection, value).await?,
        Route::Init(target) => routes::init::init(context, target).await?,
        Route::Clean(target) => routes::clean::clean(context, target).await?,
        Route::Purge(target) => routes::purge::purge(context, target).await?,
    };
    let untagged = !response.headers().contains_key(header::ETAG);
    Ok(if asked == "GET" && response.status() == StatusCode::OK && untagged {
        response::tag(response, head.headers(), endpoint.is_safe())
    } else {
        response
    })
}

/// Reads the body of a request that may be answered. Only writes pay for the copy of its head.
async fn with_body<B: Backend>(context: &Context<'_, B>, head: &Request<()>, body: impl UnreadBody) -> Incoming {
    let settings = context.settings;
    let reading = body.read(settings.max_body_bytes, context.held);
    let body =
        timeout(context.catalog.platform, settings.body_timeout, reading).await.unwrap_or(Err(BodyError::TimedOut));
    head.clone().map(|()| body)
}

/// Counts the request, and refuses it where it is one too many.
async fn limit_rate<B: Backend>(
    context: &Context<'_, B>,
    headers: &HeaderMap,
    caller: Option<&Caller>,
    extras: &mut ResponseExtras,
) -> Result<(), Problem> {
    extras.rate_limit = rate_limit::count(context, headers, caller).await;
    match extras.rate_limit {
        Some(rate_limit) if rate_limit.exceeded => Err(Problem::TooManyRequests(rate_limit.limit)),
        _ => Ok(()),
    }
}

/// Checks whether the caller may do what the route does.
fn authorize<B: Backend>(
    context: &Context<'_, B>,
    head: &Request<()>,
    endpoint: &Endpoint,
    caller: &Result<Option<Caller>, AuthError>,
    extras: &mut ResponseExtras,
) -> Result<(), Problem> {
    let Some(needed) = endpoint.role else { return Ok(()) };
    let headers = head.headers();
    if needed > Role::Read && cors::is_cross_site(headers, &context.settings.cors_origins) {
        return Err(Problem::CrossSite);
    }
    if !endpoint.is_safe() && matches!(*head.method(), Method::GET | Method::HEAD) && cors::is_silent(headers) {
        return Err(Problem::SilentGet);
    }
    extras.caller = caller.as_ref().ok().and_then(Option::as_ref).map(|caller| caller.name.clone());
    extras.visibility = Some(context.access.authorize(needed, caller)?);
    Ok(())
}

fn check_collection<B: Backend>(catalog: &Catalog<'_, B>, route: &Route<'_>) -> Result<(), Problem> {
    match route.collection() {
        Some(name) if catalog.settings.collection(name).is_none() => Err(Problem::UnknownCollection(name.to_owned())),
        _ => Ok(()),
    }
}

/// No cache that several clients share may keep what a client was given for its credential.
fn keep_private(headers: &mut HeaderMap) {
    if headers.get(header::CACHE_CONTROL).is_none_or(|control| control != "no-store") {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    headers.append(header::VARY, HeaderValue::from_static("Authorization"));
}

fn options(allow: &str) -> Response {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response::insert(&mut response, header::ALLOW, allow);
    response
}
