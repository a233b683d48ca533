//! The way back. Spin writes a body that it gets after the head in a second packet, which the network may hold back for
//! 40 ms: so the length is known, and the body's write is under way before the head is returned.

use bytes::Bytes;
use http::{Response, header};
use spin_sdk::wasip3::http::types::{self, ErrorCode, Fields};
use spin_sdk::wasip3::wit_bindgen::yield_async;
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

/// Hands a response to Spin; to a `HEAD` without its body.
pub async fn send(response: Response<Bytes>, head: bool) -> Result<types::Response, ErrorCode> {
    let (parts, body) = response.into_parts();
    let headers = parts.headers.iter().map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
    let length = (header::CONTENT_LENGTH.to_string(), body.len().to_string().into_bytes());
    let headers: Vec<_> = headers.chain([length]).collect();
    let headers = Fields::from_list(&headers).map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (mut writer, contents) = wit_stream::new();
    let has_body = !head && !body.is_empty();
    let (response, sent) = types::Response::new(headers, has_body.then_some(contents), trailers);
    let status = response.set_status_code(parts.status.as_u16());
    status.map_err(|()| ErrorCode::InternalError(Some("the status".to_owned())))?;
    if has_body {
        spawn(async move {
            // What is left over is what the client did not want.
            let _ = writer.write_all(Vec::from(body)).await;
            // Not before: the host would take the end of the trailers for the first thing to do, and send the head alone.
            drop((trailers_writer, sent));
        });
        yield_async().await;
    }
    Ok(response)
}
