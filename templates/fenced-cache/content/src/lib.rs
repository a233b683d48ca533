//! A cache before an HTTP origin that is never stale.
//!
//! What to change for an app of your own: [`load`] and [`store`], which read and write the truth, and the scopes in
//! [`Instance::answer`], which say what a write makes stale.

mod ports;
mod response;

use std::cell::OnceCell;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{Entry, Loaded, ReadThrough, Scope, Settings, Source, SourceError, Space, WriteError};
use http::{HeaderName, Method, Response, StatusCode, header};
use http_body_util::BodyExt;
use ports::{Host, Log, Redis, SpinPorts};
use spin_sdk::http::FullBody;
use spin_sdk::variables;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::{service, types};
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

/// How long the origin may take. A fence, which keeps readers from storing what a write makes stale, stands longer.
const ORIGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// The first part of every key.
const SPACE: &str = "documents";
/// The scope of every document. What Redis has of it is dropped where Redis comes back with older contents.
const ALL: Scope<'static> = Scope::group("all");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Why there is no document to answer with.
#[derive(Debug)]
enum Failure {
    /// The origin could not be reached, or did not answer. What became of a write is unknown.
    Unreachable(String),
    TimedOut,
    /// The origin answered with this status.
    Refused(u16),
}

impl SourceError for Failure {
    fn timed_out() -> Self {
        Failure::TimedOut
    }

    fn outcome_unknown(&self) -> bool {
        !matches!(self, Failure::Refused(_))
    }

    fn is_outage(&self) -> bool {
        !matches!(self, Failure::Refused(_))
    }
}

/// What lives as long as an instance of the component. It may end between any two requests: nothing in it is needed for
/// the promise.
struct Instance {
    origin: String,
    cache: ReadThrough<SpinPorts>,
}

thread_local! {
    static INSTANCE: OnceCell<Rc<Instance>> = const { OnceCell::new() };
}

impl Instance {
    /// Two first requests at once each make one, rather than wait for one another.
    async fn get() -> Result<Rc<Self>, String> {
        if let Some(instance) = INSTANCE.with(|cell| cell.get().cloned()) {
            return Ok(instance);
        }
        let ttl = variable("cache_ttl_seconds").await?;
        let ttl = ttl.parse().map_err(|_| format!("cache_ttl_seconds: {ttl:?} is not a number of seconds"))?;
        let settings = Settings {
            spaces: vec![Space { key: SPACE.to_owned(), groups: vec![ALL.name.to_owned()] }],
            ttl: Duration::from_secs(ttl),
            source_timeout: ORIGIN_TIMEOUT,
            ..Settings::default()
        };
        let redis = Redis::new(variable("redis_url").await?);
        let cache = ReadThrough::new(settings, redis, Host, Log);
        let made = Rc::new(Instance { origin: variable("origin").await?, cache });
        Ok(INSTANCE.with(|cell| Rc::clone(cell.get_or_init(|| made))))
    }

    async fn answer(&self, method: Method, path: &str, body: Bytes) -> Response<Bytes> {
        // A document is a scope of its own: a write to it makes its copy stale, and no other. A listing would depend on a
        // group of its own, and each write would name that group, too.
        let document = Scope::single(path);
        match method {
            Method::GET | Method::HEAD => {
                let scopes = [document, ALL];
                let entry = Entry::new(SPACE, path, &scopes);
                match self.cache.read(&entry, load(&self.origin, path)).await {
                    Ok(read) => found(read),
                    Err(failure) => failed(&failure),
                }
            }
            Method::PUT | Method::DELETE => {
                let write = store(&self.origin, method, path, body);
                match self.cache.write(SPACE, &[document], write).await {
                    Ok((status, _)) => answer(status, Bytes::new()),
                    Err(WriteError::Source(failure)) => failed(&failure),
                    Err(_) => text(StatusCode::SERVICE_UNAVAILABLE, "the cache could not record the write"),
                }
            }
            _ => text(StatusCode::METHOD_NOT_ALLOWED, "allowed methods: GET, HEAD, PUT, DELETE"),
        }
    }
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("the variable {name}: {error}"))
}

