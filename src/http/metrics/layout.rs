//! What is counted: where each counter stands in an instance's array, and how it is called.

use std::fmt::{self, Arguments, Display, Formatter};

use fenced_cache::{FillRefused, Invalidation, ReadOutcome};
use http::StatusCode;

use crate::catalog;
use crate::http::endpoint::{ENDPOINTS, Endpoint};

/// The label of a path that is no route; the others are those of the table, behind it.
const UNKNOWN: &str = "unknown";
const ROUTES: usize = 1 + ENDPOINTS.len();
const STATUSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];
const READS: [&str; 5] = ["hit", "miss", "bypass", "stale", "failed"];
const FILLS_REFUSED: [&str; 4] = ["overtaken", "full", "too_large", "redis"];
const INVALIDATIONS: [&str; 4] = ["off", "done", "fenced", "failed"];
const HISTOGRAMS: usize = 4;

/// The buckets' upper bounds, as their label has them and in microseconds.
const BUCKETS: [(&str, u64); 15] = [
    ("0.00025", 250),
    ("0.0005", 500),
    ("0.001", 1_000),
    ("0.0025", 2_500),
    ("0.005", 5_000),
    ("0.01", 10_000),
    ("0.025", 25_000),
    ("0.05", 50_000),
    ("0.1", 100_000),
    ("0.25", 250_000),
    ("0.5", 500_000),
    ("1.0", 1_000_000),
    ("2.5", 2_500_000),
    ("5.0", 5_000_000),
    ("10.0", 10_000_000),
];

/// The buckets, the last one without a bound, and the sum.
const HISTOGRAM_LEN: usize = BUCKETS.len() + 2;

const REQUESTS_AT: usize = 0;
const CIRCUIT_OPENED_AT: usize = REQUESTS_AT + ROUTES * STATUSES.len();
const HISTOGRAMS_AT: usize = CIRCUIT_OPENED_AT + 1;
const COLLECTIONS_AT: usize = HISTOGRAMS_AT + HISTOGRAMS * HISTOGRAM_LEN;

/// Within a collection's part.
const READS_AT: usize = 0;
const FILLS_REFUSED_AT: usize = READS_AT + READS.len();
const INVALIDATIONS_AT: usize = FILLS_REFUSED_AT + FILLS_REFUSED.len();
const COLLECTION_LEN: usize = INVALIDATIONS_AT + INVALIDATIONS.len();

/// What is measured in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Histogram {
    /// The cache's part of a read.
    CacheRead,
    /// The cache's part of a write.
    CacheWrite,
    /// The database's part of a read.
    DatabaseRead,
    /// The database's part of a write.
    DatabaseWrite,
}

/// A metric with its counters.
pub struct Family<'a> {
    /// Its name.
    pub name: &'static str,
    /// What it counts.
    pub help: &'static str,
    /// Its counters.
    pub series: Vec<Series<'a>>,
}

/// The counters of one set of labels.
pub struct Series<'a> {
    /// The labels.
    pub labels: Labels<'a>,
    /// Where they stand in the array.
    pub place: Place,
}

/// Labels with their values: as they stand between the braces, when they are displayed.
pub enum Labels<'a> {
    /// No label.
    None,
    /// Of an answered request: the endpoint's label, and the class of the status.
    Request(&'static str, &'static str),
    /// Of a histogram: the operation.
    Operation(&'static str),
    /// Of something that is counted for each collection: its name, another label, and that label's value.
    Collection(&'a str, &'static str, &'static str),
}

impl Display for Labels<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Labels::None => Ok(()),
            Labels::Request(route, status) => write!(f, "route=\"{route}\",status=\"{status}\""),
            Labels::Operation(operation) => write!(f, "operation=\"{operation}\""),
            Labels::Collection(name, label, value) => write!(f, "collection=\"{name}\",{label}=\"{value}\""),
        }
    }
}

/// Where counters stand in the array.
pub enum Place {
    /// One counter.
    Counter(usize),
    /// The buckets of a histogram, each with what is in it alone, and the sum in microseconds.
    Histogram(usize),
}

/// Which counters there are.
#[derive(Default)]
pub struct Layout {
    /// The open collections: how their keys begin, and their names.
    collections: Vec<(String, String)>,
}

impl Layout {
    /// The counters for these collections.
    pub fn new(catalog: &catalog::Settings) -> Self {
        let collections = catalog.collections.iter().map(|name| (catalog.key_prefix(name), name.clone())).collect();
        Layout { collections }
    }

    /// How many counters there are.
    pub fn size(&self) -> usize {
        COLLECTIONS_AT + self.collections.len() * COLLECTION_LEN
    }

