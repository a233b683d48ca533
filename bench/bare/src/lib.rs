//! The bytes of a hit from a component that does as little as there is to do: it asks nobody, or, where it is told of a Redis,
//! asks it once, as a hit does. What the store takes beside that is its own doing; the rest is the runtime's. Head and body are
//! handed over as the store does it.

#[cfg(target_arch = "wasm32")]
mod component {
    use std::cell::OnceCell;
    use std::pin::pin;
    use std::rc::Rc;
    use std::time::Duration;

    use futures_util::future::{Either, select};
    use spin_sdk::redis::{Connection, RedisParameter};
    use spin_sdk::time::sleep;
    use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
    use spin_sdk::wasip3::wit_bindgen::yield_async;
    use spin_sdk::wasip3::{spawn, wit_future, wit_stream};
    use spin_sdk::{http_service, variables};

    /// The seed data as the store lists them, with ids as long as real ones.
    const BODY: &[u8] = include_bytes!("games.json");

    /// A hit's headers.
    const HEADERS: [(&str, &str); 6] = [
        ("content-type", "application/json"),
        ("cache-control", "no-cache"),
        ("etag", "\"0123456789abcdef0123456789abcdef01234567\""),
        ("x-cache", "HIT"),
        ("cache-status", "redis; hit; ttl=100; key=\"games:list\""),
        ("server-timing", "cache;dur=0.1"),
    ];

    /// What a hit looks up.
    const KEYS: [&str; 3] = ["games:list", "games:~stamp:list", "games:~generation:list"];

    /// How long Redis may take.
    const LIMIT: Duration = Duration::from_secs(5);

    /// Set by a host that ends calls to Redis by itself.
    const LIMIT_OF_THE_HOST: &str = "STORE_HOST_REDIS_TIMEOUT_MS";

    /// Set by a host that sends head and body together by itself.
    const JOINED_BY_THE_HOST: &str = "STORE_HOST_JOINS_RESPONSES";

    thread_local! {
        /// Whether the host ends calls to Redis, so that none needs a timer.
        static ENDS: bool = std::env::var_os(LIMIT_OF_THE_HOST).is_some();

        /// Whether the host sends head and body together.
        static JOINS: bool = std::env::var_os(JOINED_BY_THE_HOST).is_some();

        /// The instance's connection, as soon as it has asked for it; `None` where there is no Redis.
        static REDIS: OnceCell<Option<Rc<Connection>>> = const { OnceCell::new() };
    }

    #[http_service]
    async fn serve(_: spin_sdk::http::Request) -> Result<Response, ErrorCode> {
        if let Some(redis) = redis().await.map_err(failure)? {
            let keys = KEYS.map(|key| RedisParameter::Binary(key.as_bytes().to_vec()));
            let asked = redis.execute("MGET", keys);
            let answer = match ENDS.with(|ends| *ends) {
                true => asked.await,
                false => match select(pin!(asked), pin!(sleep(LIMIT))).await {
                    Either::Left((answer, _)) => answer,
                    Either::Right(_) => return Err(failure("Redis does not answer")),
                },
            };
            drop(answer.map_err(failure)?);
        }
        let mut list: Vec<(String, Vec<u8>)> =
            HEADERS.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        list.push(("content-length".to_owned(), BODY.len().to_string().into_bytes()));
        let headers = Fields::from_list(&list).map_err(failure)?;
        let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
        let (mut writer, contents) = wit_stream::new();
        let (response, sent) = Response::new(headers, Some(contents), trailers);
        spawn(async move {
            // What is left over, the client did not want any more.
            let _ = writer.write_all(BODY.to_vec()).await;
            drop((trailers_writer, sent));
        });
        if !JOINS.with(|joins| *joins) {
            yield_async().await;
        }
        Ok(response)
    }

    /// The instance's connection to the Redis of the variable `redis_url`; `None` where that is empty.
    async fn redis() -> Result<Option<Rc<Connection>>, String> {
        if let Some(known) = REDIS.with(|redis| redis.get().cloned()) {
            return Ok(known);
        }
        let url = variables::get("redis_url").await.map_err(|error| error.to_string())?;
        let opened = match url.as_str() {
            "" => None,
            url => Some(Rc::new(Connection::open(url).await.map_err(|error| error.to_string())?)),
        };
        // Another request may have been first.
        Ok(REDIS.with(|redis| redis.get_or_init(|| opened).clone()))
    }

    fn failure(error: impl std::fmt::Debug) -> ErrorCode {
        ErrorCode::InternalError(Some(format!("{error:?}")))
    }
}
