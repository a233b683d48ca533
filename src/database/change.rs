//! What an update changes.

use serde_json::Value;

use super::Document;
use super::value::Format;
use super::value::kind::Kind;
use super::value::restore::{merge, restore};

/// An update of one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Update {
    /// The top-level fields to set.
    pub set: Document,
    /// The top-level fields to remove.
    pub unset: Vec<String>,
}

impl Update {
    /// The MongoDB update.
    pub fn to_query(&self) -> Value {
        let mut update = Document::new();
        if !self.set.is_empty() {
            update.insert("$set".to_owned(), Value::Object(self.set.clone()));
        }
        if !self.unset.is_empty() {
            let names = self.unset.iter().map(|name| (name.clone(), Value::from("")));
            update.insert("$unset".to_owned(), Value::Object(names.collect()));
        }
        Value::Object(update)
    }
}

/// What a request wants to change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The body's fields.
    pub fields: Document,
    /// How their values are spelled.
    pub format: Format,
    /// How they are applied.
    pub mode: Mode,
}

/// How a body's fields are applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Each field is set, whole.
    Set,
    /// A JSON Merge Patch (RFC 7396).
    Merge,
}

impl Change {
    /// Whether what is written depends on what is stored, so that it may only be written to the document as it was read.
    pub fn depends_on_stored(&self) -> bool {
        self.mode == Mode::Merge && self.fields.values().any(|value| matches!(Kind::of(value), Kind::Document(_)))
    }

    /// The update that applies the change to a stored document. In plain JSON, what is sent as it was shown keeps its
    /// type.
    pub fn apply(&self, stored: &Value) -> Update {
        let mut update = Update::default();
        for (name, value) in &self.fields {
            let so_far = stored.get(name);
            match self.mode {
                Mode::Merge if value.is_null() => update.unset.push(name.clone()),
                Mode::Merge => drop(update.set.insert(name.clone(), merge(so_far, value, self.format))),
                Mode::Set if self.format == Format::Ejson => drop(update.set.insert(name.clone(), value.clone())),
                Mode::Set => drop(update.set.insert(name.clone(), restore(so_far, value))),
            }
        }
        update
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn update(mode: Mode, format: Format, fields: Value) -> Value {
        let stored = json!({"_id": 1, "price": {"$numberDecimal": "5"}, "inner": {"a": 1, "b": {"$numberLong": "2"}}});
        let fields = fields.as_object().cloned().unwrap();
        Change { fields, format, mode }.apply(&stored).to_query()
    }

    #[test]
    fn fields_are_set_whole_and_keep_their_types() {
        assert_eq!(
            update(Mode::Set, Format::Json, json!({"price": "5", "inner": {"b": 2}, "new": null})),
            json!({"$set": {"price": {"$numberDecimal": "5"}, "inner": {"b": {"$numberLong": "2"}}, "new": null}})
        );
        assert_eq!(
            update(Mode::Set, Format::Ejson, json!({"price": "5"})),
            json!({"$set": {"price": "5"}}),
            "Extended JSON says what it means"
        );
    }

    #[test]
    fn a_merge_patch_removes_and_merges() {
        assert_eq!(
            update(Mode::Merge, Format::Json, json!({"price": null, "inner": {"a": null, "c": 3}})),
            json!({"$set": {"inner": {"b": {"$numberLong": "2"}, "c": 3}}, "$unset": {"price": ""}})
        );
        assert_eq!(update(Mode::Merge, Format::Json, json!({"price": null})), json!({"$unset": {"price": ""}}));
        assert_eq!(
            update(Mode::Merge, Format::Ejson, json!({"price": "5", "inner": {"b": {"$numberInt": "2"}}})),
            json!({"$set": {"price": "5", "inner": {"a": 1, "b": {"$numberInt": "2"}}}}),
            "Extended JSON says what it means"
        );
    }
}
