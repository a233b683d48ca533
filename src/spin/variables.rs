//! The configuration from Spin's variables.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use spin_sdk::variables;
use spin_sdk::wasip3::wit_bindgen::yield_async;

use crate::config::{Config, VARIABLES};
use crate::variable::VariableError;

/// Reads and validates every variable.
///
/// # Errors
/// The first variable that cannot be read, or whose value cannot be used.
pub async fn read() -> Result<Config, VariableError> {
    let values = try_join_all(VARIABLES.map(async |(variable, _)| {
        variables::get(variable).await.map_err(|error| {
            // A provider's own error may say more than the operator wants in an answer.
            eprintln!("store-api: the variable {variable:?}: {error:?}");
            VariableError { variable, reason: "could not be read".to_owned() }
        })
    }))
    .await?;
    // Spin reads environment variables in a blocking section, and until the next turn of the event loop whatever this task
    // wakes runs on another thread at once: the HTTP server would send the head of the instance's first response while the
    // body is still on its way to it.
    yield_async().await;
    let mut values: BTreeMap<_, _> = VARIABLES.map(|(variable, _)| variable).into_iter().zip(values).collect();
    Config::parse(|variable| values.remove(variable).unwrap_or_default())
}
