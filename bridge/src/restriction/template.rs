//! A rule's filter as it is written, with placeholders for what is known of the user.
//!
//! A placeholder stands where a filter has a value, and becomes a value: never an operator, a pattern or the path of a
//! field. Where it could be read as one, the access file is refused. A string in `$expr` that begins with `$` is a path, so
//! there a value is wrapped in `$literal`.

use mongodb::bson::{Array, Bson, Document, doc};
use serde::Deserialize;

use crate::ejson::read;
use crate::operator_denylist;
use crate::user::User;

/// What introduces a placeholder.
const PLACEHOLDER: &str = "%%";

/// Operators whose operand is a value, or a list of values.
const COMPARISONS: [&str; 9] = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$all"];

/// Operators whose operand is not a value of the field: no placeholder may stand there.
const OTHERS: [&str; 13] = [
    "$exists",
    "$type",
    "$size",
    "$mod",
    "$regex",
    "$options",
    "$bitsAllSet",
    "$bitsAnySet",
    "$bitsAllClear",
    "$bitsAnyClear",
    "$geoWithin",
    "$geoIntersects",
    "$comment",
];

/// A filter in which `%%user.…` stands for values.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(try_from = "Written")]
pub struct Template(Document);

/// How the access file has it: Extended JSON in a string, or a table.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Table(serde_json::Map<String, serde_json::Value>),
}

/// Why a filter has no form for this user.
#[derive(Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// The user lacks this value.
    Missing(String),
    /// The filter itself cannot be meant so.
    Invalid(String),
}

impl TryFrom<Written> for Template {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, String> {
        let text = match written {
            Written::Text(text) => text,
            Written::Table(table) => serde_json::Value::Object(table).to_string(),
        };
        let invalid = |why: String| format!("the filter is not usable: {why}");
        let raw = read::document(text.as_bytes()).map_err(|error| invalid(error.to_string()))?;
        operator_denylist::check("filter", &raw).map_err(|error| invalid(error.to_string()))?;
        let template = Template(Document::try_from(&*raw).map_err(|error| invalid(error.to_string()))?);
        if template.0.is_empty() {
            return Err(invalid("it is empty; leave it out to allow every document".to_owned()));
        }
        // A user who has everything: what is wrong for it is wrong for all.
        let resolved = resolve_filter(&template.0, &|name| known(name).then(|| Bson::String(String::new())));
        match resolved {
            Ok(_) => Ok(template),
            Err(Unresolved::Missing(name)) => Err(invalid(format!(
                "`{PLACEHOLDER}{name}` is unknown; there are %%user.id, %%user.email and %%user.data.<claim>"
            ))),
            Err(Unresolved::Invalid(why)) => Err(invalid(why)),
        }
    }
}

fn known(name: &str) -> bool {
    matches!(name, "user.id" | "user.email") || name.strip_prefix("user.data.").is_some_and(|claim| !claim.is_empty())
}

impl Template {
    /// The filter for this user.
    ///
    /// # Errors
    /// Where the user lacks a value that it asks for.
    pub fn resolve(&self, user: &User) -> Result<Document, Unresolved> {
        resolve_filter(&self.0, &|name| user.value(name.strip_prefix("user.")?))
    }
}

fn each_string(value: &Bson, found: &mut impl FnMut(&str)) {
    match value {
        Bson::String(text) => found(text),
        Bson::Array(elements) => elements.iter().for_each(|element| each_string(element, found)),
        Bson::Document(document) => document.values().for_each(|value| each_string(value, found)),
        _ => {}
    }
}

type Value<'a> = dyn Fn(&str) -> Option<Bson> + 'a;

fn resolve_filter(filter: &Document, value_of: &Value<'_>) -> Result<Document, Unresolved> {
    let resolve = |(key, value): (&String, &Bson)| {
        let resolved = match key.as_str() {
            "$and" | "$or" | "$nor" => Bson::Array(resolve_filters(key, value, value_of)?),
            "$expr" => resolve_expression(value, value_of)?,
            "$jsonSchema" | "$comment" => without_placeholder(key, value)?,
            key if key.starts_with('$') => return Err(invalid(format!("`{key}` cannot be used in a rule's filter"))),
            key if key.contains(PLACEHOLDER) => return Err(invalid(format!("a field cannot be named `{key}`"))),
            _ => resolve_condition(value, value_of)?,
        };
        Ok((key.clone(), resolved))
    };
    filter.iter().map(resolve).collect()
}

fn resolve_filters(key: &str, value: &Bson, value_of: &Value<'_>) -> Result<Array, Unresolved> {
    let elements = value.as_array().filter(|elements| !elements.is_empty());
    let elements = elements.ok_or_else(|| invalid(format!("`{key}` needs a list of filters")))?;
    let resolve = |element: &Bson| match element {
        Bson::Document(filter) => resolve_filter(filter, value_of).map(Bson::Document),
        _ => Err(invalid(format!("`{key}` needs a list of filters"))),
    };
    elements.iter().map(resolve).collect()
}

