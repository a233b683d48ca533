//! A hit as a native server answers it: axum and redis-rs, one multiplexed connection, `TCP_NODELAY` on both sides.
//!
//! It does what the store does for a hit (one `GET`, the SHA-1 of the body as entity tag, the headers that say where the
//! answer came from, 304), and nothing of what the store does besides.
//!
//! `bench-native ADDRESS:PORT REDIS_URL`

use std::error::Error;
use std::fmt::Write;
use std::time::Instant;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::serve::ListenerExt;
use redis::AsyncCommands;
use redis::aio::MultiplexedConnection;
use sha1::{Digest, Sha1};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(address), Some(redis_url)) = (arguments.next(), arguments.next()) else {
        return Err("usage: bench-native ADDRESS:PORT REDIS_URL".into());
    };
    let redis = redis::Client::open(redis_url)?.get_multiplexed_async_connection().await?;
    let router = Router::new()
        .route("/health/live", get(async || "alive"))
        .route("/api/showDB/{collection}", get(listing))
        .with_state(redis);
    let listener = TcpListener::bind(address).await?.tap_io(|stream| {
        // A connection that is gone already will say so itself.
        let _ = stream.set_nodelay(true);
    });
    axum::serve(listener, router).await?;
    Ok(())
}

async fn listing(
    State(mut redis): State<MultiplexedConnection>,
    Path(collection): Path<String>,
    headers: HeaderMap,
) -> Response {
    let began = Instant::now();
    let key = format!("{collection}:list");
    let value: Option<Vec<u8>> = match redis.get(&key).await {
        Ok(value) => value,
        Err(_) => return StatusCode::BAD_GATEWAY.into_response(),
    };
    let Some(body) = value else { return StatusCode::NOT_FOUND.into_response() };
    let took = began.elapsed().as_secs_f64() * 1000.0;
    let etag = etag(&body);
    let same = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag.as_bytes() == etag.as_bytes());
    let told = [
        (header::CACHE_CONTROL.as_str(), "no-cache".to_owned()),
        ("x-cache", "HIT".to_owned()),
        ("cache-status", format!("redis; hit; key=\"{key}\"")),
        ("server-timing", format!("cache;dur={took:.1}")),
        (header::ETAG.as_str(), etag),
    ];
    if same {
        return (StatusCode::NOT_MODIFIED, told).into_response();
    }
    (told, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

fn etag(body: &[u8]) -> String {
    let mut tag = String::with_capacity(42);
    tag.push('"');
    for byte in Sha1::digest(body) {
        // Writing to a String cannot fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push('"');
    tag
}
