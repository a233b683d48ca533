//! Names that a client chose, as errors and logs quote them.

use std::borrow::Cow;

/// How many bytes of a name are quoted. An email address has 320 at most, a collection's name 255.
pub const MAX_QUOTED: usize = 320;

/// The name, or the beginning of one that is too long: an answer or a line of the log must not be as large as a body.
pub fn shortened(name: &str) -> Cow<'_, str> {
    up_to(name, MAX_QUOTED)
}

/// The text, or as many of its bytes and an ellipsis.
pub fn up_to(text: &str, bytes: usize) -> Cow<'_, str> {
    if text.len() <= bytes {
        return Cow::Borrowed(text);
    }
    let end = (0..=bytes).rev().find(|end| text.is_char_boundary(*end)).unwrap_or_default();
    Cow::Owned(format!("{}…", &text[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_that_is_text() {
        assert_eq!(shortened("orders"), "orders");
        let longest = "x".repeat(MAX_QUOTED);
        assert_eq!(shortened(&longest), longest);
        assert_eq!(shortened(&"ä".repeat(1000)), format!("{}…", "ä".repeat(MAX_QUOTED / 2)));
        assert_eq!(up_to("aä", 2), "a…");
    }
}
