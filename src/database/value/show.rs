//! From Extended JSON to the plain JSON that clients see.
//!
//! One pass over the text, without a tree in between: a listing may be megabytes. What JSON has becomes that; an ObjectId,
//! a UUID, a date and a Decimal128 become strings; other types become small objects, as the Atlas Data API spelled them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::kind::Kind;
use super::number::is_json_number;
use super::{date, deserializer, read, uuid_text};

/// Appends the plain form of one Extended JSON text.
///
/// # Errors
/// Where the text is not JSON.
pub fn text(ejson: &[u8], out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
    let mut deserializer = deserializer(ejson);
    Show(out).deserialize(&mut deserializer)?;
    deserializer.end()
}

/// The plain form of a value.
pub fn value(ejson: &Value) -> Value {
    let mut out = Vec::new();
    // Neither a value in memory nor what is written of it can fail to be JSON.
    match Show(&mut out).deserialize(ejson) {
        Ok(()) => read(&out).unwrap_or_default(),
        Err(_) => Value::Null,
    }
}

/// A text by which a path finds the document with this `_id`: what clients see, without the quotes of a string.
pub fn path_text(id: &Value) -> String {
    match Kind::of(id) {
        Kind::Double(text) | Kind::Decimal(text) => text.to_owned(),
        _ => match value(id) {
            Value::String(text) => text,
            other => other.to_string(),
        },
    }
}

struct Show<'o>(&'o mut Vec<u8>);

impl Show<'_> {
    fn string(&mut self, text: &str) {
        // Writing to a Vec cannot fail.
        let _ = serde_json::to_writer(&mut *self.0, text);
    }

    fn raw(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    /// A double as a number, or, where JSON has none for it, as a string.
    fn double(&mut self, text: &str) {
        if is_json_number(text) { self.raw(text) } else { self.string(text) }
    }

    fn kind(&mut self, kind: Kind<'_>) {
        match kind {
            Kind::Int32(number) => self.raw(&number.to_string()),
            Kind::Int64(number) => self.raw(&number.to_string()),
            Kind::Double(text) => self.double(text),
            Kind::Decimal(text) | Kind::ObjectId(text) | Kind::String(text) | Kind::Code(text) | Kind::Symbol(text) => {
                self.string(text)
            }
            Kind::Date(millis) => self.string(&date::text(millis)),
            Kind::Binary { base64, subtype } => match (subtype, uuid_text(base64)) {
                (4, Some(text)) => self.string(&text),
                _ => {
                    self.raw(&format!("{{\"Subtype\":{subtype},\"Data\":"));
                    self.string(base64);
                    self.raw("}");
                }
            },
            Kind::Timestamp { time, increment } => self.raw(&format!("{{\"T\":{time},\"I\":{increment}}}")),
            Kind::Regex { pattern, options } => {
                self.raw("{\"Pattern\":");
                self.string(pattern);
                self.raw(",\"Options\":");
                self.string(options);
                self.raw("}");
            }
            Kind::CodeWithScope(code, scope) => {
                self.raw("{\"Code\":");
                self.string(code);
                self.raw(",\"Scope\":");
                self.tree(scope);
                self.raw("}");
            }
            Kind::DbPointer(pointer) => {
                self.raw("{\"DB\":");
                self.string(pointer["$ref"].as_str().unwrap_or_default());
                self.raw(",\"Pointer\":");
                self.tree(&pointer["$id"]);
                self.raw("}");
            }
            Kind::Undefined | Kind::MinKey | Kind::MaxKey => self.raw("{}"),
            Kind::Null => self.raw("null"),
            Kind::Bool(boolean) => self.raw(if boolean { "true" } else { "false" }),
            Kind::Number(number) => self.raw(&number.to_string()),
            Kind::Array(values) => {
                self.raw("[");
                for (at, value) in values.iter().enumerate() {
                    if at > 0 {
                        self.raw(",");
                    }
                    self.tree(value);
                }
                self.raw("]");
            }
            Kind::Document(object) => {
                self.raw("{");
                for (at, (name, value)) in object.iter().enumerate() {
                    if at > 0 {
                        self.raw(",");
                    }
                    self.string(name);
                    self.raw(":");
                    self.tree(value);
                }
                self.raw("}");
            }
        }
    }

    fn tree(&mut self, value: &Value) {
        self.kind(Kind::of(value));
    }

    /// The commonest wrappers, whose value is one string, without a map in between.
    fn simple(&mut self, wrapper: &str, text: &str) {
        match wrapper {
            "$numberDouble" | "$numberInt" | "$numberLong" => self.double(text),
            _ => self.string(text),
        }
    }
}

const SIMPLE: [&str; 5] = ["$numberInt", "$numberLong", "$numberDouble", "$numberDecimal", "$oid"];

