//! What a component answered, on its way to the client.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{Method, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};

/// What the component's body ends with where it fails.
pub(crate) type BodyError = wasmtime::Error;

/// A response's body as the component sends it.
pub(crate) type ResponseBody = UnsyncBoxBody<Bytes, BodyError>;

/// A response of the host itself, without a body: Spin sends none with a 404 or a 500.
pub(crate) fn empty(status: StatusCode) -> Response<ResponseBody> {
    let mut response = Response::new(Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync());
    *response.status_mut() = status;
    response
}

/// A response of the host itself with a body.
pub(crate) fn full(body: impl Into<Bytes>) -> Response<ResponseBody> {
    Response::new(Full::new(body.into()).map_err(|never: Infallible| match never {}).boxed_unsync())
}

/// A body from which the first chunk was already taken.
struct PrefixedBody {
    first: Option<Bytes>,
    rest: ResponseBody,
}

/// Waits for the first chunk of a body whose length the component announced (`--tuned`).
///
/// A component hands over head and body one after the other. Passed on like that they may be two writes to the client,
/// and a trap between them a broken connection instead of a 500. A body of unknown length may be a stream of events:
/// its head leaves at once.
///
/// # Errors
/// The component failed before the first chunk.
pub(crate) async fn coalesce_first_chunk(
    method: &Method,
    response: Response<ResponseBody>,
) -> Result<Response<ResponseBody>, Option<BodyError>> {
    let length = announced_length(&response);
    // With HEAD and 304, the length of another response's body is announced and no body follows.
    let has_body = *method != Method::HEAD && response.status() != StatusCode::NOT_MODIFIED && length > 0;
    if !has_body {
        return Ok(response);
    }
    let (head, mut body) = response.into_parts();
    let first = match body.frame().await {
        Some(Ok(frame)) => frame.into_data().ok(),
        Some(Err(error)) => return Err(Some(error)),
        None => return Err(None),
    };
    let body = match first {
        Some(all) if all.len() as u64 == length => {
            Full::new(all).map_err(|never: Infallible| match never {}).boxed_unsync()
        }
        first => PrefixedBody { first, rest: body }.boxed_unsync(),
    };
    Ok(Response::from_parts(head, body))
}

/// The `Content-Length`; 0 if there is none.
fn announced_length(response: &Response<ResponseBody>) -> u64 {
    let value = response.headers().get(CONTENT_LENGTH);
    value.and_then(|value| value.to_str().ok()?.parse().ok()).unwrap_or(0)
}

impl Body for PrefixedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
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
