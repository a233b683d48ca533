//! Canonical Extended JSON v2: every BSON type is spelled so that it reads back as itself.

use mongodb::bson::RawBsonRef;

use super::text::{base64, display, double, string};
use super::{WriteError, Writer};

impl Writer<'_> {
    pub(super) fn canonical(&mut self, value: RawBsonRef<'_>) -> Result<(), WriteError> {
        match value {
            RawBsonRef::Int32(number) => self.quoted("{\"$numberInt\":\"", number),
            RawBsonRef::Int64(number) => self.quoted("{\"$numberLong\":\"", number),
            RawBsonRef::Double(number) => {
                self.raw("{\"$numberDouble\":\"");
                double(number, self.out);
                self.raw("\"}");
            }
            RawBsonRef::Decimal128(number) => self.quoted("{\"$numberDecimal\":\"", number),
            RawBsonRef::ObjectId(id) => self.quoted("{\"$oid\":\"", id),
            RawBsonRef::DateTime(date) => {
                self.quoted("{\"$date\":{\"$numberLong\":\"", date.timestamp_millis());
                self.raw("}");
            }
            RawBsonRef::Binary(binary) => {
                self.raw("{\"$binary\":{\"base64\":\"");
                base64(binary.bytes, self.out);
                display(format_args!("\",\"subType\":\"{:02x}\"}}}}", u8::from(binary.subtype)), self.out);
            }
            RawBsonRef::RegularExpression(regex) => {
                self.raw("{\"$regularExpression\":{\"pattern\":");
                string(regex.pattern.as_str(), self.out);
                self.raw(",\"options\":");
                // They may have been stored unsorted; BSON and Extended JSON both want them sorted.
                let mut options: Vec<char> = regex.options.as_str().chars().collect();
                options.sort_unstable();
                string(&String::from_iter(options), self.out);
                self.raw("}}");
            }
            RawBsonRef::Timestamp(stamp) => {
                let (t, i) = (stamp.time, stamp.increment);
                display(format_args!("{{\"$timestamp\":{{\"t\":{t},\"i\":{i}}}}}"), self.out);
            }
            RawBsonRef::JavaScriptCode(code) => {
                self.raw("{\"$code\":");
                string(code, self.out);
                self.raw("}");
            }
            RawBsonRef::JavaScriptCodeWithScope(code) => {
                self.raw("{\"$code\":");
                string(code.code, self.out);
                self.raw(",\"$scope\":");
                self.document(code.scope)?;
                self.raw("}");
            }
            RawBsonRef::Symbol(symbol) => {
                self.raw("{\"$symbol\":");
                string(symbol, self.out);
                self.raw("}");
            }
            RawBsonRef::DbPointer(_) => {
                let (namespace, id) = super::pointer(value)?;
                self.raw("{\"$dbPointer\":{\"$ref\":");
                string(&namespace, self.out);
                self.quoted(",\"$id\":{\"$oid\":\"", id);
                self.raw("}}");
            }
            RawBsonRef::Undefined => self.raw("{\"$undefined\":true}"),
            RawBsonRef::MinKey => self.raw("{\"$minKey\":1}"),
            RawBsonRef::MaxKey => self.raw("{\"$maxKey\":1}"),
            // These look the same in both formats and do not come here.
            other => return self.value(other),
        }
        Ok(())
    }

    /// A wrapper around a value whose text needs no escaping.
    fn quoted(&mut self, start: &str, value: impl std::fmt::Display) {
        self.raw(start);
        display(value, self.out);
        self.raw("\"}");
    }
}
