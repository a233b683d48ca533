//! A page far into a collection beside the first one.

use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::{command, install, project};

use super::StoreOptions;
use super::peers::Peers;
use crate::interleaved;
use crate::samples::Samples;
use crate::table::{Goal, Row};

/// How many documents there are on a MongoDB of one's own; and on SecantusDB, which sorts them all for each page.
const DOCUMENTS: (usize, usize) = (200_000, 20_000);

/// How many are inserted at a time.
const BATCH: usize = 5_000;

/// How often each page is asked for.
const TIMES: usize = 5;

/// An index on what the pages are sorted by: the collection's own fields, then `_id`.
const MAKE_INDEX: &str = "import sys, pymongo
pymongo.MongoClient(sys.argv[1])['storeDB']['pages'].create_index([('price', 1), ('_id', 1)])";

/// The row about pages.
///
/// # Errors
/// When the bridge, a host or Python fails.
pub fn measure(peers: &Peers, options: &StoreOptions) -> Result<Row> {
    let own = options.mongodb_uri.is_some();
    let documents = if own { DOCUMENTS.0 } else { DOCUMENTS.1 };
    status("Preparing", &format!("a collection of {documents} documents with an index"));
    insert(peers, documents)?;
    let python = install::python::with_requirements("bench", &project::root().join("bench/requirements.txt"))?;
    let uri = peers.stack.mongodb_uri().context("no MongoDB")?;
    command::run(&CommandSpec::new(python).args(["-c", MAKE_INDEX, uri]))?;

    status("Measuring", "pages");
    let variables = [("collections", "games,pages"), ("cache_ttl_seconds", "0"), ("store_timeout_ms", "60000")];
    let (mut host, url) = peers.store(&variables, &[])?;
    host.start()?;
    let client = interleaved::client();
    let first = format!("{url}/api/showDB/pages?sort=price&limit=20");
    let near_the_end = format!("{first}&skip={}", documents - 100);
    let answer = client.get(&near_the_end).call()?;
    let links = answer.headers().get("link").and_then(|link| link.to_str().ok()).unwrap_or_default();
    let after = links.split("after=").nth(1).and_then(|rest| rest.split(['&', '>']).next()).context("no next page")?;
    let far = format!("{first}&after={after}");
    let mut ratios = Vec::new();
    for _ in 0..TIMES {
        let mut took = [0.0; 2];
        for (took, page) in took.iter_mut().zip([&first, &far]) {
            let began = Instant::now();
            let body = interleaved::get(&client, page)?;
            *took = began.elapsed().as_secs_f64();
            let page: Vec<Value> = serde_json::from_slice(&body)?;
            ensure!(page.len() == 20, "a page has {} documents", page.len());
        }
        ratios.push(took[1] / took[0]);
    }
    host.stop()?;
    let server = if own { "with an index" } else { "SecantusDB, which does not use the index" };
    Ok(Row {
        what: format!("page at the end of {documents} documents ÷ first page ({server})"),
        goal: if own { Goal::AtMost(1.2) } else { Goal::None },
        samples: Samples::new(ratios),
        unit: "",
    })
}

fn insert(peers: &Peers, documents: usize) -> Result<()> {
    let client = interleaved::client();
    let act = |action: &str, more: Value| -> Result<()> {
        let mut body = json!({ "dataSource": "mongodb-atlas", "database": "storeDB", "collection": "pages" });
        body.as_object_mut().context("no object")?.extend(more.as_object().cloned().unwrap_or_default());
        let request = client.post(format!("{}/action/{action}", peers.stack.data_api_url()));
        let answer =
            request.header("apiKey", "local-dev-key").content_type("application/json").send(&body.to_string())?;
        ensure!(answer.status().is_success(), "{action}: the bridge answered {}", answer.status());
        Ok(())
    };
    act("deleteMany", json!({ "filter": {} }))?;
    for batch in 0..documents / BATCH {
        let batch: Vec<Value> = (batch * BATCH..(batch + 1) * BATCH)
            .map(|number| json!({ "item": format!("Item {number}"), "price": number * 7919 % documents }))
            .collect();
        act("insertMany", json!({ "documents": batch }))?;
    }
    Ok(())
}
