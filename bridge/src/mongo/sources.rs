//! The data sources that requests may name, each with a driver of its own.

use super::Mongo;
use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;

/// All data sources, by their names.
pub struct Sources(Vec<(String, Mongo)>);

impl Sources {
    /// Prepares a driver for each. No connection is made yet.
    ///
    /// # Errors
    /// A sentence where a connection string is not usable. It never quotes credentials.
    pub async fn new(config: &Config, metrics: &Metrics) -> Result<Self, String> {
        let mut sources = Vec::new();
        for source in config.sources() {
            let mongo = Mongo::new(source.uri.reveal(), config, metrics).await;
            let named = |why| if config.data_sources.is_empty() { why } else { format!("{}: {why}", source.name) };
            sources.push((source.name.clone(), mongo.map_err(named)?));
        }
        Ok(Sources(sources))
    }

    /// The data source with this name.
    pub fn get(&self, name: &str) -> Option<&Mongo> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, mongo)| mongo)
    }

    /// The one that is configured first.
    ///
    /// # Errors
    /// A sentence if none is configured.
    pub fn first(&self) -> Result<&Mongo, String> {
        self.0.first().map(|(_, mongo)| mongo).ok_or_else(|| "no data source is configured".to_owned())
    }

    /// Asks the primary of each for a sign of life.
    ///
    /// # Errors
    /// Where one gives none.
    pub async fn ping(&self) -> Result<(), Error> {
        for (_, mongo) in &self.0 {
            mongo.ping().await?;
        }
        Ok(())
    }
}
