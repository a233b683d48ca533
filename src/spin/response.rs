//! The way back: head and body leave in one piece.
//!
//! Spin does not set `TCP_NODELAY`. A body that reaches its HTTP server after the head leaves in a second write, which
//! Nagle's algorithm holds back until the client's delayed acknowledgement of the first arrives, 40 ms later. So every
//! response has a `Content-Length`, the body's write is under way before the head is returned, and nothing that the host
//! waits for finishes before the body does. `docs/explanation/a-body-after-its-head.md` has the whole story.

use std::cell::RefCell;
use std::future::Future;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::wit_bindgen::yield_async;
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::http::response::Response as Answer;

/// How much of a body is handed over at a time. The host copies what it is given, so that a large body in one part would
/// take its size once more.
const PART: usize = 1024 * 1024;

/// Hands a response to the host, and does `afterwards` once the host has all of it.
///
/// # Errors
/// The host's, for a header that it does not take.
pub async fn send(answer: Answer, afterwards: impl Future<Output = ()> + 'static) -> Result<Response, ErrorCode> {
    let (head, body) = answer.into_parts();
    // Neither has a body, nor a length of its own (RFC 9110, sections 8.6 and 15.4.5).
    let bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = (!bodiless).then_some(body.len());
    let headers = fields(&head.headers, length)?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let response = if bodiless || body.is_empty() {
        let (response, _) = Response::new(headers, None, trailers);
        spawn(afterwards);
        response
    } else {
        let (mut writer, contents) = wit_stream::new();
        let (response, transmitted) = Response::new(headers, Some(contents), trailers);
        spawn(async move {
            // What is left over is what the client did not want.
            if body.len() <= PART {
                let _ = writer.write_all(Vec::from(body)).await;
            } else {
                for part in body.chunks(PART) {
                    if !writer.write_all(part.to_vec()).await.is_empty() {
                        break;
                    }
                }
            }
            // Not before. The host waits for the body and for the trailers, takes one of them in each turn of its event
            // loop, and between two turns its HTTP server writes what it has. A writer that is dropped has written its
            // default: the trailers would be first, and the server would have the head alone.
            drop((trailers_writer, transmitted));
            // In the same task: one more would have the guest end its turn otherwise.
            afterwards.await;
        });
        // Starts that write. It is also the turn in which the host takes what else has finished, such as a timer that was
        // cancelled: left until after the return, it would come between head and body, once in some hundred responses.
        if !HOST_JOINS.with(|joins| *joins) {
            yield_async().await;
        }
        response
    };
    // A new response is a 200.
    if head.status != StatusCode::OK {
        let status = head.status.as_u16();
        response.set_status_code(status).map_err(|()| ErrorCode::InternalError(Some("status".to_owned())))?;
    }
    Ok(response)
}

thread_local! {
    /// Whether the host itself sends head and body together, as Spin does not: `store-host --tuned`.
    static HOST_JOINS: bool = std::env::var_os("STORE_HOST_JOINS_RESPONSES").is_some();

    /// The last response's headers. The next response uses their strings again: new ones took three thousand instructions of
    /// a hit.
    static FIELDS: RefCell<Vec<(String, Vec<u8>)>> = const { RefCell::new(Vec::new()) };
}

fn fields(headers: &HeaderMap, length: Option<usize>) -> Result<Fields, ErrorCode> {
    let length = length.map(HeaderValue::from);
    let length = length.iter().map(|length| (&header::CONTENT_LENGTH, length));
    FIELDS.with_borrow_mut(|fields| {
        let count = headers.len() + length.len();
        fields.resize_with(fields.len().max(count), Default::default);
        for ((name, value), (new_name, new_value)) in fields.iter_mut().zip(headers.iter().chain(length)) {
            name.clear();
            name.push_str(new_name.as_str());
            value.clear();
            value.extend_from_slice(new_value.as_bytes());
        }
        let fields = fields.get(..count).unwrap_or_default();
        Fields::from_list(fields).map_err(|error| ErrorCode::InternalError(Some(format!("headers: {error:?}"))))
    })
}
