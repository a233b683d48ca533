//! Origins of pages, as `--cors-origin` names them: one, many by a pattern, or all.

use std::str::FromStr;

/// Whose pages may call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `*`: those of every page.
    Any,
    /// `https://shop.example`, or `null`, which browsers send for pages without an origin, such as local files.
    Exactly(String),
    /// `https://*.shop.example`: what stands before, between and after the stars.
    Pattern(Vec<String>),
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not an origin: {why}");
        if text == "*" {
            return Ok(Origin::Any);
        }
        if text == "null" {
            return Ok(Origin::Exactly(text.to_owned()));
        }
        let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let host = host.filter(|host| {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b':' | b'[' | b']' | b'*'))
        });
        let Some(host) = host else {
            return Err(wrong("write the scheme and the host only, in lower case, such as https://shop.example"));
        };
        if !host.contains('*') {
            return Ok(Origin::Exactly(text.to_owned()));
        }
        if !host.bytes().any(|b| b.is_ascii_alphanumeric()) {
            return Err(wrong("write * alone for every page"));
        }
        Ok(Origin::Pattern(text.split('*').map(str::to_owned).collect()))
    }
}

impl Origin {
    /// Whether any page can be one of these: a page has the origin `null` in a sandboxed frame of its own.
    pub fn is_everyones(&self) -> bool {
        match self {
            Origin::Any => true,
            Origin::Exactly(known) => known == "null",
            Origin::Pattern(_) => false,
        }
    }

    /// Whether pages of this origin are meant. A star stands for one or more letters, digits and hyphens; where it is the whole
    /// first name of the host, for several names too, with the points between them.
    pub fn matches(&self, origin: &str) -> bool {
        match self {
            Origin::Any => true,
            Origin::Exactly(known) => known == origin,
            Origin::Pattern(parts) => match parts.split_first() {
                Some((first, rest)) => origin.strip_prefix(first.as_str()).is_some_and(|origin| {
                    let whole = first.ends_with("//") && rest.first().is_some_and(|next| next.starts_with('.'));
                    after_star(origin, rest, whole)
                }),
                None => false,
            },
        }
    }
}

/// Whether the text is what a star stands for, then the first part, then a star and the next, up to the end.
fn after_star(text: &str, parts: &[String], points: bool) -> bool {
    let Some((part, rest)) = parts.split_first() else { return text.is_empty() };
    let star = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'-' || (points && *b == b'.')).count();
    (1..=star)
        .any(|length| text[length..].strip_prefix(part.as_str()).is_some_and(|text| after_star(text, rest, false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, origin: &str) -> bool {
        pattern.parse::<Origin>().unwrap().matches(origin)
    }

    #[test]
    fn one_origin_or_many() {
        for (pattern, origin, expected) in [
            ("*", "https://a.example", true),
            ("*", "null", true),
            ("null", "null", true),
            ("null", "https://null", false),
            ("https://a.example", "https://a.example", true),
            ("https://a.example", "http://a.example", false),
            ("https://a.example", "https://a.example:8443", false),
            ("https://*.a.example", "https://b.a.example", true),
            ("https://*.a.example", "https://c.b.a.example", true),
            ("https://*.a.example", "https://a.example", false),
            ("https://*.a.example", "https://.a.example", false),
            ("https://*.a.example", "https://b.a.example.evil.example", false),
            ("https://*.a.example", "https://evil.example/.a.example", false),
            ("https://*.a.example", "https://evil.example:1.a.example", false),
            ("https://*.a.example", "https://evila.example", false),
            ("https://*.a.example", "http://b.a.example", false),
            ("https://*.a.example", "null", false),
            ("https://app-*.b.example", "https://app-7f3-team.b.example", true),
            ("https://app-*.b.example", "https://app-.b.example", false),
            ("https://app-*.b.example", "https://app-x.evil.b.example", false),
            ("https://app-*-*.b.example", "https://app-1-2.b.example", true),
            ("https://app-*-*.b.example", "https://app-1.b.example", false),
            ("http://localhost:*", "http://localhost:5173", true),
            ("http://localhost:*", "http://localhost", false),
        ] {
            assert_eq!(matches(pattern, origin), expected, "{pattern} {origin}");
        }
    }

    #[test]
    fn what_is_not_an_origin() {
        for text in [
            "",
            "shop.example",
            "https://",
            "https://a.example/",
            "https://a.example/page",
            "https://*",
            "https://*.*",
            "ftp://a",
            "https://A.example",
            "**",
        ] {
            assert!(text.parse::<Origin>().is_err(), "{text}");
        }
    }
}
