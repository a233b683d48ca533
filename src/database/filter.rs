//! Which documents are meant.
//!
//! Input is data, never query: operators come from the closed lists below, a client's value only ever stands where MongoDB
//! expects a value, and a client's field name is checked by [`field_name`] before it stands where a name does.

#![allow(missing_docs, reason = "the tests are operators, under their own names")]

use serde_json::{Value, json};

use super::keyset::Keyset;
use super::object_id::ObjectId;
use super::query::{all, any, exists, none};
use super::value::candidates::{comparable, typed_candidates};

/// The most parts of a dotted field name. MongoDB nests documents no deeper than twice that.
const MAX_NAME_PARTS: usize = 100;

/// Conditions that must all hold; none at all means every document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter(pub Vec<Condition>);

/// One condition on a document.
#[derive(Clone, Debug, PartialEq)]
pub enum Condition {
    /// Its `_id` is one of these, each with its type.
    Id(Vec<Value>),
    /// Its `_id` is another ObjectId that begins with the same eight bytes.
    IdBeginsLike(ObjectId),
    /// The field, dotted to reach into documents, passes the test. The name is one that [`field_name`] accepts.
    Field { name: String, test: Test },
    /// Some top-level field is a string equal to this.
    AnyField(String),
    /// Some top-level string contains this text, whatever its case.
    Text(String),
    /// It has at least one of these top-level fields, names of a checked body.
    HasAnyField(Vec<String>),
    /// It is exactly this document, with its types and the order of its fields.
    Unchanged(Value),
    /// It lies beyond a position in a sorted listing.
    Beyond(Keyset),
}

/// What a field's value is tested for. The texts are values as they stood in a path or a query, without a type; see
/// [`typed_candidates`].
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    Equals(String),
    NotEquals(String),
    In(Vec<String>),
    NotIn(Vec<String>),
    Compares(Comparison, String),
    Exists(bool),
    /// A string has this text in it, at its start if `anchored`.
    Contains {
        text: String,
        anchored: bool,
        ignore_case: bool,
    },
}

/// The comparison operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

impl Comparison {
    fn operator(self) -> &'static str {
        match self {
            Comparison::Greater => "$gt",
            Comparison::GreaterOrEqual => "$gte",
            Comparison::Less => "$lt",
            Comparison::LessOrEqual => "$lte",
        }
    }

    fn or_equal(self) -> bool {
        matches!(self, Comparison::GreaterOrEqual | Comparison::LessOrEqual)
    }
}

impl Filter {
    /// The document with this `_id`.
    pub fn id(id: &Value) -> Self {
        Filter(vec![Condition::Id(vec![id.clone()])])
    }

    /// The MongoDB query, in Extended JSON.
    pub fn to_query(&self) -> Value {
        all(self.0.iter().map(Condition::to_query).collect())
    }
}

impl Condition {
    /// The condition that a field equals what the text means.
    pub fn equals(name: &str, text: &str) -> Self {
        Condition::Field { name: name.to_owned(), test: Test::Equals(text.to_owned()) }
    }

