//! Which filters of a client may be tried on documents that the client may not see.
//!
//! MongoDB gives no promise about the order in which it tries the parts of a filter, nor does it keep two `$match` stages
//! apart. So a part that can fail, such as `{"$expr": {"$toInt": "$secret"}}`, might be tried on a document that the
//! rule's filter excludes, and its error would quote the document. Plain comparisons cannot fail, whatever the document
//! holds, and they name the fields that they compare. They alone stand beside a rule's filter; in a read the rest waits
//! behind a stage that no `$match` can pass, and a write is refused.

use std::fmt;

use mongodb::bson::{Bson, Document, doc};

use super::fields::Fields;
use super::paths::field_of;
use super::template::{has_comparisons, has_operators};

/// Compare a field with a value.
const WITH_VALUE: [&str; 6] = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"];

/// Compare a field with a list of values.
const WITH_VALUES: [&str; 3] = ["$in", "$nin", "$all"];

/// Ask for a property of a field.
const OF_FIELD: [&str; 8] =
    ["$exists", "$type", "$size", "$mod", "$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear"];

/// Why a filter is more than plain comparisons of fields that may be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotPlain {
    Operator(String),
    Hidden(String),
}

impl fmt::Display for NotPlain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotPlain::Operator(operator) => write!(f, "`{operator}` is not a plain comparison"),
            NotPlain::Hidden(path) => write!(f, "no rule allows reading the field `{path}`"),
        }
    }
}

type Shown<'a> = dyn Fn(&str) -> bool + 'a;

/// Checks a filter that stands beside a rule's.
pub(super) fn check(filter: &Document, fields: &Fields) -> Result<(), NotPlain> {
    check_filter(filter, None, &|path| fields.shows(path))
}

/// What a filter asks for, in the two parts that it has: what may stand beside a rule's filter, and before hidden fields
/// are removed; and the rest.
pub(crate) fn split(filter: Document, fields: &Fields) -> (Vec<Document>, Vec<Document>) {
    let (mut plain, mut rest) = (Vec::new(), Vec::new());
    split_into(filter, fields, &mut plain, &mut rest);
    (plain, rest)
}

fn split_into(filter: Document, fields: &Fields, plain: &mut Vec<Document>, rest: &mut Vec<Document>) {
    for (key, value) in filter {
        match value {
            Bson::Array(all) if key == "$and" && !all.is_empty() && all.iter().all(|f| f.as_document().is_some()) => {
                for filter in all {
                    if let Bson::Document(filter) = filter {
                        split_into(filter, fields, plain, rest);
                    }
                }
            }
            value => {
                let part = doc! { key: value };
                match check_filter(&part, None, &|path| fields.shows_root_of(path)) {
                    Ok(()) => plain.push(part),
                    Err(_) => rest.push(part),
                }
            }
        }
    }
}

/// One filter for all of them; `None` for none.
pub(crate) fn all_of(mut filters: Vec<Document>) -> Option<Document> {
    match filters.len() {
        0 => None,
        1 => filters.pop(),
        _ => Some(doc! { "$and": filters }),
    }
}

/// Checks a filter of documents, or of the objects at `parent`.
fn check_filter(filter: &Document, parent: Option<&str>, shown: &Shown<'_>) -> Result<(), NotPlain> {
    for (key, value) in filter {
        match (key.as_str(), value) {
            ("$and" | "$or" | "$nor", Bson::Array(filters)) => {
                for filter in filters {
                    let filter = filter.as_document().ok_or_else(|| NotPlain::Operator(key.clone()))?;
                    check_filter(filter, parent, shown)?;
                }
            }
            ("$comment", Bson::String(_)) => {}
            (operator, _) if operator.starts_with('$') => return Err(NotPlain::Operator(operator.to_owned())),
            (name, value) => check_condition(&field_of(parent, name), value, shown)?,
        }
    }
    Ok(())
}

fn check_condition(path: &str, condition: &Bson, shown: &Shown<'_>) -> Result<(), NotPlain> {
    let Bson::Document(operators) = condition else { return check_value(path, condition, shown) };
    if !has_operators(operators) {
        return check_value(path, condition, shown);
    }
    for (operator, operand) in operators {
        match (operator.as_str(), operand) {
            (name, operand) if WITH_VALUE.contains(&name) => check_value(path, operand, shown)?,
            (name, Bson::Array(values)) if WITH_VALUES.contains(&name) => {
                check_field(path, shown)?;
                for value in values {
                    check_value(path, value, shown)?;
                    // `$all` takes `$elemMatch` among its values.
                    if let Bson::Document(value) = value
                        && has_operators(value)
                    {
                        return Err(NotPlain::Operator(operator.clone()));
                    }
                }
            }
            (name, operand) if OF_FIELD.contains(&name) => check_value(path, operand, shown)?,
            ("$not", Bson::Document(operand)) if has_operators(operand) => {
                check_condition(path, &Bson::Document(operand.clone()), shown)?;
            }
            ("$elemMatch", Bson::Document(filter)) if filter.is_empty() => check_field(path, shown)?,
            ("$elemMatch", Bson::Document(filter)) if has_comparisons(filter) => {
                check_condition(path, operand, shown)?;
            }
            ("$elemMatch", Bson::Document(filter)) => check_filter(filter, Some(path), shown)?,
            (name, _) => return Err(NotPlain::Operator(name.to_owned())),
        }
    }
    Ok(())
}

