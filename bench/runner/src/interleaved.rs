//! Requests timed one at a time and in turns: what disturbs one disturbs the other.

use std::time::Instant;

use anyhow::{Result, ensure};

use super::samples::Samples;

/// Something to time.
pub type Request<'a> = Box<dyn FnMut() -> Result<()> + 'a>;

/// The id of a document of the seed data.
pub const DOCUMENT: &str = "5a1f00000000000000000001";

/// How often each request is made in a round.
const TIMES: usize = 100;

/// Times the requests, each [`TIMES`] times in each round. For each of them its median of each round, in milliseconds.
///
/// # Errors
/// The first request that fails.
pub fn medians(requests: &mut [Request<'_>], rounds: usize) -> Result<Vec<Vec<f64>>> {
    // Not counted: connections are made, instances started.
    round(requests, TIMES / 10)?;
    let mut medians = vec![Vec::new(); requests.len()];
    for _ in 0..rounds {
        for (medians, times) in medians.iter_mut().zip(round(requests, TIMES)?) {
            medians.extend(Samples::new(times).map(|times| times.median()));
        }
    }
    Ok(medians)
}

fn round(requests: &mut [Request<'_>], times: usize) -> Result<Vec<Vec<f64>>> {
    let mut taken = vec![Vec::new(); requests.len()];
    for _ in 0..times {
        for (request, taken) in requests.iter_mut().zip(&mut taken) {
            let began = Instant::now();
            request()?;
            taken.push(began.elapsed().as_secs_f64() * 1000.0);
        }
    }
    Ok(taken)
}

/// A client that keeps its connection and waits as long as it takes.
pub fn client() -> ureq::Agent {
    testkit::client::agent(None)
}

/// A `GET` that must be answered with 200; the body.
///
/// # Errors
/// Any other answer, or none.
pub fn get(client: &ureq::Agent, url: &str) -> Result<Vec<u8>> {
    let mut answer = client.get(url).call()?;
    let body = answer.body_mut().with_config().limit(u64::MAX).read_to_vec()?;
    ensure!(answer.status() == 200, "{url} answered {}: {}", answer.status(), String::from_utf8_lossy(&body));
    Ok(body)
}

/// Writes a price into [`DOCUMENT`], in the store at this URL.
///
/// # Errors
/// Any answer but 200, or none.
pub fn write(client: &ureq::Agent, store: &str, price: u32) -> Result<()> {
    let url = format!("{store}/api/update/games/{DOCUMENT}");
    let answer = client.put(&url).content_type("application/json").send(&format!(r#"{{"price": {price}}}"#))?;
    ensure!(answer.status() == 200, "{url} answered {}", answer.status());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everyone_has_their_turn() -> Result<()> {
        let turns = std::cell::RefCell::new(String::new());
        let mut requests: Vec<Request<'_>> = Vec::new();
        for name in ['a', 'b'] {
            let turns = &turns;
            requests.push(Box::new(move || {
                turns.borrow_mut().push(name);
                Ok(())
            }));
        }
        let medians = medians(&mut requests, 2)?;
        drop(requests);
        assert_eq!(medians.iter().map(Vec::len).collect::<Vec<_>>(), [2, 2]);
        assert_eq!(turns.into_inner(), "ab".repeat(TIMES / 10 + 2 * TIMES));
        Ok(())
    }
}
