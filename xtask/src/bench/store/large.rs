//! A listing of 100,000 documents: the memory that it takes.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use super::peers::Peers;
use crate::bench::machine::Memory;
use crate::bench::samples::Samples;
use crate::bench::table::{Goal, Row};
use crate::bench::turns;
use crate::progress::status;

/// How many documents there are.
const DOCUMENTS: usize = 100_000;

/// How many are inserted at a time.
const BATCH: usize = 5_000;

/// The rows about a large listing.
///
/// # Errors
/// When the host or the bridge fails.
pub fn measure(peers: &Peers) -> Result<Vec<Row>> {
    status("Preparing", &format!("a collection of {DOCUMENTS} documents"));
    insert(peers)?;
    let slow = [("collections", "games,many"), ("store_timeout_ms", "60000"), ("cache_timeout_ms", "5000")];
    // One instance for all, and alone.
    let (mut host, url) = peers.store(&slow, &["--idle-instance-timeout=600s"])?;
    host.start()?;
    let id = host.id().context("the host has ended")?;
    let client = turns::client();
    turns::get(&client, &format!("{url}/api/showDB/games"))?;
    status("Measuring", "the memory of a large listing");
    let before = Memory::of(id)?.resident;
    let mut rows = Vec::new();
    for source in ["miss", "hit"] {
        Memory::forget_peak(id)?;
        let body = turns::get(&client, &format!("{url}/api/showDB/many"))?;
        let size = body.len() as f64;
        ensure!(size > 25e6, "the listing is only {size} bytes long");
        let peak = Memory::of(id)?.peak.saturating_sub(before) as f64;
        let what = format!(
            "listing of {DOCUMENTS} documents, {:.0} MB, {source}: peak memory of host and component ÷ size",
            size / 1e6
        );
        rows.push(Row { what, goal: Goal::None, samples: Samples::new([peak / size]), unit: "" });
    }
    host.stop()?;
    Ok(rows)
}

fn insert(peers: &Peers) -> Result<()> {
    let client = turns::client();
    let url = format!("{}/action/insertMany", peers.stack.data_api_url());
    for batch in 0..DOCUMENTS / BATCH {
        let documents: Vec<Value> = (batch * BATCH..(batch + 1) * BATCH)
            .map(|number| json!({ "item": format!("Item {number}"), "price": number, "text": "x".repeat(220) }))
            .collect();
        let body = json!({ "dataSource": "mongodb-atlas", "database": "storeDB", "collection": "many", "documents": documents });
        let request = client.post(&url).header("apiKey", "local-dev-key").content_type("application/json");
        let answer = request.send(&body.to_string())?;
        ensure!(answer.status() == 201, "the bridge answered {}", answer.status());
    }
    Ok(())
}
