//! Requests that the component makes.

use std::time::Duration;

use http_body_util::Empty;
use spin_sdk::http::send;
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

use crate::{Answer, answer_with, body_text, text};

/// `status body` of a GET, or 502 and the error code. A time of 0 sets no limit.
pub(crate) async fn fetch(url: String, first_byte_ms: u64, between_bytes_ms: u64) -> Answer {
    let nanos = |ms| Some(Duration::from_millis(ms).as_nanos() as u64).filter(|nanos| *nanos > 0);
    let options = RequestOptions::new();
    let set = options.set_first_byte_timeout(nanos(first_byte_ms)).is_ok()
        && options.set_between_bytes_timeout(nanos(between_bytes_ms)).is_ok();
    let request =
        http::Request::get(url).extension(RequestOptionsExtension(options)).body(Empty::<bytes::Bytes>::new());
    let Ok(request) = request else {
        return answer_with(400, "no URL".to_owned());
    };
    if !set {
        return answer_with(500, "the host supports no timeouts".to_owned());
    }
    let response = match send(request).await {
        Ok(response) => response,
        Err(code) => return answer_with(502, format!("{code:?}")),
    };
    let status = response.status();
    match body_text(response).await {
        Ok(body) => text(format!("{} {body}", status.as_u16())),
        Err(code) => answer_with(502, format!("body: {code}")),
    }
}
