//! The API keys.

use subtle::ConstantTimeEq;

use crate::config::Secret;

/// The keys that are let in.
pub(super) struct ApiKeys(Vec<Secret>);

impl ApiKeys {
    pub(super) fn new(keys: &[Secret]) -> Self {
        ApiKeys(keys.to_vec())
    }

    /// The place of the key that equals `presented`. Every key is compared, and all of it, so that the time taken tells
    /// nothing but a key's length.
    pub(super) fn find(&self, presented: &[u8]) -> Option<usize> {
        let mut found = None;
        for (place, key) in self.0.iter().enumerate() {
            if bool::from(key.reveal().as_bytes().ct_eq(presented)) {
                found = Some(place);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_match() {
        let keys = ApiKeys::new(&["first", "second"].map(|key| key.parse().unwrap()));
        assert_eq!(keys.find(b"first"), Some(0));
        assert_eq!(keys.find(b"second"), Some(1));
        for other in [&b""[..], b"firs", b"firsts", b"FIRST", b"first,second"] {
            assert_eq!(keys.find(other), None);
        }
    }
}
