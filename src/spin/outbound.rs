//! HTTP to the Data API by way of the host, which pools the connections.
//!
//! The request is made by hand instead of by `spin_sdk::http::send`, so that its head and body leave in one piece: the host
//! writes to a socket without `TCP_NODELAY`, and a body that came after its head would wait 40 ms for the server's delayed
//! acknowledgement. `response.rs` does the same for what the component answers.

use bytes::Bytes;
use http::Uri;
use http_body_util::BodyExt;
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Response, Scheme};
use spin_sdk::wasip3::http_compat::IncomingResponseBody;
use spin_sdk::wasip3::wit_bindgen::yield_async;
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::database::DatabaseError;
use crate::database::upstream::{Post, Upstream};

/// The host's HTTP client.
pub struct Outbound;

impl Upstream for Outbound {
    async fn post(&self, post: Post<'_>) -> Result<(u16, Bytes), DatabaseError> {
        let allowance = post.allowance;
        let answer = send(post).await?;
        let status = answer.get_status_code();
        let mut body = IncomingResponseBody::new(answer).map_err(failure)?;
        let mut pieces = Vec::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let taken = match frame.map(http_body::Frame::into_data) {
                Ok(Ok(data)) => allowance.take(length, data.len()).map(|()| data),
                Ok(Err(_)) => continue, // trailers
                Err(error) => Err(DatabaseError::Failed(format!("its answer broke off: {error:?}"))),
            };
            let data = taken.inspect_err(|_| allowance.give_back(length))?;
            length += data.len();
            pieces.push(data);
        }
        Ok((status, join(pieces, length)))
    }
}

/// Sends a POST with a JSON body, head and body in one piece, and waits for the head of the response.
async fn send(post: Post<'_>) -> Result<Response, DatabaseError> {
    let Post { url, api_key, body, trace, connect_timeout, .. } = post;
    let options = RequestOptions::new();
    let nanoseconds = u64::try_from(connect_timeout.as_nanos()).unwrap_or(u64::MAX);
    // A host without such a timeout says so; the caller's own limit holds in any case.
    let _ = options.set_connect_timeout(Some(nanoseconds));
    let headers = [
        ("content-type", Vec::from("application/json")),
        ("accept", Vec::from("application/ejson")),
        ("content-length", body.len().to_string().into_bytes()),
        ("apikey", Vec::from(api_key)),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value));
    let trace = trace.headers().map(|(name, value)| (name.as_str().to_owned(), Vec::from(value)));
    let headers: Vec<_> = headers.into_iter().chain(trace).collect();
    let headers = Fields::from_list(&headers)
        .map_err(|error| DatabaseError::Unreachable(format!("the request's headers: {error:?}")))?;

    let (mut writer, contents) = wit_stream::new();
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (request, transmitted) = Request::new(headers, Some(contents), trailers, Some(options));
    address(&request, url).map_err(|part| DatabaseError::Unreachable(format!("data_api_url has an invalid {part}")))?;
    spawn(async move {
        // What is left over is what the Data API did not want.
        let _ = writer.write_all(body).await;
        // Not before: see response.rs.
        drop((trailers_writer, transmitted));
    });
    // Starts that write before the host has the head. Without it almost every request stalls.
    yield_async().await;
    client::send(request).await.map_err(failure)
}

/// Makes `request` a POST to `url`. Names the part of the URL that the host does not accept.
fn address(request: &Request, url: &str) -> Result<(), &'static str> {
    let url: Uri = url.parse().map_err(|_| "URL")?;
    let scheme = match url.scheme_str() {
        Some("http") => Scheme::Http,
        Some("https") => Scheme::Https,
        _ => return Err("scheme"),
    };
    request.set_method(&Method::Post).map_err(|()| "method")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
    request.set_authority(url.authority().map(|authority| authority.as_str())).map_err(|()| "host")?;
    request.set_path_with_query(url.path_and_query().map(|path| path.as_str())).map_err(|()| "path")
}

/// The pieces as one. Only what comes in several is copied, once, and into no more memory than it needs: a buffer that
/// grows with what comes would need three times as much.
fn join(mut pieces: Vec<Bytes>, length: usize) -> Bytes {
    if pieces.len() == 1 {
        return pieces.pop().unwrap_or_default();
    }
    let mut whole = Vec::with_capacity(length);
    for piece in pieces {
        whole.extend_from_slice(&piece);
    }
    Bytes::from(whole)
}

fn failure(code: ErrorCode) -> DatabaseError {
    match code {
        // Nothing was sent.
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached => DatabaseError::Unreachable(format!("{code:?}")),
        ErrorCode::HttpRequestDenied => {
            DatabaseError::Unreachable("the variable data_api_origin does not allow its address".to_owned())
        }
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
            DatabaseError::Timeout
        }
        other => DatabaseError::Failed(format!("{other:?}")),
    }
}
