//! The component that store-host's tests run: a route for each thing that a host must do.
//!
//! A query is `name=value&name=value` as it stands, without any decoding, so that a test reads like what it sends.

#![cfg(target_arch = "wasm32")]

mod order;
mod outbound;
mod redis;

use std::cell::Cell;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use spin_sdk::http::{FullBody, IntoResponse, Request, Response};
use spin_sdk::time::sleep;
use spin_sdk::wasip3::http::types;
use spin_sdk::{http_service, variables};

use order::Order;

type Answer = http::Response<FullBody<Bytes>>;

thread_local! {
    static SERVED: Cell<u32> = const { Cell::new(0) };
    /// Tells instances apart.
    static INSTANCE: u64 = RandomState::new().build_hasher().finish();
}

#[http_service]
async fn handle(request: Request) -> Result<types::Response, types::ErrorCode> {
    SERVED.set(SERVED.get() + 1);
    let uri = request.uri().clone();
    // `/order/<order>/<bytes>`
    let order = uri.path().strip_prefix("/order/").and_then(|rest| rest.split_once('/'));
    if let Some((order, bytes)) = order
        && let (Some(order), Ok(bytes)) = (Order::named(order), bytes.parse())
    {
        return order::respond(order, bytes).await;
    }
    answer(request).await.into_response()
}

async fn answer(request: Request) -> Answer {
    let uri = request.uri().clone();
    let query = |name: &str| {
        let mut pairs = uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    let number = |name: &str| query(name).parse::<u64>().unwrap_or(0);
    match uri.path() {
        "/hello" => text("hello"),
        "/count" => {
            let seen = format!("{} {}", INSTANCE.with(|id| *id), SERVED.get());
            if query("ms") != "" {
                sleep(Duration::from_millis(number("ms"))).await;
            }
            text(seen)
        }
        "/uri" => text(uri.to_string()),
        "/headers" => {
            let lines =
                request.headers().iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap_or("?")));
            text(lines.collect::<String>())
        }
        "/echo" => match request.into_body().collect().await {
            Ok(body) => text(body.to_bytes()),
            Err(error) => answer_with(400, format!("{error:?}")),
        },
        "/big" => text(vec![b'x'; number("bytes") as usize]),
        // What a careful component answers to HEAD: the length of the body that GET would get, and no body.
        "/head" => sized(number("bytes"), FullBody::new(Bytes::new())),
        "/sleep" => {
            sleep(Duration::from_millis(number("ms"))).await;
            text("slept")
        }
        "/compute" => loop {
            std::hint::black_box(());
        },
        "/panic" => panic!("as the test asked"),
        "/variable" => match variables::get(query("name")).await {
            Ok(value) => text(value),
            Err(error) => answer_with(404, format!("{error:?}")),
        },
        "/environment" => text(std::env::vars().map(|(name, value)| format!("{name}={value}\n")).collect::<String>()),
        "/post" => outbound::post(&query("url"), number("bytes") as usize, query("order") == "body-first").await,
        "/fetch" => outbound::fetch(query("url"), number("first_byte_ms"), number("between_bytes_ms")).await,
        "/redis/open" => redis::open(query("url")).await,
        "/redis/get" => redis::get(query("key")).await,
        "/redis/all" => redis::all_functions().await,
        "/redis/execute" => redis::execute(query("line")).await,
        "/redis/cancel" => redis::cancel(number("commands")).await,
        _ => answer_with(404, "no such route".to_owned()),
    }
}

fn text(body: impl Into<Bytes>) -> Answer {
    let body = body.into();
    sized(body.len() as u64, FullBody::new(body))
}

fn sized(length: u64, body: FullBody<Bytes>) -> Answer {
    let mut answer = http::Response::new(body);
    answer.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
    answer
}

fn answer_with(status: u16, message: String) -> Answer {
    let mut answer = text(message);
    *answer.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
    answer
}

/// A response's body as text.
async fn body_text(response: Response) -> Result<String, String> {
    let body = response.into_body().collect().await.map_err(|error| format!("{error:?}"))?;
    Ok(String::from_utf8_lossy(&body.to_bytes()).into_owned())
}
