//! Which fields of a document may be read.
//!
//! A field that may not be read does not exist for the account: it cannot be filtered, sorted, joined or grouped by, and
//! it cannot be written, because an answer to a write (a count, a duplicate key) tells what was there. In pipelines the
//! stages that are made here remove such fields before a stage of the client's sees the document, so it does not matter
//! in how many ways a stage can get at a field.

mod visible;

use mongodb::bson::{Bson, Document, doc};
use serde::Deserialize;

use super::paths::{field_of, has_positions, is_surely_within, is_within, overlap, root};

/// The fields that may be read. All of them, unless a rule says otherwise.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// Only these, and `_id`.
    allow: Option<Vec<String>>,
    /// All but these.
    deny: Option<Vec<String>>,
}

/// How many arrays within arrays [`without`] reaches into by itself.
const NESTED_ARRAYS: usize = 2;

impl Fields {
    /// Whether every field may be read.
    pub fn is_all(&self) -> bool {
        self.allow.is_none() && self.deny.is_none()
    }

    /// Checks what a file says.
    ///
    /// # Errors
    /// A sentence that says which list cannot be meant so.
    pub fn check(&self) -> Result<(), String> {
        let paths = match (&self.allow, &self.deny) {
            (Some(paths), None) | (None, Some(paths)) if !paths.is_empty() => paths,
            _ => return Err("`fields` needs exactly one list that is not empty: `allow` or `deny`".to_owned()),
        };
        for path in paths {
            if path.split('.').any(str::is_empty) || path.contains('\0') || path.contains('*') || has_positions(path) {
                return Err(format!(
                    "`{path}` is not a field: write names separated by dots, such as `address.street`"
                ));
            }
            if let Some(other) = paths.iter().find(|other| *other != path && is_within(path, other)) {
                return Err(format!("`{path}` is part of `{other}`, which `fields` lists too"));
            }
        }
        Ok(())
    }

    /// Whether a comparison with what is at this path tells only what may be read. Where only some fields may be, a number in
    /// the path is taken for a field's name: it would be one in a document.
    pub fn shows(&self, path: &str) -> bool {
        match (&self.allow, &self.deny) {
            (Some(allowed), _) => path == "_id" || allowed.iter().any(|allowed| is_surely_within(path, allowed)),
            (None, Some(denied)) => !denied.iter().any(|denied| overlap(path, denied)),
            (None, None) => true,
        }
    }

    /// Whether the field that the path begins with may be read as a whole: then a comparison means the same before hidden
    /// fields are removed as after.
    pub fn shows_root_of(&self, path: &str) -> bool {
        self.shows(root(path))
    }

    /// The path of a field in this document that may not be there.
    pub fn hidden_in(&self, document: &Document) -> Option<String> {
        let Some(allowed) = &self.allow else {
            return self.deny.iter().flatten().find(|denied| holds(document, denied)).cloned();
        };
        unlisted(document, None, allowed)
    }

    /// The stages that remove what may not be read.
    pub fn stages(&self) -> Vec<Document> {
        match (&self.allow, &self.deny) {
            (Some(allowed), _) => {
                let fields: Document = allowed.iter().map(|path| (path.clone(), Bson::Int32(1))).collect();
                vec![doc! { "$project": fields }]
            }
            (None, Some(denied)) => {
                let nested = denied.iter().filter_map(|path| path.split_once('.'));
                let mut stages: Vec<Document> = nested
                    .map(|(root, rest)| doc! { "$set": { root: without(&format!("${root}"), rest, 0, NESTED_ARRAYS) } })
                    .collect();
                stages.push(doc! { "$unset": denied.clone() });
                stages
            }
            (None, None) => Vec::new(),
        }
    }
}

/// An expression: the value of `value`, an expression too, without what is at `path` in it.
///
/// MongoDB's `$unset` reaches into arrays by itself. Not every server that speaks its protocol does, and one that leaves
/// the field in place must not show it.
fn without(value: &str, path: &str, depth: usize, arrays: usize) -> Bson {
    let field = match path.split_once('.') {
        None => {
            let kept = format!("f{depth}");
            let name = format!("$${kept}.k");
            let all = doc! { "$objectToArray": value };
            let filter = doc! { "input": all, "as": kept, "cond": { "$ne": [name, { "$literal": path }] } };
            doc! { "$arrayToObject": { "$filter": filter } }
        }
        Some((name, rest)) => {
            let inner = format!("{value}.{name}");
            let missing = doc! { "$eq": [{ "$type": &inner }, "missing"] };
            let stripped = doc! { "$mergeObjects": [value, { name: without(&inner, rest, depth + 1, NESTED_ARRAYS) }] };
            doc! { "$cond": [missing, value, stripped] }
        }
    };
    let object = doc! { "$cond": [{ "$eq": [{ "$type": value }, "object"] }, field, value] };
    if arrays == 0 {
        return Bson::Document(object);
    }
    let element = format!("e{depth}_{arrays}");
    let stripped = without(&format!("$${element}"), path, depth, arrays - 1);
    let elements = doc! { "$map": { "input": value, "as": element, "in": stripped } };
    Bson::Document(doc! { "$cond": [{ "$isArray": [value] }, elements, object] })
}

/// Whether the document has something at the path, in arrays too.
fn holds(document: &Document, path: &str) -> bool {
    match path.split_once('.') {
        None => document.contains_key(path),
        Some((name, rest)) => document.get(name).is_some_and(|value| holds_in(value, rest)),
    }
}

fn holds_in(value: &Bson, path: &str) -> bool {
    match value {
        Bson::Document(document) => holds(document, path),
        Bson::Array(elements) => elements.iter().any(|element| holds_in(element, path)),
        _ => false,
    }
}

