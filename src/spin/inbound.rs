//! A request as the routes take it: its head, and its body, read as far as the limit allows.

use bytes::{Bytes, BytesMut};
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Request, Uri};
use http_body_util::BodyExt;
use spin_sdk::wasip3::http::types::{self, ErrorCode};
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

use crate::budget::Held;
use crate::http::body::{BodyError, UnreadBody};
use crate::http::client_address::{CLIENT_ADDRESS, X_FORWARDED_FOR};
use crate::http::cors::SEC_FETCH_SITE;
use crate::http::request_id::X_REQUEST_ID;
use crate::http::routes::add::IDEMPOTENCY_KEY;
use crate::trace_context::{TRACEPARENT, TRACESTATE};

/// The headers that something here reads. The others are left out: to parse and hash them would be work for nothing.
static READ: [HeaderName; 17] = [
    header::ACCEPT,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::AUTHORIZATION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::HOST,
    header::IF_MATCH,
    header::IF_NONE_MATCH,
    IDEMPOTENCY_KEY,
    header::ORIGIN,
    SEC_FETCH_SITE,
    TRACEPARENT,
    TRACESTATE,
    X_FORWARDED_FOR,
    X_REQUEST_ID,
    CLIENT_ADDRESS,
];

/// How the names begin that Spin adds to every request: most of a request's, and only [`CLIENT_ADDRESS`] is read.
const OF_SPIN: &str = "spin-";

thread_local! {
    /// Their names, looked up once.
    static READ_NAMES: [&'static str; READ.len()] = READ.each_ref().map(HeaderName::as_str);
}

/// How much of a body that is too large is still read, and thrown away: a client that sends on while the connection is
/// closed on it would often not see the answer.
const DRAIN: usize = 64 * 1024 * 1024;

/// The request without its body. Its URI has no more than the path and the query.
///
/// # Errors
/// An invalid path or method, which a host should not let through.
pub fn head(request: &types::Request) -> Result<Request<()>, ErrorCode> {
    let path = request.get_path_with_query().unwrap_or_else(|| "/".to_owned());
    let uri: Uri = path.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let method = request.get_method().try_into().map_err(|_| ErrorCode::HttpRequestMethodInvalid)?;
    let mut headers = HeaderMap::new();
    let names = READ_NAMES.with(|names| *names);
    for (name, value) in request.get_headers().copy_all() {
        if name.starts_with(OF_SPIN) && name != CLIENT_ADDRESS.as_str() {
            continue;
        }
        if let Some(at) = names.iter().position(|read| read.eq_ignore_ascii_case(&name))
            && let Ok(value) = HeaderValue::try_from(value)
        {
            headers.append(&READ[at], value);
        }
    }
    // Some hosts say it here instead.
    if !headers.contains_key(header::HOST)
        && let Some(Ok(authority)) = request.get_authority().map(HeaderValue::try_from)
    {
        headers.insert(header::HOST, authority);
    }
    let mut head = Request::new(());
    *head.method_mut() = method;
    *head.uri_mut() = uri;
    *head.headers_mut() = headers;
    Ok(head)
}

/// The body of a request, still with the host.
pub struct Body {
    request: types::Request,
    announced: bool,
}

impl Body {
    /// The body of the request that has this head.
    pub fn new(head: &Request<()>, request: types::Request) -> Self {
        Body { request, announced: announced(head.headers()) }
    }
}

impl UnreadBody for Body {
    async fn read(self, limit: usize, held: &Held) -> Result<Bytes, BodyError> {
        if !self.announced {
            return Ok(Bytes::new());
        }
        let body = IncomingRequestBody::new(self.request).map_err(|_| BodyError::CutOff)?;
        collect(body, limit, held).await
    }
}

/// Whether the request says that it has a body (RFC 9112, section 6.3). HTTP/2 need not say so; there one is looked for.
fn announced(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() != b"0")
}

async fn collect(mut body: IncomingRequestBody, limit: usize, held: &Held) -> Result<Bytes, BodyError> {
    let mut collected = BytesMut::new();
    let mut dropped = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::CutOff)?.into_data() else {
            continue; // trailers
        };
        if dropped == 0 && collected.len() + data.len() <= limit {
            held.grow(data.len())?;
            collected.extend_from_slice(&data);
        } else {
            dropped += data.len();
            if dropped > DRAIN {
                break;
            }
        }
    }
    if dropped > 0 {
        return Err(BodyError::TooLarge);
    }
    Ok(collected.freeze())
}
