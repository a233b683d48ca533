//! What can go wrong.

use std::time::Duration;

use thiserror::Error;

use crate::Refusal;

/// Why a step on the cache failed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CacheError {
    /// Redis could not be reached, or the connection broke. Whether the step was taken is unknown.
    #[error("Redis could not be reached: {0}")]
    Unreachable(String),
    /// Redis did not answer in time. Whether the step was taken is unknown.
    #[error("Redis did not answer within {} ms", .0.as_millis())]
    TimedOut(Duration),
    /// Redis answered that it will not take the step.
    #[error("Redis refused: {reason}")]
    Refused {
        /// Which kind of refusal it is.
        refusal: Refusal,
        /// Redis's words.
        reason: String,
    },
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

    /// Whether the source is out of order, rather than refusing what was asked of it. Then a kept copy may answer.
    fn is_outage(&self) -> bool;
}
