//! How long a hit has still to live, without asking Redis each time.
//!
//! A hit is one `GET`, and `GET` does not tell the TTL. So the instance remembers when the values that it filled, or
//! once asked about, expire. A note counts only for the very bytes that it was made for: a value that was filled anew
//! elsewhere differs, or, where it does not, lives longer than the note says.

use std::cell::RefCell;
use std::collections::HashMap;
use std::time::Duration;

use crate::etag::ETag;

/// How many notes are kept; past that the instance starts afresh.
const MOST: usize = 1024;

/// The notes of one instance.
#[derive(Default)]
pub struct Freshness {
    notes: RefCell<HashMap<String, Note>>,
}

struct Note {
    etag: ETag,
    /// On the platform's clock.
    expires: Duration,
}

impl Freshness {
    /// Whether there is a note for the key.
    pub fn knows(&self, key: &str) -> bool {
        self.notes.borrow().contains_key(key)
    }

    /// Notes that the value with this tag expires then.
    pub fn note(&self, key: String, etag: ETag, expires: Duration) {
        let mut notes = self.notes.borrow_mut();
        if notes.len() >= MOST {
            notes.clear();
        }
        notes.insert(key, Note { etag, expires });
    }

    /// What is left at `now` of the value with this tag. A note that does not fit is dropped, so that Redis is asked
    /// with the next hit.
    pub fn left(&self, key: &str, etag: &ETag, now: Duration) -> Option<Duration> {
        let mut notes = self.notes.borrow_mut();
        let note = notes.get(key)?;
        let left = note.expires.checked_sub(now).filter(|_| note.etag == *etag);
        if left.is_none() {
            notes.remove(key);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_note_counts_for_its_own_bytes_until_they_expire() {
        let freshness = Freshness::default();
        let (old, new) = (ETag::of(b"old"), ETag::of(b"new"));
        assert_eq!(freshness.left("k", &old, SECOND), None);
        freshness.note("k".to_owned(), old.clone(), 6 * SECOND);
        assert_eq!(freshness.left("k", &old, SECOND), Some(5 * SECOND));
        assert_eq!(freshness.left("k", &old, 7 * SECOND), None);
        assert!(!freshness.knows("k"));
        freshness.note("k".to_owned(), old, 6 * SECOND);
        assert_eq!(freshness.left("k", &new, SECOND), None);
        assert!(!freshness.knows("k"));
    }
}
