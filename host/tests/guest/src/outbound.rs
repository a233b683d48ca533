//! Requests that the component makes.

use std::time::Duration;

use http_body_util::{Empty, Full};
use spin_sdk::http::{Response, send};
use spin_sdk::wasip3::http::client;
use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Method, Request, RequestOptions, Scheme};
use spin_sdk::wasip3::http_compat::{RequestOptionsExtension, http_from_wasi_response};
use spin_sdk::wasip3::wit_bindgen::yield_async;
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

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

/// `status body` of a POST of so many bytes, sent as spin-sdk does it, or with the body's write under way before the host
/// has the head.
pub(crate) async fn post(url: &str, bytes: usize, body_first: bool) -> Answer {
    let body = vec![b'x'; bytes];
    let response = match body_first {
        true => post_body_first(url, body).await,
        false => {
            match http::Request::post(url).header("content-length", bytes).body(Full::new(bytes::Bytes::from(body))) {
                Ok(request) => send(request).await,
                Err(_) => return answer_with(400, "no URL".to_owned()),
            }
        }
    };
    let response = match response {
        Ok(response) => response,
        Err(code) => return answer_with(502, format!("{code:?}")),
    };
    let status = response.status().as_u16();
    match body_text(response).await {
        Ok(body) => text(format!("{status} {body}")),
        Err(code) => answer_with(502, format!("body: {code}")),
    }
}

async fn post_body_first(url: &str, body: Vec<u8>) -> Result<Response, ErrorCode> {
    let invalid = |()| ErrorCode::HttpRequestUriInvalid;
    let url: http::Uri = url.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let headers = [("content-length".to_owned(), body.len().to_string().into_bytes())];
    let headers = Fields::from_list(&headers).map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (mut writer, contents) = wit_stream::new();
    let (request, transmitted) = Request::new(headers, Some(contents), trailers, None);
    request.set_method(&Method::Post).map_err(invalid)?;
    request.set_scheme(Some(&Scheme::Http)).map_err(invalid)?;
    request.set_authority(url.authority().map(|authority| authority.as_str())).map_err(invalid)?;
    request.set_path_with_query(url.path_and_query().map(|path| path.as_str())).map_err(invalid)?;
    spawn(async move {
        let _ = writer.write_all(body).await;
        drop((trailers_writer, transmitted));
    });
    yield_async().await;
    http_from_wasi_response(client::send(request).await?)
}
