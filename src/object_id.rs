//! MongoDB's ObjectId, as far as the store needs it: 24 hex digits.

use std::fmt;
use std::time::Duration;

/// An ObjectId in its plain string form, in lower case.
///
/// The form matters: the id is part of Redis keys, and one document must have one key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(String);

impl ObjectId {
    /// The id that `text` spells, or `None` if it is not 24 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.then(|| ObjectId(text.to_ascii_lowercase()))
    }

    /// A new id: the seconds of this time since 1970, and a random number that no other id is expected to have.
    pub fn new(unix_time: Duration, random: u64) -> Self {
        ObjectId(format!("{:08x}{random:016x}", unix_time.as_secs() as u32))
    }

    /// The 24 hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectId({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_id_begins_with_its_time() {
        let id = ObjectId::new(Duration::from_secs(0x5a1f_0000), 0xab);
        assert_eq!(id.as_str(), "5a1f000000000000000000ab");
        assert_eq!(ObjectId::parse(id.as_str()), Some(id));
    }

    #[test]
    fn is_24_hex_digits_in_lower_case() {
        let id = ObjectId::parse("5A1F00000000000000000001").unwrap();
        assert_eq!(id.as_str(), "5a1f00000000000000000001");
        for bad in ["", "5a1f", "5a1f0000000000000000000g", "5a1f000000000000000000011", "5a1f0000000000000000000é"] {
            assert_eq!(ObjectId::parse(bad), None, "{bad:?}");
        }
    }
}
