//! The name of a request, by which its answer and what is logged of it are found again: the header `X-Request-Id`.

use http::{HeaderMap, HeaderName, HeaderValue};

use crate::hex::hex;
use crate::platform::Platform;

/// The header, in requests and in answers.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest that is taken over.
const MAX_LENGTH: usize = 128;

/// The client's own, where it is harmless in a log and a header; or a new one.
pub fn of(headers: &HeaderMap, platform: &impl Platform) -> HeaderValue {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let harmless = |value: &&HeaderValue| (1..=MAX_LENGTH).contains(&value.len()) && value.as_bytes().iter().all(plain);
    match headers.get(X_REQUEST_ID).filter(harmless) {
        Some(value) => value.clone(),
        None => new(platform),
    }
}

/// 16 hex digits.
fn new(platform: &impl Platform) -> HeaderValue {
    HeaderValue::try_from(hex(&platform.random().to_be_bytes())).unwrap_or(HeaderValue::from_static("none"))
}
