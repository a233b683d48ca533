//! What a write costs: what the cache protocol adds, and what else lies in Redis.

use std::cell::Cell;

use anyhow::{Context, Result, ensure};
use testkit::command;
use testkit::process::CommandSpec;
use testkit::progress::status;
use testkit::services::redis::Redis;

use super::StoreOptions;
use super::peers::{Peer, Peers};
use crate::interleaved::{self, Request};
use crate::samples::Samples;
use crate::table::{Goal, Row};

/// The listings that Redis holds of the very collection that is written, beyond those that a write deletes.
const VARIANTS: usize = 300_000;

/// The keys of somebody else in the same Redis.
const FOREIGN: usize = 1_000_000;

/// The rows about writes.
///
/// # Errors
/// When a host, Redis or a request fails.
pub fn measure(peers: &Peers, options: &StoreOptions) -> Result<Vec<Row>> {
    status("Preparing", &format!("{VARIANTS} cached listings and {FOREIGN} foreign keys"));
    let crowded_redis = Redis::temporary()?;
    let (mut crowded_host, crowded) = peers.store(&[("redis_url", &crowded_redis.url())], &[])?;
    crowded_host.start()?;
    redis(&crowded_redis.url(), &["EVAL", FILL, "0", &VARIANTS.to_string()])?;
    let foreign = format!("for i = 1, {FOREIGN} do redis.call('SET', 'foreign:' .. i, i) end");
    redis(&crowded_redis.url(), &["EVAL", &foreign, "0"])?;
    let (mut uncached_host, uncached) = peers.store(&[("cache_ttl_seconds", "0")], &[])?;
    uncached_host.start()?;

    status("Measuring", "writes");
    let client = interleaved::client();
    let price = Cell::new(0);
    let write = |url: &str| -> Request<'_> {
        let (client, price, url) = (&client, &price, url.to_owned());
        Box::new(move || {
            price.set(price.get() + 1);
            interleaved::write(client, &url, price.get())
        })
    };
    let read = |url: &str| -> Request<'_> {
        let url = format!("{url}/api/showDB/games");
        let client = &client;
        Box::new(move || interleaved::get(client, &url).map(drop))
    };
    let store = peers.url(Peer::Store);
    let before = scripts(peers.stack.redis_url())?;
    let written = price.get();
    let mut alone = write(store);
    for _ in 0..100 {
        alone()?;
    }
    let each = (scripts(peers.stack.redis_url())? - before) / f64::from(price.get() - written);
    drop(alone);

    let rounds = options.rounds as usize;
    // Not all three in turns: the crowded Redis frees in the background what it has deleted, which slows down the next write.
    let uncached = interleaved::medians(&mut [write(store), write(&uncached)], rounds)?;
    let crowded = interleaved::medians(&mut [write(store), write(&crowded)], rounds)?;
    let mut reads = [read(store), read(peers.url(Peer::Bare))];
    // The writes have emptied the cache.
    reads[0]()?;
    let reads = interleaved::medians(&mut reads, rounds)?;
    let foreign_key = redis(&crowded_redis.url(), &["EXISTS", &format!("foreign:{FOREIGN}")])?;
    ensure!(foreign_key.trim() == "1", "Redis has dropped the foreign keys");
    crowded_host.stop()?;
    uncached_host.stop()?;

    let added: Vec<f64> = uncached[0].iter().zip(&uncached[1]).map(|(with, without)| with - without).collect();
    let round_trips: Vec<f64> = reads[0].iter().zip(&reads[1]).map(|(hit, bare)| hit - bare).collect();
    let row = |what: &str, goal, samples, unit| Row { what: what.to_owned(), goal, samples, unit };
    Ok(vec![
        row("round trips to Redis of a write", Goal::AtMost(2.0), Samples::new([each]), ""),
        row(
            "write, caching on − off, p50, 1 connection",
            Goal::AtMost(0.35),
            Samples::new(added.iter().copied()),
            " ms",
        ),
        row(
            "the same, in round trips (hit − without Redis)",
            Goal::AtMost(2.0),
            Samples::ratios(&added, &round_trips),
            "",
        ),
        row(
            "write among 300,000 variants of its collection and 1,000,000 foreign keys, rate ÷ with none",
            Goal::AtLeast(0.9),
            Samples::ratios(&crowded[0], &crowded[1]),
            "",
        ),
    ])
}

/// Has that many listings of the collection cached, as fills leave them: to ask for them would take an hour.
const FILL: &str = "
for i = 1, tonumber(ARGV[1]) do
  local name = 'list:' .. redis.sha1hex(i)
  redis.call('SET', 'games:' .. name, string.rep('x', 200), 'PX', 36000000)
  redis.call('SET', 'games:~stamp:' .. name, '1,1 1 36000000 \"x\"', 'PX', 36000000)
  redis.call('ZADD', 'games:~index:list', i, name)
end";

/// How many scripts this Redis has been sent.
fn scripts(url: &str) -> Result<f64> {
    let stats = redis(url, &["INFO", "commandstats"])?;
    let calls =
        |line: &str| -> Option<f64> { line.strip_prefix("cmdstat_evalsha:calls=")?.split(',').next()?.parse().ok() };
    stats.lines().find_map(calls).context("Redis was sent no script")
}

fn redis(url: &str, command: &[&str]) -> Result<String> {
    let spec = CommandSpec::new("redis-cli").args(["-u", url]).args(command);
    let (exit, text) = command::output(&spec)?;
    ensure!(exit.success() && !text.starts_with("ERR"), "redis-cli {}: {text}", command[0]);
    Ok(text)
}
