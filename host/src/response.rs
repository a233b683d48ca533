//! What a component answered, on its way to the client: head and body together where possible.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt, Either, Full};
use wasmtime_wasi_http::{Error, WasiBody};

/// A response's body: there as a whole, or in pieces of which the first may be there.
pub(crate) type Outgoing = Either<Full<Bytes>, Pieces>;

/// A body from which the first piece was already taken.
pub(crate) struct Pieces {
    first: Option<Bytes>,
    rest: WasiBody,
}

/// Waits for the first piece of a body whose length the component announced.
///
/// A component hands over head and body one after the other. Passed on like that they would be two writes to the client,
/// and a trap between them a broken connection instead of a 500. A body of unknown length may be a stream of events:
/// its head leaves at once.
///
/// # Errors
/// The component failed before the first piece.
pub(crate) async fn in_one_piece(
    method: &Method,
    response: Response<WasiBody>,
) -> Result<Response<Outgoing>, Option<Error>> {
    let length = announced_length(&response);
    let (head, mut body) = response.into_parts();
    // To HEAD, and with 304, a length is said and no body follows.
    let has_body = *method != Method::HEAD && head.status != StatusCode::NOT_MODIFIED && length > 0;
    let first = match has_body {
        false => None,
        true => match body.frame().await {
            Some(Ok(frame)) => frame.into_data().ok(),
            Some(Err(error)) => return Err(Some(error)),
            None => return Err(None),
        },
    };
    let body = match first {
        Some(all) if all.len() as u64 == length => Either::Left(Full::new(all)),
        first => Either::Right(Pieces { first, rest: body }),
    };
    Ok(Response::from_parts(head, body))
}

/// The `Content-Length`; 0 where there is none.
fn announced_length(response: &Response<WasiBody>) -> u64 {
    let value = response.headers().get(CONTENT_LENGTH);
    value.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
            None => Pin::new(&mut self.rest).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.rest.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let first = self.first.as_ref().map_or(0, |first| first.len() as u64);
        let rest = self.rest.size_hint();
        let mut hint = SizeHint::new();
        // The upper bound first: a lower bound may not exceed it.
        if let Some(upper) = rest.upper() {
            hint.set_upper(first + upper);
        }
        hint.set_lower(first + rest.lower());
        hint
    }
}

/// An answer of the host itself: problem details (RFC 9457), with `error` for clients that look there.
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response<Outgoing> {
    let problem = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "detail": detail,
        "error": detail,
    });
    let body = problem.to_string();
    let length = HeaderValue::from(body.len());
    let mut response = Response::new(Either::Left(Full::new(Bytes::from(body))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response.headers_mut().insert(CONTENT_LENGTH, length);
    response
}
