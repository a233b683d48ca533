//! Failures of the HTTP client, as the error codes of `wasi:http` that Spin gives.
//!
//! Spin tells apart what its connector says, and what ended the component's own body; all else, a connection that breaks
//! off for one, is `http-protocol-error`.

use std::error::Error;

use hyper_util::client::legacy;
use wasmtime_wasi_http::p3::bindings::http::types::ErrorCode;

/// Why a request got no response.
pub(super) fn of_request(error: &legacy::Error) -> ErrorCode {
    known(error.source()).unwrap_or_else(|| {
        tracing::warn!("hyper request error: {error:?}");
        ErrorCode::HttpProtocolError
    })
}

/// Why a response's body ended.
pub(super) fn of_body(error: &hyper::Error) -> ErrorCode {
    known(error.source()).unwrap_or_else(|| {
        tracing::warn!("hyper request error: {error:?}");
        ErrorCode::HttpProtocolError
    })
}

fn known(cause: Option<&(dyn Error + 'static)>) -> Option<ErrorCode> {
    cause?.downcast_ref::<ErrorCode>().cloned()
}
