//! A response made by hand, its pieces ended in one order or the other.
//!
//! The host waits for a response's body and for its trailers, and takes one finished future in each turn of its event
//! loop. Which of them is first decides whether head and body leave together.

use std::future::poll_fn;
use std::task::Poll;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::wit_bindgen::yield_async;
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

/// When the response is returned, and what ends first.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// The trailers' writer lives until the body is written; a turn before the return.
    BodyFirst,
    /// The same without that turn.
    BodyFirstAtOnce,
    /// The same, but the write is begun by polling it by hand, and goes on in the spawned task.
    BodyFirstPolled,
    /// The trailers' writer is dropped before the return, which ends the trailers before the body.
    TrailersFirst,
}

impl Order {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "body-first" => Some(Self::BodyFirst),
            "body-first-at-once" => Some(Self::BodyFirstAtOnce),
            "body-first-polled" => Some(Self::BodyFirstPolled),
            "trailers-first" => Some(Self::TrailersFirst),
            _ => None,
        }
    }
}

/// A 200 with a body of `bytes` bytes.
pub(crate) async fn respond(order: Order, bytes: usize) -> Result<Response, ErrorCode> {
    let headers = [("content-length".to_owned(), bytes.to_string().into_bytes())];
    let headers = Fields::from_list(&headers).map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (mut writer, contents) = wit_stream::new();
    let (response, transmitted) = Response::new(headers, Some(contents), trailers);
    let early = match order {
        Order::TrailersFirst => {
            spawn(async move {
                let _ = writer.write_all(vec![b'x'; bytes]).await;
            });
            Some((trailers_writer, transmitted))
        }
        Order::BodyFirst | Order::BodyFirstAtOnce | Order::BodyFirstPolled => {
            let mut write = Box::pin(async move {
                let _ = writer.write_all(vec![b'x'; bytes]).await;
                drop((trailers_writer, transmitted));
            });
            if order == Order::BodyFirstPolled {
                poll_fn(|cx| Poll::Ready(write.as_mut().poll(cx).is_ready())).await;
            }
            spawn(write);
            None
        }
    };
    if matches!(order, Order::TrailersFirst | Order::BodyFirst) {
        yield_async().await;
    }
    drop(early);
    Ok(response)
}
