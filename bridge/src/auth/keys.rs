//! The API keys: known by their SHA-256 hashes only.
//!
//! A fast hash is enough, unlike for passwords: a key is long and random, so nobody can try all of them.

use std::fmt;

use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

/// A key's hash: what is stored of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyHash([u8; 32]);

const PREFIX: &str = "sha256:";

impl KeyHash {
    /// Hashes a key.
    pub fn of(key: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, key).as_ref());
        KeyHash(hash)
    }

    /// Reads `sha256:` and 64 hex digits.
    ///
    /// # Errors
    /// A sentence that says what is expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("a key's hash is `{PREFIX}` and 64 hex digits, as `data-api new-key` prints it");
        let mut hash = [0; 32];
        let digits = text.strip_prefix(PREFIX).ok_or_else(wrong)?;
        hex::decode_to_slice(digits, &mut hash).map_err(|_| wrong())?;
        Ok(KeyHash(hash))
    }
}

/// The form that [`KeyHash::parse`] reads.
impl fmt::Display for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", hex::encode(self.0))
    }
}

/// The place of the hash that equals the presented key's. Every hash is compared, and all of it, so that the time taken
/// tells nothing.
pub(super) fn find<'a>(hashes: impl Iterator<Item = &'a KeyHash>, presented: &[u8]) -> Option<usize> {
    let presented = KeyHash::of(presented);
    let mut found = None;
    for (place, hash) in hashes.enumerate() {
        if bool::from(hash.0.ct_eq(&presented.0)) {
            found = Some(place);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_keys_match() {
        let hashes = [&b"first"[..], b"second"].map(KeyHash::of);
        assert_eq!(find(hashes.iter(), b"first"), Some(0));
        assert_eq!(find(hashes.iter(), b"second"), Some(1));
        for other in [&b""[..], b"firs", b"firsts", b"FIRST", b"first,second"] {
            assert_eq!(find(hashes.iter(), other), None);
        }
    }

    #[test]
    fn spelled_and_parsed() {
        let hash = KeyHash::of(b"abc");
        let text = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash.to_string(), text);
        assert_eq!(KeyHash::parse(text), Ok(hash));
        for bad in ["", "sha256:", "sha256:00", &text.replace('b', "g"), &text.replace("ba", "+a"), &text[7..]] {
            assert!(KeyHash::parse(bad).is_err(), "{bad}");
        }
    }
}
