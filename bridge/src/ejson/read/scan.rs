//! JSON's tokens (RFC 8259).

use super::ReadError;

/// A position in a JSON text, and the tokens from there on.
#[derive(Clone, Copy)]
pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// A number as it is spelled: BSON gives the two spellings different types.
pub(super) enum Number<'a> {
    /// Digits only, with a sign perhaps.
    Integer(&'a str),
    /// With a point or an exponent.
    Decimal(&'a str),
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a [u8]) -> Result<Self, ReadError> {
        let text = std::str::from_utf8(text)
            .map_err(|error| ReadError::new(format!("the body is not UTF-8 from byte {} on", error.valid_up_to())))?;
        Ok(Scanner { text, at: 0 })
    }

    /// The byte that the next token starts with; `None` at the end.
    pub(super) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    /// Goes past `byte` if the next token starts with it.
    pub(super) fn eat(&mut self, byte: u8) -> bool {
        let there = self.peek() == Some(byte);
        self.at += usize::from(there);
        there
    }

    pub(super) fn expect(&mut self, byte: u8) -> Result<(), ReadError> {
        if self.eat(byte) { Ok(()) } else { Err(self.unexpected(&format!("`{}`", char::from(byte)))) }
    }

    pub(super) fn expect_end(&mut self) -> Result<(), ReadError> {
        if self.peek().is_none() { Ok(()) } else { Err(self.unexpected("the end of the body")) }
    }

    /// Goes past `true`, `false` or `null`.
    pub(super) fn literal(&mut self, word: &str) -> Result<(), ReadError> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.unexpected("a JSON value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Whether the next token is a string whose text may start with `$` (a backslash may spell it).
    pub(super) fn may_be_dollar(&mut self) -> bool {
        self.peek() == Some(b'"') && matches!(self.text.as_bytes().get(self.at + 1), Some(b'$' | b'\\'))
    }

    /// Reads a string and appends what it stands for to `out`.
    pub(super) fn string(&mut self, out: &mut Vec<u8>) -> Result<(), ReadError> {
        self.expect(b'"')?;
        let bytes = self.text.as_bytes();
        loop {
            let run = bytes[self.at..].iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20));
            let Some(run) = run else {
                self.at = bytes.len();
                return Err(self.unexpected("the end of a string"));
            };
            out.extend_from_slice(&bytes[self.at..self.at + run]);
            self.at += run;
            match bytes[self.at] {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.escape(out)?,
                _ => return Err(self.unexpected("an escape instead of a control character in a string")),
            }
        }
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), ReadError> {
        let plain = match self.text.as_bytes().get(self.at + 1) {
            Some(byte @ (b'"' | b'\\' | b'/')) => *byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => return self.unicode_escape(out),
            _ => return Err(self.unexpected("one of JSON's escapes")),
        };
        out.push(plain);
        self.at += 2;
        Ok(())
    }

    /// JavaScript's strings may hold half of a surrogate pair, as what is left of an emoji cut in two, and its `JSON.stringify`
    /// writes it as an escape. UTF-8 cannot hold it: it is read as U+FFFD, as most languages' JSON readers do.
    fn unicode_escape(&mut self, out: &mut Vec<u8>) -> Result<(), ReadError> {
        let first = self.hex4(self.at)?;
        let (mut code, mut length) = (first, 6);
        if (0xd800..0xdc00).contains(&first)
            && let Ok(second @ 0xdc00..0xe000) = self.hex4(self.at + 6)
        {
            (code, length) = (0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00), 12);
        }
        let character = char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += length;
        Ok(())
    }

    fn hex4(&self, at: usize) -> Result<u32, ReadError> {
        let escape = self.text.get(at..at + 6).and_then(|text| text.strip_prefix("\\u"));
        escape
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|digits| u32::from_str_radix(digits, 16).ok())
            .ok_or_else(|| self.unexpected("`\\u` and four hex digits"))
    }

    /// Reads a number, by JSON's own grammar: no `+1`, `.5`, `1.` or `007`.
    pub(super) fn number(&mut self) -> Result<Number<'a>, ReadError> {
        let start = self.at;
        self.skip(b"-", 1);
        if self.skip(b"0", 1) == 0 && self.digits() == 0 {
            return Err(self.unexpected("a JSON value"));
        }
        let mut decimal = false;
        if self.skip(b".", 1) == 1 {
            decimal = true;
            if self.digits() == 0 {
                return Err(self.unexpected("a digit after the point"));
            }
        }
        if self.skip(b"eE", 1) == 1 {
            decimal = true;
            self.skip(b"+-", 1);
            if self.digits() == 0 {
                return Err(self.unexpected("a digit of the exponent"));
            }
        }
        let text = &self.text[start..self.at];
        Ok(if decimal { Number::Decimal(text) } else { Number::Integer(text) })
    }

    fn digits(&mut self) -> usize {
        self.skip(b"0123456789", usize::MAX)
    }

    fn skip(&mut self, set: &[u8], most: usize) -> usize {
        let rest = &self.text.as_bytes()[self.at..];
        let length = rest.iter().take(most).take_while(|b| set.contains(b)).count();
        self.at += length;
        length
    }

    /// The error for a text that goes on otherwise than it must.
    pub(super) fn unexpected(&self, wanted: &str) -> ReadError {
        let found = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(character) => format!("{character:?}"),
            None => "the end of the body".to_owned(),
        };
        ReadError::new(format!("not valid JSON: expected {wanted} at byte {}, found {found}", self.at))
    }
}
