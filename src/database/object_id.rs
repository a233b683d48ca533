//! MongoDB's ObjectId: 24 hex digits, and how new ones are made.

use std::cell::Cell;
use std::fmt;

use serde_json::Value;

use crate::database::value;
use crate::hex::hex;
use crate::platform::Platform;

/// An ObjectId in its plain string form, in lower case.
///
/// The form matters: the id is part of Redis keys, and one document must have one key.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ObjectId(String);

impl ObjectId {
    /// The id that `text` spells, or `None` if it is not 24 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        Self::is_spelled_by(text).then(|| ObjectId(text.to_ascii_lowercase()))
    }

    /// Whether `text` is 24 hex digits.
    pub fn is_spelled_by(text: &str) -> bool {
        text.len() == 24 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
    }

    /// The id of these bytes.
    pub fn from_bytes(bytes: [u8; 12]) -> Self {
        ObjectId(hex(&bytes))
    }

    /// The id that begins as this one does, and ends in these bytes.
    pub fn ending_in(&self, end: [u8; 4]) -> Self {
        ObjectId([&self.0[..16], &hex(&end)].concat())
    }

    /// Its Extended JSON.
    pub fn to_ejson(&self) -> Value {
        value::object_id(&self.0)
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

/// Makes the ids of new documents: 4 bytes of seconds, 2 of a fraction of a second, 3 that the instance drew at random,
/// and 3 of a counter that started at random.
///
/// Drivers leave out the fraction and draw 5 bytes. Here it keeps listings, which are in `_id` order, in the order of
/// insertion also where two instances, of which there are many and short-lived ones, add documents within a second.
#[derive(Debug, Default)]
pub struct ObjectIds {
    drawn: Cell<Option<[u8; 3]>>,
    counter: Cell<u32>,
    last_time: Cell<u64>,
}

/// The counter takes 3 bytes.
const COUNTER: u32 = 0x00ff_ffff;

impl ObjectIds {
    /// A new id, greater than those before it.
    pub fn next(&self, platform: &impl Platform) -> ObjectId {
        let drawn = self.drawn.get().unwrap_or_else(|| {
            let [a, b, c, d, e, f, ..] = platform.random().to_be_bytes();
            // From the lower half, so that it does not overflow soon.
            self.counter.set(u32::from_be_bytes([0, d & 0x7f, e, f]));
            self.drawn.set(Some([a, b, c]));
            [a, b, c]
        });
        let now = platform.unix_time();
        // In units of 1/65536 s. It never goes back, whatever the system's clock does.
        let time = (now.as_secs() << 16) | ((u64::from(now.subsec_nanos()) << 16) / 1_000_000_000);
        let time = time.max(self.last_time.get());
        let counter = self.counter.get().wrapping_add(1) & COUNTER;
        // Where the counter starts again within a unit of time, time goes on instead.
        let time = if counter == 0 { time + 1 } else { time };
        self.last_time.set(time);
        self.counter.set(counter);
        let [_, _, t @ ..] = time.to_be_bytes();
        let [_, c @ ..] = counter.to_be_bytes();
        ObjectId::from_bytes([t[0], t[1], t[2], t[3], t[4], t[5], drawn[0], drawn[1], drawn[2], c[0], c[1], c[2]])
    }
}

#[cfg(test)]
mod tests {
    use std::future::{Future, ready};
    use std::time::Duration;

    use super::*;

    #[test]
    fn is_24_hex_digits_in_lower_case() {
        let id = ObjectId::parse("5A1F00000000000000000001").unwrap();
        assert_eq!(id.as_str(), "5a1f00000000000000000001");
        for bad in ["", "5a1f", "5a1f0000000000000000000g", "5a1f000000000000000000011", "5a1f0000000000000000000é"] {
            assert_eq!(ObjectId::parse(bad), None, "{bad:?}");
        }
    }

    struct Clock {
        time: Cell<Duration>,
        random: u64,
    }

    impl fenced_cache::Platform for Clock {
        fn now(&self) -> Duration {
            self.time.get()
        }

        fn sleep(&self, _: Duration) -> impl Future<Output = ()> {
            ready(())
        }

        fn random(&self) -> u64 {
            self.random
        }
    }

    impl Platform for Clock {
        fn unix_time(&self) -> Duration {
            self.time.get()
        }
    }

    #[test]
    fn new_ids_grow_whatever_the_clock_does() {
        let ids = ObjectIds::default();
        // The counter starts just before its end.
        let clock = Clock { time: Cell::new(Duration::from_secs(0x5a1f_0000)), random: 0xaabb_cc7f_ffff_0000 };
        ids.next(&clock);
        ids.counter.set(COUNTER - 2);
        let mut last = ids.next(&clock);
        assert!(last.as_str().starts_with("5a1f00000000aabbcc"), "{last}");
        for step in 0..10_u64 {
            clock.time.set(Duration::from_secs(0x5a1f_0000) - Duration::from_millis(step));
            let id = ids.next(&clock);
            assert!(id > last, "{id} after {last}");
            last = id;
        }
        clock.time.set(Duration::from_millis(0x5a1f_0001 * 1000 + 500));
        assert!(ids.next(&clock).as_str().starts_with("5a1f00018000"));
    }
}
