//! What `/metrics` answers, read by Prometheus's own parser in a Python of its own.

use std::collections::HashMap;
use std::io::Write;
use std::process::{Command, Stdio};

use testkit::client::Client;
use testkit::{install, project};

/// The samples, by name and labels in alphabetical order: `store_requests_total{route="get",scope="all",status="2xx"}`.
pub struct Samples(HashMap<String, f64>);

/// The samples of a text, or what is wrong with it.
pub fn parse(text: &[u8]) -> Result<Samples, String> {
    let folder = project::root().join("tests/metrics");
    let python = install::python::with_requirements("metrics", &folder.join("requirements.txt")).unwrap();
    let mut child = Command::new(python)
        .arg(folder.join("check.py"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    if output.status.success() {
        Ok(Samples(serde_json::from_slice(&output.stdout).unwrap()))
    } else {
        Err(String::from_utf8(output.stderr).unwrap())
    }
}

/// What a host answers, which must be valid.
pub fn of(host: &Client) -> Samples {
    let answer = host.get("/metrics");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    parse(&answer.body).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

impl Samples {
    /// A sample by its whole name, which must be there.
    pub fn get(&self, name: &str) -> f64 {
        *self.0.get(name).unwrap_or_else(|| panic!("no sample {name}"))
    }

    /// A counter of all instances, by its name without the prefix and the scope: `requests_total{route="get",status="2xx"}`.
    pub fn all(&self, name: &str) -> u64 {
        self.scoped("all", name)
    }

    /// The same, of the instance that answered.
    pub fn instance(&self, name: &str) -> u64 {
        self.scoped("instance", name)
    }

    fn scoped(&self, scope: &str, name: &str) -> u64 {
        let (name, labels) = name.strip_suffix('}').unwrap().split_once('{').unwrap();
        let mut labels: Vec<&str> = labels.split(',').filter(|label| !label.is_empty()).collect();
        let scope = format!("scope=\"{scope}\"");
        labels.push(&scope);
        labels.sort_unstable();
        self.get(&format!("store_{name}{{{}}}", labels.join(","))) as u64
    }

    /// How many samples have this text in their name.
    pub fn count(&self, text: &str) -> usize {
        self.0.keys().filter(|name| name.contains(text)).count()
    }
}
