//! Strong validators of values.

use std::fmt;

use bytes::Bytes;
use sha1::{Digest, Sha1};

/// The strong validator of a value: the hex SHA-1 of its bytes in double quotes, so that every instance gives one value
/// one tag.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ETag(Bytes);

impl ETag {
    /// The tag of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        ETag(Bytes::from(["\"", &hex_sha1(bytes), "\""].concat()))
    }

    /// A tag as a stamp has it: in its quotes.
    pub(crate) fn from_stamp(text: Bytes) -> Option<Self> {
        let quoted = text.len() > 2 && text.starts_with(b"\"") && text.ends_with(b"\"") && text.is_ascii();
        quoted.then_some(ETag(text))
    }

    /// The tag in its quotes.
    pub fn as_str(&self) -> &str {
        // It is ASCII by its construction.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The tag in its quotes, without a copy.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The hex SHA-1 of `bytes`.
pub(crate) fn hex_sha1(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest(bytes))
}