/// What a field must be: a value, or operators.
fn resolve_condition(condition: &Bson, value_of: &Value<'_>) -> Result<Bson, Unresolved> {
    match condition {
        Bson::Document(operators) if has_operators(operators) => {
            let resolve = |(operator, operand): (&String, &Bson)| {
                let resolved = match operator.as_str() {
                    name if COMPARISONS.contains(&name) => resolve_value(operand, value_of)?,
                    "$not" => resolve_condition(operand, value_of)?,
                    "$elemMatch" => match operand {
                        Bson::Document(filter) if has_comparisons(filter) => resolve_condition(operand, value_of)?,
                        Bson::Document(filter) => Bson::Document(resolve_filter(filter, value_of)?),
                        _ => return Err(invalid("`$elemMatch` needs a document".to_owned())),
                    },
                    name if OTHERS.contains(&name) => without_placeholder(name, operand)?,
                    name => return Err(invalid(format!("`{name}` cannot be used in a rule's filter"))),
                };
                Ok((operator.clone(), resolved))
            };
            operators.iter().map(resolve).collect::<Result<Document, _>>().map(Bson::Document)
        }
        value => resolve_value(value, value_of),
    }
}

pub(super) fn has_operators(document: &Document) -> bool {
    document.keys().next().is_some_and(|key| key.starts_with('$'))
}

/// Whether an `$elemMatch` compares the elements themselves, and not their fields.
pub(super) fn has_comparisons(document: &Document) -> bool {
    document.keys().next().is_some_and(|key| key.starts_with('$') && !matches!(key.as_str(), "$and" | "$or" | "$nor"))
}

/// A value to compare with, at any depth.
fn resolve_value(value: &Bson, value_of: &Value<'_>) -> Result<Bson, Unresolved> {
    match value {
        Bson::String(text) if text.contains(PLACEHOLDER) => placeholder(text, value_of),
        Bson::Array(elements) => {
            elements.iter().map(|element| resolve_value(element, value_of)).collect::<Result<_, _>>().map(Bson::Array)
        }
        Bson::Document(document) => {
            let resolve = |(key, value): (&String, &Bson)| Ok((key.clone(), resolve_value(value, value_of)?));
            document.iter().map(resolve).collect::<Result<_, _>>().map(Bson::Document)
        }
        value => Ok(value.clone()),
    }
}

fn resolve_expression(value: &Bson, value_of: &Value<'_>) -> Result<Bson, Unresolved> {
    match value {
        Bson::String(text) if text.contains(PLACEHOLDER) => {
            Ok(Bson::Document(doc! { "$literal": placeholder(text, value_of)? }))
        }
        Bson::Array(elements) => {
            let elements = elements.iter().map(|element| resolve_expression(element, value_of));
            elements.collect::<Result<_, _>>().map(Bson::Array)
        }
        Bson::Document(document) => {
            let resolve = |(key, value): (&String, &Bson)| {
                let resolved = match key.as_str() {
                    "$literal" => resolve_value(value, value_of)?,
                    // A pattern.
                    name if name.starts_with("$regex") => without_placeholder(name, value)?,
                    name if name.contains(PLACEHOLDER) => {
                        return Err(invalid(format!("a field cannot be named `{name}`")));
                    }
                    _ => resolve_expression(value, value_of)?,
                };
                Ok((key.clone(), resolved))
            };
            document.iter().map(resolve).collect::<Result<_, _>>().map(Bson::Document)
        }
        value => Ok(value.clone()),
    }
}

fn placeholder(text: &str, value_of: &Value<'_>) -> Result<Bson, Unresolved> {
    let name = text.strip_prefix(PLACEHOLDER).filter(|name| !name.contains(PLACEHOLDER));
    let name = name.ok_or_else(|| invalid(format!("a placeholder is a string of its own, unlike `{text}`")))?;
    value_of(name).ok_or_else(|| Unresolved::Missing(name.to_owned()))
}

fn without_placeholder(operator: &str, value: &Bson) -> Result<Bson, Unresolved> {
    let mut found = None;
    each_string(value, &mut |text| {
        if text.contains(PLACEHOLDER) {
            found = Some(text.to_owned());
        }
    });
    match found {
        None => Ok(value.clone()),
        Some(text) => {
            Err(invalid(format!("`{text}` is not allowed within `{operator}`: it would not be a value there")))
        }
    }
}

