//! The entry over WASI's interfaces.

use std::borrow::Cow;

use wasip3::exports::http::handler::Guest;
use wasip3::http::types::{self, ErrorCode, Fields};
use wasip3::wit_bindgen::yield_async;
use wasip3::{http::service, spawn, wit_future, wit_stream};

use crate::pages::{self, Request, Response};

struct Component;

service::export!(Component);

impl Guest for Component {
    async fn handle(request: types::Request) -> Result<types::Response, ErrorCode> {
        let headers = request.get_headers();
        let header = |name: &str| {
            let values = headers.get(name);
            values.iter().map(|value| String::from_utf8_lossy(value)).collect::<Vec<_>>().join(",")
        };
        let response = pages::respond(&Request {
            method: method(&request.get_method()),
            path: request.get_path_with_query().as_deref().unwrap_or("/"),
            accept: &header("accept"),
            if_none_match: &header("if-none-match"),
        });
        send(response).await
    }
}

fn method(method: &types::Method) -> &str {
    match method {
        types::Method::Get => "GET",
        types::Method::Head => "HEAD",
        types::Method::Options => "OPTIONS",
        _ => "",
    }
}

/// Hands a response to the host in one piece. A body that the host gets after the head leaves in a second write, which
/// Nagle's algorithm holds back until the client's delayed acknowledgement of the first. The host takes one finished future
/// a turn: so the trailers must not be finished before the body is, and their writer lives as long as the body's.
async fn send(response: Response) -> Result<types::Response, ErrorCode> {
    let Response { status, headers, body } = response;
    let headers: Vec<_> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value.into_owned().into_bytes())).collect();
    let headers = Fields::from_list(&headers).map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
    let (mut writer, contents) = wit_stream::new();
    let contents = (!body.is_empty()).then_some(contents);
    let (response, sent) = types::Response::new(headers, contents, trailers);
    response.set_status_code(status).map_err(|()| ErrorCode::InternalError(Some("status".to_owned())))?;
    if !body.is_empty() {
        spawn(async move {
            // What is left over, the client did not want any more.
            let _ = writer.write_all(Cow::into_owned(body)).await;
            drop((trailers_writer, sent));
        });
        yield_async().await;
    }
    Ok(response)
}
