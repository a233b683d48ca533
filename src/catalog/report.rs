//! Where what was read came from.

use std::time::Duration;

use fenced_cache::{Read, Source};

/// Where a read's result came from, and what it took.
#[derive(Clone, Debug)]
pub struct ReadReport {
    /// Where the value came from.
    pub source: Source,
    /// The key in Redis, where there is just one.
    pub key: Option<String>,
    /// How long the cache took.
    pub cache_time: Duration,
    /// How long the database took, where it was asked.
    pub database_time: Option<Duration>,
}

impl ReadReport {
    /// Of several reads that were made side by side.
    pub fn of_all<'r>(reports: impl Iterator<Item = &'r ReadReport> + Clone) -> Self {
        ReadReport {
            source: worst(reports.clone().map(|report| &report.source)),
            key: None,
            cache_time: reports.clone().map(|report| report.cache_time).max().unwrap_or_default(),
            database_time: reports.filter_map(|report| report.database_time).max(),
        }
    }

    /// Adds what an earlier read took, which did not find anything.
    pub fn add_time_of(&mut self, earlier: &ReadReport) {
        self.cache_time += earlier.cache_time;
        self.database_time = earlier.database_time.into_iter().chain(self.database_time).reduce(|a, b| a + b);
    }
}

impl From<Read> for ReadReport {
    fn from(read: Read) -> Self {
        ReadReport {
            source: read.source,
            key: Some(read.key),
            cache_time: read.cache_time,
            database_time: read.source_time,
        }
    }
}

/// A hit only where every part is one; a bypass where any part is one.
fn worst<'a>(sources: impl Iterator<Item = &'a Source>) -> Source {
    let mut worst = Source::Hit { ttl: None };
    for source in sources {
        match source {
            Source::Bypass { .. } => return source.clone(),
            Source::Miss { .. } if matches!(worst, Source::Hit { .. }) => worst = Source::Miss { stored: None },
            Source::Miss { .. } => {}
            Source::Stale { age } => worst = Source::Stale { age: *age },
            Source::Hit { .. } => {}
        }
    }
    worst
}
