//! What a rule's filter looks at, so that a change can be proved to leave the filter's answer as it was.

use mongodb::bson::{Bson, Document};

use super::paths::{has_positions, overlap, root};

/// What a filter depends on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Condition {
    /// The paths that it looks at, once for each time.
    paths: Vec<String>,
    /// It looks at the document as a whole.
    whole: bool,
    /// Conditions that must all hold: this path has this value, a scalar.
    equalities: Vec<(String, Bson)>,
    /// There are no conditions but the equalities.
    only_equalities: bool,
}

/// How a change reaches a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change<'a> {
    /// `$set` or `$setOnInsert` to this value.
    Set(&'a Bson),
    /// Any other update operator.
    Operator,
    /// A stage of an update pipeline, which may replace what a path leads through.
    Stage,
}

impl Condition {
    pub(super) fn of(filter: &Document) -> Self {
        let mut condition = Condition { only_equalities: true, ..Condition::default() };
        condition.conjunction(filter);
        condition
    }

    /// Whether the filter still holds after the change, for a document for which it held before.
    pub(super) fn survives(&self, path: &str, change: Change<'_>) -> bool {
        if self.whole {
            return false;
        }
        let mut touched = self.paths.iter().filter(|looked_at| !independent(path, looked_at, change));
        match (touched.next(), touched.next(), change) {
            (None, ..) => true,
            // Nothing else looks there, and what is looked for is what is set.
            (Some(_), None, Change::Set(value)) => {
                self.equalities.iter().any(|(looked_at, wanted)| looked_at == path && wanted == value)
            }
            _ => false,
        }
    }

    /// Whether the filter looks at this path, or at a part of it.
    pub(super) fn looks_at(&self, path: &str) -> bool {
        self.whole || self.paths.iter().any(|looked_at| overlap(looked_at, path))
    }

    /// The values that a document must have, where nothing else is asked of it.
    pub(super) fn equalities(&self) -> Option<&[(String, Bson)]> {
        (self.only_equalities && !self.whole).then_some(&*self.equalities)
    }

    /// Whether a document has all the values that are asked for. `false` may mean that only MongoDB can tell.
    pub(super) fn holds_for(&self, document: &Document) -> bool {
        self.equalities().is_some_and(|all| all.iter().all(|(path, wanted)| value_at(document, path) == Some(wanted)))
    }

    fn conjunction(&mut self, filter: &Document) {
        for (key, value) in filter {
            match (key.as_str(), value) {
                ("$comment", _) => {}
                ("$and", Bson::Array(all)) => {
                    all.iter().filter_map(Bson::as_document).for_each(|filter| self.conjunction(filter));
                }
                (path, value) if !path.starts_with('$') && !has_positions(path) => {
                    self.paths.push(path.to_owned());
                    let value = match value {
                        Bson::Document(operators) if operators.len() == 1 => operators.get("$eq"),
                        value => Some(value),
                    };
                    match value.filter(|value| is_scalar(value)) {
                        Some(value) => self.equalities.push((path.to_owned(), value.clone())),
                        None => self.only_equalities = false,
                    }
                }
                _ => {
                    self.only_equalities = false;
                    self.looks_at_field(key, value);
                }
            }
        }
    }

    fn looks_at_field(&mut self, key: &str, value: &Bson) {
        match (key, value) {
            ("$comment", _) => {}
            ("$and" | "$or" | "$nor", Bson::Array(filters)) => {
                for (key, value) in filters.iter().filter_map(Bson::as_document).flatten() {
                    self.looks_at_field(key, value);
                }
            }
            ("$expr", expression) => self.looks_at_expression(expression),
            (operator, _) if operator.starts_with('$') => self.whole = true,
            (path, _) => self.paths.push(path.to_owned()),
        }
    }

    fn looks_at_expression(&mut self, expression: &Bson) {
        match expression {
            Bson::String(text) => {
                if let Some(variable) = text.strip_prefix("$$") {
                    match variable.split_once('.') {
                        Some(("ROOT" | "CURRENT", path)) => self.paths.push(path.to_owned()),
                        None if matches!(variable, "ROOT" | "CURRENT") => self.whole = true,
                        // What a variable is bound to stands elsewhere in the expression.
                        _ => {}
                    }
                } else if let Some(path) = text.strip_prefix('$') {
                    self.paths.push(path.to_owned());
                }
            }
            Bson::Array(elements) => elements.iter().for_each(|element| self.looks_at_expression(element)),
            Bson::Document(document) => {
                for (key, value) in document {
                    // These name fields in strings that do not look like paths.
                    if matches!(key.as_str(), "$getField" | "$setField" | "$unsetField") {
                        self.whole = true;
                    }
                    self.looks_at_expression(value);
                }
            }
            _ => {}
        }
    }
}

