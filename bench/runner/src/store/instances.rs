//! What an instance of the component costs: its start, and its memory while it waits.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use testkit::progress::status;

use super::StoreOptions;
use super::peers::{Peer, Peers};
use crate::interleaved::{self, Request};
use crate::machine::Memory;
use crate::samples::Samples;
use crate::table::{Goal, Row};

/// How many instances wait while their memory is measured.
const WAITING: usize = 100;

/// A request that an instance begins with and cannot end before the last byte of its body comes.
const HEAD: &str = "POST /api/add/games HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
    Content-Length: 1\r\nConnection: close\r\n\r\n";

/// A hit by an instance that is new, and goes with it, beside a hit by one that has served before.
///
/// # Errors
/// When a host fails.
pub fn cold_start(peers: &Peers, options: &StoreOptions) -> Result<Row> {
    status("Measuring", "cold starts");
    let (mut host, cold) = peers.store(&[], &["--max-instance-reuse-count=1"])?;
    host.start()?;
    let client = interleaved::client();
    let mut requests: Vec<Request<'_>> = Vec::new();
    for url in [peers.url(Peer::Store), &cold] {
        let url = format!("{url}/api/showDB/games");
        let client = &client;
        requests.push(Box::new(move || interleaved::get(client, &url).map(drop)));
    }
    let medians = interleaved::medians(&mut requests, options.rounds as usize)?;
    host.stop()?;
    let added = medians[0].iter().zip(&medians[1]).map(|(warm, cold)| cold - warm);
    let what = "hit by a new instance − by one that has served before, 1 connection".to_owned();
    Ok(Row { what, goal: Goal::AtMost(2.0), samples: Samples::new(added), unit: " ms" })
}

/// The memory of an instance that waits.
///
/// # Errors
/// When a host fails.
pub fn memory(peers: &Peers) -> Result<Row> {
    status("Measuring", "the memory of instances that wait");
    let one_at_a_time = ["--max-instance-concurrent-reuse-count=1", "--idle-instance-timeout=600s"];
    let (mut host, url) = peers.store(&[], &one_at_a_time)?;
    host.start()?;
    let id = host.id().context("the host has ended")?;
    let address = url.strip_prefix("http://").context("no HTTP")?;
    // What the process needs for serving at all is there after this.
    serve_at_once(address, WAITING / 10)?;
    let few = Memory::of(id)?.private;
    serve_at_once(address, WAITING / 10 + WAITING)?;
    let many = Memory::of(id)?.private;
    host.stop()?;
    let each = many.saturating_sub(few) as f64 / WAITING as f64 / f64::from(1 << 20);
    let what = format!("memory of an idle instance, {WAITING} of them");
    Ok(Row { what, goal: Goal::AtMost(2.0), samples: Samples::new([each]), unit: " MiB" })
}

/// Has so many requests served at the same time, each by an instance of its own.
fn serve_at_once(address: &str, count: usize) -> Result<()> {
    let mut connections = Vec::new();
    for _ in 0..count {
        let mut connection = TcpStream::connect(address)?;
        connection.write_all(HEAD.as_bytes())?;
        connections.push(connection);
    }
    // Each of them has been given to an instance by the time that it is answered; the first ones wait for the last byte.
    for mut connection in connections {
        connection.write_all(b"x")?;
        let mut answer = String::new();
        connection.read_to_string(&mut answer)?;
        ensure!(answer.starts_with("HTTP/1.1 400 "), "not JSON, and the answer is {answer}");
    }
    Ok(())
}
