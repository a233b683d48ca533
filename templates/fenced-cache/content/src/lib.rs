//! A cache before an HTTP origin that is never stale.
//!
//! What to change for an app of your own: [`load`] and [`store`], which read and write the truth, and the scopes in
//! [`Instance::answer`] with [`document`], which say what a write makes stale.

mod ports;
mod response;

use std::cell::OnceCell;
use std::fmt::Debug;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use fenced_cache::{
    Entry, Loaded, ReadThrough, Scope, Settings, Source, SourceError, Space, WriteError, WritePolicy, timeout,
};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use percent_encoding::percent_decode_str;
use ports::{Host, Log, Redis, SpinPorts};
use spin_sdk::http::FullBody;
use spin_sdk::variables;
use spin_sdk::wasip3::exports::http::handler::Guest;
use spin_sdk::wasip3::http::{service, types};
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

/// How long the origin may take for a read or a write. A fence, which keeps readers from storing what a write makes stale,
/// stands longer.
const ORIGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client may take to send a body.
const BODY_TIMEOUT: Duration = Duration::from_secs(5);
/// The largest body that is taken from a client or from the origin, in bytes. It is held in memory.
const MAX_BODY: usize = 4 * 1024 * 1024;
/// The first part of every key.
const SPACE: &str = "documents";
/// The scope of every document. What Redis has of it is dropped where Redis comes back with older contents.
const ALL: Scope<'static> = Scope::group("all");
const X_CACHE: HeaderName = HeaderName::from_static("x-cache");

/// Why there is no document to answer with.
#[derive(Debug)]
enum Failure {
    /// The origin could not be reached, or failed. What became of a write is unknown.
    Failed(String),
    /// The origin took too long. What became of a write is unknown.
    TimedOut,
    /// The origin answered with this status.
    Refused(StatusCode),
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
            // A write that Redis cannot record is an error. With `Available` it would be acknowledged, and the promise broken.
            write_policy: WritePolicy::Consistent,
            ..Settings::default()
        };
        let redis = Redis::new(variable("redis_url").await?);
        let cache = ReadThrough::new(settings, redis, Host, Log);
        let made = Rc::new(Instance { origin: variable("origin").await?, cache });
        Ok(INSTANCE.with(|cell| Rc::clone(cell.get_or_init(|| made))))
    }

    async fn answer(&self, mut request: Request<Bytes>) -> Response<Bytes> {
        // A document is a scope of its own: a write to it makes its copies stale, and no others. A listing would depend on a
        // group of its own, and each write would name that group, too.
        let document = document(request.uri());
        match *request.method() {
            Method::GET | Method::HEAD => {
                // Each URI has a copy of its own: the origin may answer `/doc?lang=en` and `/doc?lang=fr` differently.
                let name = request.uri().to_string();
                let scopes = [Scope::single(&document), ALL];
                let entry = Entry::new(SPACE, &name, &scopes);
                // A `HEAD` is answered from the same copy.
                *request.method_mut() = Method::GET;
                match self.cache.read(&entry, load(&self.origin, request)).await {
                    Ok(read) => found(read),
                    Err(failure) => failed(&failure),
                }
            }
            Method::PUT | Method::DELETE => {
                let write = store(&self.origin, request);
                match self.cache.write(SPACE, &[Scope::single(&document)], write).await {
                    Ok((status, _)) => answer(status, Bytes::new()),
                    Err(WriteError::Source(failure)) => failed(&failure),
                    Err(WriteError::NotBegun) => text(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "nothing was written: the write could not be recorded in the cache",
                    ),
                    Err(WriteError::NotEnded) => text(
                        StatusCode::GATEWAY_TIMEOUT,
                        "the write was done, but its end could not be recorded in the cache: until the TTL of a copy ends, \
                         readers may be served what was there before",
                    ),
                }
            }
            _ => text(StatusCode::METHOD_NOT_ALLOWED, "allowed methods: GET, HEAD, PUT, DELETE"),
        }
    }
}

/// The document that a URI names: its path without the query, percent-decoded, so that `/doc`, `/doc?v=1` and `/%64oc` are
/// one. Where your origin has more names for a document, such as `/Doc` or `/./doc`, make them one here. Two documents may
/// share a name, at the cost of a miss; a document with two names would stay stale under one of them.
fn document(uri: &Uri) -> String {
    percent_decode_str(uri.path()).decode_utf8_lossy().into_owned()
}

async fn variable(name: &str) -> Result<String, String> {
    variables::get(name).await.map_err(|error| format!("the variable {name}: {error}"))
}