    pub(super) fn request(&self, route: usize, status: StatusCode) -> Option<usize> {
        let class = usize::from(status.as_u16() / 100).checked_sub(2)?.min(STATUSES.len() - 1);
        Some(REQUESTS_AT + route * STATUSES.len() + class)
    }

    pub(super) fn circuit_opened(&self) -> Option<usize> {
        Some(CIRCUIT_OPENED_AT)
    }

    pub(super) fn bucket(&self, histogram: Histogram, microseconds: u64) -> Option<usize> {
        let bucket = BUCKETS.iter().position(|(_, bound)| microseconds <= *bound).unwrap_or(BUCKETS.len());
        Some(HISTOGRAMS_AT + histogram as usize * HISTOGRAM_LEN + bucket)
    }

    pub(super) fn sum(&self, histogram: Histogram) -> Option<usize> {
        Some(HISTOGRAMS_AT + histogram as usize * HISTOGRAM_LEN + BUCKETS.len() + 1)
    }

    pub(super) fn read(&self, space: &str, outcome: ReadOutcome) -> Option<usize> {
        let outcome = match outcome {
            ReadOutcome::Hit => 0,
            ReadOutcome::Miss => 1,
            ReadOutcome::Bypass => 2,
            ReadOutcome::Stale => 3,
            ReadOutcome::Failed => 4,
        };
        Some(self.collection(space)? + READS_AT + outcome)
    }

    pub(super) fn fill_refused(&self, space: &str, reason: FillRefused) -> Option<usize> {
        let reason = match reason {
            FillRefused::Overtaken => 0,
            FillRefused::Full => 1,
            FillRefused::TooLarge => 2,
            FillRefused::Redis => 3,
        };
        Some(self.collection(space)? + FILLS_REFUSED_AT + reason)
    }

    pub(super) fn invalidation(&self, space: &str, invalidation: Invalidation) -> Option<usize> {
        let result = match invalidation {
            Invalidation::Off => 0,
            Invalidation::Done => 1,
            Invalidation::Fenced => 2,
            Invalidation::Failed => 3,
        };
        Some(self.collection(space)? + INVALIDATIONS_AT + result)
    }

    fn collection(&self, space: &str) -> Option<usize> {
        let index = self.collections.iter().position(|(known, _)| known == space)?;
        Some(COLLECTIONS_AT + index * COLLECTION_LEN)
    }

    /// Every counter, by the metrics that they make up.
    pub fn families(&self) -> Vec<Family<'_>> {
        let routes = std::iter::once(UNKNOWN).chain(ENDPOINTS.iter().map(|endpoint| endpoint.label));
        let requests = routes.enumerate().flat_map(|(route, name)| {
            STATUSES.iter().enumerate().map(move |(class, status)| Series {
                labels: Labels::Request(name, status),
                place: Place::Counter(REQUESTS_AT + route * STATUSES.len() + class),
            })
        });
        let histogram = |operation: &'static str, histogram: Histogram| Series {
            labels: Labels::Operation(operation),
            place: Place::Histogram(HISTOGRAMS_AT + histogram as usize * HISTOGRAM_LEN),
        };
        vec![
            Family {
                name: "store_requests_total",
                help: "Requests answered, by route and class of status.",
                series: requests.collect(),
            },
            Family {
                name: "store_cache_reads_total",
                help: "Reads by where they were answered from; failed: the database failed.",
                series: self.by_collection("result", &READS, READS_AT),
            },
            Family {
                name: "store_cache_fills_refused_total",
                help: "Values that were read from the database and not cached, by the reason.",
                series: self.by_collection("reason", &FILLS_REFUSED, FILLS_REFUSED_AT),
            },
            Family {
                name: "store_cache_invalidations_total",
                help: "Writes, by how far Redis recorded them; off: nothing is cached.",
                series: self.by_collection("result", &INVALIDATIONS, INVALIDATIONS_AT),
            },
            Family {
                name: "store_cache_circuit_opened_total",
                help: "How often an instance began to leave Redis alone, since it could not be reached.",
                series: vec![Series { labels: Labels::None, place: Place::Counter(CIRCUIT_OPENED_AT) }],
            },
            Family {
                name: "store_cache_duration_seconds",
                help: "How long the cache took, all its steps together.",
                series: vec![histogram("read", Histogram::CacheRead), histogram("write", Histogram::CacheWrite)],
            },
            Family {
                name: "store_database_duration_seconds",
                help: "How long the database took, all calls to the Data API together.",
                series: vec![histogram("read", Histogram::DatabaseRead), histogram("write", Histogram::DatabaseWrite)],
            },
        ]
    }

    fn by_collection(&self, label: &'static str, values: &[&'static str], at: usize) -> Vec<Series<'_>> {
        let mut series = Vec::new();
        for (index, (_, collection)) in self.collections.iter().enumerate() {
            for (value, name) in values.iter().enumerate() {
                series.push(Series {
                    labels: Labels::Collection(collection, label, name),
                    place: Place::Counter(COLLECTIONS_AT + index * COLLECTION_LEN + at + value),
                });
            }
        }
        series
    }

    /// The counters by their names in Redis, in the array's order; empty for those that are not `wanted`, since most of
    /// what it costs to add up is putting names together.
    pub fn names(&self, wanted: impl Fn(usize) -> bool) -> Vec<String> {
        let mut names = vec![String::new(); self.size()];
        let mut set = |at: usize, name: Arguments<'_>| {
            if wanted(at) {
                names[at] = name.to_string();
            }
        };
        for Family { name, series, .. } in self.families() {
            for Series { labels, place } in series {
                match place {
                    Place::Counter(at) => set(at, format_args!("{name}{{{labels}}}")),
                    Place::Histogram(at) => {
                        for (bucket, bound) in bounds().enumerate() {
                            set(at + bucket, format_args!("{name}{{{labels},le=\"{bound}\"}}"));
                        }
                        set(at + BUCKETS.len() + 1, format_args!("{name}{{{labels},sum=\"microseconds\"}}"));
                    }
                }
            }
        }
        names
    }
}