impl<'de> DeserializeSeed<'de> for Show<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Show<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.raw("null");
        Ok(())
    }

    fn visit_bool<E>(mut self, boolean: bool) -> Result<(), E> {
        self.raw(if boolean { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(mut self, number: i64) -> Result<(), E> {
        self.raw(&number.to_string());
        Ok(())
    }

    fn visit_u64<E>(mut self, number: u64) -> Result<(), E> {
        self.raw(&number.to_string());
        Ok(())
    }

    fn visit_f64<E>(mut self, number: f64) -> Result<(), E> {
        let number = Number::from_f64(number).map(|number| number.to_string());
        self.raw(number.as_deref().unwrap_or("null"));
        Ok(())
    }

    fn visit_str<E>(mut self, text: &str) -> Result<(), E> {
        self.string(text);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<(), A::Error> {
        let out = self.0;
        out.push(b'[');
        let mut length = out.len();
        while values.next_element_seed(Show(out))?.is_some() {
            out.push(b',');
            length = out.len() - 1;
        }
        out.truncate(length);
        out.push(b']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        let Some(first) = members.next_key_seed(Text)? else {
            self.raw("{}");
            return Ok(());
        };
        if first.starts_with('$') {
            return self.wrapper(&first, members);
        }
        let out = self.0;
        out.push(b'{');
        let mut name = Some(first);
        while let Some(text) = name {
            Show(out).string(&text);
            out.push(b':');
            members.next_value_seed(Show(out))?;
            out.push(b',');
            name = members.next_key_seed(Text)?;
        }
        out.pop();
        out.push(b'}');
        Ok(())
    }
}

impl Show<'_> {
    fn wrapper<'de, A: MapAccess<'de>>(&mut self, first: &str, mut members: A) -> Result<(), A::Error> {
        if SIMPLE.contains(&first) {
            let text = members.next_value_seed(Text)?;
            if members.next_key_seed(Text)?.is_some() {
                return Err(A::Error::custom(format!("{first:?} is not alone in its object")));
            }
            self.simple(first, &text);
            return Ok(());
        }
        let mut object = Map::new();
        object.insert(first.to_owned(), members.next_value()?);
        while let Some((name, value)) = members.next_entry::<String, Value>()? {
            object.insert(name, value);
        }
        self.tree(&Value::Object(object));
        Ok(())
    }
}

/// A string, borrowed where it has no escapes.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ejson: &str) -> String {
        let mut out = Vec::new();
        text(ejson.as_bytes(), &mut out).unwrap();
        let streamed = String::from_utf8(out).unwrap();
        let tree = value(&read(ejson.as_bytes()).unwrap());
        assert_eq!(read(streamed.as_bytes()).unwrap(), tree, "text and tree agree");
        streamed
    }

    #[test]
    fn every_type_is_shown_by_the_rules() {
        for (ejson, plain) in [
            (r#"{"$numberInt":"7"}"#, "7"),
            (r#"{"$numberLong":"9007199254740993"}"#, "9007199254740993"),
            (r#"{"$numberDouble":"30.0"}"#, "30.0"),
            (r#"{"$numberDouble":"1e16"}"#, "1e16"),
            (r#"{"$numberDouble":"NaN"}"#, r#""NaN""#),
            (r#"{"$numberDouble":"-Infinity"}"#, r#""-Infinity""#),
            (r#"{"$numberDecimal":"29.990"}"#, r#""29.990""#),
            (r#"{"$oid":"5a1f00000000000000000001"}"#, r#""5a1f00000000000000000001""#),
            (r#"{"$date":{"$numberLong":"1614834367089"}}"#, r#""2021-03-04T05:06:07.089Z""#),
            (
                r#"{"$binary":{"base64":"ABEiM0RVZneImaq7zN3u/w==","subType":"04"}}"#,
                r#""00112233-4455-6677-8899-aabbccddeeff""#,
            ),
            (r#"{"$binary":{"base64":"AQID","subType":"00"}}"#, r#"{"Subtype":0,"Data":"AQID"}"#),
            (r#"{"$timestamp":{"t":1,"i":2}}"#, r#"{"T":1,"I":2}"#),
            (r#"{"$regularExpression":{"pattern":"a\"b","options":"i"}}"#, r#"{"Pattern":"a\"b","Options":"i"}"#),
            (r#"{"$code":"x","$scope":{"a":{"$numberInt":"1"}}}"#, r#"{"Code":"x","Scope":{"a":1}}"#),
            (r#"{"$symbol":"s"}"#, r#""s""#),
            (r#"{"$minKey":1}"#, "{}"),
            (
                r#"{"$ref":"c","$id":{"$oid":"5a1f00000000000000000001"}}"#,
                r#"{"$ref":"c","$id":"5a1f00000000000000000001"}"#,
            ),
            (r#"[{"a":{"$numberInt":"1"},"b":[null,true,"x\ny"]},{},[]]"#, r#"[{"a":1,"b":[null,true,"x\ny"]},{},[]]"#),
        ] {
            assert_eq!(shown(ejson), plain);
        }
    }

    #[test]
    fn documents_deeper_than_clients_may_send_are_shown() {
        let deep = |inner: &str| format!("{}{inner}{}", r#"{"a":"#.repeat(200), "}".repeat(200));
        assert_eq!(shown(&deep(r#"{"$numberInt":"1"}"#)), deep("1"));
    }

    #[test]
    fn what_is_not_json_is_an_error() {
        for bad in ["", "{", r#"{"$oid":1}"#, r#"{"$oid":"a","b":1}"#, "[1,]", "1 2"] {
            assert!(text(bad.as_bytes(), &mut Vec::new()).is_err(), "{bad}");
        }
    }
}
