//! The part of a document that may be read, where no stage of a pipeline can take it: the answer to a change.

use mongodb::bson::{Bson, Document};

use super::Fields;

impl Fields {
    /// The document as [`Fields::stages`] would leave it.
    pub(crate) fn visible(&self, document: Document) -> Document {
        match (&self.allow, &self.deny) {
            (Some(allowed), _) => {
                let mut paths: Vec<&str> = allowed.iter().map(String::as_str).collect();
                paths.push("_id");
                only(document, &paths)
            }
            (None, Some(denied)) => without(document, &denied.iter().map(String::as_str).collect::<Vec<_>>()),
            (None, None) => document,
        }
    }
}

/// What of these paths lies below a field, or `None` where the field itself is one of them.
fn below<'p>(name: &str, paths: &[&'p str]) -> Option<Vec<&'p str>> {
    let mut rest = Vec::new();
    for path in paths {
        match path.strip_prefix(name) {
            Some("") => return None,
            Some(inner) => rest.extend(inner.strip_prefix('.')),
            None => {}
        }
    }
    Some(rest)
}

fn only(document: Document, paths: &[&str]) -> Document {
    let kept = document.into_iter().filter_map(|(name, value)| {
        let value = match below(&name, paths) {
            None => Some(value),
            Some(inner) if inner.is_empty() => None,
            Some(inner) => only_in(value, &inner),
        };
        value.map(|value| (name, value))
    });
    kept.collect()
}

/// A value that has no fields has none that may be read.
fn only_in(value: Bson, paths: &[&str]) -> Option<Bson> {
    match value {
        Bson::Document(document) => Some(Bson::Document(only(document, paths))),
        Bson::Array(elements) => {
            Some(Bson::Array(elements.into_iter().filter_map(|element| only_in(element, paths)).collect()))
        }
        _ => None,
    }
}

fn without(document: Document, paths: &[&str]) -> Document {
    let kept = document.into_iter().filter_map(|(name, value)| {
        let inner = below(&name, paths)?;
        let value = if inner.is_empty() { value } else { without_in(value, &inner) };
        Some((name, value))
    });
    kept.collect()
}

fn without_in(value: Bson, paths: &[&str]) -> Bson {
    match value {
        Bson::Document(document) => Bson::Document(without(document, paths)),
        Bson::Array(elements) => Bson::Array(elements.into_iter().map(|element| without_in(element, paths)).collect()),
        value => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::doc;

    #[test]
    fn what_is_hidden_is_gone() {
        let paths = |paths: &[&str]| Some(paths.iter().map(ToString::to_string).collect());
        let allow = |list: &[&str]| Fields { allow: paths(list), deny: None };
        let deny = |list: &[&str]| Fields { allow: None, deny: paths(list) };
        for (fields, document, visible) in [
            (Fields::default(), doc! {"a": 1}, doc! {"a": 1}),
            (deny(&["a"]), doc! {"_id": 1, "a": 1, "ab": 2}, doc! {"_id": 1, "ab": 2}),
            (deny(&["a.b"]), doc! {"a": {"b": 1, "bc": 2}}, doc! {"a": {"bc": 2}}),
            (deny(&["a.b"]), doc! {"a": 1}, doc! {"a": 1}),
            (deny(&["a.b"]), doc! {"a": [{"b": 1}, 2, [{"b": 1, "c": 1}]]}, doc! {"a": [{}, 2, [{"c": 1}]]}),
            (deny(&["a.b", "a.c.d"]), doc! {"a": {"b": 1, "c": [{"d": 1}]}}, doc! {"a": {"c": [{}]}}),
            (deny(&["_id"]), doc! {"_id": 1, "a": 1}, doc! {"a": 1}),
            (allow(&["a"]), doc! {"_id": 1, "a": {"b": 1}, "ab": 2}, doc! {"_id": 1, "a": {"b": 1}}),
            (allow(&["a.b"]), doc! {"a": {"b": 1, "c": 2}, "b": 3}, doc! {"a": {"b": 1}}),
            (allow(&["a.b"]), doc! {"a": 1}, doc! {}),
            (allow(&["a.b"]), doc! {"a": [{"b": 1, "c": 1}, 2, [{"b": 1}, 3]]}, doc! {"a": [{"b": 1}, [{"b": 1}]]}),
            (
                allow(&["a.b", "a.c.d"]),
                doc! {"a": {"b": 1, "c": {"d": 1, "e": 1}}},
                doc! {"a": {"b": 1, "c": {"d": 1}}},
            ),
        ] {
            assert_eq!(fields.visible(document.clone()), visible, "{fields:?} {document}");
        }
    }
}
