//! Who writes, and who reads back.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;

use serde_json::{Value, json};
use testkit::client::{Client, Response};

use super::cluster::{Cluster, DOCUMENTS, NODES, id};
use super::faults::Chance;
use super::history::History;

/// What became of a write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// It is done, and the promise covers it.
    Acknowledged,
    /// It is done, but it says itself that the promise does not cover it, or Redis lost its fence while its end was lost:
    /// what docs/explanation/consistency.md excepts.
    NotPromised,
    /// It was refused; nothing was written.
    Refused,
    /// It may have been done, or may be done yet.
    Unknown,
}

/// Sends a write to one of the hosts.
fn send(cluster: &Cluster, history: &History, write: impl FnOnce() -> Result<Response, ureq::Error>) -> Outcome {
    let before = cluster.emptied();
    let answer = write();
    let during = before.is_none() || before != cluster.emptied();
    let outcome = match answer {
        Ok(answer) if (200..300).contains(&answer.status) => match answer.header("cache-status") {
            "" => Outcome::Acknowledged,
            "redis; fwd=method; detail=uncached-for-now" if !during => Outcome::Acknowledged,
            _ => Outcome::NotPromised,
        },
        // Its beginning could not be recorded, so it was not sent to the store.
        Ok(answer) if answer.status == 503 && !answer.json()["detail"].as_str().unwrap().contains("unknown") => {
            Outcome::Refused
        }
        _ => Outcome::Unknown,
    };
    match outcome {
        Outcome::Unknown => history.unknown.fetch_add(1, Ordering::Relaxed),
        Outcome::NotPromised => history.unrecorded.fetch_add(1, Ordering::Relaxed),
        Outcome::Acknowledged | Outcome::Refused => 0,
    };
    outcome
}

/// Counts a register of a random document upwards, until stopped.
pub fn write(cluster: &Cluster, history: &History, stop: &AtomicBool, number: usize) {
    let clients = cluster.clients();
    let mut chance = Chance::new(number);
    let mut registers = [0; DOCUMENTS].map(|_: u64| (0_u64, 0_u64));
    while !stop.load(Ordering::Relaxed) {
        let document = chance.below(DOCUMENTS as u64) as usize;
        let (epoch, last) = registers[document];
        let version = last + 1;
        let register = (document, format!("writer{number}_{epoch}"));
        let client = &clients[chance.below(NODES as u64) as usize];
        // By its `_id`, or by the value of a field.
        let path = match chance.below(2) {
            0 => format!("/api/update/games/{}", id(document)),
            _ => format!("/api/update/games/game%20{document}?field=item"),
        };
        let body = json!({ &register.1: version }).to_string();
        history.attempt(&register, version);
        let outcome =
            send(cluster, history, || client.try_send("PUT", &path, Some("application/json"), body.as_bytes()));
        registers[document] = match outcome {
            Outcome::Acknowledged => {
                history.acknowledge(&register, version);
                (epoch, version)
            }
            Outcome::Refused => (epoch, last),
            Outcome::NotPromised | Outcome::Unknown => (epoch + 1, 0),
        };
        sleep(chance.millis(0, 200));
    }
}

/// Reads documents and listings in every way, and checks them, until stopped.
pub fn read(cluster: &Cluster, history: &History, stop: &AtomicBool, number: usize) {
    let clients = cluster.clients();
    let mut chance = Chance::new(10 + number);
    while !stop.load(Ordering::Relaxed) && history.violation().is_none() {
        let document = chance.below(DOCUMENTS as u64) as usize;
        let path = match chance.below(6) {
            0 => "/api/showDB/games".to_owned(),
            1 => "/api/showDB/games?sort=-price".to_owned(),
            2 => format!("/api/showDB/games?item=game%20{document}"),
            3 => format!("/api/get/games/game%20{document}?field=item"),
            _ => format!("/api/get/games/{}", id(document)),
        };
        let node = chance.below(NODES as u64) as usize;
        let expected = history.expected();
        match clients[node].try_send("GET", &path, None, b"") {
            Ok(answer) if answer.status == 200 => {
                let told = format!("GET {path} on host {node} ({})", answer.header("cache-status"));
                history.reads.fetch_add(1, Ordering::Relaxed);
                history.hits.fetch_add(u64::from(answer.header("x-cache") == "HIT"), Ordering::Relaxed);
                let found = answer.json();
                let documents = found.as_array().map_or(std::slice::from_ref(&found), Vec::as_slice);
                for number in 0..DOCUMENTS {
                    let id = id(number);
                    if let Some(found) = documents.iter().find(|found| found["_id"] == id) {
                        history.check(&expected, number, found, &told);
                    } else if found.is_array() && !path.contains("item=") {
                        history.violate(&format!("{told} lacks {id}"));
                    }
                }
            }
            Ok(answer) if answer.status < 500 => {
                history.violate(&format!("GET {path} on host {node} answered {}", answer.status));
            }
            Ok(_) | Err(_) => {
                history.failed_reads.fetch_add(1, Ordering::Relaxed);
            }
        }
        sleep(chance.millis(0, 6));
    }
}

/// Adds a document, looks for it, deletes it, looks for it, until stopped. While it is neither being added nor deleted,
/// whether it is there is certain.
pub fn come_and_go(cluster: &Cluster, history: &History, stop: &AtomicBool, number: usize) {
    let clients = cluster.clients();
    let mut chance = Chance::new(20 + number);
    let mut next = 1000 * (number + 1);
    while !stop.load(Ordering::Relaxed) {
        next += 1;
        let id = id(next);
        let document = json!({ "_id": id, "item": "here and gone", "price": 1 }).to_string();
        for there in [true, false] {
            let client = &clients[chance.below(NODES as u64) as usize];
            let outcome = send(cluster, history, || match there {
                true => client.try_send("POST", "/api/add/games", Some("application/json"), document.as_bytes()),
                false => client.try_send("DELETE", &format!("/api/delete/games/{id}"), None, b""),
            });
            if outcome != Outcome::Acknowledged {
                // Of this document nothing is certain any more: on with another.
                break;
            }
            history.acknowledged.fetch_add(1, Ordering::Relaxed);
            for client in &clients {
                look(client, history, &id, there);
            }
        }
        sleep(chance.millis(0, 200));
    }
}

/// Looks for a document of which it is certain whether it is there.
fn look(client: &Client, history: &History, id: &str, there: bool) {
    let path = format!("/api/get/games/{id}?field=_id");
    if let Ok(answer) = client.try_send("GET", &path, None, b"")
        && answer.status < 500
    {
        history.reads.fetch_add(1, Ordering::Relaxed);
        history.checked.fetch_add(1, Ordering::Relaxed);
        if (answer.status == 200) != there {
            let told = answer.header("cache-status");
            history.violate(&format!("{path} ({told}) answered {} though it is there: {there}", answer.status));
        }
    }
    if let Ok(answer) = client.try_send("GET", "/api/showDB/games", None, b"")
        && answer.status == 200
    {
        history.reads.fetch_add(1, Ordering::Relaxed);
        history.checked.fetch_add(1, Ordering::Relaxed);
        let listed = answer.json().as_array().unwrap().iter().any(|document: &Value| document["_id"] == id);
        if listed != there {
            let told = answer.header("cache-status");
            history.violate(&format!("the listing ({told}) has {id}: {listed}, though it is there: {there}"));
        }
    }
}
