//! What an instance remembers of the values that it has seen: how long each has still to live, and its entity tag.
//!
//! A hit is one `GET`, and `GET` does not tell the TTL. So the instance remembers when the values that it filled, or
//! once asked about, expire. A note counts only for the very bytes that it was made for: a value that was filled again
//! elsewhere differs, or, where it does not, lives longer than the note says. And to compare bytes costs a thirtieth of
//! what it costs to hash them.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;

use super::ETag;

/// How many notes are kept, and how many bytes of values in them; past either the instance starts afresh.
const MAX_ENTRIES: usize = 1024;
const MAX_BYTES: usize = 1024 * 1024;

/// The largest value of which the bytes are kept; of a larger one it is the entity tag that is compared.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// The notes of one instance.
#[derive(Default)]
pub struct Freshness {
    notes: RefCell<Notes>,
}

#[derive(Default)]
struct Notes {
    of: HashMap<String, Note>,
    bytes: usize,
}

struct Note {
    /// The value, where it is not too large to keep.
    value: Option<Bytes>,
    etag: ETag,
    /// On the platform's clock.
    expires: Duration,
}

impl Freshness {
    /// Whether there is a note for the key.
    pub fn knows(&self, key: &str) -> bool {
        self.notes.borrow().of.contains_key(key)
    }

    /// The entity tag of the key's value.
    pub fn etag(&self, key: &str, value: &Bytes) -> ETag {
        match self.notes.borrow().of.get(key) {
            Some(Note { value: Some(known), etag, .. }) if same(known, value) => etag.clone(),
            _ => ETag::of(value),
        }
    }

    /// Notes that this value, which has this tag, expires then.
    pub fn note(&self, key: String, value: &Bytes, etag: ETag, expires: Duration) {
        let mut notes = self.notes.borrow_mut();
        let kept = (value.len() <= MAX_VALUE_BYTES).then(|| value.clone());
        let bytes = kept.as_ref().map_or(0, Bytes::len);
        if notes.of.len() >= MAX_ENTRIES || notes.bytes + bytes > MAX_BYTES {
            *notes = Notes::default();
        }
        notes.bytes += bytes;
        if let Some(Note { value: Some(old), .. }) = notes.of.insert(key, Note { value: kept, etag, expires }) {
            notes.bytes -= old.len();
        }
    }

    /// What is left at `now` of the value with this tag. A note that does not fit is dropped, so that Redis is asked
    /// with the next hit.
    pub fn left(&self, key: &str, etag: &ETag, now: Duration) -> Option<Duration> {
        let mut notes = self.notes.borrow_mut();
        let note = notes.of.get(key)?;
        let left = note.expires.checked_sub(now).filter(|_| note.etag == *etag);
        if left.is_none()
            && let Some(Note { value: Some(value), .. }) = notes.of.remove(key)
        {
            notes.bytes -= value.len();
        }
        left
    }
}

/// Whether two values are the same, eight bytes at a time: in WebAssembly `==` goes byte by byte.
fn same(these: &[u8], those: &[u8]) -> bool {
    let ((these, this_rest), (those, that_rest)) = (these.as_chunks::<8>(), those.as_chunks::<8>());
    let number = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    these.len() == those.len() && this_rest == that_rest && these.iter().map(number).eq(those.iter().map(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_note_counts_for_its_own_bytes_until_they_expire() {
        let freshness = Freshness::default();
        let (bytes, old, new) = (Bytes::from_static(b"old"), ETag::of(b"old"), ETag::of(b"new"));
        assert_eq!(freshness.left("k", &old, SECOND), None);
        freshness.note("k".to_owned(), &bytes, old.clone(), 6 * SECOND);
        assert_eq!(freshness.left("k", &old, SECOND), Some(5 * SECOND));
        assert_eq!(freshness.left("k", &old, 7 * SECOND), None);
        assert!(!freshness.knows("k"));
        freshness.note("k".to_owned(), &bytes, old, 6 * SECOND);
        assert_eq!(freshness.left("k", &new, SECOND), None);
        assert!(!freshness.knows("k"));
    }

    #[test]
    fn a_tag_is_that_of_the_bytes() {
        let freshness = Freshness::default();
        let (old, new) = (Bytes::from_static(b"old"), Bytes::from_static(b"new"));
        for value in [&old, &new] {
            assert_eq!(freshness.etag("k", value), ETag::of(value));
            freshness.note("k".to_owned(), value, ETag::of(value), SECOND);
            assert_eq!(freshness.etag("k", &old), ETag::of(&old));
            assert_eq!(freshness.etag("k", &new), ETag::of(&new));
        }
    }

    #[test]
    fn every_byte_counts() {
        let value: Vec<u8> = (0..37).collect();
        assert!(same(&value, &value.clone()));
        for at in 0..value.len() {
            let mut other = value.clone();
            other[at] ^= 1;
            assert!(!same(&value, &other), "{at}");
            assert!(!same(&value, &value[..at]));
        }
    }

    #[test]
    fn it_does_not_grow_without_end() {
        let freshness = Freshness::default();
        let (large, too_large) =
            (Bytes::from(vec![b'x'; MAX_VALUE_BYTES]), Bytes::from(vec![b'x'; MAX_VALUE_BYTES + 1]));
        let etag = ETag::of(b"any");
        for round in 0..3 * MAX_ENTRIES {
            let value = if round % 2 == 0 { &large } else { &too_large };
            freshness.note(format!("k{round}"), value, etag.clone(), SECOND);
            let notes = freshness.notes.borrow();
            let held: usize = notes.of.values().filter_map(|note| note.value.as_ref()).map(Bytes::len).sum();
            assert!(held == notes.bytes && held <= MAX_BYTES && notes.of.len() <= MAX_ENTRIES);
        }
    }
}
