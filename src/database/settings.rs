//! Where the Data API is, and how long and how large its responses may be.

use std::time::Duration;

use crate::secret::Secret;
use crate::variable::{VariableError, header_value, non_empty, number, timeout, url_without_credentials};

/// A listing limit above this is rejected. Spin refuses a component every Redis reply above 128 MiB, so a larger listing
/// could be cached and never be read again; the rest is for the stamp and the generations that come with it.
const MAX_RESPONSE_LIMIT: u64 = 127 * 1024 * 1024;

/// Where the Data API is, and how long and how large its responses may be.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Base URL, without a trailing slash; actions are `POST {base}/action/{name}`. Its path may be known to few.
    pub url: Secret,
    /// Sent as the header `apiKey`.
    pub api_key: Secret,
    /// The Data API's name for the cluster.
    pub data_source: String,
    /// The database that holds the collections.
    pub database: String,
    /// How long the Data API may take to answer one call.
    pub timeout: Duration,
    /// The largest response accepted, in bytes, and with it the largest listing.
    pub max_response_bytes: usize,
}

impl Settings {
    /// Reads the variables `data_api_url`, `data_api_key`, `data_source`, `database`, `store_timeout_ms` and
    /// `max_listing_bytes`.
    ///
    /// # Errors
    /// The first variable whose value is invalid.
    pub fn parse(value: &mut impl FnMut(&'static str) -> String) -> Result<Self, VariableError> {
        let key = non_empty("data_api_key", value("data_api_key"))?;
        Ok(Settings {
            url: Secret::new(url_without_credentials("data_api_url", &["http://", "https://"], value("data_api_url"))?),
            api_key: Secret::new(header_value("data_api_key", key)?),
            data_source: non_empty("data_source", value("data_source"))?,
            database: non_empty("database", value("database"))?,
            timeout: timeout("store_timeout_ms", &value("store_timeout_ms"))?,
            max_response_bytes: number("max_listing_bytes", &value("max_listing_bytes"), 1, MAX_RESPONSE_LIMIT)?
                as usize,
        })
    }
}
