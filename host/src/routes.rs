//! Which component answers a path: Spin's rules, on the router that Spin has.
//!
//! A route is a path (`/health`), a path with named parts (`/users/:id`), or ends in `/...` and covers everything below. An
//! exact route is preferred to a wildcard, and of two wildcards the longer one. A trailing slash makes no difference.

use std::borrow::Cow;

use anyhow::{Result, anyhow};

/// Routes and what answers them. Cheap to ask; built once.
pub struct Router<T> {
    routes: routefinder::Router<Route<T>>,
}

/// One `[[trigger.http]]`.
struct Route<T> {
    /// As written in the manifest.
    raw: String,
    /// Without a trailing slash, which routefinder ignores.
    based: String,
    target: T,
}

/// A path and the route that covers it.
pub struct Match<'a, T> {
    route: &'a Route<T>,
    captures: routefinder::Captures<'a, 'a>,
    path: &'a str,
}

impl<T> Router<T> {
    /// Builds the router. Of two equal routes the last one wins, and a warning names the other.
    ///
    /// # Errors
    /// A route that the router does not understand.
    pub fn new(routes: impl IntoIterator<Item = (String, T)>) -> Result<Self> {
        let mut known: Vec<Route<T>> = Vec::new();
        for (raw, target) in routes {
            let absolute = if raw.starts_with('/') { raw.clone() } else { format!("/{raw}") };
            let based = absolute.strip_suffix('/').unwrap_or(&absolute).to_owned();
            let route = Route { raw, based, target };
            match known.iter_mut().find(|other| other.raw == route.raw) {
                Some(other) => {
                    tracing::error!("the route {} is given more than once; the last trigger wins", route.raw);
                    *other = route;
                }
                None => known.push(route),
            }
        }
        let mut router = routefinder::Router::new();
        for route in known {
            let pattern = match route.based.strip_suffix("/...") {
                Some(prefix) => format!("{prefix}/*"),
                None => route.based.clone(),
            };
            let raw = route.raw.clone();
            router
                .add(pattern.as_str(), route)
                .map_err(|error| anyhow!("[[trigger.http]] route = {raw:?}: {error}"))?;
        }
        Ok(Self { routes: router })
    }

    /// The route that covers `path`.
    #[must_use]
    pub fn find<'a>(&'a self, path: &'a str) -> Option<Match<'a, T>> {
        let best = self.routes.best_match(path)?;
        Some(Match { route: best.handler(), captures: best.captures(), path })
    }
}

impl<'a, T> Match<'a, T> {
    /// What answers.
    #[must_use]
    pub fn target(&self) -> &'a T {
        &self.route.target
    }

    /// The route as the manifest has it (`spin-raw-component-route`).
    #[must_use]
    pub fn raw_route(&self) -> &'a str {
        &self.route.raw
    }

    /// The route below the application's base, which is `/` (`spin-matched-route`).
    #[must_use]
    pub fn matched_route(&self) -> &'a str {
        &self.route.based
    }

    /// The route without its `/...` (`spin-component-route`).
    #[must_use]
    pub fn prefix(&self) -> &'a str {
        self.route.raw.strip_suffix("/...").unwrap_or(&self.route.raw)
    }

    /// What the `/...` stands for, trailing slash included; empty for other routes (`spin-path-info`).
    #[must_use]
    pub fn rest(&self) -> Cow<'a, str> {
        let Some(rest) = self.captures.wildcard() else {
            return Cow::Borrowed("");
        };
        Cow::Owned(match (rest.is_empty(), self.path.ends_with('/')) {
            (true, false) => String::new(),
            (true, true) => "/".to_owned(),
            (false, false) => format!("/{rest}"),
            (false, true) => format!("/{rest}/"),
        })
    }

    /// The named parts of the path and their values.
    pub fn named_parts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.captures.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router<String> {
        Router::new(routes.iter().map(|route| ((*route).to_owned(), (*route).to_owned()))).unwrap()
    }

    fn target<'a>(router: &'a Router<String>, path: &'a str) -> Option<&'a str> {
        router.find(path).map(|found| found.target().as_str())
    }

    #[test]
    fn the_most_specific_route_wins() {
        let router = router(&["/...", "/", "/docs/...", "/docs/api", "/users/:id"]);
        for (path, expected) in [
            ("/", "/"),
            ("/console", "/..."),
            ("/docs", "/docs/..."),
            ("/docs/", "/docs/..."),
            ("/docs/a/b", "/docs/..."),
            ("/docs/api", "/docs/api"),
            ("/docs/api/", "/docs/api"),
            ("/documents", "/..."),
            ("/users/7", "/users/:id"),
            ("/users/7/x", "/..."),
        ] {
            assert_eq!(target(&router, path), Some(expected), "{path}");
        }
    }

    #[test]
    fn a_path_without_a_route_has_no_target() {
        let router = router(&["/a", "/b/..."]);
        for path in ["/", "/a/x", "/c"] {
            assert_eq!(target(&router, path), None, "{path}");
        }
    }

    #[test]
    fn of_two_equal_routes_the_last_one_wins() {
        let routes = [("/a".to_owned(), 1), ("/b".to_owned(), 2), ("/a".to_owned(), 3)];
        assert_eq!(Router::new(routes).unwrap().find("/a").map(|found| *found.target()), Some(3));
    }

    #[test]
    fn the_parts_of_a_match_are_spins() {
        let router = router(&["/docs/...", "/users/:id", "/..."]);
        let found = router.find("/docs/a/b/").unwrap();
        assert_eq!((found.raw_route(), found.prefix(), &*found.rest()), ("/docs/...", "/docs", "/a/b/"));
        for (path, rest) in [("/docs", ""), ("/docs/", "/"), ("/docs/a", "/a")] {
            assert_eq!(router.find(path).unwrap().rest(), rest, "{path}");
        }
        let found = router.find("/users/7").unwrap();
        assert_eq!(found.named_parts().collect::<Vec<_>>(), [("id", "7")]);
        assert_eq!(found.rest(), "");
        let found = router.find("/").unwrap();
        assert_eq!((found.prefix(), &*found.rest()), ("", "/"));
    }
}