/// The buckets' upper bounds, as their label has them.
pub fn bounds() -> impl Iterator<Item = &'static str> {
    BUCKETS.iter().map(|(label, _)| *label).chain(["+Inf"])
}

/// The place of the endpoint's label, or of an unknown path where there is no endpoint.
pub fn route_index(endpoint: Option<&'static Endpoint>) -> usize {
    let place = ENDPOINTS.iter().position(|other| endpoint.is_some_and(|endpoint| std::ptr::eq(other, endpoint)));
    place.map_or(0, |place| 1 + place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::router;

    fn layout() -> Layout {
        let collections = ["games", "clients"].map(|name| (format!("x:{name}"), name.to_owned()));
        Layout { collections: collections.into() }
    }

    #[test]
    fn every_counter_has_one_place_and_one_name() {
        let mut names = layout().names(|_| true);
        assert_eq!(names.len(), layout().size());
        names.sort();
        names.dedup();
        assert_eq!((names.len(), names[0].is_empty()), (layout().size(), false));
    }

    #[test]
    fn what_is_counted_is_called_by_its_name() {
        let (layout, names) = (layout(), layout().names(|_| true));
        let named = |at: Option<usize>| names[at.unwrap()].as_str();
        let route = |path| {
            layout.request(route_index(router::find(path).ok().map(|(endpoint, _)| endpoint)), StatusCode::NOT_FOUND)
        };
        for (path, name) in [
            ("/", "index"),
            ("/openapi.json", "openapi"),
            ("/metrics", "metrics"),
            ("/health/live", "live"),
            ("/health/ready", "ready"),
            ("/showDB/games", "showDB"),
            ("/get/games/1", "get"),
            ("/add/games", "add"),
            ("/update/games/1", "update"),
            ("/delete/games/1", "delete"),
            ("/initDB/all", "initDB"),
            ("/cleanDB/all", "cleanDB"),
            ("/purge/all", "purge"),
        ] {
            assert_eq!(named(route(path)), format!("store_requests_total{{route=\"{name}\",status=\"4xx\"}}"));
        }
        for (at, name) in [
            (layout.request(0, StatusCode::NOT_MODIFIED), r#"store_requests_total{route="unknown",status="3xx"}"#),
            (layout.read("x:games", ReadOutcome::Hit), r#"store_cache_reads_total{collection="games",result="hit"}"#),
            (
                layout.read("x:clients", ReadOutcome::Failed),
                r#"store_cache_reads_total{collection="clients",result="failed"}"#,
            ),
            (
                layout.fill_refused("x:games", FillRefused::Full),
                r#"store_cache_fills_refused_total{collection="games",reason="full"}"#,
            ),
            (
                layout.invalidation("x:games", Invalidation::Done),
                r#"store_cache_invalidations_total{collection="games",result="done"}"#,
            ),
            (layout.circuit_opened(), "store_cache_circuit_opened_total{}"),
            (
                layout.bucket(Histogram::CacheRead, 250),
                r#"store_cache_duration_seconds{operation="read",le="0.00025"}"#,
            ),
            (
                layout.bucket(Histogram::DatabaseWrite, 10_000_001),
                r#"store_database_duration_seconds{operation="write",le="+Inf"}"#,
            ),
            (
                layout.sum(Histogram::CacheWrite),
                r#"store_cache_duration_seconds{operation="write",sum="microseconds"}"#,
            ),
        ] {
            assert_eq!(named(at), name);
        }
        assert_eq!(layout.read("games", ReadOutcome::Hit), None, "another deployment's");
    }
}
