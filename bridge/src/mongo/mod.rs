//! MongoDB, through its official driver: how we connect, and what the driver's failures mean to a client.

mod failure;
mod kill;
mod liveness;
mod sources;

use std::time::Duration;

use mongodb::bson::{Document, RawBsonRef, RawDocumentBuf, doc};
use mongodb::options::{ClientOptions, Collation, SelectionCriteria, WriteConcern};
use mongodb::{Client, Collection, Cursor};

use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;
pub use kill::KillOnDrop;
use liveness::LivenessMonitor;
pub use sources::Sources;

/// A handle to MongoDB; cheap to clone. The driver behind it pools connections, watches the servers and finds them
/// again after they were away.
#[derive(Clone)]
pub struct Mongo {
    client: Client,
    liveness: LivenessMonitor,
    operation_timeout: Duration,
}

impl Mongo {
    /// Prepares the driver. No connection is made yet: a unreachable MongoDB does not keep us from starting.
    ///
    /// # Errors
    /// A sentence if the connection string is invalid. It never quotes credentials.
    pub async fn new(uri: &str, config: &Config, metrics: &Metrics) -> Result<Self, String> {
        let mut options = match ClientOptions::parse(uri).await {
            Ok(options) => options,
            Err(error) => return Err(format!("the MongoDB URI is not usable: {}", explained(uri, &error).await)),
        };
        // What the URI says wins.
        options.server_selection_timeout.get_or_insert(config.server_selection_timeout);
        // A server that swallows packets must not take longer to be found out than one that refuses.
        options.connect_timeout.get_or_insert(config.server_selection_timeout);
        let acknowledgment = config.write_concern.0.clone();
        options.write_concern.get_or_insert_with(|| WriteConcern::builder().w(acknowledgment).build());
        let preference = config.read_preference.0.clone();
        options.selection_criteria.get_or_insert(SelectionCriteria::ReadPreference(preference));
        if let Some(concern) = &config.read_concern {
            options.read_concern.get_or_insert_with(|| concern.0.clone());
        }
        options.max_pool_size.get_or_insert(config.max_connections);
        options.app_name.get_or_insert_with(|| "data-api".to_owned());
        let mut for_monitor = options.clone();
        (for_monitor.max_pool_size, for_monitor.min_pool_size) = (Some(2), None);
        options.cmap_event_handler = Some(metrics.pool_events());
        let connected = |options| {
            Client::with_options(options).map_err(|error| match error.kind.as_ref() {
                mongodb::error::ErrorKind::InvalidArgument { message, .. } if !uri.contains('@') => {
                    format!("the MongoDB URI is not usable: {message}")
                }
                _ => "the MongoDB URI is not usable: its options contradict each other".to_owned(),
            })
        };
        let limit = for_monitor.server_selection_timeout.unwrap_or(config.server_selection_timeout);
        // Shorter than a ping's time: that there is no server at all, the driver finds out and says itself.
        for_monitor.server_selection_timeout = Some(limit / 4);
        let liveness = LivenessMonitor::follow(connected(for_monitor)?, limit);
        Ok(Mongo { client: connected(options)?, liveness, operation_timeout: config.operation_timeout })
    }

    /// Waits for an operation: until it is done, its time is up, or MongoDB stops answering anyone.
    ///
    /// # Errors
    /// The operation's own; 503 and 504.
    pub async fn wait<T, E: Into<Error>>(&self, operation: impl Future<Output = Result<T, E>>) -> Result<T, Error> {
        let limit = self.operation_timeout + GRACE;
        match self.liveness.with(tokio::time::timeout(limit, operation)).await {
            Some(Ok(done)) => done.map_err(Into::into),
            Some(Err(_)) => Err(Error::TimeLimit),
            None => Err(Error::Unavailable {
                what: "MongoDB does not answer; if this was a write, it may or may not have been applied",
                details: "a ping beside the operation had no answer".to_owned(),
            }),
        }
    }

    /// A write begins; it carries the guard's comment, and ends with it.
    pub fn write(&self) -> KillOnDrop {
        KillOnDrop::begin(&self.client)
    }

    /// A collection whose documents are passed through as they are.
    pub fn collection(&self, database: &str, collection: &str) -> Collection<RawDocumentBuf> {
        self.client.database(database).collection(collection)
    }

    /// The number that a pipeline without a collection ends with, in its field `n`; 0 where it gives no document.
    ///
    /// # Errors
    /// Where MongoDB refuses or fails.
    pub async fn count(&self, database: &str, pipeline: Vec<Document>, collation: Collation) -> Result<u64, Error> {
        let database = self.client.database(database);
        let aggregate = database.aggregate(pipeline).collation(collation);
        number_of(aggregate.max_time(self.operation_timeout).await?).await
    }

    /// The same of a pipeline on a collection.
    ///
    /// # Errors
    /// Where MongoDB refuses or fails.
    pub async fn count_in(&self, namespace: (&str, &str), pipeline: Vec<Document>) -> Result<u64, Error> {
        let collection = self.client.database(namespace.0).collection::<Document>(namespace.1);
        number_of(collection.aggregate(pipeline).max_time(self.operation_timeout).await?).await
    }

    /// How long an operation may run.
    pub fn operation_timeout(&self) -> Duration {
        self.operation_timeout
    }

    /// Asks the primary for a sign of life.
    ///
    /// # Errors
    /// Where it gives none.
    pub async fn ping(&self) -> Result<(), Error> {
        self.client.database("admin").run_command(doc! { "ping": 1 }).await?;
        Ok(())
    }
}

async fn number_of(mut found: Cursor<Document>) -> Result<u64, Error> {
    if !found.advance().await? {
        return Ok(0);
    }
    let number = match found.current().get("n")? {
        Some(RawBsonRef::Int32(number)) => i64::from(number),
        Some(RawBsonRef::Int64(number)) => number,
        _ => 0,
    };
    Ok(u64::try_from(number).unwrap_or_default())
}

/// MongoDB is told to stop at the time limit; we stop waiting this much later, so that it is the one to say so.
const GRACE: Duration = Duration::from_millis(500);

/// The driver's words on a bad URI, without its credentials: the driver may quote what it stumbled over, so it is asked
/// again about a URI that has other ones.
async fn explained(uri: &str, error: &mongodb::error::Error) -> String {
    let Some((before, rest)) = uri.rsplit_once('@') else {
        return message(error);
    };
    let scheme = before.split_once("://").map_or("", |(scheme, _)| scheme);
    match ClientOptions::parse(format!("{scheme}://user:password@{rest}")).await {
        Err(error) => message(&error),
        Ok(_) => "the user name or the password in it must be percent-encoded".to_owned(),
    }
}

fn message(error: &mongodb::error::Error) -> String {
    match error.kind.as_ref() {
        mongodb::error::ErrorKind::InvalidArgument { message, .. } => message.clone(),
        kind => kind.to_string(),
    }
}
