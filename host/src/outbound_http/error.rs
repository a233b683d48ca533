//! Failures of the HTTP client, as the error codes of `wasi:http`.

use std::error::Error as StdError;
use std::io::ErrorKind;

use hyper_util::client::legacy;
use wasmtime_wasi_http::Error;

use super::connect::ConnectError;

/// Why a request got no response.
pub(super) fn of_request(error: &legacy::Error) -> Error {
    let mut cause = error.source();
    while let Some(source) = cause {
        if let Some(error) = source.downcast_ref::<ConnectError>() {
            return of_connect(error);
        }
        if let Some(error) = source.downcast_ref::<hyper::Error>() {
            return of_exchange(error);
        }
        cause = source.source();
    }
    Error::InternalError(Some(error.to_string()))
}

fn of_connect(error: &ConnectError) -> Error {
    match error {
        ConnectError::NoHost => Error::HttpRequestUriInvalid,
        ConnectError::Timeout => Error::ConnectionTimeout,
        ConnectError::Dns(_) => Error::DnsError { rcode: Some("address not available".to_owned()), info_code: Some(0) },
        ConnectError::Connect(error) => match error.kind() {
            ErrorKind::TimedOut => Error::ConnectionTimeout,
            ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => Error::DestinationIpUnroutable,
            _ => Error::ConnectionRefused,
        },
    }
}

/// Why an exchange on a connection failed: before the response's head, or within its body.
pub(super) fn of_exchange(error: &hyper::Error) -> Error {
    let mut cause = error.source();
    while let Some(source) = cause {
        // The component's own body ended with an error: fewer bytes than it announced, for one.
        if let Some(Error::HttpRequestBodySize(size)) = source.downcast_ref::<Error>() {
            return Error::HttpRequestBodySize(*size);
        }
        if let Some(error) = source.downcast_ref::<std::io::Error>() {
            return match error.kind() {
                ErrorKind::TimedOut => Error::ConnectionReadTimeout,
                ErrorKind::UnexpectedEof => Error::HttpResponseIncomplete,
                _ => Error::ConnectionTerminated,
            };
        }
        cause = source.source();
    }
    if error.is_incomplete_message() {
        return Error::HttpResponseIncomplete;
    }
    if error.is_canceled() || error.is_closed() {
        return Error::ConnectionTerminated;
    }
    Error::HttpProtocolError
}