    fn to_query(&self) -> Value {
        match self {
            Condition::Id(ids) => match ids.as_slice() {
                [id] => json!({ "_id": { "$eq": id } }),
                ids => json!({ "_id": { "$in": ids } }),
            },
            Condition::IdBeginsLike(id) => {
                let [from, to] = [0x00, 0xff].map(|byte| id.ending_in([byte; 4]).to_ejson());
                json!({ "_id": { "$gte": from, "$lte": to, "$ne": id.to_ejson() } })
            }
            Condition::Field { name, test } => test.to_query(name),
            Condition::AnyField(text) => json!({ "$expr": { "$in": [
                { "$literal": text },
                { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.v" } },
            ] } }),
            Condition::Text(text) => json!({ "$expr": { "$anyElementTrue": [{ "$map": {
                "input": { "$objectToArray": "$$ROOT" },
                "in": { "$cond": [
                    { "$eq": [{ "$type": "$$this.v" }, "string"] },
                    { "$regexMatch": { "input": "$$this.v", "regex": { "$literal": escaped(text) }, "options": "i" } },
                    false,
                ] },
            } }] } }),
            Condition::HasAnyField(names) => any(names.iter().map(|name| exists(name, true)).collect()),
            Condition::Unchanged(document) => json!({ "$expr": { "$eq": ["$$ROOT", { "$literal": document }] } }),
            Condition::Beyond(keyset) => keyset.to_query(),
        }
    }
}

impl Test {
    fn to_query(&self, name: &str) -> Value {
        match self {
            Test::Equals(text) => one_of(name, std::slice::from_ref(text)),
            Test::NotEquals(text) => none(vec![one_of(name, std::slice::from_ref(text))]),
            Test::In(texts) => one_of(name, texts),
            Test::NotIn(texts) => none(vec![one_of(name, texts)]),
            Test::Compares(comparison, text) => {
                any(comparable(text).into_iter().map(|values| compares(name, *comparison, values)).collect())
            }
            Test::Exists(exist) => exists(name, *exist),
            Test::Contains { text, anchored, ignore_case } => {
                let start = if *anchored { "^" } else { "" };
                let options = if *ignore_case { "i" } else { "" };
                json!({ name: { "$regex": format!("{start}{}", escaped(text)), "$options": options } })
            }
        }
    }
}

fn one_of(name: &str, texts: &[String]) -> Value {
    let values: Vec<Value> = texts.iter().flat_map(|text| typed_candidates(text)).collect();
    let is_one = json!({ name: { "$in": values } });
    if texts.iter().any(|text| text == "null") {
        // `$in: [null]` would find documents without the field too; its type is null only where it is there.
        return json!({ "$or": [is_one, { name: { "$type": "null" } }] });
    }
    is_one
}

/// A double and the Decimal128 of the same digits are a little apart. A value is greater than what both mean if it is
/// greater than each, and at least that if it is at least one of them.
fn compares(name: &str, comparison: Comparison, values: Vec<Value>) -> Value {
    let queries = values.into_iter().map(|value| json!({ name: { comparison.operator(): value } })).collect();
    if comparison.or_equal() { any(queries) } else { all(queries) }
}

/// The regular expression that finds exactly this text.
fn escaped(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            // A pattern ends at a NUL where MongoDB stores it.
            '\0' => pattern.push_str("\\x00"),
            _ if character.is_ascii_alphanumeric() || !character.is_ascii() => pattern.push(character),
            // An escaped newline is a newline in every dialect, but so is a bare one.
            _ if character.is_ascii_control() => pattern.push(character),
            _ => pattern.extend(['\\', character]),
        }
    }
    pattern
}