/// Reads a document from the origin; `None` where it has none.
async fn load(origin: &str, path: &str) -> Result<Option<Loaded>, Failure> {
    let (status, body) = ask(origin, Method::GET, path, Bytes::new()).await?;
    match status {
        200 => Ok(Some(Loaded::from(body))),
        404 | 410 => Ok(None),
        other => Err(Failure::Refused(other)),
    }
}

/// Writes a document to the origin.
async fn store(origin: &str, method: Method, path: &str, body: Bytes) -> Result<StatusCode, Failure> {
    let (status, _) = ask(origin, method, path, body).await?;
    match StatusCode::from_u16(status) {
        Ok(status) if status.is_success() => Ok(status),
        // The origin may have failed in the middle of the write.
        Ok(status) if status.is_server_error() => Err(Failure::Unreachable(format!("it answered {status}"))),
        _ => Err(Failure::Refused(status)),
    }
}

async fn ask(origin: &str, method: Method, path: &str, body: Bytes) -> Result<(u16, Bytes), Failure> {
    let unreachable = |error: String| Failure::Unreachable(error);
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{origin}{path}"))
        .header(header::CONTENT_LENGTH, body.len())
        .body(FullBody::new(body))
        .map_err(|error| unreachable(error.to_string()))?;
    let answer = spin_sdk::http::send(request).await.map_err(|error| unreachable(format!("{error:?}")))?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.map_err(|error| unreachable(format!("{error:?}")))?;
    Ok((status, body.to_bytes()))
}

fn found(read: fenced_cache::Read) -> Response<Bytes> {
    let from = match read.source {
        Source::Hit { .. } => "HIT",
        Source::Miss { .. } => "MISS",
        _ => "BYPASS",
    };
    let mut response = match read.value {
        Some(value) => {
            let mut response = answer(StatusCode::OK, value.bytes);
            response.headers_mut().extend(value.etag.as_str().parse().map(|etag| (header::ETAG, etag)));
            response
        }
        None => text(StatusCode::NOT_FOUND, "the origin has no such document"),
    };
    response.headers_mut().insert(X_CACHE, http::HeaderValue::from_static(from));
    response
}

fn failed(failure: &Failure) -> Response<Bytes> {
    match failure {
        Failure::Refused(status) => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::BAD_GATEWAY);
            text(status, "the origin refused it")
        }
        Failure::TimedOut => text(StatusCode::GATEWAY_TIMEOUT, "the origin did not answer in time"),
        Failure::Unreachable(why) => {
            eprintln!("the origin: {why}");
            text(StatusCode::BAD_GATEWAY, "the origin could not be reached")
        }
    }
}

fn text(status: StatusCode, words: &'static str) -> Response<Bytes> {
    answer(status, Bytes::from_static(words.as_bytes()))
}

fn answer(status: StatusCode, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

struct Component;

service::export!(Component);

impl Guest for Component {
    async fn handle(request: types::Request) -> Result<types::Response, types::ErrorCode> {
        let method: Method = request.get_method().try_into().map_err(|_| types::ErrorCode::HttpRequestMethodInvalid)?;
        let path = request.get_path_with_query().unwrap_or_else(|| "/".to_owned());
        let body = match method {
            Method::PUT => IncomingRequestBody::new(request)?.collect().await?.to_bytes(),
            _ => Bytes::new(),
        };
        let head = method == Method::HEAD;
        let response = match Instance::get().await {
            Ok(instance) => instance.answer(method, &path, body).await,
            Err(problem) => {
                eprintln!("{problem}");
                text(StatusCode::INTERNAL_SERVER_ERROR, "the configuration cannot be used: see the log")
            }
        };
        response::send(response, head).await
    }
}
