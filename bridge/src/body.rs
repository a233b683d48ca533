//! Reading a request's body, up to a limit.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;

use crate::budget::Reservation;
use crate::error::Error;

/// How long a client that sends too much may go on before the connection is cut. Cutting it at once would have many clients
/// see a reset connection instead of the answer.
const LINGER_TIME: Duration = Duration::from_secs(30);

/// How many bytes it may send in that time.
const LINGER_BYTES: usize = 64 * 1024 * 1024;

/// A body that is longer than this has a mapping of its own.
const MAPPED_FROM: usize = 128 * 1024;

/// As much as glibc always maps, and gives back to the system when it is freed. What is smaller it keeps for later once it has seen
/// a few, and a hundred large bodies would then be kept. Only the pages that are written to take memory.
const MAPPED: usize = 33 * 1024 * 1024;

/// How long the rest of a refused request's body is waited for.
const DISCARD_TIME: Duration = Duration::from_secs(1);

/// How large it may be.
const DISCARD_BYTES: usize = 64 * 1024;

/// The whole body. Its bytes are taken from the memory for all requests as they arrive.
///
/// # Errors
/// 413 where it is larger than `limit`; 408 where it takes longer than `time`; 400 where it breaks off; 503 where there is no
/// memory for it.
pub async fn read(body: Body, limit: usize, time: Duration, memory: &mut Reservation<'_>) -> Result<Bytes, Error> {
    tokio::time::timeout(time, whole(body, limit, memory)).await.unwrap_or(Err(Error::BodyTimeout))
}

/// Takes in what is left of a body that nobody will read, for a moment. A connection whose client is still sending cannot be
/// used again, and the client finds that out only with its next request.
pub async fn discard(body: Body) {
    let mut stream = body.into_data_stream();
    let all = async {
        let mut discarded = 0;
        while let Some(Ok(chunk)) = stream.next().await {
            discarded += chunk.len();
            if discarded > DISCARD_BYTES {
                break;
            }
        }
    };
    // Whether it ended or the time did makes no difference.
    let _ = tokio::time::timeout(DISCARD_TIME, all).await;
}

async fn whole(body: Body, limit: usize, memory: &mut Reservation<'_>) -> Result<Bytes, Error> {
    // Once and for all: a buffer that grows is copied, and is twice as large for a moment.
    let expected = usize::try_from(body.size_hint().lower()).map_or(limit, |length| length.min(limit));
    let mut stream = body.into_data_stream();
    let first = next(&mut stream).await?.unwrap_or_default();
    let mut whole = BytesMut::new();
    let mut length = first.len();
    let mut granted = memory.grow(first.len());
    while length <= limit && granted.is_ok() {
        let Some(chunk) = next(&mut stream).await? else {
            // Most bodies come in one piece and are never copied.
            return Ok(if whole.is_empty() { first } else { whole.freeze() });
        };
        length += chunk.len();
        granted = memory.grow(chunk.len());
        if whole.is_empty() {
            whole.reserve(if expected > MAPPED_FROM { expected.max(MAPPED) } else { expected });
            whole.extend_from_slice(&first);
        }
        whole.extend_from_slice(&chunk);
    }
    drop((first, whole));
    let refused = granted.err().unwrap_or(Error::BodyTooLarge(limit));
    memory.clear();
    let discard = async {
        let mut discarded = 0;
        while let Some(Ok(chunk)) = stream.next().await {
            discarded += chunk.len();
            if discarded > LINGER_BYTES {
                break;
            }
        }
    };
    // Whether it ended or the time did makes no difference.
    let _ = tokio::time::timeout(LINGER_TIME, discard).await;
    Err(refused)
}

async fn next(stream: &mut BodyDataStream) -> Result<Option<Bytes>, Error> {
    let broken = |_| Error::InvalidParameter("the body broke off".to_owned());
    stream.next().await.transpose().map_err(broken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::Budget;

    fn chunks(chunks: &[&'static str]) -> Body {
        let chunks: Vec<Result<&'static str, std::io::Error>> = chunks.iter().copied().map(Ok).collect();
        Body::from_stream(futures_util::stream::iter(chunks))
    }

    #[tokio::test]
    async fn bodies_up_to_the_limit() {
        let budget = Budget::new(1 << 20);
        let read = async |body, limit| read(body, limit, Duration::from_millis(50), &mut budget.reserve()).await;
        let never = Body::from_stream(futures_util::stream::pending::<Result<&str, std::io::Error>>());
        assert!(matches!(read(never, 4).await, Err(Error::BodyTimeout)));
        assert_eq!(read(Body::empty(), 4).await.unwrap(), "");
        assert_eq!(read(chunks(&["abcd"]), 4).await.unwrap(), "abcd");
        assert_eq!(read(chunks(&["a", "bc", "", "d"]), 4).await.unwrap(), "abcd");
        for large in [&["abcde"][..], &["abcd", "e"], &["a", "b", "c", "d", "e", "f"]] {
            assert!(matches!(read(chunks(large), 4).await, Err(Error::BodyTooLarge(4))), "{large:?}");
        }
    }
}
