//! The bytes of a hit from a component that asks nobody: what is left of a hit when Redis, and all that the store does
//! besides, is taken away. Head and body are handed over as the store does it.

#[cfg(target_arch = "wasm32")]
mod component {
    use spin_sdk::http_service;
    use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
    use spin_sdk::wasip3::wit_bindgen::yield_async;
    use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

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

    #[http_service]
    async fn serve(_: spin_sdk::http::Request) -> Result<Response, ErrorCode> {
        let mut list: Vec<(String, Vec<u8>)> =
            HEADERS.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())).collect();
        list.push(("content-length".to_owned(), BODY.len().to_string().into_bytes()));
        let headers = Fields::from_list(&list).map_err(|error| ErrorCode::InternalError(Some(format!("{error:?}"))))?;
        let (trailers_writer, trailers) = wit_future::new(|| Ok(None));
        let (mut writer, contents) = wit_stream::new();
        let (response, sent) = Response::new(headers, Some(contents), trailers);
        spawn(async move {
            // What is left over, the client did not want any more.
            let _ = writer.write_all(BODY.to_vec()).await;
            drop((trailers_writer, sent));
        });
        yield_async().await;
        Ok(response)
    }
}
