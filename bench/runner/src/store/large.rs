//! A listing of 100,000 documents: the memory that it takes.

use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::progress::status;

use super::peers::Peers;
use crate::interleaved;
use crate::machine::Memory;
use crate::samples::Samples;
use crate::table::{Goal, Row};

/// How many documents there are.
const DOCUMENTS: usize = 100_000;

/// How many are inserted at a time.
const BATCH: usize = 5_000;

/// How finely the component's memory is measured: parts of the listing's size.
const STEPS: u64 = 8;

/// The rows about a large listing.
///
/// # Errors
/// When the host or the bridge fails.
pub fn measure(peers: &Peers) -> Result<Vec<Row>> {
    status("Preparing", &format!("a collection of {DOCUMENTS} documents"));
    insert(peers)?;
    status("Measuring", "the memory of a large listing");
    let large = Large { peers };
    let size = large.serve("", None)?.context("the listing fails")?.size;
    ensure!(size > 25_000_000, "the listing is only {size} bytes long");
    let title = format!("listing of {DOCUMENTS} documents, {} MB", size / 1_000_000);
    let row = |what: &str, goal, value| Row {
        what: format!("{title}: {what}"),
        goal,
        samples: Samples::new([value]),
        unit: "",
    };

    // The least that the component gets along with, found by halving: its memory can only be seen by limiting it.
    let (mut too_little, mut enough) = (0, 8 * STEPS);
    while enough - too_little > 1 {
        let middle = (too_little + enough) / 2;
        // Another one each time, so that it is a miss at first.
        match large.serve(&format!("?skip={middle}"), Some(size * middle / STEPS))? {
            Some(_) => enough = middle,
            None => too_little = middle,
        }
    }
    let component = enough as f64 / STEPS as f64;
    // Another one than all before, and than the whole listing, which `skip=0` is, too.
    let process = large.serve("?skip=100", None)?.context("the listing fails")?;
    Ok(vec![
        row("memory of the component ÷ size, miss and hit", Goal::AtMost(3.0), component),
        row("memory of component and host ÷ size, miss", Goal::None, process.miss as f64 / size as f64),
        row("memory of component and host ÷ size, hit", Goal::AtMost(3.5), process.hit as f64 / size as f64),
    ])
}

struct Large<'a> {
    peers: &'a Peers,
}

/// What a listing took, in bytes.
struct Taken {
    size: u64,
    /// By how much the process grew, at most.
    miss: u64,
    hit: u64,
}

impl Large<'_> {
    /// Asks a new host twice for the listing: a miss, and a hit. `None` where the component had too little memory.
    fn serve(&self, query: &str, max_memory: Option<u64>) -> Result<Option<Taken>> {
        let config = self.peers.scratch().join("runtime-config.toml");
        fs::write(&config, max_memory.map_or(String::new(), |bytes| format!("max_instance_memory = {bytes}\n")))?;
        let slow = [
            ("collections", "games,many"),
            ("store_timeout_ms", "60000"),
            ("cache_timeout_ms", "5000"),
            ("max_listing_bytes", "133169152"),
            ("cache_max_value_bytes", "67108864"),
        ];
        let config = format!("--runtime-config-file={}", config.display());
        let (mut host, url) = self.peers.store(&slow, &["--idle-instance-timeout=600s", &config])?;
        host.start()?;
        let id = host.id().context("the host has ended")?;
        let client = interleaved::client();
        interleaved::get(&client, &format!("{url}/api/showDB/games"))?;
        let before = Memory::of(id)?.resident;
        let ask = |source: &str| -> Result<Option<(u64, u64)>> {
            Memory::forget_peak(id)?;
            let mut answer = client.get(format!("{url}/api/showDB/many{query}")).call()?;
            let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec();
            if answer.status() == 500 {
                return Ok(None);
            }
            ensure!(answer.status() == 200, "the listing is answered with {}", answer.status());
            let seen = answer.headers().get("x-cache").and_then(|value| value.to_str().ok());
            ensure!(seen == Some(source), "the listing is no {source}");
            Ok(Some((body?.len() as u64, Memory::of(id)?.peak.saturating_sub(before))))
        };
        let miss = ask("MISS")?;
        let hit = if miss.is_some() { ask("HIT")? } else { None };
        host.stop()?;
        let (Some((size, miss)), Some((_, hit))) = (miss, hit) else { return Ok(None) };
        Ok(Some(Taken { size, miss, hit }))
    }
}

fn insert(peers: &Peers) -> Result<()> {
    let client = interleaved::client();
    let url = format!("{}/action/insertMany", peers.stack.data_api_url());
    for batch in 0..DOCUMENTS / BATCH {
        let documents: Vec<Value> = (batch * BATCH..(batch + 1) * BATCH)
            .map(|number| json!({ "item": format!("Item {number}"), "price": number, "text": "x".repeat(220) }))
            .collect();
        let body = json!({
            "dataSource": "mongodb-atlas",
            "database": "storeDB",
            "collection": "many",
            "documents": documents,
        });
        let request = client.post(&url).header("apiKey", "local-dev-key").content_type("application/json");
        let answer = request.send(&body.to_string())?;
        ensure!(answer.status() == 201, "the bridge answered {}", answer.status());
    }
    Ok(())
}
