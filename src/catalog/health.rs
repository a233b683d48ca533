//! Whether what the catalog stands on answers.

use std::time::Duration;

use fenced_cache::{Health, Platform};
use futures_util::future::join;

use super::Catalog;
use crate::backend::Backend;
use crate::database::{Database, DatabaseError};

/// Whether Redis and the database answer, each with its latency.
#[derive(Debug)]
pub struct Readiness {
    /// What the cache says of Redis.
    pub redis: Health,
    /// How long that took.
    pub redis_latency: Duration,
    /// Whether the database answered.
    pub database: Result<(), DatabaseError>,
    /// How long that took.
    pub database_latency: Duration,
}

impl<B: Backend> Catalog<'_, B> {
    /// Asks Redis and the database, side by side.
    pub async fn health(&self) -> Readiness {
        let ping = async {
            match self.settings.collections.first() {
                Some(collection) => self.database.ping(collection).await,
                None => Ok(()),
            }
        };
        let ((redis, redis_latency), (database, database_latency)) =
            join(self.timed(self.cache.health()), self.timed(ping)).await;
        Readiness { redis, redis_latency, database, database_latency }
    }

    async fn timed<T>(&self, ask: impl Future<Output = T>) -> (T, Duration) {
        let began = self.platform.now();
        let answer = ask.await;
        (answer, self.platform.now() - began)
    }
}
