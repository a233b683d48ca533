//! Paths: every one is a route or a problem; with and without `/api` it is the same; and what a route took from a path
//! comes back when it is encoded again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use store_api::catalog::CollectionSelector;
use store_api::http::endpoint::Route;
use store_api::http::router;

fn parse(path: &str) -> Result<Route<'_>, store_api::http::problem::Problem> {
    router::find(path).map(|(_, route)| route)
}

fuzz_target!(|path: &str| {
    let parsed = parse(path);
    // A path that has the prefix once may not have it twice.
    if path.starts_with('/') && path != "/api" && !path.starts_with("/api/") {
        assert_eq!(parse(&format!("/api{path}")), parsed);
    }
    let Ok(route) = parsed else { return };
    let text = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let collections = |selector: &CollectionSelector| match selector {
        CollectionSelector::All => "all".to_owned(),
        CollectionSelector::One(name) => text(name),
    };
    let again = match &route {
        Route::About => "/".to_owned(),
        Route::OpenApi => "/openapi.json".to_owned(),
        Route::Metrics => "/metrics".to_owned(),
        Route::Live => "/health/live".to_owned(),
        Route::Ready => "/health/ready".to_owned(),
        Route::Init(on) => format!("/initDB/{}", collections(on)),
        Route::List(on) => format!("/showDB/{}", collections(on)),
        Route::Clean(on) => format!("/cleanDB/{}", collections(on)),
        Route::Purge(on) => format!("/purge/{}", collections(on)),
        Route::Add { collection } => format!("/add/{}", text(collection)),
        Route::Get { collection, value } => format!("/get/{}/{}", text(collection), text(value)),
        Route::Update { collection, value } => format!("/update/{}/{}", text(collection), text(value)),
        Route::Delete { collection, value } => format!("/delete/{}/{}", text(collection), text(value)),
    };
    assert_eq!(parse(&again).as_ref(), Ok(&route), "{again}");
});
