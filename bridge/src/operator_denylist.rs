//! Operators that a client may not use, wherever they hide in a filter, a projection, an update or a pipeline.
//!
//! The check is by name, at every level: an operator is found also where MongoDB would take it for data, in a value below
//! `$literal` or `$set`. That is the price of not having to know, for each version of MongoDB, where it starts to
//! interpret. Documents that are inserted, or replace others, are data and not checked.

use mongodb::bson::{Document, RawArray, RawBsonRef, RawDocument, doc};

use crate::error::Error;
use crate::quoted::shortened;

/// Run JavaScript inside MongoDB.
const JAVASCRIPT: [&str; 3] = ["$where", "$function", "$accumulator"];

/// Stages that write: reads must stay reads.
const WRITING: [&str; 2] = ["$out", "$merge"];

/// Stages that show what others do, or how the server is doing; and those that never end.
const OPERATIONS: [&str; 20] = [
    "$backupCursor",
    "$backupCursorExtend",
    "$changeStream",
    "$changeStreamSplitLargeEvent",
    "$collStats",
    "$currentOp",
    "$indexStats",
    "$listCatalog",
    "$listClusterCatalog",
    "$listLocalSessions",
    "$listMqlEntities",
    "$listSampledQueries",
    "$listSearchIndexes",
    "$listSessions",
    "$mergeCursors",
    "$planCacheStats",
    "$queryStats",
    "$querySettings",
    "$shardedDataDistribution",
    "$operationMetrics",
];

/// Checks a document and all that it holds; `name` is the body's field that it is in.
///
/// # Errors
/// 400 that names the operator and where it stands.
pub fn check(name: &str, document: &RawDocument) -> Result<(), Error> {
    let mut path = vec![Step::Key(name)];
    check_document(document, &mut path)
}

/// Checks an array, a pipeline.
///
/// # Errors
/// 400 that names the operator and where it stands.
pub fn check_array(name: &str, array: &RawArray) -> Result<(), Error> {
    let mut path = vec![Step::Key(name)];
    check_elements(array, &mut path)
}

#[derive(Clone, Copy)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

fn check_document<'a>(document: &'a RawDocument, path: &mut Vec<Step<'a>>) -> Result<(), Error> {
    for element in document {
        let (key, value) = element.map_err(unreadable)?;
        path.push(Step::Key(key.as_str()));
        if is_forbidden(key.as_str()) && !is_count(path, value) {
            return Err(Error::InvalidParameter(format!(
                "the operator `{}` is not allowed here: `{}`",
                shortened(key.as_str()),
                spelled(path)
            )));
        }
        check_value(value, path)?;
        path.pop();
    }
    Ok(())
}

fn check_elements<'a>(array: &'a RawArray, path: &mut Vec<Step<'a>>) -> Result<(), Error> {
    for (index, element) in array.into_iter().enumerate() {
        path.push(Step::Index(index));
        check_value(element.map_err(unreadable)?, path)?;
        path.pop();
    }
    Ok(())
}

fn check_value<'a>(value: RawBsonRef<'a>, path: &mut Vec<Step<'a>>) -> Result<(), Error> {
    match value {
        RawBsonRef::Document(document) => check_document(document, path),
        RawBsonRef::Array(array) => check_elements(array, path),
        _ => Ok(()),
    }
}

fn is_forbidden(key: &str) -> bool {
    key.starts_with('$')
        && (JAVASCRIPT.contains(&key)
            || WRITING.contains(&key)
            || OPERATIONS.contains(&key)
            // What MongoDB's own servers send to each other: `$_internal…`, `$_backupFile`, and more.
            || key.starts_with("$_"))
}

/// Whether this is `{"$collStats": {"count": {}}}` at the start of a pipeline: how clients count a whole collection. Whatever else
/// the stage says, it is about the server.
fn is_count(path: &[Step<'_>], value: RawBsonRef<'_>) -> bool {
    let first = matches!(path, [Step::Key("pipeline"), Step::Index(0), Step::Key("$collStats")]);
    let RawBsonRef::Document(options) = value else { return false };
    let mut keys =
        options.iter_elements().map(|element| element.is_ok_and(|element| element.key().as_str() == "count"));
    first && keys.next() == Some(true) && keys.next().is_none()
}

/// The stage that must follow an allowed `$collStats`: it keeps the count, and drops the name of the machine that answered.
pub(crate) fn count_only() -> Document {
    doc! { "$project": { "_id": 0, "ns": 1, "count": 1 } }
}

fn spelled(path: &[Step<'_>]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", &shortened(key)]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

fn unreadable(error: mongodb::bson::error::Error) -> Error {
    Error::Internal(format!("the body's BSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ejson::read;

    fn found(text: &str) -> Option<String> {
        check("filter", &read::document(text.as_bytes()).unwrap()).err().map(|error| error.to_string())
    }

    #[test]
    fn wherever_they_hide() {
        for (text, operator, path) in [
            (r#"{"$where":"1"}"#, "$where", "filter.$where"),
            (r#"{"\u0024where":"1"}"#, "$where", "filter.$where"),
            (r#"{"$or":[{"a":1},{"$and":[{"$where":{"$code":"1"}}]}]}"#, "$where", "filter.$or[1].$and[0].$where"),
            (r#"{"$expr":{"$function":{"body":"f","args":[],"lang":"js"}}}"#, "$function", "filter.$expr.$function"),
            (r#"{"a":{"$elemMatch":{"$not":{"$where":1}}}}"#, "$where", "filter.a.$elemMatch.$not.$where"),
            (r#"{"p":[[{"$lookup":{"pipeline":[{"$out":"x"}]}}]]}"#, "$out", "filter.p[0][0].$lookup.pipeline[0].$out"),
            (
                r#"{"a":{"$_internalInhibitOptimization":{}}}"#,
                "$_internalInhibitOptimization",
                "filter.a.$_internalInhibitOptimization",
            ),
        ] {
            assert_eq!(found(text), Some(format!("the operator `{operator}` is not allowed here: `{path}`")));
        }
    }

    #[test]
    fn counting_a_collection_is_allowed() {
        let found = |text: &str| {
            let body = read::document(format!("{{\"pipeline\":{text}}}").as_bytes()).unwrap();
            check_array("pipeline", body.get_array("pipeline").unwrap()).is_err()
        };
        assert!(!found(r#"[{"$collStats":{"count":{}}},{"$group":{"_id":1,"n":{"$sum":"$count"}}}]"#));
        for text in [
            r#"[{"$collStats":{}}]"#,
            r#"[{"$collStats":{"count":{},"storageStats":{}}}]"#,
            r#"[{"$collStats":{"latencyStats":{}}}]"#,
            r#"[{"$collStats":{"count":{"$where":"1"}}}]"#,
            r#"[{"$collStats":1}]"#,
            r#"[{"$match":{}},{"$collStats":{"count":{}}}]"#,
            r#"[{"$lookup":{"from":"a","pipeline":[{"$collStats":{"count":{}}}],"as":"b"}}]"#,
            r#"[{"$unionWith":{"coll":"a","pipeline":[{"$collStats":{"count":{}}}]}}]"#,
        ] {
            assert!(found(text), "{text}");
        }
    }

    #[test]
    fn what_only_looks_like_one() {
        for text in [
            r#"{"a":"$where"}"#,
            r#"{"where":1,"out":{"merge":1}}"#,
            r#"{"a":{"$in":["$out","$function"]}}"#,
            r#"{"$expr":{"$eq":["$merge",{"$literal":"$where"}]}}"#,
            r#"{"a.$where":1}"#,
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
