//! The way back: head and body leave in one piece.
//!
//! A body that the host gets after the head goes out in a second write, which Nagle's algorithm holds back until the
//! client's delayed acknowledgement of the first, 40 ms later. So every answer has a `Content-Length`, and the body's
//! first write is under way before the head is returned.

use http::{HeaderMap, StatusCode, header};
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::wit_bindgen::yield_async;
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::http::Reply;

/// Hands a reply to the host.
///
/// # Errors
/// The host's, for a header that it does not take.
pub async fn send(reply: Reply) -> Result<Response, ErrorCode> {
    let (head, body) = reply.into_parts();
    // Neither has a body, nor a length of its own (RFC 9110, sections 8.6 and 15.4.5).
    let bodiless = matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = (!bodiless).then_some(body.len());
    let headers = fields(&head.headers, length)?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (response, sent) = if bodiless || body.is_empty() {
        Response::new(headers, None, trailers)
    } else {
        let (mut writer, contents) = wit_stream::new();
        let response = Response::new(headers, Some(contents), trailers);
        spawn(async move {
            // What is left over, the client did not want any more.
            let _ = writer.write_all(Vec::from(body)).await;
        });
        yield_async().await;
        response
    };
    drop((trailers_writer, sent));
    // A new response is a 200.
    if head.status != StatusCode::OK {
        let status = head.status.as_u16();
        response.set_status_code(status).map_err(|()| ErrorCode::InternalError(Some("status".to_owned())))?;
    }
    Ok(response)
}

fn fields(headers: &HeaderMap, length: Option<usize>) -> Result<Fields, ErrorCode> {
    let mut list: Vec<(String, Vec<u8>)> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    if let Some(length) = length {
        list.push((header::CONTENT_LENGTH.as_str().to_owned(), length.to_string().into_bytes()));
    }
    Fields::from_list(&list).map_err(|error| ErrorCode::InternalError(Some(format!("headers: {error:?}"))))
}
