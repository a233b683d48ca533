//! From BSON bytes to JSON text.
//!
//! Documents, arrays, strings, booleans and null look the same in both formats and are written here; what else there is
//! `canonical` and `plain` spell each in its own way, `text` knows strings and numbers.

mod canonical;
mod plain;
mod text;

use std::fmt;

use mongodb::bson::raw::RawElement;
use mongodb::bson::{RawArray, RawBsonRef, RawDocument};

use super::Format;

/// How deep documents may be nested that MongoDB hands over: more than it accepts, so that none is ever refused, and
/// few enough for the stack should a server be careless.
const MAX_DEPTH: usize = 2 * super::MAX_DEPTH;

/// Appends a document.
///
/// # Errors
/// If the bytes are not valid BSON.
pub fn document(document: &RawDocument, format: Format, out: &mut Vec<u8>) -> Result<(), WriteError> {
    Writer { format, out, depth: 0 }.document(document)
}

/// Appends any value.
///
/// # Errors
/// If the bytes are not valid BSON.
pub fn value(value: RawBsonRef<'_>, format: Format, out: &mut Vec<u8>) -> Result<(), WriteError> {
    Writer { format, out, depth: 0 }.value(value)
}

/// Appends a string with its quotes.
pub fn string(string: &str, out: &mut Vec<u8>) {
    text::string(string, out);
}

/// What MongoDB sent is not BSON that can be written.
#[derive(Debug)]
pub struct WriteError(String);

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a document that MongoDB sent cannot be written as JSON: {}", self.0)
    }
}

impl std::error::Error for WriteError {}

impl From<mongodb::bson::error::Error> for WriteError {
    fn from(error: mongodb::bson::error::Error) -> Self {
        WriteError(error.to_string())
    }
}

struct Writer<'o> {
    format: Format,
    out: &'o mut Vec<u8>,
    depth: usize,
}

impl Writer<'_> {
    fn document(&mut self, document: &RawDocument) -> Result<(), WriteError> {
        self.nest()?;
        self.out.push(b'{');
        let mut first = true;
        for element in document.iter_elements() {
            let element = element?;
            if !first {
                self.out.push(b',');
            }
            first = false;
            text::string(element.key().as_str(), self.out);
            self.out.push(b':');
            self.element(&element)?;
        }
        self.out.push(b'}');
        self.depth -= 1;
        Ok(())
    }

    fn array(&mut self, array: &RawArray) -> Result<(), WriteError> {
        self.nest()?;
        self.out.push(b'[');
        let mut first = true;
        for element in RawDocument::from_bytes(array.as_bytes())?.iter_elements() {
            if !first {
                self.out.push(b',');
            }
            first = false;
            self.element(&element?)?;
        }
        self.out.push(b']');
        self.depth -= 1;
        Ok(())
    }

    fn element(&mut self, element: &RawElement<'_>) -> Result<(), WriteError> {
        match element.value() {
            Ok(value) => self.value(value),
            // Old drivers could store strings that are not UTF-8; such a document must still be readable.
            Err(_) => self.value(element.value_utf8_lossy()?.as_raw_bson_ref()),
        }
    }

    fn value(&mut self, value: RawBsonRef<'_>) -> Result<(), WriteError> {
        match value {
            RawBsonRef::Document(document) => self.document(document),
            RawBsonRef::Array(array) => self.array(array),
            RawBsonRef::String(string) => {
                text::string(string, self.out);
                Ok(())
            }
            RawBsonRef::Boolean(boolean) => {
                self.out.extend_from_slice(if boolean { b"true" } else { b"false" });
                Ok(())
            }
            RawBsonRef::Null => {
                self.out.extend_from_slice(b"null");
                Ok(())
            }
            typed => match self.format {
                Format::Json => self.plain(typed),
                Format::Ejson => self.canonical(typed),
            },
        }
    }

    fn nest(&mut self) -> Result<(), WriteError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(WriteError(format!("it is nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(())
    }

    /// Text that needs no escaping: what JSON or Extended JSON puts around values.
    fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }
}

/// The namespace and the id of a DBPointer, a type so long deprecated that bson shows it to serializers only.
fn pointer(value: RawBsonRef<'_>) -> Result<(String, String), WriteError> {
    let value = serde_json::to_value(value).map_err(|error| WriteError(error.to_string()))?;
    let part = |path| value.pointer(path).and_then(|part| part.as_str()).unwrap_or_default().to_owned();
    Ok((part("/$dbPointer/$ref"), part("/$dbPointer/$id/$oid")))
}
