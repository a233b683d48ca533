//! Whether the cache can do its work.

use futures_util::future::join_all;

use crate::observer::Step;
use crate::protocol::{Acquired, Fill};
use crate::{CacheError, Entry, Platform, Ports, ReadThrough, Scope, Space};

/// The name of the entry that is read and written to find out. It stands among the cache's own keys.
const PROBE: &str = "~health";

/// How long the probe's keys live.
const PROBE_TTL: std::time::Duration = std::time::Duration::from_secs(10);

/// What works, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The first step that failed, for each space in which one did.
    pub problems: Vec<Problem>,
    /// Why a Redis that comes back with older contents would not be noticed, where that is so. The cache works without.
    pub run_id_unchecked: Option<String>,
}

/// A step that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// In which space.
    pub space: String,
    /// Which step.
    pub step: Step,
    /// Why not.
    pub error: CacheError,
}

impl Health {
    /// Whether everything works that reads and writes need.
    pub fn is_up(&self) -> bool {
        self.problems.is_empty()
    }
}

impl<P: Ports> ReadThrough<P> {
    /// Takes every step that reads and writes take, in every space, on an entry of its own. Also while reads leave Redis
    /// alone: this is the question whether it is back.
    pub async fn health(&self) -> Health {
        let probes = join_all(self.protocol.spaces().iter().map(|space| self.probe(space))).await;
        Health { problems: probes.into_iter().flatten().collect(), run_id_unchecked: self.memory.run_id_unchecked() }
    }

    async fn probe(&self, space: &Space) -> Option<Problem> {
        let scopes = [Scope::group(PROBE)];
        let entry = Entry { space: &space.key, name: PROBE, scopes: &scopes, ttl: None, bounded: false };
        let problem = |step| move |error| Problem { space: space.key.clone(), step, error };
        self.probe_entry(&entry, problem).await.err()
    }

    async fn probe_entry<F: FnOnce(CacheError) -> Problem>(
        &self,
        entry: &Entry<'_>,
        problem: impl Fn(Step) -> F,
    ) -> Result<(), Problem> {
        let (protocol, token) = (&self.protocol, self.platform().random());
        self.observed(Step::Lookup, protocol.lookup(entry)).await.map_err(problem(Step::Lookup))?;
        let acquire = protocol.acquire(entry, token, self.settings.timeout, PROBE_TTL);
        // Another probe may have the lease, or be writing: the step works then.
        if let Acquired::Leased(lease) = self.observed(Step::Acquire, acquire).await.map_err(problem(Step::Acquire))? {
            let fill = Fill {
                value: Some(b"ok"),
                stamp: "\"ok\"",
                ttl: PROBE_TTL,
                keep: std::time::Duration::ZERO,
                max_entries: 0,
            };
            self.observed(Step::Fill, protocol.fill(entry, &lease, fill)).await.map_err(problem(Step::Fill))?;
        }
        let begin = protocol.begin_write(entry.space, entry.scopes, token, PROBE_TTL);
        self.observed(Step::BeginWrite, begin).await.map_err(problem(Step::BeginWrite))?;
        let end = protocol.end_write(entry.space, entry.scopes, token);
        self.observed(Step::EndWrite, end).await.map_err(problem(Step::EndWrite))?;
        Ok(())
    }
}
