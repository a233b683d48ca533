//! `cargo xtask import`: documents from a file of JSON Lines into a collection of a running store.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use serde_json::Value;
use testkit::client::agent;
use testkit::interrupt;
use ureq::Agent;

/// How many documents the store takes in one request.
const MAX_DOCUMENTS: usize = 1_000;

/// What `import` is called with.
#[derive(Debug, Args)]
pub struct ImportOptions {
    /// JSON Lines, a document a line, such as mongoexport writes
    pub file: PathBuf,

    /// The collection that gets the documents
    pub collection: String,

    /// Where the store is
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:3000")]
    pub base_url: String,

    /// The lines are plain JSON, not Extended JSON: {"$date": …} is an object like any other
    #[arg(long)]
    pub json: bool,

    /// A bearer token that may write, where the store's access is not open
    #[arg(long, env = "STORE_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,

    /// How large a request may be; the store's own limit is its variable max_body_bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub max_bytes: usize,
}

/// Imports the file in order, request by request, and stops at the first that fails: what was imported until then stays.
///
/// # Errors
/// When the file cannot be read, a line is not a document, or the store refuses a request; and on Ctrl-C.
pub fn import(options: &ImportOptions) -> Result<ExitCode> {
    let name = options.file.display();
    let file = File::open(&options.file).with_context(|| format!("cannot open {name}"))?;
    let agent = agent(None);
    let mut batch = Batch::new(options.max_bytes);
    let mut imported = 0;
    for (index, line) in BufReader::new(file).lines().enumerate() {
        interrupt::check()?;
        let number = index + 1;
        let line = line.with_context(|| format!("cannot read {name}, line {number}"))?;
        let line = line.trim();
        if line.is_empty() {
            continue;
        }
        check(line).with_context(|| format!("{name}, line {number}"))?;
        if !batch.has_room_for(line) {
            imported += send(&agent, &mut batch, options)?;
        }
        batch.push(number, line);
    }
    imported += send(&agent, &mut batch, options)?;
    writeln!(std::io::stdout(), "{imported} documents imported into {}", options.collection)?;
    Ok(ExitCode::SUCCESS)
}

/// The documents of one request. They are sent as they are in the file, so that nothing of them is lost.
struct Batch {
    max_bytes: usize,
    documents: usize,
    body: String,
    first: usize,
    last: usize,
}

impl Batch {
    fn new(max_bytes: usize) -> Self {
        Self { max_bytes, documents: 0, body: String::new(), first: 0, last: 0 }
    }

    /// Whether this line may be in the same request. An empty batch has room for every line: the store says whether a
    /// document is too large.
    fn has_room_for(&self, line: &str) -> bool {
        // A comma before it, and the bracket behind it.
        let fits = self.body.len() + line.len() + 2 <= self.max_bytes;
        self.documents == 0 || (self.documents < MAX_DOCUMENTS && fits)
    }

    fn push(&mut self, number: usize, line: &str) {
        if self.documents == 0 {
            self.first = number;
        }
        self.body.push(if self.documents == 0 { '[' } else { ',' });
        self.body.push_str(line);
        self.documents += 1;
        self.last = number;
    }

    /// The body of the request; the batch is empty then. `None` where it was empty before.
    fn take(&mut self) -> Option<String> {
        if self.documents == 0 {
            return None;
        }
        self.documents = 0;
        Some(std::mem::take(&mut self.body) + "]")
    }
}

fn check(line: &str) -> Result<()> {
    let value: Value = serde_json::from_str(line).context("invalid JSON")?;
    ensure!(value.is_object(), "a document must be a JSON object");
    Ok(())
}

/// Sends what is in the batch, if anything is, and returns how many documents the store inserted.
fn send(agent: &Agent, batch: &mut Batch, options: &ImportOptions) -> Result<u64> {
    let (first, last) = (batch.first, batch.last);
    let Some(body) = batch.take() else { return Ok(0) };
    let url = format!("{}/api/add/{}", options.base_url.trim_end_matches('/'), options.collection);
    let media_type = if options.json { "application/json" } else { "application/ejson" };
    let mut request = agent.post(&url).header("Content-Type", media_type);
    if let Some(token) = &options.token {
        request = request.header("Authorization", format!("Bearer {token}"));
    }
    let mut response = request.send(&body).with_context(|| format!("no response from {url}"))?;
    let status = response.status();
    let text = response.body_mut().read_to_string()?;
    if status != 201 {
        bail!("lines {first} to {last}: the store answered {status}: {text}");
    }
    let answer: Value = serde_json::from_str(&text).with_context(|| format!("{url} answered {text}"))?;
    answer["inserted"].as_u64().with_context(|| format!("{url} does not take arrays of documents: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_has_at_most_a_thousand_documents() {
        let mut batch = Batch::new(usize::MAX);
        for number in 1..=MAX_DOCUMENTS {
            assert!(batch.has_room_for("{}"));
            batch.push(number, "{}");
        }
        assert!(!batch.has_room_for("{}"));
        assert_eq!((batch.first, batch.last), (1, MAX_DOCUMENTS));
    }

    #[test]
    fn a_request_is_as_large_as_it_may_be_and_no_larger() {
        let mut batch = Batch::new(r#"[{"a":1},{"b":2}]"#.len());
        batch.push(1, r#"{"a":1}"#);
        assert!(batch.has_room_for(r#"{"b":2}"#) && !batch.has_room_for(r#"{"b":22}"#));
        batch.push(3, r#"{"b":2}"#);
        assert_eq!(batch.take().as_deref(), Some(r#"[{"a":1},{"b":2}]"#));
        assert_eq!(batch.take(), None);
        assert!(batch.has_room_for(&" ".repeat(100)), "alone, every document is sent");
    }

    #[test]
    fn a_line_is_one_json_object() {
        assert!(check(r#"{"_id":{"$oid":"65a000000000000000000001"}}"#).is_ok());
        for line in ["[]", "1", "{", "{} {}"] {
            assert!(check(line).is_err(), "{line}");
        }
    }
}