/// A regular expression is not a value: it is tried, and a bad one takes long.
fn check_value(path: &str, value: &Bson, shown: &Shown<'_>) -> Result<(), NotPlain> {
    match value {
        Bson::RegularExpression(_) => Err(NotPlain::Operator("$regex".to_owned())),
        Bson::JavaScriptCode(_) | Bson::JavaScriptCodeWithScope(_) => Err(NotPlain::Operator("$code".to_owned())),
        _ => check_field(path, shown),
    }
}

fn check_field(path: &str, shown: &Shown<'_>) -> Result<(), NotPlain> {
    if shown(path) { Ok(()) } else { Err(NotPlain::Hidden(path.to_owned())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::Regex;

    fn hidden() -> Fields {
        toml::from_str(r#"deny = ["ssn", "card.number"]"#).unwrap()
    }

    #[test]
    fn plain_comparisons() {
        for filter in [
            doc! {},
            doc! {"a": 1, "b.c": {"$gt": 1, "$lt": 5}, "$comment": "x"},
            doc! {"a": {"$in": [1, "x", Bson::Null]}, "b": {"$exists": true}, "c": {"$size": 2}},
            doc! {"$or": [{"a": 1}, {"$nor": [{"$and": [{"b": 1}]}]}]},
            doc! {"a": {"$elemMatch": {"b": 1, "$or": [{"c": 1}]}}, "b": {"$elemMatch": {"$gt": 1}}},
            doc! {"card.owner": "x", "card": {"$elemMatch": {"owner": "x"}}},
            doc! {"a": {"$not": {"$in": [1]}}, "b": {"x": 1}},
        ] {
            assert_eq!(check(&filter, &hidden()), Ok(()), "{filter}");
        }
    }

    #[test]
    fn all_that_is_not_plain() {
        let regex =
            Bson::RegularExpression(Regex { pattern: "x".try_into().unwrap(), options: "".try_into().unwrap() });
        for (filter, why) in [
            (doc! {"$expr": true}, "$expr"),
            (doc! {"$or": [{"a": 1}, {"$expr": 1}]}, "$expr"),
            (doc! {"$jsonSchema": {}}, "$jsonSchema"),
            (doc! {"$text": {"$search": "x"}}, "$text"),
            (doc! {"$sampleRate": 0.5}, "$sampleRate"),
            (doc! {"a": {"$regex": "x"}}, "$regex"),
            (doc! {"a": regex.clone()}, "$regex"),
            (doc! {"a": {"$eq": regex.clone()}}, "$regex"),
            (doc! {"a": {"$in": [regex.clone()]}}, "$regex"),
            (doc! {"a": {"$not": regex}}, "$not"),
            (doc! {"a": {"$not": {"$regex": "x"}}}, "$regex"),
            (doc! {"a": {"$elemMatch": {"$regex": "x"}}}, "$regex"),
            (doc! {"a": {"$elemMatch": {"b": {"$near": 1}}}}, "$near"),
            (doc! {"a": {"$geoWithin": {}}}, "$geoWithin"),
            (doc! {"a": {"$all": [{"$elemMatch": {"ssn": 1}}]}}, "$all"),
            (doc! {"a": {"$unknown": 1}}, "$unknown"),
            (doc! {"$and": {"a": 1}}, "$and"),
        ] {
            assert_eq!(check(&filter, &hidden()), Err(NotPlain::Operator(why.to_owned())), "{filter}");
        }
        for (filter, path) in [
            (doc! {"ssn": 1}, "ssn"),
            (doc! {"ssn.x": {"$exists": true}}, "ssn.x"),
            (doc! {"card": {"number": 1}}, "card"),
            (doc! {"card": {"$gt": {"number": 1}}}, "card"),
            (doc! {"card": {"$in": []}}, "card"),
            (doc! {"card.0.number": 1}, "card.0.number"),
            (doc! {"card": {"$elemMatch": {"number": 1}}}, "card.number"),
            (doc! {"card": {"$elemMatch": {}}}, "card"),
            (doc! {"$nor": [{"a": {"$not": {"$gt": 1}}}, {"ssn": {"$not": {"$gt": 1}}}]}, "ssn"),
        ] {
            assert_eq!(check(&filter, &hidden()), Err(NotPlain::Hidden(path.to_owned())), "{filter}");
        }
    }

    #[test]
    fn a_field_may_have_no_name() {
        let allowed: Fields = toml::from_str(r#"allow = ["name"]"#).unwrap();
        let filter = doc! {"": {"$elemMatch": {"name": 1}}};
        assert_eq!(check(&filter, &allowed), Err(NotPlain::Hidden(".name".to_owned())));
    }

    #[test]
    fn filters_are_split() {
        let filter = doc! {"a": 1, "$and": [{"b": 2, "$expr": true}, {"$and": [{"ssn": 1}]}], "card.owner": "x"};
        let (plain, rest) = split(filter, &hidden());
        assert_eq!(plain, [doc! {"a": 1}, doc! {"b": 2}]);
        assert_eq!(rest, [doc! {"$expr": true}, doc! {"ssn": 1}, doc! {"card.owner": "x"}]);
        assert_eq!(all_of(plain), Some(doc! {"$and": [{"a": 1}, {"b": 2}]}));
        assert_eq!(all_of(vec![doc! {"a": 1}]), Some(doc! {"a": 1}));
        assert_eq!(all_of(Vec::new()), None);
    }
}
