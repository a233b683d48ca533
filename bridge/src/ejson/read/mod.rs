//! From JSON text to BSON bytes.
//!
//! One recursive descent writes BSON as it reads: a document's length and an element's type are patched in when they are
//! known. `scan` knows JSON's tokens, `value` objects, arrays and plain values; below it, `wrapper` knows the objects that
//! Extended JSON gives a meaning, such as `{"$oid": …}`, and `binary` those of them that are bytes.
//!
//! Not a general JSON library, because those lose what BSON needs: `1` and `1.0` are different, and a key may not come twice.

mod scan;
mod value;

use std::fmt;

use mongodb::bson::RawDocumentBuf;

/// Reads a JSON object as a BSON document.
///
/// Integers become Int32 where they fit, else Int64, else Double, as do numbers with a point or an exponent. The order of the
/// fields is kept.
///
/// # Errors
/// If the text is not a JSON object, is nested deeper than [`super::MAX_DEPTH`], has a key twice in one object, or
/// holds something that BSON cannot.
pub fn document(text: &[u8]) -> Result<RawDocumentBuf, ReadError> {
    value::Reader::new(text)?.document()
}

/// What is wrong with a text, and at which field.
#[derive(Debug, PartialEq, Eq)]
pub struct ReadError {
    path: String,
    what: String,
}

impl ReadError {
    fn new(what: impl Into<String>) -> Self {
        ReadError { path: String::new(), what: what.into() }
    }

    /// The same error, seen from the outside of the field `key`.
    fn inside(mut self, key: &str) -> Self {
        // The path of something 200 levels deep, or under a key of a megabyte, helps nobody.
        if self.path.len() + key.len() < 200 {
            let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
            self.path = format!("{key}{dot}{}", self.path);
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.path.as_str() {
            "" => write!(f, "{}", self.what),
            path => write!(f, "at `{path}`: {}", self.what),
        }
    }
}

impl std::error::Error for ReadError {}
