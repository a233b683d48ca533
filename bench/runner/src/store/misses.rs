//! What a miss costs beside the database's own answer.

use std::cell::Cell;

use anyhow::{Result, ensure};
use serde_json::json;
use testkit::progress::status;

use super::StoreOptions;
use super::peers::{Peer, Peers};
use crate::interleaved::{self, Request};
use crate::samples::Samples;
use crate::table::{Goal, Row};

/// The row about misses.
///
/// # Errors
/// When a request fails.
pub fn measure(peers: &Peers, options: &StoreOptions) -> Result<Row> {
    status("Measuring", "misses");
    let client = interleaved::client();
    let skip = Cell::new(0);
    let store = peers.url(Peer::Store);
    let find = format!("{}/action/find", peers.stack.data_api_url());
    let miss: Request<'_> = Box::new(|| {
        // Another listing each time.
        skip.set(skip.get() + 1);
        interleaved::get(&client, &format!("{store}/api/showDB/games?skip={}&sort=item", skip.get())).map(drop)
    });
    let find: Request<'_> = Box::new(|| {
        let body = json!({
            "dataSource": "mongodb-atlas",
            "database": "storeDB",
            "collection": "games",
            "sort": { "item": 1, "_id": 1 },
            "skip": skip.get(),
        });
        let request = client.post(&find).header("apiKey", "local-dev-key").content_type("application/json");
        let mut answer = request.send(&body.to_string())?;
        ensure!(answer.status() == 200, "the bridge answered {}", answer.status());
        answer.body_mut().read_to_vec()?;
        Ok(())
    });
    let medians = interleaved::medians(&mut [miss, find], options.rounds as usize)?;
    Ok(Row {
        what: "p50 of a miss ÷ of the bridge's own answer, 1 connection".to_owned(),
        goal: Goal::AtMost(3.0),
        samples: Samples::ratios(&medians[0], &medians[1]),
        unit: "",
    })
}
