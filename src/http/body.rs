//! The JSON in a request's body, checked before anything is made of it.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use crate::budget::{Held, OverBudget};
use crate::database::Document;
use crate::database::value::{Format, check};
use crate::http::problem::Problem;

/// The deepest nesting of a body, its own braces the first level. MongoDB takes no more either.
pub const MAX_DEPTH: usize = 100;

/// The most documents in a body.
pub const MAX_DOCUMENTS: usize = 1000;

/// A request with its body, or with the reason why that could not be read.
pub type Incoming = http::Request<Result<Bytes, BodyError>>;

/// A request's body that has not been read yet: nobody's memory or time is taken by it.
pub trait UnreadBody {
    /// Reads the body, of which at most `limit` bytes are kept, and counted as `held`.
    ///
    /// # Errors
    /// Why it could not be read.
    fn read(self, limit: usize, held: &Held) -> impl Future<Output = Result<Bytes, BodyError>>;
}

impl UnreadBody for Bytes {
    async fn read(self, limit: usize, held: &Held) -> Result<Bytes, BodyError> {
        if self.len() > limit {
            return Err(BodyError::TooLarge);
        }
        held.grow(self.len())?;
        Ok(self)
    }
}

/// Why a body could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// It is larger than `max_body_bytes`.
    TooLarge,
    /// It ended before its announced length, or its framing was broken.
    CutOff,
    /// The client took longer than `body_timeout_ms` to send it.
    TimedOut,
    /// The instance holds as much as it may.
    OverBudget,
}

impl From<OverBudget> for BodyError {
    fn from(OverBudget: OverBudget) -> Self {
        BodyError::OverBudget
    }
}

/// What a body of `add` holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Documents {
    /// One object.
    One(Document),
    /// An array of objects, one at least.
    Many(Vec<Document>),
}

/// The request's JSON object, its fields in their order, and how its values are spelled. Extended JSON comes out
/// canonical.
///
/// # Errors
/// 413, 415 or 400, saying what was wrong and where.
pub fn object(request: &Incoming, max_body_bytes: usize) -> Result<(Document, Format), Problem> {
    let (value, format) = value(request, max_body_bytes)?;
    Ok((checked(value, format, &mut String::new())?, format))
}

/// The request's JSON object, or its array of objects, all of them checked.
///
/// # Errors
/// As [`object`]; and 400 where the array is empty or has more than [`MAX_DOCUMENTS`] elements.
pub fn documents(request: &Incoming, max_body_bytes: usize) -> Result<(Documents, Format), Problem> {
    let (value, format) = value(request, max_body_bytes)?;
    let values = match value {
        Value::Array(values) => values,
        one => return Ok((Documents::One(checked(one, format, &mut String::new())?), format)),
    };
    if values.is_empty() || values.len() > MAX_DOCUMENTS {
        return Err(Problem::Invalid(format!(
            "the body is an array of {} documents; it must have 1 to {MAX_DOCUMENTS}",
            values.len()
        )));
    }
    let documents: Result<Vec<Document>, Problem> =
        values.into_iter().enumerate().map(|(at, value)| checked(value, format, &mut format!("/{at}"))).collect();
    Ok((Documents::Many(documents?), format))
}

fn value(request: &Incoming, max_body_bytes: usize) -> Result<(Value, Format), Problem> {
    let bytes = match request.body() {
        Ok(bytes) => bytes,
        Err(BodyError::TooLarge) => return Err(Problem::BodyTooLarge(max_body_bytes)),
        Err(BodyError::CutOff) => {
            return Err(Problem::Invalid("the body ended before its announced length".to_owned()));
        }
        Err(BodyError::TimedOut) => return Err(Problem::BodyTimeout),
        Err(BodyError::OverBudget) => return Err(Problem::OverBudget),
    };
    check_encoding(request.headers())?;
    let format = format(request.headers())?;
    // A byte order mark is not JSON, but common on Windows (RFC 8259, section 8.1, lets a parser ignore it).
    let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    scan(text)?;
    match serde_json::from_slice(text) {
        Ok(value) => Ok((value, format)),
        Err(error) => Err(Problem::Invalid(format!("the body is not JSON: {error}"))),
    }
}

fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let foreign = headers
        .get_all(header::CONTENT_ENCODING)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(|coding| String::from_utf8_lossy(coding.trim_ascii()).into_owned())
        .find(|coding| !coding.is_empty() && !coding.eq_ignore_ascii_case("identity"));
    foreign.map_or(Ok(()), |coding| Err(Problem::UnsupportedEncoding(coding)))
}

/// `application/json`, or another type whose syntax is JSON (RFC 6839, section 3.1), or MongoDB's Extended JSON.
fn format(headers: &HeaderMap) -> Result<Format, Problem> {
    let got = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let essence = got.as_deref().map(|got| got.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(Format::Json),
        Some("application/ejson") => Ok(Format::Ejson),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(Format::Json),
        _ => Err(Problem::UnsupportedMediaType(got)),
    }
}

