//! Values: objects, arrays, strings, numbers, literals.

mod binary;
mod wrapper;

use std::ops::Range;

use mongodb::bson::RawDocumentBuf;
use mongodb::bson::spec::ElementType;

use super::ReadError;
use super::scan::{Number, Scanner};
use crate::ejson::MAX_DEPTH;
use wrapper::Wrapper;

/// Reads a text and writes BSON as it goes.
pub(super) struct Reader<'a> {
    scan: Scanner<'a>,
    out: Vec<u8>,
    /// Where in `out` the keys of the objects stand that are still open, to find a key that comes twice.
    keys: Vec<Range<usize>>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Result<Self, ReadError> {
        let scan = Scanner::new(text)?;
        Ok(Reader { scan, out: Vec::with_capacity(text.len() + 64), keys: Vec::new(), depth: 0 })
    }

    pub(super) fn document(mut self) -> Result<RawDocumentBuf, ReadError> {
        if self.scan.peek() != Some(b'{') {
            return Err(ReadError::new("the body must be a JSON object"));
        }
        self.fields()?;
        self.scan.expect_end()?;
        RawDocumentBuf::from_bytes(self.out).map_err(|error| ReadError::new(error.to_string()))
    }

    /// Reads any value, appends its BSON, and says which type that is.
    fn value(&mut self) -> Result<ElementType, ReadError> {
        match self.scan.peek() {
            Some(b'{') => self.object(),
            Some(b'[') => self.array(),
            Some(b'"') => self.text().map(|()| ElementType::String),
            Some(b't') => self.boolean("true", 1),
            Some(b'f') => self.boolean("false", 0),
            Some(b'n') => self.scan.literal("null").map(|()| ElementType::Null),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => Err(self.scan.unexpected("a JSON value")),
        }
    }

    fn object(&mut self) -> Result<ElementType, ReadError> {
        let mut ahead = self.scan;
        ahead.expect(b'{')?;
        if ahead.may_be_dollar() {
            let mut key = Vec::new();
            ahead.string(&mut key)?;
            if let Some(wrapper) = Wrapper::of(&key) {
                ahead.expect(b':')?;
                self.scan = ahead;
                return self.wrapper(wrapper).map_err(|error| error.inside(wrapper.key()));
            }
        }
        self.fields().map(|()| ElementType::EmbeddedDocument)
    }

    /// Reads an object as a document, whatever its keys are.
    fn fields(&mut self) -> Result<(), ReadError> {
        self.nest()?;
        self.scan.expect(b'{')?;
        let start = self.open();
        let outer = self.keys.len();
        if !self.scan.eat(b'}') {
            loop {
                self.field()?;
                if !self.scan.eat(b',') {
                    break;
                }
            }
            self.scan.expect(b'}')?;
        }
        self.refuse_twins(outer)?;
        self.keys.truncate(outer);
        self.depth -= 1;
        self.close(start)
    }

    fn field(&mut self) -> Result<(), ReadError> {
        let tag = self.out.len();
        self.out.push(0);
        self.scan.string(&mut self.out)?;
        let key = tag + 1..self.out.len();
        if self.out[key.clone()].contains(&0) {
            return Err(ReadError::new("a field name contains a NUL character"));
        }
        self.out.push(0);
        self.keys.push(key.clone());
        self.scan.expect(b':')?;
        match self.value() {
            Ok(kind) => self.out[tag] = kind as u8,
            Err(error) => return Err(error.inside(&String::from_utf8_lossy(&self.out[key]))),
        }
        Ok(())
    }

    /// A key twice in an object means different things to different readers, and what one of them checks the other need
    /// not see.
    fn refuse_twins(&mut self, outer: usize) -> Result<(), ReadError> {
        let (out, keys) = (&self.out, &mut self.keys[outer..]);
        keys.sort_unstable_by(|a, b| out[a.clone()].cmp(&out[b.clone()]));
        match keys.windows(2).find(|pair| out[pair[0].clone()] == out[pair[1].clone()]) {
            Some(pair) => {
                let name = String::from_utf8_lossy(&out[pair[0].clone()]);
                Err(ReadError::new("the field is given twice in one object").inside(&name))
            }
            None => Ok(()),
        }
    }

    fn array(&mut self) -> Result<ElementType, ReadError> {
        self.nest()?;
        self.scan.expect(b'[')?;
        let start = self.open();
        if !self.scan.eat(b']') {
            for index in 0_usize.. {
                let tag = self.out.len();
                self.out.push(0);
                self.out.extend_from_slice(index.to_string().as_bytes());
                self.out.push(0);
                self.out[tag] = self.value().map_err(|error| error.inside(&format!("[{index}]")))? as u8;
                if !self.scan.eat(b',') {
                    break;
                }
            }
            self.scan.expect(b']')?;
        }
        self.depth -= 1;
        self.close(start).map(|()| ElementType::Array)
    }

    fn nest(&mut self) -> Result<(), ReadError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(ReadError::new(format!("the body is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    /// Reads a string value.
    fn text(&mut self) -> Result<(), ReadError> {
        let start = self.out.len();
        self.out.extend_from_slice(&[0; 4]);
        self.scan.string(&mut self.out)?;
        self.out.push(0);
        self.patch(start, self.out.len() - start - 4)
    }

    fn boolean(&mut self, word: &str, byte: u8) -> Result<ElementType, ReadError> {
        self.scan.literal(word)?;
        self.out.push(byte);
        Ok(ElementType::Boolean)
    }

    fn number(&mut self) -> Result<ElementType, ReadError> {
        let text = match self.scan.number()? {
            Number::Integer(text) => match text.parse::<i64>() {
                Ok(number) => return Ok(self.integer(number)),
                // Extended JSON's rule for an integer beyond Int64: JavaScript spells the double 1e20 with all its digits.
                Err(_) => text,
            },
            Number::Decimal(text) => text,
        };
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(self.put(&number.to_le_bytes(), ElementType::Double)),
            _ => Err(ReadError::new(format!("the number {} is beyond a double", shortened(text)))),
        }
    }

    fn integer(&mut self, number: i64) -> ElementType {
        match i32::try_from(number) {
            Ok(number) => self.put(&number.to_le_bytes(), ElementType::Int32),
            Err(_) => self.put(&number.to_le_bytes(), ElementType::Int64),
        }
    }

    /// Leaves room for a length; gives the place to [`Reader::close`].
    fn open(&mut self) -> usize {
        self.out.extend_from_slice(&[0; 4]);
        self.out.len() - 4
    }

    /// Ends the document that was opened at `start`.
    fn close(&mut self, start: usize) -> Result<(), ReadError> {
        self.out.push(0);
        self.patch(start, self.out.len() - start)
    }

    /// Writes a length to where it belongs.
    fn patch(&mut self, at: usize, length: usize) -> Result<(), ReadError> {
        let length = i32::try_from(length).map_err(|_| ReadError::new("the body is larger than BSON can hold"))?;
        self.out[at..at + 4].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}

/// A token for an error's text: all of it, unless someone sent a megabyte.
fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text.to_owned(),
    }
}
