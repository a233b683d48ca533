//! Plain JSON, as the Atlas service spelled BSON's types in it: values that JSON has become those, the others strings
//! or small objects.
//!
//! Where its documentation is silent the small objects go on in its manner: `{"Code", "Scope"}`, `{"DB", "Pointer"}`.
//! JSON has no NaN and no infinities: they are the strings that Extended JSON uses.
//!
//! A whole double has no point: the service was written in Go, whose JSON spells it so, and a client whose field is an integer
//! could not read `3.0`. A client that must tell the types apart asks for Extended JSON.

use mongodb::bson::RawBsonRef;

use super::super::date;
use super::text::{base64, display, double, short_double, string};
use super::{WriteError, Writer};

impl Writer<'_> {
    pub(super) fn plain(&mut self, value: RawBsonRef<'_>) -> Result<(), WriteError> {
        match value {
            RawBsonRef::Int32(number) => display(number, self.out),
            RawBsonRef::Int64(number) => display(number, self.out),
            RawBsonRef::Double(number) if number.is_finite() => short_double(number, self.out),
            RawBsonRef::Double(number) => {
                self.raw("\"");
                double(number, self.out);
                self.raw("\"");
            }
            RawBsonRef::Decimal128(number) => display(format_args!("\"{number}\""), self.out),
            RawBsonRef::ObjectId(id) => display(format_args!("\"{id}\""), self.out),
            RawBsonRef::DateTime(date) => {
                self.raw("\"");
                date::write(date.timestamp_millis(), self.out);
                self.raw("\"");
            }
            RawBsonRef::Binary(binary) => {
                display(format_args!("{{\"Subtype\":{},\"Data\":\"", u8::from(binary.subtype)), self.out);
                base64(binary.bytes, self.out);
                self.raw("\"}");
            }
            RawBsonRef::RegularExpression(regex) => {
                self.raw("{\"Pattern\":");
                string(regex.pattern.as_str(), self.out);
                self.raw(",\"Options\":");
                string(regex.options.as_str(), self.out);
                self.raw("}");
            }
            RawBsonRef::Timestamp(stamp) => {
                display(format_args!("{{\"T\":{},\"I\":{}}}", stamp.time, stamp.increment), self.out);
            }
            RawBsonRef::JavaScriptCode(text) | RawBsonRef::Symbol(text) => string(text, self.out),
            RawBsonRef::JavaScriptCodeWithScope(code) => {
                self.raw("{\"Code\":");
                string(code.code, self.out);
                self.raw(",\"Scope\":");
                self.document(code.scope)?;
                self.raw("}");
            }
            RawBsonRef::DbPointer(_) => {
                let (namespace, id) = super::pointer(value)?;
                self.raw("{\"DB\":");
                string(&namespace, self.out);
                display(format_args!(",\"Pointer\":\"{id}\"}}"), self.out);
            }
            RawBsonRef::Undefined | RawBsonRef::MinKey | RawBsonRef::MaxKey => self.raw("{}"),
            // These look the same in both formats and do not come here.
            other => return self.value(other),
        }
        Ok(())
    }
}