/// Reads a document from the origin; `None` where it has none.
async fn load(origin: &str, request: Request<Bytes>) -> Result<Option<Loaded>, Failure> {
    let answer = ask(origin, request).await?;
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND | StatusCode::GONE => return Ok(None),
        other => return Err(Failure::Refused(other)),
    }
    // Kept beside the copy, for `found`.
    let content_type = answer.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let meta = content_type.unwrap_or_default().to_owned();
    let body = Limited::new(answer.into_body(), MAX_BODY).collect().await.map_err(origin_failed)?;
    Ok(Some(Loaded { bytes: body.to_bytes(), meta }))
}

/// Writes a document to the origin. The cache ends a `load` that takes too long, but not a write.
async fn store(origin: &str, request: Request<Bytes>) -> Result<StatusCode, Failure> {
    let asked = timeout(&Host, ORIGIN_TIMEOUT, ask(origin, request)).await;
    match asked.ok_or(Failure::TimedOut)??.status() {
        status if status.is_success() => Ok(status),
        // The origin may have failed in the middle of the write.
        status if status.is_server_error() => Err(Failure::Failed(format!("it answered {status}"))),
        status => Err(Failure::Refused(status)),
    }
}

/// Sends a request to the origin. The body of the answer is still to be read.
async fn ask(origin: &str, request: Request<Bytes>) -> Result<spin_sdk::http::Response, Failure> {
    let (mut head, body) = request.into_parts();
    head.uri = format!("{origin}{}", head.uri).parse().map_err(origin_failed)?;
    head.headers.insert(header::CONTENT_LENGTH, body.len().into());
    spin_sdk::http::send(Request::from_parts(head, FullBody::new(body))).await.map_err(origin_failed)
}

fn origin_failed(error: impl Debug) -> Failure {
    Failure::Failed(format!("{error:?}"))
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
            if !value.meta.is_empty() {
                response.headers_mut().extend(value.meta.parse().map(|meta| (header::CONTENT_TYPE, meta)));
            }
            response
        }
        None => text(StatusCode::NOT_FOUND, "the origin has no such document"),
    };
    response.headers_mut().insert(X_CACHE, HeaderValue::from_static(from));
    response
}

fn failed(failure: &Failure) -> Response<Bytes> {
    match failure {
        Failure::Refused(status) if status.is_client_error() || status.is_server_error() => {
            text(*status, "the origin refused it")
        }
        // A redirect, whose `Location` is not passed on.
        Failure::Refused(_) => {
            text(StatusCode::BAD_GATEWAY, "the origin answered with neither a document nor an error")
        }
        Failure::TimedOut => text(StatusCode::GATEWAY_TIMEOUT, "the origin did not answer in time"),
        Failure::Failed(why) => {
            eprintln!("the origin: {why}");
            text(StatusCode::BAD_GATEWAY, "the origin could not be reached, or failed")
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

/// Reads a request from Spin: its method and its path, and of a `PUT` the body and its type.
///
/// # Errors
/// What to answer where the body cannot be read.
async fn receive(request: types::Request) -> Result<Request<Bytes>, (StatusCode, &'static str)> {
    let invalid = (StatusCode::BAD_REQUEST, "the request is invalid");
    let mut received = Request::new(Bytes::new());
    *received.method_mut() = request.get_method().try_into().map_err(|_| invalid)?;
    *received.uri_mut() = request.get_path_with_query().as_deref().unwrap_or("/").parse().map_err(|_| invalid)?;
    if received.method() != Method::PUT {
        return Ok(received);
    }
    for value in request.get_headers().get(header::CONTENT_TYPE.as_str()) {
        received.headers_mut().extend(HeaderValue::try_from(value).map(|value| (header::CONTENT_TYPE, value)));
    }
    let body = Limited::new(IncomingRequestBody::new(request).map_err(|_| invalid)?, MAX_BODY);
    match timeout(&Host, BODY_TIMEOUT, body.collect()).await {
        Some(Ok(body)) => Ok(received.map(|_| body.to_bytes())),
        Some(Err(error)) if error.is::<LengthLimitError>() => {
            Err((StatusCode::PAYLOAD_TOO_LARGE, "the body is too large"))
        }
        Some(Err(_)) => Err((StatusCode::BAD_REQUEST, "the body ended early")),
        None => Err((StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
    }
}

struct Component;

service::export!(Component);

impl Guest for Component {
    async fn handle(request: types::Request) -> Result<types::Response, types::ErrorCode> {
        let head = matches!(request.get_method(), types::Method::Head);
        let response = match (Instance::get().await, receive(request).await) {
            (Ok(instance), Ok(request)) => instance.answer(request).await,
            (Ok(_), Err((status, words))) => text(status, words),
            (Err(problem), _) => {
                eprintln!("{problem}");
                text(StatusCode::INTERNAL_SERVER_ERROR, "the configuration cannot be used: see the log")
            }
        };
        response::send(response, head).await
    }
}
