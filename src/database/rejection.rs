//! What MongoDB refuses because of what a client asked for: the client's mistakes, told apart from failures.

#![allow(missing_docs, reason = "each reason says what its fields are")]

use std::fmt;

use serde::Deserialize;
use serde_json::Value;

/// MongoDB's code for a duplicate key.
const DUPLICATE_KEY: i64 = 11000;
/// Its code for a document that the collection's validator refuses.
const VALIDATION: i64 = 121;
/// Its codes for documents that are too large.
const TOO_LARGE: [i64; 2] = [10334, 17419];
/// Its codes for what a client may get wrong in a query: BadValue, FailedToParse, TypeMismatch, Overflow, InvalidLength,
/// IllegalOperation, PathNotViable, and errors of a sort that needs too much memory.
const QUERY: [i64; 14] = [2, 9, 14, 15, 16, 17, 20, 28, 31, 40, 52, 96, 168, 292];
/// And in a document: the names and values of fields.
const DOCUMENT: [i64; 16] = [2, 9, 14, 15, 16, 17, 22, 28, 40, 52, 53, 54, 55, 56, 57, 66];
/// From here on codes are places in MongoDB's source: checks of what it was asked.
const LOCATIONS: i64 = 12000;

/// What MongoDB refused, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Why.
    pub reason: Reason,
    /// The place of the refused document among several that were inserted in their order.
    pub place: Option<usize>,
}

/// Why MongoDB refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Another document has these fields' values already, and the index is unique.
    Duplicate { index: String, fields: Vec<String> },
    /// The collection's validator refuses the document; with MongoDB's words.
    Validation(String),
    /// The document would be larger than MongoDB stores.
    TooLarge,
    /// The Data API takes no request of this size, or none that needs so much memory.
    TooLargeRequest,
    /// Something in the document cannot be stored; with MongoDB's words.
    Document(String),
    /// The query cannot be answered: the parameter that asks for it, and MongoDB's words.
    Query { parameter: &'static str, why: String },
}

impl Reason {
    /// Whether another document has a value that must be unique.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Reason::Duplicate { .. })
    }

    /// Whether it is the `_id` that exists already.
    pub fn is_duplicate_id(&self) -> bool {
        matches!(self, Reason::Duplicate { index, .. } if index == "_id_")
    }
}

/// The body of the Data API's errors.
#[derive(Deserialize)]
pub(super) struct Failure {
    pub(super) error: String,
    #[serde(default)]
    code: Option<i64>,
    /// The place of the document that was refused.
    #[serde(default)]
    index: Option<usize>,
    /// What a validator says.
    #[serde(default)]
    details: Option<Value>,
}

impl Failure {
    /// The client's mistake, where it is one.
    pub(super) fn rejection(&self, reading: bool) -> Option<Rejection> {
        let code = self.code?;
        let reason = match code {
            DUPLICATE_KEY => duplicate(&self.error),
            VALIDATION => Reason::Validation(validation(&self.error, self.details.as_ref())),
            _ if TOO_LARGE.contains(&code) => Reason::TooLarge,
            _ if reading && (QUERY.contains(&code) || code >= LOCATIONS) => {
                Reason::Query { parameter: parameter(&self.error), why: cause(&self.error) }
            }
            _ if !reading && DOCUMENT.contains(&code) => Reason::Document(cause(&self.error)),
            _ => return None,
        };
        Some(Rejection { reason, place: self.index })
    }
}

/// Reads `… index: sku_1 dup key: { sku: "A-1" }`. The values are somebody's data, and are left out.
fn duplicate(message: &str) -> Reason {
    let after = message.split_once(" index: ").map_or("", |(_, after)| after);
    let (index, key) = after.split_once(" dup key: ").unwrap_or((after.trim(), ""));
    Reason::Duplicate { index: index.to_owned(), fields: names(key) }
}

/// The names in `{ a: 1, b.c: "x, y: z" }`.
fn names(key: &str) -> Vec<String> {
    let (mut names, mut name, mut reads_name, mut depth) = (Vec::new(), String::new(), true, 0_usize);
    let mut characters = key.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' if !reads_name => loop {
                match characters.next() {
                    Some('\\') => drop(characters.next()),
                    Some('"') | None => break,
                    _ => {}
                }
            },
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth = depth.saturating_sub(1),
            ':' if depth == 1 && reads_name => {
                let quotes: &[char] = &['"', '\''];
                names.push(name.trim().trim_matches(quotes).to_owned());
                (name, reads_name) = (String::new(), false);
            }
            ',' if depth == 1 => reads_name = true,
            _ if depth == 1 && reads_name => name.push(character),
            _ => {}
        }
    }
    names
}

