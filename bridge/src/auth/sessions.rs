//! The sessions that have ended, and how often the others were refreshed.
//!
//! Tokens are signed and need no store; that one must not be taken any more has to be remembered. In MongoDB, so that it
//! survives a restart and holds for every bridge that signs with the same secret; or, where the secret ends with the process,
//! in its memory.
//!
//! **Rotation.** A refresh gives a new refresh token too, of the next generation, which takes the place of the one before as
//! soon as it is used. If an older one is used after that, one of the two is a stolen copy: the session ends for both. A client that ignores the new token, as the retired service's own libraries do, goes on
//! with its first one, and is left alone as long as nobody uses another.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mongodb::bson::{DateTime, Document, doc};
use mongodb::options::{IndexOptions, ReturnDocument};
use mongodb::{Collection, IndexModel};
use tokio::sync::watch;

use crate::error::Error;
use crate::mongo::Mongo;

/// How often the collection is asked for sessions that others have ended.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How far back each question reaches beyond the last answer: writes become visible in another order than their times.
const OVERLAP: Duration = Duration::from_secs(10);

/// How long a request waits for the first answer after the start.
const FIRST_ANSWER: Duration = Duration::from_secs(2);

const UNKNOWN: &str = "it is not known which sessions have ended";

/// What is known of a session beyond its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    ended: bool,
    /// The newest refresh token that was used.
    generation: u32,
    /// When its last token ends by itself, in seconds since 1970.
    until: u64,
}

/// All sessions that have ended or were refreshed.
pub(super) struct Sessions {
    known: Mutex<HashMap<String, Known>>,
    store: Option<Store>,
}

struct Store {
    collection: Collection<Document>,
    mongo: Mongo,
    loaded: watch::Sender<bool>,
}

impl Sessions {
    /// In memory, or in a collection of this database.
    pub(super) fn new(store: Option<(&Mongo, &str, &str)>) -> Self {
        let store = store.map(|(mongo, database, collection)| Store {
            collection: mongo.collection(database, collection).clone_with_type(),
            mongo: mongo.clone(),
            loaded: watch::Sender::new(false),
        });
        Sessions { known: Mutex::default(), store }
    }