/// Refuses what a parser should not see: nesting into which it would recurse, and whole numbers beyond Int64, which it
/// would round to a double.
fn scan(text: &[u8]) -> Result<(), Problem> {
    let (mut depth, mut at) = (0_usize, 0);
    while let Some(byte) = text.get(at) {
        match byte {
            b'"' => {
                at = end_of_string(text, at);
                continue;
            }
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Problem::Invalid(format!("the body is nested deeper than {MAX_DEPTH} levels")));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'-' | b'0'..=b'9' => {
                let number = number(&text[at..]);
                // Fewer digits always fit, and need no parsing.
                if number.len() > 18 && is_beyond_int64(number) {
                    return Err(Problem::Invalid(format!(
                        "the whole number {} at {} is beyond the range of Int64, {} to {}",
                        String::from_utf8_lossy(&number[..number.len().min(40)]),
                        pointer(text, at),
                        i64::MIN,
                        i64::MAX
                    )));
                }
                at += number.len();
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The place after the string that begins at `at`.
fn end_of_string(text: &[u8], at: usize) -> usize {
    let mut at = at + 1;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    at
}

fn number(text: &[u8]) -> &[u8] {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E');
    let end = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    &text[..end]
}

fn is_beyond_int64(number: &[u8]) -> bool {
    let digits = number.strip_prefix(b"-").unwrap_or(number);
    let whole = digits.iter().all(u8::is_ascii_digit);
    whole && std::str::from_utf8(number).is_ok_and(|number| number.parse::<i64>().is_err())
}

/// The JSON Pointer (RFC 6901, without its escapes) of the value that begins at `end`.
fn pointer(text: &[u8], end: usize) -> String {
    let (mut path, mut at): (Vec<String>, usize) = (vec![], 0);
    // The last string: a member's name if a colon follows.
    let mut string = String::new();
    while at < end {
        match text[at] {
            b'"' => {
                let after = end_of_string(text, at);
                string = String::from_utf8_lossy(&text[at + 1..after.min(end) - 1]).into_owned();
                at = after;
                continue;
            }
            b':' => {
                if let Some(last) = path.last_mut() {
                    last.clone_from(&string);
                }
            }
            b'{' => path.push(String::new()),
            b'[' => path.push("0".to_owned()),
            b'}' | b']' => drop(path.pop()),
            b',' => {
                let next = path.last().and_then(|last| last.parse::<usize>().ok()).map(|index| (index + 1).to_string());
                if let (Some(last), Some(next)) = (path.last_mut(), next) {
                    *last = next;
                }
            }
            _ => {}
        }
        at += 1;
    }
    path.iter().map(|part| format!("/{part}")).collect()
}

fn checked(value: Value, format: Format, path: &mut String) -> Result<Document, Problem> {
    let place = if path.is_empty() { "the body" } else { path.as_str() };
    let mut object = match value {
        Value::Object(object) if object.is_empty() => {
            return Err(Problem::Invalid(format!("{place} is an empty object")));
        }
        Value::Object(object) => object,
        _ if path.is_empty() => return Err(Problem::Invalid("the body must be one JSON object".to_owned())),
        _ => return Err(Problem::Invalid(format!("{place} must be a JSON object"))),
    };
    check_object(&mut object, &[], format, path)?;
    Ok(object)
}

/// A name that MongoDB would read as an operator or a path is refused, wherever it stands.
fn check_object(object: &mut Document, allowed: &[&str], format: Format, path: &mut String) -> Result<(), Problem> {
    for (name, value) in object {
        let wrong = if name.is_empty() {
            Some("is empty")
        } else if name.starts_with('$') && !allowed.contains(&name.as_str()) {
            Some("starts with `$`")
        } else if name.contains('.') {
            Some("holds a `.`")
        } else if name.contains('\0') {
            Some("holds a NUL character")
        } else {
            None
        };
        if let Some(wrong) = wrong {
            let place = if path.is_empty() { "the body" } else { path };
            return Err(Problem::Invalid(format!("the field name {name:?} in {place} {wrong}")));
        }
        at_path(path, name, |path| check_value(value, format, path))?;
    }
    Ok(())
}

fn check_value(value: &mut Value, format: Format, path: &mut String) -> Result<(), Problem> {
    match value {
        Value::Object(object) => {
            if format == Format::Ejson {
                match check::wrapper(object) {
                    Ok(None) => {}
                    Ok(Some(canonical)) => {
                        *value = canonical;
                        return Ok(());
                    }
                    Err(why) => return Err(Problem::Invalid(format!("the value at {path} {why}"))),
                }
            }
            let allowed = if check::is_reference(object) { &check::REFERENCE[..] } else { &[] };
            check_object(object, allowed, format, path)
        }
        Value::Array(values) => {
            for (index, value) in values.iter_mut().enumerate() {
                at_path(path, &index.to_string(), |path| check_value(value, format, path))?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Runs `check` with `part` at the end of the path.
fn at_path(
    path: &mut String,
    part: &str,
    check: impl FnOnce(&mut String) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let length = path.len();
    path.extend(["/", part]);
    let checked = check(path);
    path.truncate(length);
    checked
}

#[cfg(test)]
mod tests;
