//! From a path to a route. Every segment is percent-decoded once, after the path was split, so that a value may hold
//! any character, `/` included.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::catalog::CollectionSelector;
use crate::http::endpoint::{ENDPOINTS, Endpoint, Parts, Route};
use crate::http::problem::Problem;

/// The most segments of a path, beside `/api`.
const MAX_SEGMENTS: usize = 3;

/// The route of a path, with or without the prefix `/api`, and its row in the table.
///
/// # Errors
/// [`Problem::UnknownRoute`], or [`Problem::Invalid`] where a segment does not decode to UTF-8.
pub fn find(path: &str) -> Result<(&'static Endpoint, Route<'_>), Problem> {
    let mut segments: [Option<Cow<'_, str>>; MAX_SEGMENTS] = Default::default();
    for (at, segment) in split(path).enumerate() {
        // Only the path of the index is empty.
        if segment.is_empty() && at > 0 {
            return Err(Problem::UnknownRoute);
        }
        let segment = decode(segment)?;
        *segments.get_mut(at).ok_or(Problem::UnknownRoute)? = Some(segment);
    }
    let endpoint = ENDPOINTS.iter().find(|endpoint| matches(endpoint.path, &segments)).ok_or(Problem::UnknownRoute)?;
    let [_, second, third] = segments;
    let route = match (&endpoint.parts, second, third) {
        (Parts::None(route), _, _) => route.clone(),
        (Parts::Collections(route), Some(name), None) => route(CollectionSelector::of(name)),
        (Parts::Collection(route), Some(collection), None) => route(collection),
        (Parts::Document(route), Some(collection), Some(value)) => route(collection, value),
        _ => return Err(Problem::UnknownRoute),
    };
    Ok((endpoint, route))
}

/// The segments of a path, without the prefix `/api`.
fn split(path: &str) -> impl Iterator<Item = &str> {
    let path = match path.strip_prefix("/api") {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
        _ => path,
    };
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// Whether the segments are those of the endpoint's path.
fn matches(path: &str, segments: &[Option<Cow<'_, str>>]) -> bool {
    let mut expected = split(path);
    let same = segments
        .iter()
        .map_while(Option::as_deref)
        .all(|segment| expected.next().is_some_and(|expected| expected == segment || expected.starts_with('{')));
    same && expected.next().is_none()
}

fn decode(segment: &str) -> Result<Cow<'_, str>, Problem> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Problem::Invalid(format!("the path's segment {segment:?} does not decode to UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(path: &str) -> Result<Route<'_>, Problem> {
        find(path).map(|(_, route)| route)
    }

    fn get<'a>(collection: &'a str, value: &'a str) -> Route<'a> {
        Route::Get { collection: collection.into(), value: value.into() }
    }

    #[test]
    fn every_route_works_with_and_without_the_prefix() {
        let one = |name: &'static str| CollectionSelector::One(name.into());
        for (path, route) in [
            ("/", Route::About),
            ("/openapi.json", Route::OpenApi),
            ("/health/live", Route::Live),
            ("/health/ready", Route::Ready),
            ("/initDB/games", Route::Init(one("games"))),
            ("/initDB/all", Route::Init(CollectionSelector::All)),
            ("/showDB/games", Route::List(one("games"))),
            ("/showDB/all", Route::List(CollectionSelector::All)),
            ("/cleanDB/all", Route::Clean(CollectionSelector::All)),
            ("/purge/games", Route::Purge(one("games"))),
            ("/purge/all", Route::Purge(CollectionSelector::All)),
            ("/get/games/Portal%202", get("games", "Portal 2")),
            ("/add/games", Route::Add { collection: "games".into() }),
        ] {
            assert_eq!(parse(path), Ok(route.clone()), "{path}");
            assert_eq!(parse(&format!("/api{path}")), Ok(route), "{path}");
        }
        assert_eq!(parse("/api"), Ok(Route::About));
    }

    #[test]
    fn a_value_is_decoded_once_and_may_hold_anything() {
        assert_eq!(parse("/get/games/a%2Fb"), Ok(get("games", "a/b")));
        assert_eq!(parse("/get/games/%2541"), Ok(get("games", "%41")));
        assert_eq!(parse("/get/games/a+b"), Ok(get("games", "a+b")));
        assert_eq!(parse("/get/games/%C3%A9%00"), Ok(get("games", "é\0")));
        assert_eq!(parse("/get/games/100%"), Ok(get("games", "100%")));
    }

    #[test]
    fn other_paths_are_unknown_routes() {
        for path in [
            "/nope",
            "/api/nope",
            "/apishowDB/games",
            "/showDB",
            "/showDB/",
            "/showDB/games/",
            "/showDB//games",
            "//showDB/games",
            "/showDB/../games",
            "/get/games",
            "/get/games/",
            "/get/games/a/b",
            "/get//a",
            "/health",
            "/health/nope",
            "/api/api/showDB/games",
            "",
        ] {
            let parsed = parse(path);
            if path.is_empty() {
                assert_eq!(parsed, Ok(Route::About)); // `OPTIONS *` and the like come as an empty path
            } else {
                assert_eq!(parsed, Err(Problem::UnknownRoute), "{path}");
            }
        }
    }

    #[test]
    fn a_segment_that_is_not_utf_8_is_a_bad_request() {
        assert!(matches!(parse("/get/games/%FF"), Err(Problem::Invalid(_))));
    }
}