/// Checks a field's name from a path or a query: it may be dotted, but no part of it may be empty, start with `$` (an
/// operator) or hold NUL, and no space may stand at either end.
///
/// # Errors
/// What is wrong with it, to follow the name in a sentence.
pub fn field_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("is empty");
    }
    if name.trim().len() != name.len() {
        return Err("has a space at its start or end");
    }
    for (at, part) in name.split('.').enumerate() {
        if at == MAX_NAME_PARTS {
            return Err("has more than 100 parts");
        }
        if part.is_empty() {
            return Err("has an empty part");
        }
        if part.starts_with('$') {
            return Err("starts with `$`");
        }
        if part.contains('\0') {
            return Err("holds a NUL character");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(test: Test) -> Value {
        Condition::Field { name: "f".to_owned(), test }.to_query()
    }

    fn equals(text: &str) -> Value {
        Condition::equals("f", text).to_query()
    }

    #[test]
    fn a_text_equals_every_value_that_is_shown_like_it() {
        assert_eq!(equals("Nintendo"), json!({"f": {"$in": ["Nintendo"]}}));
        assert_eq!(equals("2017"), json!({"f": {"$in": ["2017", 2017]}}));
        assert_eq!(equals("null"), json!({"$or": [{"f": {"$in": ["null"]}}, {"f": {"$type": "null"}}]}));
        assert_eq!(field(Test::NotEquals("2017".to_owned())), json!({"$nor": [{"f": {"$in": ["2017", 2017]}}]}));
        let texts = || vec!["a".to_owned(), "1".to_owned()];
        assert_eq!(field(Test::In(texts())), json!({"f": {"$in": ["a", "1", 1]}}));
        assert_eq!(field(Test::NotIn(texts())), json!({"$nor": [{"f": {"$in": ["a", "1", 1]}}]}));
    }

    #[test]
    fn comparisons_are_made_within_each_type() {
        let compares = |comparison, text: &str| field(Test::Compares(comparison, text.to_owned()));
        assert_eq!(compares(Comparison::Greater, "x"), json!({"f": {"$gt": "x"}}));
        assert_eq!(
            compares(Comparison::LessOrEqual, "20"),
            json!({"$or": [{"f": {"$lte": "20"}}, {"f": {"$lte": 20}}]})
        );
        let (double, decimal) = (json!({"$numberDouble": "0.1"}), json!({"$numberDecimal": "0.1"}));
        assert_eq!(
            compares(Comparison::Less, "0.1"),
            json!({"$or": [{"f": {"$lt": "0.1"}}, {"$and": [{"f": {"$lt": double}}, {"f": {"$lt": decimal}}]}]})
        );
        assert_eq!(
            compares(Comparison::GreaterOrEqual, "0.1"),
            json!({"$or": [{"f": {"$gte": "0.1"}}, {"$or": [{"f": {"$gte": double}}, {"f": {"$gte": decimal}}]}]})
        );
    }

    #[test]
    fn a_value_never_becomes_an_operator_or_a_pattern() {
        for text in ["$where", "{\"$gt\": 0}", "$$ROOT"] {
            assert_eq!(equals(text), json!({"f": {"$in": [text]}}));
            let any = Condition::AnyField(text.to_owned()).to_query();
            assert_eq!(any["$expr"]["$in"][0], json!({ "$literal": text }));
        }
        let contains = |text: &str, anchored, ignore_case| {
            field(Test::Contains { text: text.to_owned(), anchored, ignore_case })["f"].clone()
        };
        assert_eq!(contains("a.*(b)|[c]$", false, false), json!({"$regex": r"a\.\*\(b\)\|\[c\]\$", "$options": ""}));
        assert_eq!(contains("é \\Q", true, true), json!({"$regex": r"^é\ \\Q", "$options": "i"}));
        assert_eq!(contains("a\0b", false, false), json!({"$regex": r"a\x00b", "$options": ""}));
    }

    #[test]
    fn an_exact_document_is_compared_with_its_types() {
        let document = json!({"_id": {"$numberInt": "1"}, "a": "$b"});
        let filter = Filter(vec![Condition::Id(vec![json!(1)]), Condition::Unchanged(document.clone())]);
        assert_eq!(
            filter.to_query(),
            json!({"$and": [{"_id": {"$eq": 1}}, {"$expr": {"$eq": ["$$ROOT", {"$literal": document}]}}]})
        );
    }

    #[test]
    fn invalid_field_names_are_refused() {
        let deep = vec!["a"; 101].join(".");
        for bad in ["", ".", "a.", ".a", "a..b", "$where", "a.$b", "a\0", " a", "a ", "\ta", &deep] {
            assert!(field_name(bad).is_err(), "{bad:?}");
        }
        for good in ["item", "bought.item", "a$", "système", "bought.0.price", "a b", "\u{feff}name", &deep[2..]] {
            assert!(field_name(good).is_ok(), "{good:?}");
        }
    }
}