fn invalid(why: String) -> Unresolved {
    Unresolved::Invalid(why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template(text: &str) -> Result<Template, String> {
        Template::try_from(Written::Text(text.to_owned()))
    }

    fn user() -> User {
        let claims = json!({
            "team": "red", "path": "$owner", "teams": ["red", "$where"], "object": {"$ne": null}, "null": null,
            "pattern": ".*", "app": {"tenant": 7},
        });
        User { id: "u1".to_owned(), email: None, claims: claims.as_object().unwrap().clone() }
    }

    #[test]
    fn placeholders_become_values() {
        for (text, expected) in [
            (r#"{"owner":"%%user.id"}"#, doc! {"owner": "u1"}),
            (r#"{"owner":{"$eq":"%%user.id"},"n":{"$gt":1}}"#, doc! {"owner": {"$eq": "u1"}, "n": {"$gt": 1}}),
            (
                r#"{"$or":[{"team":{"$in":"%%user.data.teams"}},{"team":{"$in":["x","%%user.data.team"]}}]}"#,
                doc! {"$or": [{"team": {"$in": ["red", "$where"]}}, {"team": {"$in": ["x", "red"]}}]},
            ),
            (r#"{"t":"%%user.data.app.tenant"}"#, doc! {"t": 7}),
            (r#"{"t":{"$not":{"$eq":"%%user.data.team"}}}"#, doc! {"t": {"$not": {"$eq": "red"}}}),
            (
                r#"{"m":{"$elemMatch":{"who":"%%user.id","$or":[{"role":"w"}]}}}"#,
                doc! {"m": {"$elemMatch": {"who": "u1", "$or": [{"role": "w"}]}}},
            ),
            (r#"{"m":{"$elemMatch":{"$eq":"%%user.id"}}}"#, doc! {"m": {"$elemMatch": {"$eq": "u1"}}}),
            // As a value it is a string; as an expression it would be a path, and always equal to itself.
            (r#"{"owner":"%%user.data.path"}"#, doc! {"owner": "$owner"}),
            (
                r#"{"$expr":{"$eq":["$owner","%%user.data.path"]}}"#,
                doc! {"$expr": {"$eq": ["$owner", {"$literal": "$owner"}]}},
            ),
            (
                r#"{"$expr":{"$eq":["$owner",{"$literal":"%%user.data.path"}]}}"#,
                doc! {"$expr": {"$eq": ["$owner", {"$literal": "$owner"}]}},
            ),
            (r#"{"created":{"$gt":{"$date":"1970-01-01T00:00:00Z"}},"owner":"%%user.id"}"#, {
                let epoch = mongodb::bson::DateTime::from_millis(0);
                doc! {"created": {"$gt": epoch}, "owner": "u1"}
            }),
        ] {
            assert_eq!(template(text).unwrap().resolve(&user()).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn what_a_user_lacks_denies() {
        for (text, name) in [
            (r#"{"owner":"%%user.email"}"#, "user.email"),
            (r#"{"a":"%%user.data.missing"}"#, "user.data.missing"),
            (r#"{"a":"%%user.data.null"}"#, "user.data.null"),
            (r#"{"a":"%%user.data.object"}"#, "user.data.object"),
            (r#"{"$or":[{"a":1},{"$nor":[{"a":{"$nin":["%%user.data.app"]}}]}]}"#, "user.data.app"),
            (r#"{"$expr":{"$ne":["$a","%%user.data.missing"]}}"#, "user.data.missing"),
        ] {
            let missing = Unresolved::Missing(name.to_owned());
            assert_eq!(template(text).unwrap().resolve(&user()).unwrap_err(), missing, "{text}");
        }
    }

    #[test]
    fn what_could_be_more_than_a_value_is_refused() {
        for (text, why) in [
            ("{}", "it is empty"),
            ("[]", "not usable"),
            (r#"{"%%user.id":1}"#, "a field cannot be named"),
            (r#"{"a.%%user.id":1}"#, "a field cannot be named"),
            (r#"{"$expr":{"%%user.id":1}}"#, "a field cannot be named"),
            (r#"{"a":"x-%%user.id"}"#, "a string of its own"),
            (r#"{"a":"%%user.id%%user.id"}"#, "a string of its own"),
            (r#"{"a":"%%user.name"}"#, "`%%user.name` is unknown"),
            (r#"{"a":"%%user.data."}"#, "is unknown"),
            (r#"{"a":"%%prevRoot.a"}"#, "is unknown"),
            (r#"{"a":{"$regex":"%%user.data.team"}}"#, "is not allowed within `$regex`"),
            (r#"{"a":{"$not":{"$regex":"%%user.data.team"}}}"#, "is not allowed within `$regex`"),
            (r#"{"a":{"$size":"%%user.data.n"}}"#, "is not allowed within `$size`"),
            (r#"{"$expr":{"$regexMatch":{"input":"$a","regex":"%%user.data.p"}}}"#, "is not allowed within"),
            (r#"{"$jsonSchema":{"required":["%%user.id"]}}"#, "is not allowed within `$jsonSchema`"),
            (r#"{"$text":{"$search":"x"}}"#, "`$text` cannot be used"),
            (r#"{"$where":"true"}"#, "`$where` is not allowed"),
            (r#"{"a":{"$near":[1,2]}}"#, "`$near` cannot be used"),
            (r#"{"$or":{"a":1}}"#, "a list of filters"),
            (r#"{"$or":[]}"#, "a list of filters"),
            (r#"{"$and":[1]}"#, "a list of filters"),
        ] {
            let error = template(text).unwrap_err();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    #[test]
    fn tables_are_filters_too() {
        #[derive(Deserialize)]
        struct File {
            filter: Template,
        }
        let file: File = toml::from_str(r#"filter = { owner = "%%user.id", n = { "$gte" = 3 } }"#).unwrap();
        assert_eq!(file.filter.resolve(&user()).unwrap(), doc! {"owner": "u1", "n": {"$gte": 3}});
    }
}
