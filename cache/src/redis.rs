//! The port to Redis: connections that carry one command at a time to it and its answer back.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;

use crate::Refusal;

/// Opens connections to one Redis.
pub trait Connector {
    /// A connection that carries many commands at once.
    type Connection: Connection;

    /// Opens a connection.
    fn open(&self) -> impl Future<Output = Result<Self::Connection, RedisError>>;
}

/// A connection to Redis.
pub trait Connection {
    /// Runs a command. Arrays in its answer come flattened.
    fn execute(
        &self,
        command: &str,
        arguments: &[Argument<'_>],
    ) -> impl Future<Output = Result<Vec<RedisValue>, RedisError>>;

    /// The longest that a command takes before it fails with [`RedisError::TimedOut`], where the connection sees to that by
    /// itself; `None` where it may take for ever.
    ///
    /// On a connection that takes no longer than [`Settings::timeout`](crate::Settings::timeout), the cache sets no timer
    /// for the step that a hit consists of.
    fn time_limit(&self) -> Option<Duration> {
        None
    }
}

/// An argument of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Argument<'a> {
    /// A number, sent as its digits.
    Number(i64),
    /// Text, or the bytes of a value.
    Bytes(&'a [u8]),
}

/// One element of an answer, arrays flattened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisValue {
    /// Nothing.
    Nil,
    /// A number.
    Number(i64),
    /// A status or a bulk string.
    Bytes(Bytes),
}

/// Why Redis gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RedisError {
    /// Redis could not be reached, or the connection broke: the client's words.
    Broken(String),
    /// Redis did not answer within this time, which the connection has of itself. Its next answer may be long in coming, too.
    TimedOut(Duration),
    /// Redis answered an error: its kind, and its words.
    Answered(Refusal, String),
}

impl RedisError {
    /// The error of a client that tells only its text.
    pub fn from_text(text: String) -> Self {
        match Refusal::find(&text) {
            Some(refusal) => RedisError::Answered(refusal, text),
            // It is handled where it is met, and never a reason to give the connection up.
            None if is_unknown_script(&text) => RedisError::Answered(Refusal::Other, text),
            None => RedisError::Broken(text),
        }
    }
}

/// Whether Redis says that it does not know the script. Its clients word this differently; all keep Redis's own word or
/// its first sentence.
pub(crate) fn is_unknown_script(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("noscript") || text.contains("no matching script")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_script_is_recognized_in_every_wording() {
        for text in
            ["NOSCRIPT No matching script. Please use EVAL.", "NoScript: No matching script", "NoScriptError: x"]
        {
            assert!(is_unknown_script(text), "{text}");
            assert!(matches!(RedisError::from_text(text.to_owned()), RedisError::Answered(..)), "{text}");
        }
        assert!(!is_unknown_script("ERR unknown command"));
    }
}
