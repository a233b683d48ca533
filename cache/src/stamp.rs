//! What stands beside every value, and proves it.
//!
//! A stamp is text: the generations of the entry's scopes when it was filled, joined by commas; Redis's clock then, and
//! the TTL, both in milliseconds; the value's validator, or `-` where the value does not exist; and what the caller wants
//! to find beside the value. A blank separates one from the next.

use bytes::Bytes;

use crate::redis::RedisValue;
use crate::{ETag, Loaded};

/// The most digits of a number that is certain to be an `i64`.
const MAX_DIGITS: usize = 18;

/// A stamp that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamp {
    /// Redis's clock when the value was stored, in milliseconds.
    pub stored_ms: i64,
    /// The TTL that it was stored with, in milliseconds.
    pub ttl_ms: i64,
    /// The value's validator; `None` where the value does not exist.
    pub etag: Option<ETag>,
    /// The caller's own.
    pub meta: String,
}

impl Stamp {
    /// The stamp that this text is.
    pub fn parse(text: &Bytes) -> Option<Self> {
        let generations = text.iter().position(|byte| *byte == b' ')?;
        Self::parse_from(text, generations + 1)
    }

    /// The stamp that this text is, if the generations in it are these: then nothing that its value depends on has been
    /// written since it was filled.
    pub fn proven(text: &Bytes, generations: &[RedisValue]) -> Option<Self> {
        let mut at = 0;
        for generation in generations {
            let RedisValue::Bytes(generation) = generation else { return None };
            let end = at + generation.len();
            let separator = text.get(end)?;
            if text[at..end] != generation[..] || !matches!(separator, b',' | b' ') {
                return None;
            }
            at = end + 1;
        }
        // The last of them must be the last in the stamp, too.
        (at > 0 && text[at - 1] == b' ').then(|| Self::parse_from(text, at)).flatten()
    }

    fn parse_from(text: &Bytes, at: usize) -> Option<Self> {
        let (stored_ms, at) = number(text, at)?;
        let (ttl_ms, at) = number(text, at)?;
        let end = text[at..].iter().position(|byte| *byte == b' ').map_or(text.len(), |length| at + length);
        let etag = match &text[at..end] {
            b"-" => None,
            _ => Some(ETag::from_stamp(text.slice(at..end))?),
        };
        let meta = text.get(end + 1..).unwrap_or_default();
        Some(Stamp { stored_ms, ttl_ms, etag, meta: String::from_utf8_lossy(meta).into_owned() })
    }

    /// The end of the stamp of a value: what `fill.lua` puts behind generations, clock and TTL.
    pub fn ending(loaded: Option<(&Loaded, &ETag)>) -> String {
        match loaded {
            None => "-".to_owned(),
            Some((Loaded { meta, .. }, etag)) if meta.is_empty() => etag.as_str().to_owned(),
            Some((Loaded { meta, .. }, etag)) => [etag.as_str(), " ", meta].concat(),
        }
    }
}

/// The number that begins at `at`, and where the next part begins.
fn number(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let digits = text.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let end = at + digits;
    // So few digits cannot overflow, which checking each of them for it would take as long again to find out.
    if !(1..=MAX_DIGITS).contains(&digits) || text.get(end) != Some(&b' ') {
        return None;
    }
    let number = text[at..end].iter().fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    Some((number, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generations(texts: &[&'static str]) -> Vec<RedisValue> {
        texts.iter().map(|text| RedisValue::Bytes(Bytes::from_static(text.as_bytes()))).collect()
    }

    #[test]
    fn a_stamp_counts_for_its_own_generations_only() {
        let text = Bytes::from_static(b"17,4 1700 120 \"ab\" 12 next page");
        let stamp = Stamp::proven(&text, &generations(&["17", "4"])).unwrap();
        assert_eq!(Stamp::parse(&text), Some(stamp.clone()));
        assert_eq!((stamp.stored_ms, stamp.ttl_ms, stamp.meta.as_str()), (1700, 120, "12 next page"));
        assert_eq!(stamp.etag.unwrap().as_str(), "\"ab\"");
        for other in [&["17", "5"][..], &["1", "4"], &["17"], &["17", "4", "1700"], &["7", "4"], &["17,4", "1700"], &[]]
        {
            assert_eq!(Stamp::proven(&text, &generations(other)), None, "{other:?}");
        }
        let missing = [RedisValue::Bytes(Bytes::from_static(b"17")), RedisValue::Nil];
        assert_eq!(Stamp::proven(&text, &missing), None);
    }

    #[test]
    fn a_stamp_can_say_that_there_is_no_value() {
        let stamp = Stamp::proven(&Bytes::from_static(b"17 1700 120 -"), &generations(&["17"])).unwrap();
        assert_eq!((stamp.etag, stamp.meta), (None, String::new()));
    }

    #[test]
    fn what_is_not_a_stamp_proves_nothing() {
        for text in [
            "",
            "17",
            "17 ",
            "17 1",
            "17 1 2",
            "17 1 x \"ab\"",
            "17 1 2 ab",
            "17 1 2 \"",
            "17 -1 2 \"ab\"",
            "17 1000000000000000000 2 \"ab\"",
            "17  1 2 -",
        ] {
            let text = Bytes::from_static(text.as_bytes());
            assert_eq!(Stamp::proven(&text, &generations(&["17"])), None, "{text:?}");
        }
    }

    #[test]
    fn a_stamps_ending_is_read_back() {
        let (loaded, etag) = (Loaded { bytes: Bytes::from_static(b"[]"), meta: "a b".to_owned() }, ETag::of(b"[]"));
        for ending in [Stamp::ending(None), Stamp::ending(Some((&loaded, &etag)))] {
            let text = Bytes::from(format!("17 1 2 {ending}"));
            let stamp = Stamp::parse(&text).unwrap();
            assert_eq!(stamp.etag.is_some(), ending != "-");
            assert_eq!(stamp.meta, if ending == "-" { "" } else { "a b" });
        }
    }
}
