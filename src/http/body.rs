//! The JSON object in a request's body, checked before anything is made of it.

use std::future::Future;

use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

use crate::database::Document;
use crate::http::problem::Problem;

/// The deepest nesting of a body, its own braces the first level. MongoDB takes no more either.
pub const MAX_DEPTH: usize = 100;

/// A request with its body, or with the reason why that could not be read.
pub type Incoming = http::Request<Result<Bytes, BodyError>>;

/// A request's body that has not been read yet: nobody's memory or time is taken by it.
pub trait UnreadBody {
    /// Reads the body, of which at most `limit` bytes are kept.
    ///
    /// # Errors
    /// Why it could not be read.
    fn read(self, limit: usize) -> impl Future<Output = Result<Bytes, BodyError>>;
}

impl UnreadBody for Bytes {
    async fn read(self, limit: usize) -> Result<Bytes, BodyError> {
        if self.len() > limit { Err(BodyError::TooLarge) } else { Ok(self) }
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
}

/// The request's JSON object, its fields in their order. The limit is only named here: it was kept while reading.
///
/// # Errors
/// 413, 415 or 400, saying what was wrong and where.
pub fn object(request: &Incoming, max_body_bytes: usize) -> Result<Document, Problem> {
    let bytes = match request.body() {
        Ok(bytes) => bytes,
        Err(BodyError::TooLarge) => return Err(Problem::BodyTooLarge(max_body_bytes)),
        Err(BodyError::TimedOut) => return Err(Problem::BodyTimeout),
        Err(BodyError::CutOff) => {
            return Err(Problem::Invalid("the body ended before its announced length".to_owned()));
        }
    };
    check_media_type(request.headers())?;
    check_depth(bytes)?;
    let object = match serde_json::from_slice(bytes) {
        Ok(Value::Object(object)) => object,
        Ok(_) => {
            return Err(Problem::Invalid("the body must be one JSON object".to_owned()));
        }
        Err(error) => return Err(Problem::Invalid(format!("the body is not JSON: {error}"))),
    };
    if object.is_empty() {
        return Err(Problem::Invalid("the body is an empty object".to_owned()));
    }
    let mut path = String::new();
    check_object(&object, &mut path)?;
    Ok(object)
}

/// `application/json`, or another type whose syntax is JSON (RFC 6839, section 3.1).
fn check_media_type(headers: &HeaderMap) -> Result<(), Problem> {
    let got = headers.get(header::CONTENT_TYPE).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let essence = got.as_deref().map(|got| got.split(';').next().unwrap_or_default().trim().to_ascii_lowercase());
    match essence.as_deref() {
        Some("application/json") => Ok(()),
        Some(other) if other.starts_with("application/") && other.ends_with("+json") => Ok(()),
        _ => Err(Problem::UnsupportedMediaType(got)),
    }
}

/// Counts brackets outside strings, so that nesting is refused before a parser recurses into it.
fn check_depth(bytes: &Bytes) -> Result<(), Problem> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Err(Problem::Invalid(format!("the body is nested deeper than {MAX_DEPTH} levels")));
                }
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// A name that MongoDB would read as an operator or a path is refused, wherever it stands; so Extended JSON is, too.
fn check_object(object: &Document, path: &mut String) -> Result<(), Problem> {
    for (name, value) in object {
        let wrong = if name.is_empty() {
            Some("is empty")
        } else if name.starts_with('$') {
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
        within(path, &format!("/{name}"), |path| check_value(value, path))?;
    }
    Ok(())
}

fn check_value(value: &Value, path: &mut String) -> Result<(), Problem> {
    match value {
        Value::Object(object) => check_object(object, path),
        Value::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                within(path, &format!("/{index}"), |path| check_value(value, path))?;
            }
            Ok(())
        }
        // MongoDB has no whole number that large, and a double would lose its last digits.
        Value::Number(number) if number.is_u64() && number.as_i64().is_none() => {
            Err(Problem::Invalid(format!("the whole number at {path} is larger than {}", i64::MAX)))
        }
        _ => Ok(()),
    }
}

/// Runs `check` with `part` at the end of the path.
fn within(
    path: &mut String,
    part: &str,
    check: impl FnOnce(&mut String) -> Result<(), Problem>,
) -> Result<(), Problem> {
    let length = path.len();
    path.push_str(part);
    let checked = check(path);
    path.truncate(length);
    checked
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn read(media_type: Option<&str>, body: &str) -> Result<Document, Problem> {
        let mut request = Request::new(Ok(Bytes::from(body.to_owned())));
        if let Some(media_type) = media_type {
            let value = media_type.parse().unwrap();
            request.headers_mut().insert(header::CONTENT_TYPE, value);
        }
        object(&request, 1024)
    }

    #[test]
    fn an_object_keeps_its_fields_in_their_order() {
        let read = read(Some("application/json; charset=utf-8"), r#"{"b":1,"a":[{"c":null}]}"#).unwrap();
        assert_eq!(serde_json::to_string(&read).unwrap(), r#"{"b":1,"a":[{"c":null}]}"#);
    }

    #[test]
    fn only_json_is_read() {
        assert!(read(Some("application/merge-patch+json"), r#"{"a":1}"#).is_ok());
        for other in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonp")] {
            assert_eq!(read(other, r#"{"a":1}"#), Err(Problem::UnsupportedMediaType(other.map(str::to_owned))));
        }
    }

    #[test]
    fn a_bad_body_is_told_what_is_wrong_and_where() {
        for (body, said) in [
            ("", "not JSON"),
            ("{", "line 1 column 1"),
            ("{\"a\":1}x", "trailing"),
            ("[]", "one JSON object"),
            ("null", "one JSON object"),
            ("{}", "empty object"),
            (r#"{"$set":{}}"#, "\"$set\" in the body starts with `$`"),
            (r#"{"price":{"$gt":0}}"#, "\"$gt\" in /price starts with `$`"),
            (r#"{"a":[0,{"b.c":1}]}"#, "\"b.c\" in /a/1 holds a `.`"),
            (r#"{"a\u0000":1}"#, "NUL"),
            (r#"{"":1}"#, "is empty"),
            (r#"{"a":{"b":9223372036854775808}}"#, "at /a/b"),
            (r#"{"a":1e400}"#, "not JSON"),
            ("{\"a\":\"\u{1}\"}", "not JSON"),
        ] {
            match read(Some("application/json"), body) {
                Err(Problem::Invalid(why)) => assert!(why.contains(said), "{body}: {why}"),
                other => panic!("{body}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_hundred_levels_are_read_and_one_more_is_not() {
        let nested = |levels: usize| {
            let inner = levels - 1;
            format!("{{\"a\":{}0{}}}", "[".repeat(inner), "]".repeat(inner))
        };
        assert!(read(Some("application/json"), &nested(100)).is_ok());
        for levels in [101, 2000] {
            match read(Some("application/json"), &nested(levels)) {
                Err(Problem::Invalid(why)) => assert!(why.contains("100 levels"), "{why}"),
                other => panic!("{other:?}"),
            }
        }
        let brackets_in_a_string = format!("{{\"a\":\"\\\"{}\"}}", "[".repeat(500));
        assert!(read(Some("application/json"), &brackets_in_a_string).is_ok());
    }
}
