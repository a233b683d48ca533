//! A request as the routes take it: with its body, read as far as the limit allows.

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, header};
use http_body_util::BodyExt;
use spin_sdk::http::Request;
use spin_sdk::wasip3::http_compat::IncomingRequestBody;

use crate::routes::Incoming;
use crate::routes::body::BodyError;

/// How much of a body that is too large is still read, and thrown away: a client that sends on while the connection is
/// closed on it would often not see the answer.
const DRAIN: usize = 64 * 1024 * 1024;

/// Reads the body of a request that can have one.
pub async fn read(request: Request, limit: usize) -> Incoming {
    let (head, body) = request.into_parts();
    let expected = matches!(head.method, Method::POST | Method::PUT) && announced(&head.headers);
    let body = if expected { collect(body, limit).await } else { Ok(Bytes::new()) };
    Incoming::from_parts(head, body)
}

/// Whether the request says that it has a body (RFC 9112, section 6.3). HTTP/2 need not say so; there one is looked for.
fn announced(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_LENGTH).is_none_or(|length| length.as_bytes() != b"0")
}

async fn collect(mut body: IncomingRequestBody, limit: usize) -> Result<Bytes, BodyError> {
    let mut collected = BytesMut::new();
    let mut dropped = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::CutOff)?.into_data() else {
            continue; // trailers
        };
        if dropped == 0 && collected.len() + data.len() <= limit {
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
