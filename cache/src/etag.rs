//! Strong validators of values.

use sha1::{Digest, Sha1};

/// The strong validator of a value: the hex SHA-1 of its bytes in double quotes, so that every instance gives one value
/// one tag.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ETag(String);

impl ETag {
    /// The tag of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        ETag(["\"", &hex_sha1(bytes), "\""].concat())
    }

    /// The tag in its quotes.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The hex SHA-1 of `bytes`.
pub(crate) fn hex_sha1(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest(bytes))
}
