//! What the cache tells: counters for every read and write, and a notice once per change of state.

use std::fmt;
use std::time::Duration;

use crate::{Invalidation, Refusal};

/// Hears what happens. Every method does nothing unless it is implemented.
pub trait Observer {
    /// A read of this space has come to this, and took so long.
    fn read(&self, space: &str, outcome: ReadOutcome, times: Times) {
        let _ = (space, outcome, times);
    }

    /// A value was loaded and not stored.
    fn fill_refused(&self, space: &str, reason: FillRefused) {
        let _ = (space, reason);
    }

    /// A write of this space was recorded this far, and took so long.
    fn invalidated(&self, space: &str, invalidation: Invalidation, times: Times) {
        let _ = (space, invalidation, times);
    }

    /// The circuit breaker has opened or closed.
    fn circuit_open(&self, open: bool) {
        let _ = open;
    }

    /// Something that the operator should read has changed. Not called again for as long as it stays so.
    fn notice(&self, notice: &Notice<'_>) {
        let _ = notice;
    }
}

/// Hears nothing.
impl Observer for () {}

/// How long the parts of a read or a write took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// The cache, all its steps together.
    pub cache: Duration,
    /// The source, where it was asked.
    pub source: Option<Duration>,
}

/// Where a read was answered from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReadOutcome {
    /// The cache.
    Hit,
    /// The source, since the cache did not have it.
    Miss,
    /// The source, since the cache could not be asked, or is off.
    Bypass,
    /// A kept copy, since the source failed.
    Stale,
    /// Not at all: the source failed.
    Failed,
}

/// Why a value was not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FillRefused {
    /// A write overtook it.
    Overtaken,
    /// Its group has as many entries as it may have.
    Full,
    /// It is larger than what is cached.
    TooLarge,
    /// Redis did not take it.
    Redis,
}

/// A step on Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// The `MGET` of a hit.
    Lookup,
    /// What follows a miss.
    Acquire,
    /// Storing a value.
    Fill,
    /// Giving a lease back.
    Release,
    /// The beginning of a write.
    BeginWrite,
    /// The end of a write.
    EndWrite,
    /// Counting a request.
    Count,
    /// Adding to counters that several processes share.
    AddUp,
}

impl Step {
    /// Whether a read waits for it, so that it is not taken while Redis is left alone.
    pub(crate) fn is_read(self) -> bool {
        !matches!(self, Step::BeginWrite | Step::EndWrite)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Step::Lookup => "lookup",
            Step::Acquire => "acquire",
            Step::Fill => "fill",
            Step::Release => "release",
            Step::BeginWrite => "begin write",
            Step::EndWrite => "end write",
            Step::Count => "count",
            Step::AddUp => "add up",
        }
    }
}

/// What has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Redis cannot be reached, or does not answer in time: the cache is bypassed.
    Unreachable {
        /// The client's words.
        reason: &'a str,
    },
    /// Redis answers again.
    Reachable,
    /// Redis refuses a step.
    Refused {
        /// Which one.
        step: Step,
        /// Which kind of refusal it is.
        refusal: Refusal,
        /// Redis's words.
        reason: &'a str,
    },
    /// Redis is another one than before, or has just been started: what it held counts no more.
    ContentsInvalidated,
    /// Whether Redis comes back with older contents cannot be noticed.
    RunIdUnchecked {
        /// Redis's words.
        reason: &'a str,
    },
}

impl fmt::Display for Notice<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::Unreachable { reason } => write!(f, "Redis is unreachable, the cache is bypassed: {reason}"),
            Notice::Reachable => f.write_str("Redis answers again"),
            Notice::Refused { step, refusal, reason } => {
                write!(f, "Redis refuses the step \"{}\": {refusal}: {reason}", step.name())
            }
            Notice::ContentsInvalidated => {
                f.write_str("Redis is another one than before, or new: what it held counts no more")
            }
            Notice::RunIdUnchecked { reason } => {
                write!(f, "a Redis that comes back with older contents would not be noticed: {reason}")
            }
        }
    }
}
