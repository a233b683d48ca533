//! HTTP to the Data API by way of the host, which pools the connections.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::BodyExt;
use spin_sdk::http::FullBody;
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

use crate::database::StoreError;
use crate::database::data_api::Upstream;

/// The host's HTTP client.
pub struct Outbound;

impl Upstream for Outbound {
    async fn post(
        &self,
        url: &str,
        api_key: &str,
        body: Vec<u8>,
        connect_timeout: Duration,
        largest: usize,
    ) -> Result<(u16, Bytes), StoreError> {
        let options = RequestOptions::new();
        let nanoseconds = u64::try_from(connect_timeout.as_nanos()).unwrap_or(u64::MAX);
        // A host that knows no such timeout says so; the caller's own limit holds in any case.
        let _ = options.set_connect_timeout(Some(nanoseconds));
        let request = Request::post(url)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_LENGTH, body.len())
            .header("apiKey", api_key)
            .extension(RequestOptionsExtension(options))
            .body(FullBody::new(Bytes::from(body)))
            .map_err(|error| StoreError::Unreachable(format!("the request: {error}")))?;
        let answer = spin_sdk::http::send(request).await.map_err(failure)?;
        let status = answer.status().as_u16();
        let mut body = answer.into_body();
        let mut pieces = Vec::new();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| StoreError::Failed(format!("its answer broke off: {error:?}")))?;
            let Ok(data) = frame.into_data() else {
                continue; // trailers
            };
            length += data.len();
            if length > largest {
                return Err(StoreError::TooLarge(largest));
            }
            pieces.push(data);
        }
        Ok((status, join(pieces, length)))
    }
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

fn failure(code: ErrorCode) -> StoreError {
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
        | ErrorCode::ConnectionLimitReached => StoreError::Unreachable(format!("{code:?}")),
        ErrorCode::HttpRequestDenied => {
            StoreError::Unreachable("the variable data_api_origin does not allow its address".to_owned())
        }
        ErrorCode::ConnectionReadTimeout | ErrorCode::ConnectionWriteTimeout | ErrorCode::HttpResponseTimeout => {
            StoreError::Timeout
        }
        other => StoreError::Failed(format!("{other:?}")),
    }
}
