//! Cursors: a position in a sorted listing, as an opaque text that a client hands back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::SortKey;
use super::keyset::is_position;
use super::value::check;
use super::value::kind::Kind;
use super::value::order::{Class, sort_value};
use crate::hex::hex_sha1;

/// The longest cursor, in characters: a URL must hold it.
pub const MAX_LENGTH: usize = 4096;

/// A position in a listing: a value for each of its sort keys, the last of which is `_id`.
#[derive(Clone, Debug, PartialEq)]
pub struct Cursor {
    /// Whether the page ends before the position, rather than begins after it.
    pub backwards: bool,
    /// The values, each with its type.
    pub values: Vec<Value>,
    /// How many documents lie before the position, as far as the pages that led here know.
    pub before: u64,
}

impl Cursor {
    /// The position of a document, or `None` where it has a value that no query can start from, or other documents may
    /// have the same position.
    pub fn at(document: &Value, keys: &[SortKey], backwards: bool, before: u64) -> Option<Self> {
        if keys.last().is_none_or(|key| key.field != "_id") {
            return None;
        }
        let values: Option<Vec<Value>> =
            keys.iter().map(|key| sort_value(document, &key.field, key.descending)).collect();
        values.filter(|values| values.iter().all(is_position)).map(|values| Cursor { backwards, values, before })
    }

    /// The text for clients, base64url, or `None` where it would be too long for a URL, or would not be taken back.
    pub fn encode(&self, keys: &[SortKey]) -> Option<String> {
        let text = self.text(keys);
        (text.len() <= MAX_LENGTH && self.is_data()).then_some(text)
    }

    fn text(&self, keys: &[SortKey]) -> String {
        let content = json!([sort_id(keys), u8::from(self.backwards), self.values, self.before]).to_string();
        URL_SAFE_NO_PAD.encode(content)
    }

    /// Whether only data stands where values do, and none that no query can start from.
    fn is_data(&self) -> bool {
        self.values.iter().all(|value| is_data(value) && is_position(value))
    }

    /// Reads a text that [`Cursor::encode`] made for a listing of the same sort.
    ///
    /// # Errors
    /// What is wrong with it, to follow "the cursor".
    pub fn decode(text: &str, keys: &[SortKey]) -> Result<Self, &'static str> {
        const INVALID: &str = "was not issued by this service";
        if text.len() > MAX_LENGTH {
            return Err(INVALID);
        }
        let content = URL_SAFE_NO_PAD.decode(text).map_err(|_| INVALID)?;
        let (sort, direction, values, before): (String, u8, Vec<Value>, u64) =
            serde_json::from_slice(&content).map_err(|_| INVALID)?;
        if sort != sort_id(keys) || values.len() != keys.len() {
            return Err("was issued for a different sort");
        }
        let cursor = Cursor { backwards: direction == 1, values, before };
        // It came through a client's hands: only data may stand where values do, and one position has one text.
        // MongoDB skips no more than an Int64.
        if !cursor.is_data() || i64::try_from(before).is_err() || cursor.text(keys) != text {
            return Err(INVALID);
        }
        Ok(cursor)
    }
}

fn is_data(value: &Value) -> bool {
    match value {
        Value::Object(object) => match check::wrapper(object) {
            Ok(Some(canonical)) => canonical == *value,
            Ok(None) => matches!(Kind::of(value), Kind::Document(_)) && object.values().all(is_data),
            Err(_) => false,
        },
        Value::Array(values) => values.iter().all(is_data),
        Value::Number(number) => !number.is_u64() || number.as_i64().is_some(),
        _ => Class::of(value) != Class::Array,
    }
}

/// Eight hex digits that tell one sort from another.
fn sort_id(keys: &[SortKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| json!([key.field, key.descending])).collect();
    let mut id = hex_sha1(json!(keys).to_string().as_bytes());
    id.truncate(8);
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> Vec<SortKey> {
        let key = |field: &str, descending| SortKey { field: field.to_owned(), descending };
        vec![key("price", true), key("tags", false), key("_id", false)]
    }

    #[test]
    fn a_cursor_reads_back_as_itself_for_its_own_sort() {
        let document = json!({
            "_id": {"$oid": "5a1f00000000000000000001"},
            "price": {"$numberDecimal": "29.99"},
            "tags": ["b", "a"],
        });
        let cursor = Cursor::at(&document, &keys(), false, 7).unwrap();
        assert_eq!(cursor.values, [document["price"].clone(), json!("a"), document["_id"].clone()]);
        let text = cursor.encode(&keys()).unwrap();
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(Cursor::decode(&text, &keys()), Ok(cursor));
        let mut other = keys();
        other[0].descending = false;
        assert_eq!(Cursor::decode(&text, &other), Err("was issued for a different sort"));
        for bad in ["", "x", "!!!!", &text[1..], &format!("{text}="), &"A".repeat(MAX_LENGTH + 1)] {
            assert!(Cursor::decode(bad, &keys()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_forged_cursor_holds_no_operators() {
        for forged in [json!({"$gt": 1}), json!({"$where": "1"}), json!({"a": {"$in": []}}), json!([1])] {
            let content = json!([sort_id(&keys()), 0, [forged, "a", 1], 0]).to_string();
            let text = URL_SAFE_NO_PAD.encode(content);
            assert!(Cursor::decode(&text, &keys()).is_err(), "{forged}");
        }
        let far = Cursor { backwards: true, values: vec![json!(1), json!("a"), json!(1)], before: u64::MAX };
        assert!(Cursor::decode(&far.text(&keys()), &keys()).is_err());
        let near = Cursor { before: 1, ..far };
        assert_eq!(Cursor::decode(&near.text(&keys()), &keys()), Ok(near));
    }

    #[test]
    fn a_value_that_no_query_can_start_from_has_no_cursor() {
        let document = json!({"_id": 1, "price": {"$regularExpression": {"pattern": "a", "options": ""}}});
        assert_eq!(Cursor::at(&document, &keys(), false, 0), None);
    }
}
