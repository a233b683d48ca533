//! The configuration from Spin's variables.

use futures_util::future::try_join_all;
use spin_sdk::variables;

use crate::config::{Config, ConfigError, VARIABLES};

/// Reads and validates every variable.
///
/// # Errors
/// The first variable that cannot be read, or whose value cannot be used.
pub async fn read() -> Result<Config, ConfigError> {
    let values = try_join_all(VARIABLES.map(async |variable| {
        variables::get(variable).await.map_err(|error| {
            // A provider's own error may say more than the operator wants in an answer.
            eprintln!("store-api: the variable {variable:?}: {error:?}");
            ConfigError { variable, why: "could not be read".to_owned() }
        })
    }))
    .await?;
    match <[String; VARIABLES.len()]>::try_from(values) {
        Ok(values) => Config::parse(values),
        Err(_) => Err(ConfigError { variable: VARIABLES[0], why: "could not be read".to_owned() }),
    }
}
