//! MongoDB, through its official driver: how we connect, and what the driver's failures mean to a client.

mod failure;

use std::time::Duration;

use mongodb::bson::{RawDocumentBuf, doc};
use mongodb::options::{Acknowledgment, ClientOptions, ReadPreference, SelectionCriteria, WriteConcern};
use mongodb::{Client, Collection};

use crate::config::Config;
use crate::error::Error;

/// A handle to MongoDB; cheap to clone. The driver behind it pools connections, watches the servers and finds them
/// again after they were away.
#[derive(Clone)]
pub struct Mongo {
    client: Client,
    operation_timeout: Duration,
}

impl Mongo {
    /// Prepares the driver. No connection is made yet: a MongoDB that is away does not keep us from starting.
    ///
    /// # Errors
    /// A sentence where the connection string is none. It never quotes credentials.
    pub async fn new(config: &Config) -> Result<Self, String> {
        let uri = config.mongodb_uri.reveal();
        let mut options = match ClientOptions::parse(uri).await {
            Ok(options) => options,
            Err(error) => return Err(format!("the MongoDB URI is not usable: {}", explained(uri, &error).await)),
        };
        // What the URI says wins.
        options.server_selection_timeout.get_or_insert(config.server_selection_timeout);
        // A server that swallows packets must not take longer to be found out than one that refuses.
        options.connect_timeout.get_or_insert(config.server_selection_timeout);
        options.write_concern.get_or_insert_with(|| WriteConcern::builder().w(Acknowledgment::Majority).build());
        options.selection_criteria.get_or_insert(SelectionCriteria::ReadPreference(ReadPreference::Primary));
        options.max_pool_size.get_or_insert(100);
        options.app_name.get_or_insert_with(|| "data-api".to_owned());
        let client = Client::with_options(options).map_err(|error| match error.kind.as_ref() {
            mongodb::error::ErrorKind::InvalidArgument { message, .. } if !uri.contains('@') => {
                format!("the MongoDB URI is not usable: {message}")
            }
            _ => "the MongoDB URI is not usable: its options contradict each other".to_owned(),
        })?;
        Ok(Mongo { client, operation_timeout: config.operation_timeout })
    }

    /// A collection whose documents are passed through as they are.
    pub fn collection(&self, database: &str, collection: &str) -> Collection<RawDocumentBuf> {
        self.client.database(database).collection(collection)
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
