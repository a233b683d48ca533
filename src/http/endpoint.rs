//! From a path to a route. Every segment is percent-decoded once, after the path was split, so that a value may hold
//! any character, `/` included.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::auth::Role;
use crate::http::problem::Problem;

/// A route with what its path says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route<'a> {
    /// What this service is.
    About,
    /// The description of the API.
    OpenApi,
    /// What was counted.
    Metrics,
    /// The service runs.
    Live,
    /// The service and what it depends on can serve.
    Ready,
    /// Seed data anew.
    Init(Target<'a>),
    /// A whole collection.
    List(Target<'a>),
    /// One document.
    Get {
        /// Where.
        collection: Cow<'a, str>,
        /// Its `_id`, or a field's value.
        value: Cow<'a, str>,
    },
    /// A new document.
    Add {
        /// Where.
        collection: Cow<'a, str>,
    },
    /// Fields of one document.
    Update {
        /// Where.
        collection: Cow<'a, str>,
        /// Its `_id`, or a field's value.
        value: Cow<'a, str>,
    },
    /// One document less.
    Delete {
        /// Where.
        collection: Cow<'a, str>,
        /// Its `_id`, or a field's value.
        value: Cow<'a, str>,
    },
    /// No documents any more.
    Clean(Target<'a>),
    /// No cached values any more.
    Purge(Target<'a>),
}

/// One collection, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// Every one that the operation is for.
    All,
    /// This one.
    One(Cow<'a, str>),
}

impl<'a> Route<'a> {
    /// The route of a path, with or without the prefix `/api`.
    ///
    /// # Errors
    /// [`Problem::UnknownRoute`], or [`Problem::Invalid`] where a segment does not decode to UTF-8.
    pub fn parse(path: &'a str) -> Result<Self, Problem> {
        let path = match path.strip_prefix("/api") {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => rest,
            _ => path,
        };
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        let first = decode(segments.next().unwrap_or_default())?;
        let mut next = || -> Result<Option<Cow<'a, str>>, Problem> {
            match segments.next() {
                None => Ok(None),
                Some("") => Err(Problem::UnknownRoute),
                Some(segment) => decode(segment).map(Some),
            }
        };
        let (second, third, rest) = (next()?, next()?, next()?);
        if rest.is_some() {
            return Err(Problem::UnknownRoute);
        }
        let route = match (first.as_ref(), second, third) {
            ("", None, None) => Route::About,
            ("openapi.json", None, None) => Route::OpenApi,
            ("metrics", None, None) => Route::Metrics,
            ("health", Some(which), None) => match which.as_ref() {
                "live" => Route::Live,
                "ready" => Route::Ready,
                _ => return Err(Problem::UnknownRoute),
            },
            ("initDB", Some(name), None) => Route::Init(Target::of(name)),
            ("showDB", Some(name), None) => Route::List(Target::of(name)),
            ("cleanDB", Some(name), None) => Route::Clean(Target::of(name)),
            ("purge", Some(name), None) => Route::Purge(Target::of(name)),
            ("add", Some(collection), None) => Route::Add { collection },
            ("get", Some(collection), Some(value)) => Route::Get { collection, value },
            ("update", Some(collection), Some(value)) => Route::Update { collection, value },
            ("delete", Some(collection), Some(value)) => Route::Delete { collection, value },
            _ => return Err(Problem::UnknownRoute),
        };
        Ok(route)
    }

    /// The collection that the route names, if it names one.
    pub fn collection(&self) -> Option<&str> {
        match self {
            Route::Init(Target::One(collection))
            | Route::List(Target::One(collection))
            | Route::Clean(Target::One(collection))
            | Route::Purge(Target::One(collection))
            | Route::Get { collection, .. }
            | Route::Add { collection }
            | Route::Update { collection, .. }
            | Route::Delete { collection, .. } => Some(collection),
            Route::About
            | Route::OpenApi
            | Route::Metrics
            | Route::Live
            | Route::Ready
            | Route::Init(Target::All)
            | Route::List(Target::All)
            | Route::Clean(Target::All)
            | Route::Purge(Target::All) => None,
        }
    }

    /// Whether a GET of the route changes nothing (RFC 9110, section 9.2.1), as a GET should.
    pub fn is_safe(&self) -> bool {
        !matches!(self, Route::Init(_) | Route::Clean(_))
    }

    /// The role that it takes, if it takes one.
    pub fn role(&self) -> Option<Role> {
        match self {
            Route::About | Route::OpenApi | Route::Live | Route::Ready => None,
            Route::List(_) | Route::Get { .. } => Some(Role::Read),
            Route::Add { .. } | Route::Update { .. } | Route::Delete { .. } => Some(Role::Write),
            Route::Init(_) | Route::Clean(_) | Route::Purge(_) | Route::Metrics => Some(Role::Admin),
        }
    }

    /// Whether it is asked by what watches over the service, which nobody should limit.
    pub fn is_health(&self) -> bool {
        matches!(self, Route::Live | Route::Ready)
    }

    /// The methods that the route takes, as the header `Allow` lists them. Only where everything is `open` to everyone
    /// does a `GET` seed or empty a collection.
    pub fn allow(&self, open: bool) -> &'static str {
        match self {
            Route::About
            | Route::OpenApi
            | Route::Metrics
            | Route::Live
            | Route::Ready
            | Route::List(_)
            | Route::Get { .. } => "GET, HEAD, OPTIONS",
            Route::Init(_) if open => "GET, HEAD, POST, OPTIONS",
            Route::Init(_) => "POST, OPTIONS",
            Route::Clean(_) if open => "GET, HEAD, POST, DELETE, OPTIONS",
            Route::Clean(_) => "POST, DELETE, OPTIONS",
            Route::Add { .. } | Route::Purge(_) => "POST, OPTIONS",
            Route::Update { .. } => "PUT, PATCH, OPTIONS",
            Route::Delete { .. } => "DELETE, OPTIONS",
        }
    }
}

impl<'a> Target<'a> {
    fn of(name: Cow<'a, str>) -> Self {
        if name == "all" { Target::All } else { Target::One(name) }
    }
}

fn decode(segment: &str) -> Result<Cow<'_, str>, Problem> {
    percent_decode_str(segment)
        .decode_utf8()
        .map_err(|_| Problem::Invalid(format!("the path's segment {segment:?} does not decode to UTF-8")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get<'a>(collection: &'a str, value: &'a str) -> Route<'a> {
        Route::Get { collection: collection.into(), value: value.into() }
    }

    #[test]
    fn every_route_works_with_and_without_the_prefix() {
        let one = |name: &'static str| Target::One(name.into());
        for (path, route) in [
            ("/", Route::About),
            ("/openapi.json", Route::OpenApi),
            ("/metrics", Route::Metrics),
            ("/health/live", Route::Live),
            ("/health/ready", Route::Ready),
            ("/initDB/games", Route::Init(one("games"))),
            ("/initDB/all", Route::Init(Target::All)),
            ("/showDB/games", Route::List(one("games"))),
            ("/showDB/all", Route::List(Target::All)),
            ("/cleanDB/all", Route::Clean(Target::All)),
            ("/purge/games", Route::Purge(one("games"))),
            ("/purge/all", Route::Purge(Target::All)),
            ("/get/games/Portal%202", get("games", "Portal 2")),
            ("/add/games", Route::Add { collection: "games".into() }),
        ] {
            assert_eq!(Route::parse(path), Ok(route.clone()), "{path}");
            assert_eq!(Route::parse(&format!("/api{path}")), Ok(route), "{path}");
        }
        assert_eq!(Route::parse("/api"), Ok(Route::About));
    }

    #[test]
    fn a_value_is_decoded_once_and_may_hold_anything() {
        assert_eq!(Route::parse("/get/games/a%2Fb"), Ok(get("games", "a/b")));
        assert_eq!(Route::parse("/get/games/%2541"), Ok(get("games", "%41")));
        assert_eq!(Route::parse("/get/games/a+b"), Ok(get("games", "a+b")));
        assert_eq!(Route::parse("/get/games/%C3%A9%00"), Ok(get("games", "é\0")));
        assert_eq!(Route::parse("/get/games/100%"), Ok(get("games", "100%")));
    }

    #[test]
    fn other_paths_are_no_routes() {
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
            let parsed = Route::parse(path);
            if path.is_empty() {
                assert_eq!(parsed, Ok(Route::About)); // `OPTIONS *` and the like come as an empty path
            } else {
                assert_eq!(parsed, Err(Problem::UnknownRoute), "{path}");
            }
        }
    }

    #[test]
    fn a_segment_that_is_no_utf_8_is_a_bad_request() {
        assert!(matches!(Route::parse("/get/games/%FF"), Err(Problem::Invalid(_))));
    }
}