    fn known(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a session has ended.
    ///
    /// # Errors
    /// 503 where that is not known yet.
    pub(super) async fn has_ended(&self, session: &str) -> Result<bool, Error> {
        if let Some(store) = &self.store
            && !*store.loaded.borrow()
        {
            let mut loaded = store.loaded.subscribe();
            let first = tokio::time::timeout(FIRST_ANSWER, loaded.wait_for(|loaded| *loaded)).await;
            if !first.is_ok_and(|loaded| loaded.is_ok()) {
                return Err(Error::Unavailable { what: UNKNOWN, details: "no answer from MongoDB yet".to_owned() });
            }
        }
        Ok(self.known().get(session).is_some_and(|known| known.ended))
    }

    /// Ends a session whose tokens end at that time. When this is done, every bridge knows it, or will within a second.
    pub(super) async fn end(&self, session: &str, until: u64) -> Result<(), Error> {
        self.record(session, Known { ended: true, generation: 0, until }).await.map(drop)
    }

    /// A refresh token of this generation is used. `false` where a newer one was used before: then the session ends.
    pub(super) async fn advance(&self, session: &str, generation: u32, until: u64) -> Result<bool, Error> {
        let before = self.record(session, Known { ended: false, generation, until }).await?;
        if before.ended {
            return Ok(false);
        }
        if before.generation > generation {
            tracing::warn!("a refresh token was used again after a newer one: its session is ended");
            self.end(session, until).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Adds to what is known of a session, and gives what was known before.
    async fn record(&self, session: &str, new: Known) -> Result<Known, Error> {
        let before = match &self.store {
            None => None,
            Some(store) => Some(store.record(session, new).await?),
        };
        let mut known = self.known();
        if self.store.is_none() {
            let now = jsonwebtoken::get_current_timestamp();
            known.retain(|_, known| known.until >= now);
        }
        let entry = known.entry(session.to_owned()).or_default();
        let before = before.unwrap_or(*entry);
        entry.merge(new);
        Ok(before)
    }

    /// Follows what other bridges record, for as long as the program runs.
    pub(super) async fn follow(self: Arc<Self>) {
        let Some(store) = &self.store else { return };
        let (mut since, mut last, mut indexed) = (None, String::new(), false);
        loop {
            match store.changed_since(since).await {
                Ok(changed) => {
                    since = changed.iter().map(|(_, _, at)| *at).max().max(since);
                    self.learn(changed);
                    store.loaded.send_replace(true);
                    last.clear();
                    if !indexed {
                        indexed = store.index().await;
                    }
                }
                Err(error) if error.to_string() != last => {
                    last = error.to_string();
                    tracing::warn!(
                        collection = %store.collection.namespace(),
                        details = last,
                        "which sessions have ended cannot be read"
                    );
                }
                Err(_) => {}
            }
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }

    fn learn(&self, changed: Vec<(String, Known, DateTime)>) {
        let now = jsonwebtoken::get_current_timestamp();
        let mut known = self.known();
        known.retain(|_, known| known.until >= now);
        for (session, new, _) in changed {
            known.entry(session).or_default().merge(new);
        }
    }
}

impl Known {
    fn merge(&mut self, other: Known) {
        self.ended |= other.ended;
        self.generation = self.generation.max(other.generation);
        self.until = self.until.max(other.until);
    }

    fn of(document: &Document) -> Self {
        Known {
            ended: document.get_bool("ended").unwrap_or_default(),
            generation: document.get_i64("generation").ok().and_then(|n| u32::try_from(n).ok()).unwrap_or_default(),
            until: document.get_datetime("expires").ok().map_or(0, |at| at.timestamp_millis().unsigned_abs() / 1000),
        }
    }
}

impl Store {
    async fn record(&self, session: &str, new: Known) -> Result<Known, Error> {
        let expires = DateTime::from_millis(i64::try_from(new.until.saturating_mul(1000)).unwrap_or(i64::MAX));
        let mut update = doc! {
            "$max": { "generation": i64::from(new.generation), "expires": expires },
            "$currentDate": { "changed": true },
        };
        if new.ended {
            update.insert("$set", doc! { "ended": true });
        }
        let before = self.mongo.wait(async {
            let find = self.collection.find_one_and_update(doc! { "_id": session }, update);
            find.upsert(true).return_document(ReturnDocument::Before).await
        });
        // Not acknowledged: otherwise a session would go on that its owner believes to be over.
        let failed = |error: Error| match error {
            Error::Refused { name, message, .. } => {
                Error::Unavailable { what: "the session could not be recorded", details: format!("{name}: {message}") }
            }
            error => error,
        };
        Ok(before.await.map_err(failed)?.as_ref().map(Known::of).unwrap_or_default())
    }

    async fn changed_since(&self, since: Option<DateTime>) -> Result<Vec<(String, Known, DateTime)>, Error> {
        let overlap = i64::try_from(OVERLAP.as_millis()).unwrap_or_default();
        let filter = match since {
            None => doc! {},
            Some(since) => {
                doc! { "changed": { "$gte": DateTime::from_millis(since.timestamp_millis().saturating_sub(overlap)) } }
            }
        };
        let found = self.mongo.wait(async {
            let mut cursor = self.collection.find(filter).await?;
            let mut found = Vec::new();
            while cursor.advance().await? {
                found.push(cursor.deserialize_current()?);
            }
            Ok::<_, mongodb::error::Error>(found)
        });
        let described = found.await?.into_iter().filter_map(|document| {
            let session = document.get_str("_id").ok()?.to_owned();
            let changed = *document.get_datetime("changed").ok()?;
            Some((session, Known::of(&document), changed))
        });
        Ok(described.collect())
    }

    /// MongoDB forgets what has expired, and finds quickly what has changed.
    async fn index(&self) -> bool {
        let expiring = IndexOptions::builder().expire_after(Duration::ZERO).build();
        let indexes = [
            IndexModel::builder().keys(doc! { "expires": 1 }).options(expiring).build(),
            IndexModel::builder().keys(doc! { "changed": 1 }).build(),
        ];
        let done = self.mongo.wait(async { self.collection.create_indexes(indexes).await }).await;
        if let Err(error) = &done {
            tracing::warn!(details = %error, "the collection of ended sessions has no indexes");
        }
        done.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_newer_refresh_token_ends_the_older_ones() {
        let later = jsonwebtoken::get_current_timestamp() + 1000;
        let sessions = Sessions::new(None);
        assert!(sessions.advance("s", 0, later).await.unwrap());
        assert!(sessions.advance("s", 0, later).await.unwrap(), "a client that ignores the new one");
        assert!(sessions.advance("s", 1, later).await.unwrap());
        assert!(sessions.advance("s", 1, later).await.unwrap(), "an answer that was lost");
        assert!(!sessions.has_ended("s").await.unwrap());
        assert!(!sessions.advance("s", 0, later).await.unwrap(), "used again");
        assert!(sessions.has_ended("s").await.unwrap());
        assert!(!sessions.advance("s", 1, later).await.unwrap(), "it ends for both");
        assert!(!sessions.has_ended("t").await.unwrap());
    }
}
