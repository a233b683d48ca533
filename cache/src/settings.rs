//! What the operator decides.

use std::time::Duration;

/// How the cache behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The spaces that are in use. Their generations are deleted when Redis comes back with older contents, so a space that
    /// is missing here is not protected from that.
    pub spaces: Vec<Space>,
    /// How long a cached value lives, unless its entry says otherwise; zero turns caching off.
    pub ttl: Duration,
    /// By how many percent a TTL is shortened at most, at random, so that what was stored together does not expire
    /// together.
    pub ttl_jitter_percent: u8,
    /// For how long after its TTL a copy of a value is kept for the time that the source fails; zero keeps none. Takes
    /// effect with [`WritePolicy::Consistent`] only: otherwise a write that could not be recorded would be missed for as
    /// long as copies are kept.
    pub keep: Duration,
    /// How long Redis may take before a request goes on without it.
    pub timeout: Duration,
    /// How long the source may take for one read or one write: the longest that `load` and `work` ever take.
    pub source_timeout: Duration,
    /// What to do when Redis cannot record a write.
    pub write_policy: WritePolicy,
    /// The largest value that is cached, in bytes.
    pub max_value_bytes: usize,
    /// How many entries of a group are cached at a time, where the entry says that it is bounded.
    pub max_entries: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            spaces: Vec::new(),
            ttl: Duration::from_secs(120),
            ttl_jitter_percent: 0,
            keep: Duration::ZERO,
            timeout: Duration::from_millis(250),
            source_timeout: Duration::from_secs(5),
            write_policy: WritePolicy::Available,
            max_value_bytes: 8 * 1024 * 1024,
            max_entries: 10_000,
        }
    }
}

impl Settings {
    /// Whether values are cached at all.
    pub fn caching(&self) -> bool {
        !self.ttl.is_zero()
    }

    /// For how long copies are kept, with this write policy.
    pub(crate) fn kept(&self) -> Duration {
        match self.write_policy {
            WritePolicy::Available => Duration::ZERO,
            WritePolicy::Consistent => self.keep,
        }
    }
}

/// A space: the first part of the keys of a family of entries, and the groups in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Space {
    /// As in [`Entry::space`](crate::Entry::space).
    pub key: String,
    /// The names of its group scopes. Every entry of the space depends on one of them.
    pub groups: Vec<String>,
}

/// The key of a space: a prefix that several deployments on one Redis differ in, and a name; in braces where all keys of
/// the space must share a slot of a Redis Cluster (its "hash tag").
pub fn space_key(prefix: &str, name: &str, hash_tag: bool) -> String {
    let (open, close) = if hash_tag { ("{", "}") } else { ("", "") };
    [prefix, open, name, close].concat()
}

/// What to do when Redis cannot record a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WritePolicy {
    /// Perform it, and report that stale values may be read until their TTL ends.
    Available,
    /// Reject it where its beginning cannot be recorded; report an unknown outcome where its end cannot.
    Consistent,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_tag_leaves_the_prefix_outside() {
        assert_eq!(space_key("", "games", false), "games");
        assert_eq!(space_key("shop1:", "games", true), "shop1:{games}");
    }

    #[test]
    fn copies_are_kept_only_where_no_write_goes_unrecorded() {
        let settings = Settings { keep: Duration::from_secs(9), ..Settings::default() };
        assert_eq!(settings.kept(), Duration::ZERO);
        let settings = Settings { write_policy: WritePolicy::Consistent, ..settings };
        assert_eq!(settings.kept(), Duration::from_secs(9));
    }
}