/// The longest text of MongoDB's that a client gets.
const MAX_WORDS: usize = 1000;

/// MongoDB's own words without what it says of itself before: `(BadValue) Executor error … :: caused by :: …`.
fn cause(message: &str) -> String {
    let words = message.rsplit_once(":: caused by :: ").map_or(message, |(_, words)| words);
    let words = match words.strip_prefix('(').and_then(|words| words.split_once(") ")) {
        Some((_, words)) => words,
        None => words,
    };
    words.chars().take(MAX_WORDS).collect()
}

fn validation(message: &str, details: Option<&Value>) -> String {
    let rules = details.and_then(|details| details.get("details")).or(details);
    match rules {
        Some(rules) => format!("{}: {rules}", cause(message)).chars().take(MAX_WORDS).collect(),
        None => cause(message),
    }
}

/// The parameter of a listing that a refusal is about.
fn parameter(message: &str) -> &'static str {
    let message = message.to_ascii_lowercase();
    let mentions = |words: &[&str]| words.iter().any(|word| message.contains(word));
    if mentions(&["sort", "parallel arrays", "compound key"]) {
        "sort"
    } else if mentions(&["project", "path collision"]) {
        "fields"
    } else {
        "filter"
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Duplicate { index, fields } if self.reason.is_duplicate_id() || fields.is_empty() => {
                write!(f, "a document with this value in the unique index {index:?} already exists")
            }
            Reason::Duplicate { index, fields } => write!(
                f,
                "the unique index {index:?} on {} already contains this value",
                fields.iter().map(|field| format!("{field:?}")).collect::<Vec<_>>().join(", ")
            ),
            Reason::Validation(words) => write!(f, "the collection's validator rejects the document: {words}"),
            Reason::TooLarge => f.write_str("the document would exceed MongoDB's limit of 16 MiB"),
            Reason::TooLargeRequest => {
                f.write_str("the request is larger than the Data API takes; send less at a time")
            }
            Reason::Document(words) => write!(f, "MongoDB rejects the document: {words}"),
            Reason::Query { parameter, why } => write!(f, "MongoDB rejects the query's {parameter}: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reason(body: Value, reading: bool) -> Option<Reason> {
        let failure: Failure = serde_json::from_value(body).unwrap();
        failure.rejection(reading).map(|rejection| rejection.reason)
    }

    #[test]
    fn a_duplicate_is_named_by_its_index_and_fields() {
        let duplicate = |key: &str| {
            let error = format!("(DuplicateKey) E11000 duplicate key error collection: db.c index: i_1 dup key: {key}");
            match reason(json!({"error": error, "code": 11000}), false) {
                Some(Reason::Duplicate { index, fields }) => {
                    assert_eq!(index, "i_1");
                    fields
                }
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(duplicate("{ sku: \"A-1\" }"), ["sku"]);
        assert_eq!(duplicate("{ a.b: \"x, y: { z: \\\"\", c: { d: 1 }, e: ObjectId('00') }"), ["a.b", "c", "e"]);
        assert_eq!(duplicate("{ : \"A-1\" }"), [""]);
        assert!(duplicate("").is_empty());
    }

    #[test]
    fn a_clients_mistake_is_told_from_a_failure() {
        let parallel = "(BadValue) Executor error during find command on namespace: db.c :: caused by :: cannot sort with \
                        keys that are parallel arrays";
        assert_eq!(
            reason(json!({"error": parallel, "code": 2}), true),
            Some(Reason::Query { parameter: "sort", why: "cannot sort with keys that are parallel arrays".to_owned() })
        );
        let too_many = json!({"error": "(Location13103) too many compound keys", "code": 13103});
        assert!(matches!(reason(too_many, true), Some(Reason::Query { parameter: "sort", .. })));
        let collision = json!({"error": "(Location31249) Path collision at a.b", "code": 31249});
        assert!(matches!(reason(collision, true), Some(Reason::Query { parameter: "fields", .. })));
        let details = json!({"failingDocumentId": 1, "details": {"operatorName": "$jsonSchema"}});
        let invalid =
            json!({"error": "(DocumentValidationFailure) Document failed validation", "code": 121, "details": details});
        match reason(invalid, false) {
            Some(Reason::Validation(words)) => {
                assert_eq!(words, "Document failed validation: {\"operatorName\":\"$jsonSchema\"}");
            }
            other => panic!("{other:?}"),
        }
        for code in TOO_LARGE {
            assert_eq!(reason(json!({"error": "", "code": code}), false), Some(Reason::TooLarge));
        }
        for ours in [13, 18, 59, 8000] {
            assert_eq!(reason(json!({"error": "", "code": ours}), true), None);
        }
        assert_eq!(reason(json!({"error": "x"}), true), None);
    }
}
