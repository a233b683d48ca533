//! Waiting for `/health/ready`.

use std::time::Duration;

use anyhow::{Result, anyhow};
use serde_json::Value;

use crate::{interrupt, probe};

/// How long all services together may take to be ready, once each of them answers.
const LIMIT: Duration = Duration::from_secs(30);

/// Asks `url` until it answers 200; `check` may give up earlier.
///
/// # Errors
/// What was not ready in time, and what `check` fails with.
pub fn wait(url: &str, mut check: impl FnMut() -> Result<()>) -> Result<()> {
    let mut last = String::new();
    let ready = interrupt::wait_for(LIMIT, || {
        check()?;
        Ok(match probe::get(url) {
            Ok((200, _)) => Some(()),
            Ok((status, body)) => {
                last = explain(status, &body);
                None
            }
            Err(error) => {
                last = error.to_string();
                None
            }
        })
    })?;
    ready.ok_or_else(|| anyhow!("the store is not ready after {} s: {last}", LIMIT.as_secs()))
}

/// What the answer says is missing: `{"redis": {"status": "down"}, "data_api": {"status": "up"}}` → `redis is down`.
fn explain(status: u16, body: &str) -> String {
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let members = body.as_object().into_iter().flatten();
    let missing: Vec<String> = members
        .filter_map(|(name, service)| Some((name, service.get("status")?.as_str()?)))
        .filter(|(_, status)| *status != "up")
        .map(|(name, status)| format!("{name} is {status}"))
        .collect();
    match missing.is_empty() {
        true => format!("/health/ready answers {status}"),
        false => missing.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_says_what_is_missing() {
        let body = r#"{"status":"not ready","redis":{"status":"down","latency_ms":250.1},"data_api":{"status":"up"}}"#;
        assert_eq!(explain(503, body), "redis is down");
        assert_eq!(explain(500, "<html>"), "/health/ready answers 500");
        assert_eq!(explain(404, r#"{"status":404}"#), "/health/ready answers 404");
    }
}
