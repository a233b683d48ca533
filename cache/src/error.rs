//! What can go wrong.

use thiserror::Error;

/// Why a step on the cache failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CacheError {
    /// Redis could not be reached, did not answer in time, or the connection broke. Whether the step was taken is unknown.
    #[error("Redis could not be reached: {0}")]
    Unreachable(String),
    /// Redis answered that it will not: it is full, or read-only.
    #[error("Redis refused: {0}")]
    Refused(String),
    /// Redis failed a moment ago and is left alone for now; it was not asked.
    #[error("Redis failed a moment ago and is left alone")]
    CircuitOpen,
}

/// What the cache must know of an error of the source that it stands before.
pub trait SourceError {
    /// The error for a source that did not answer in time.
    fn timed_out() -> Self;

    /// Whether a write that ended so may have been done, or may be done yet.
    fn outcome_unknown(&self) -> bool;
}