/// Whether a change at one path leaves the value at the other as it is.
fn independent(changed: &str, looked_at: &str, change: Change<'_>) -> bool {
    // A position may lengthen an array, and a stage replaces whatever stands where a path leads through. Only another
    // field of the document itself is out of their reach.
    if change == Change::Stage || has_positions(changed) || has_positions(looked_at) {
        return root(changed) != root(looked_at);
    }
    !overlap(changed, looked_at)
}

/// A value that equals nothing but itself, and what is equal by number. Not null, which equals what is missing.
fn is_scalar(value: &Bson) -> bool {
    matches!(
        value,
        Bson::String(_)
            | Bson::Int32(_)
            | Bson::Int64(_)
            | Bson::Boolean(_)
            | Bson::ObjectId(_)
            | Bson::DateTime(_)
            | Bson::Binary(_)
    )
}

fn value_at<'a>(document: &'a Document, path: &str) -> Option<&'a Bson> {
    match path.split_once('.') {
        None => document.get(path),
        Some((name, rest)) => value_at(document.get(name)?.as_document()?, rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::{bson, doc};

    #[test]
    fn changes_that_a_filter_survives() {
        let me = bson!("me");
        let other = bson!("other");
        for (filter, path, change, survives) in [
            (doc! {"owner": "me"}, "title", Change::Operator, true),
            (doc! {"owner": "me"}, "owner", Change::Operator, false),
            (doc! {"owner": "me"}, "owner", Change::Set(&me), true),
            (doc! {"owner": {"$eq": "me"}}, "owner", Change::Set(&me), true),
            (doc! {"owner": "me"}, "owner", Change::Set(&other), false),
            (doc! {"owner": "me"}, "owner.x", Change::Set(&me), false),
            (doc! {"owner": "me"}, "owner.0", Change::Set(&me), false),
            (doc! {"owner": "me", "$or": [{"owner": "x"}, {"a": 1}]}, "owner", Change::Set(&me), false),
            (doc! {"$or": [{"owner": "me"}]}, "owner", Change::Set(&me), false),
            (doc! {"owner": {"$in": ["me"]}}, "owner", Change::Set(&me), false),
            (doc! {"meta.owner": "me"}, "meta.title", Change::Operator, true),
            (doc! {"meta.owner": "me"}, "meta.owner", Change::Set(&me), true),
            (doc! {"meta.owner": "me"}, "meta", Change::Operator, false),
            (doc! {"meta.owner": "me"}, "meta.0.title", Change::Operator, false),
            (doc! {"meta.owner": "me"}, "meta.$[].title", Change::Operator, false),
            (doc! {"meta.owner": "me"}, "meta.title", Change::Stage, false),
            (doc! {"meta.owner": "me"}, "title", Change::Stage, true),
            (doc! {"a.0": "me"}, "a.b", Change::Operator, false),
            (doc! {"a": {"$elemMatch": {"b": 1}}}, "a.c", Change::Operator, false),
            (doc! {"$expr": {"$eq": ["$owner", "me"]}}, "title", Change::Operator, true),
            (doc! {"$expr": {"$eq": ["$owner", "me"]}}, "owner", Change::Set(&me), false),
            (doc! {"$expr": {"$eq": ["$$ROOT.owner", "me"]}}, "owner", Change::Operator, false),
            (doc! {"$expr": {"$eq": ["$$CURRENT", 1]}}, "title", Change::Operator, false),
            (doc! {"$expr": {"$eq": [{"$getField": "owner"}, 1]}}, "title", Change::Operator, false),
            (doc! {"$jsonSchema": {"required": ["owner"]}}, "title", Change::Operator, false),
            (doc! {"$nor": [{"state": "closed"}], "$comment": "x"}, "state", Change::Operator, false),
        ] {
            assert_eq!(Condition::of(&filter).survives(path, change), survives, "{filter} {path} {change:?}");
        }
    }

    #[test]
    fn documents_that_need_no_second_look() {
        let condition = Condition::of(&doc! {"owner": "me", "$and": [{"meta.n": {"$eq": 1}}], "$comment": "c"});
        assert_eq!(condition.equalities().unwrap().len(), 2);
        assert!(condition.holds_for(&doc! {"owner": "me", "meta": {"n": 1}, "x": 1}));
        assert!(!condition.holds_for(&doc! {"owner": "me", "meta": {"n": 2}}));
        assert!(!condition.holds_for(&doc! {"owner": "me", "meta.n": 1}));
        assert!(!condition.holds_for(&doc! {"owner": ["me"], "meta": {"n": 1}}), "MongoDB can tell");
        for filter in [doc! {"a": {"$gt": 1}}, doc! {"a": Bson::Null}, doc! {"a": ["x"]}, doc! {"$or": [{"a": 1}]}] {
            assert_eq!(Condition::of(&filter).equalities(), None, "{filter}");
        }
        assert!(Condition::of(&doc! {"_id": "me"}).looks_at("_id"));
        assert!(!Condition::of(&doc! {"owner": "me"}).looks_at("_id"));
    }
}