/// The first path of the document that is not within an allowed one.
fn unlisted(document: &Document, parent: Option<&str>, allowed: &[String]) -> Option<String> {
    document.iter().find_map(|(key, value)| {
        let path = field_of(parent, key);
        if path == "_id" || allowed.iter().any(|allowed| is_surely_within(&path, allowed)) {
            return None;
        }
        let is_parent = allowed.iter().any(|allowed| is_surely_within(allowed, &path));
        match value {
            Bson::Document(inner) if is_parent => unlisted(inner, Some(&path), allowed),
            Bson::Array(elements) if is_parent => elements.iter().find_map(|element| match element {
                Bson::Document(inner) => unlisted(inner, Some(&path), allowed),
                _ => Some(path.clone()),
            }),
            _ => Some(path),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allow(paths: &[&str]) -> Fields {
        Fields { allow: Some(paths.iter().map(ToString::to_string).collect()), deny: None }
    }

    fn deny(paths: &[&str]) -> Fields {
        Fields { allow: None, deny: Some(paths.iter().map(ToString::to_string).collect()) }
    }

    #[test]
    fn comparisons_that_tell_nothing_hidden() {
        for (fields, path, shown) in [
            (deny(&["ssn", "card.number"]), "name", true),
            (deny(&["ssn", "card.number"]), "ssn", false),
            (deny(&["ssn", "card.number"]), "ssn.x", false),
            (deny(&["ssn", "card.number"]), "card", false),
            (deny(&["ssn", "card.number"]), "card.owner", true),
            (deny(&["ssn", "card.number"]), "card.0.number", false),
            (deny(&["ssn", "card.number"]), "card.0", false),
            (deny(&["ssn"]), "_id", true),
            (deny(&["_id"]), "_id", false),
            (allow(&["name", "card.owner"]), "name", true),
            (allow(&["name", "card.owner"]), "name.first", true),
            (allow(&["name", "card.owner"]), "card.owner", true),
            (allow(&["name", "card.owner"]), "card.3.owner", false),
            (allow(&["name", "card.owner"]), "3.name", false),
            (allow(&["name", "card.owner"]), "card.owner.3", true),
            (allow(&["name", "card.owner"]), ".name", false),
            (deny(&["ssn"]), "2024", true),
            (allow(&["name", "card.owner"]), "card", false),
            (allow(&["name", "card.owner"]), "card.number", false),
            (allow(&["name", "card.owner"]), "names", false),
            (allow(&["name"]), "_id", true),
            (Fields::default(), "a", true),
        ] {
            assert_eq!(fields.shows(path), shown, "{fields:?} {path}");
        }
        assert!(!deny(&["card.number"]).shows_root_of("card.owner"));
        assert!(!allow(&["card.owner"]).shows_root_of("card.owner"));
        assert!(allow(&["card"]).shows_root_of("card.owner"));
    }

    #[test]
    fn hidden_fields_of_a_document() {
        for (fields, document, found) in [
            (deny(&["a", "b.c"]), doc! {"x": 1, "b": {"d": 1}}, None),
            (deny(&["a", "b.c"]), doc! {"a": Bson::Null}, Some("a")),
            (deny(&["a", "b.c"]), doc! {"b": {"c": 1}}, Some("b.c")),
            (deny(&["a", "b.c"]), doc! {"b": [1, [{"c": 1}]]}, Some("b.c")),
            (allow(&["a", "b.c"]), doc! {"_id": 1, "a": {"any": 1}, "b": {"c": {"d": 1}}}, None),
            (allow(&["a", "b.c"]), doc! {"a": 1, "z": 1}, Some("z")),
            (allow(&["a", "b.c"]), doc! {"b": {"c": 1, "d": 1}}, Some("b.d")),
            (allow(&["a", "b.c"]), doc! {"b": [{"c": 1}, {"d": 1}]}, Some("b.d")),
            (allow(&["a", "b.c"]), doc! {"b": 5}, Some("b")),
            (allow(&["a", "b.c"]), doc! {"b": [5]}, Some("b")),
            (allow(&["a"]), doc! {"b.c": 5}, Some("b.c")),
            (Fields::default(), doc! {"a": 1}, None),
        ] {
            assert_eq!(fields.hidden_in(&document).as_deref(), found, "{fields:?} {document}");
        }
    }

    #[test]
    fn lists_that_cannot_be_meant_so() {
        for (fields, why) in [
            (Fields { allow: Some(vec!["a".to_owned()]), deny: Some(vec!["b".to_owned()]) }, "exactly one list"),
            (allow(&[]), "not empty"),
            (deny(&["a", "a.b"]), "`a.b` is part of `a`"),
            (deny(&["a..b"]), "is not a field"),
            (deny(&["a.*"]), "is not a field"),
            (allow(&["$a"]), "is not a field"),
            (allow(&["a.0"]), "is not a field"),
            (allow(&[""]), "is not a field"),
        ] {
            let error = fields.check().unwrap_err();
            assert!(error.contains(why), "{fields:?}: {error}");
        }
        deny(&["a", "ab", "b.c"]).check().unwrap();
    }

    #[test]
    fn stages_remove_what_is_hidden() {
        assert_eq!(allow(&["a", "b.c"]).stages(), [doc! {"$project": {"a": 1, "b.c": 1}}]);
        assert_eq!(deny(&["a"]).stages(), [doc! {"$unset": ["a"]}]);
        let nested = deny(&["a.b"]).stages();
        assert_eq!(nested.len(), 2);
        assert!(nested[0].get_document("$set").unwrap().contains_key("a"));
        assert_eq!(nested[1], doc! {"$unset": ["a.b"]});
    }
}
