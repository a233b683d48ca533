//! Writes under a restriction: what may be written, and proofs that the rule's filter holds afterwards.
//!
//! There is no transaction to look at the outcome in, so what cannot be known before is refused: an update of a field that
//! the filter looks at, unless it sets the very value that the filter asks for; and an upsert, unless the filter asks for
//! nothing but values, which then are set.

use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, Document, Timestamp, doc};
use mongodb::options::UpdateModifications;

use super::comparisons::{self, all_of};
use super::condition::{Change, Condition};
use super::paths::without_array_operators;
use super::{Restriction, denied};
use crate::error::Error;

/// The operators whose keys are the paths that they change, and nothing else.
const OPERATORS: [&str; 15] = [
    "$addToSet",
    "$bit",
    "$currentDate",
    "$inc",
    "$max",
    "$min",
    "$mul",
    "$pop",
    "$pull",
    "$pullAll",
    "$push",
    "$rename",
    "$set",
    "$setOnInsert",
    "$unset",
];

impl Restriction<'_> {
    fn condition(&self) -> Condition {
        self.filter.as_ref().map(Condition::of).unwrap_or_default()
    }

    /// The filter of an update or a delete.
    ///
    /// # Errors
    /// 403 where it does more than compare fields that may be read.
    pub(crate) fn write_filter(&self, wanted: Document) -> Result<Document, Error> {
        comparisons::check(&wanted, self.fields)
            .map_err(|why| denied(format!("the filter of a write under a rule with a filter or fields: {why}")))?;
        let all = self.filter.iter().cloned().chain((!wanted.is_empty()).then_some(wanted));
        Ok(all_of(all.collect()).unwrap_or_default())
    }

    /// Checks the order and the projection of a change that answers with the document. Where fields are hidden they are
    /// removed from the answer, so a projection may only say which fields to show, and where.
    ///
    /// # Errors
    /// 403 for an order by a hidden field, and for a projection that computes.
    pub(crate) fn check_answer(&self, sort: Option<&Document>, projection: Option<&Document>) -> Result<(), Error> {
        if self.fields.is_all() {
            return Ok(());
        }
        let is_number = |value: &Bson| matches!(value, Bson::Int32(_) | Bson::Int64(_) | Bson::Double(_));
        for (path, direction) in sort.into_iter().flatten() {
            if !self.fields.shows(path) || !is_number(direction) {
                return Err(denied(format!("no rule allows sorting by `{path}` here")));
            }
        }
        for (path, shown) in projection.into_iter().flatten() {
            if path.contains('$') || !(is_number(shown) || matches!(shown, Bson::Boolean(_))) {
                return Err(denied(format!(
                    "a rule hides fields, so the projection of `{path}` must be 1 or 0 in a change that answers with the document"
                )));
            }
        }
        Ok(())
    }

    /// An update after which the rule's filter still holds.
    ///
    /// # Errors
    /// 403 where that cannot be proved, or a hidden field would be written; 400 for an unknown operator.
    pub(crate) fn update(&self, update: UpdateModifications, upsert: bool) -> Result<UpdateModifications, Error> {
        let condition = self.condition();
        match update {
            UpdateModifications::Document(update) => {
                self.check_operators(&update, &condition)?;
                let update = if upsert { self.upsert(update, &condition)? } else { update };
                Ok(UpdateModifications::Document(update))
            }
            UpdateModifications::Pipeline(stages) => {
                if upsert || !self.fields.is_all() {
                    return Err(denied(
                        "an update by a pipeline cannot be checked here: the rule hides fields, or it is an upsert",
                    ));
                }
                for stage in &stages {
                    self.check_stage(stage, &condition)?;
                }
                Ok(UpdateModifications::Pipeline(stages))
            }
            _ => Err(Error::Internal("an update of an unknown form".to_owned())),
        }
    }

    fn check_operators(&self, update: &Document, condition: &Condition) -> Result<(), Error> {
        for (operator, changes) in update {
            if !OPERATORS.contains(&operator.as_str()) {
                return Err(Error::InvalidParameter(format!("`{operator}` is not an update operator")));
            }
            let malformed = || Error::InvalidParameter(format!("`{operator}` must be an object of fields"));
            for (path, value) in changes.as_document().ok_or_else(malformed)? {
                let change = match operator.as_str() {
                    "$set" | "$setOnInsert" => Change::Set(value),
                    _ => Change::Operator,
                };
                self.check_change(path, change, condition)?;
                if operator == "$rename" {
                    self.check_change(value.as_str().ok_or_else(malformed)?, Change::Operator, condition)?;
                }
            }
        }
        Ok(())
    }

    fn check_stage(&self, stage: &Document, condition: &Condition) -> Result<(), Error> {
        let malformed = || Error::InvalidParameter("a stage of an update must be an object with one field".to_owned());
        let (name, value) = stage.iter().next().filter(|_| stage.len() == 1).ok_or_else(malformed)?;
        let mut paths = Vec::new();
        match (name.as_str(), value) {
            ("$set" | "$addFields", Bson::Document(changes)) => paths.extend(changes.keys().map(String::as_str)),
            ("$unset", Bson::String(path)) => paths.push(path),
            ("$unset", Bson::Array(all)) => {
                for path in all {
                    paths.push(path.as_str().ok_or_else(malformed)?);
                }
            }
            _ => {
                return Err(denied(format!(
                    "the stage `{name}` in an update could change what the rule's filter looks at"
                )));
            }
        }
        paths.into_iter().try_for_each(|path| self.check_change(path, Change::Stage, condition))
    }

    fn check_change(&self, path: &str, change: Change<'_>, condition: &Condition) -> Result<(), Error> {
        if !self.fields.shows(&without_array_operators(path)) {
            return Err(denied(format!("no rule allows writing the field `{path}`")));
        }
        if !condition.survives(path, change) {
            return Err(denied(format!("a change of `{path}` could take the document out of the rule's filter")));
        }
        Ok(())
    }

    /// What is inserted has the values that the filter asks for, whatever else it gets.
    fn upsert(&self, mut update: Document, condition: &Condition) -> Result<Document, Error> {
        let Some(filter) = &self.filter else { return Ok(update) };
        // A list may have two values at once, but only one can be set.
        let single = |all: &&[(String, Bson)]| {
            all.iter().enumerate().all(|(place, (path, _))| all[..place].iter().all(|(other, _)| other != path))
        };
        let equalities = condition.equalities().filter(single).ok_or_else(|| {
            denied(format!(
                "an upsert needs a rule whose filter only names values of different fields, unlike {}",
                kind(filter)
            ))
        })?;
        let is_set = |path: &str| {
            let by = |operator| update.get_document(operator).is_ok_and(|fields| fields.contains_key(path));
            by("$set") || by("$setOnInsert")
        };
        let missing: Vec<_> = equalities.iter().filter(|(path, _)| !is_set(path)).cloned().collect();
        if !missing.is_empty() {
            let mut fields = update.get_document("$setOnInsert").cloned().unwrap_or_default();
            fields.extend(missing);
            update.insert("$setOnInsert", fields);
        }
        Ok(update)
    }

    /// Checks a replacement as far as it can be without MongoDB.
    ///
    /// # Errors
    /// 403 where fields are hidden: it would remove or write them.
    pub(crate) fn check_replacement(&self, replacement: &Document) -> Result<(), Error> {
        if !self.fields.is_all() {
            return Err(denied("a document with fields that a rule hides cannot be replaced; update it"));
        }
        if !replacement.contains_key("_id") && self.condition().looks_at("_id") {
            return Err(denied("the rule's filter looks at `_id`, so the replacement must have it"));
        }
        Ok(())
    }

    /// Checks new documents as far as it can be without MongoDB, and gives them the `_id` that they lack.
    ///
    /// # Errors
    /// 403 where one has a hidden field.
    pub(crate) fn complete(&self, documents: &mut [Document]) -> Result<(), Error> {
        for document in documents {
            if let Some(path) = self.fields.hidden_in(document) {
                return Err(denied(format!("no rule allows writing the field `{path}`")));
            }
            if !document.contains_key("_id") {
                document.insert("_id", ObjectId::new());
            }
        }
        Ok(())
    }

    /// The documents that may not satisfy the filter, and the filter: only MongoDB can tell.
    ///
    /// # Errors
    /// 403 for a document that MongoDB would change.
    pub(crate) fn doubtful<'d>(
        &self,
        documents: &'d [Document],
    ) -> Result<Option<(Vec<&'d Document>, Document)>, Error> {
        let Some(filter) = &self.filter else { return Ok(None) };
        let condition = self.condition();
        // MongoDB puts its own time in the place of an empty timestamp.
        let empty = Bson::Timestamp(Timestamp { time: 0, increment: 0 });
        for (name, _) in documents.iter().flatten().filter(|(_, value)| **value == empty) {
            if condition.looks_at(name) {
                return Err(denied(format!("the rule's filter looks at `{name}`, so it cannot be an empty timestamp")));
            }
        }
        let doubtful: Vec<_> = documents.iter().filter(|document| !condition.holds_for(document)).collect();
        Ok((!doubtful.is_empty()).then(|| (doubtful, filter.clone())))
    }
}

/// What is wrong with a filter, without quoting it: it may hold what is known of the user.
fn kind(filter: &Document) -> String {
    let fields: Vec<_> = filter.keys().map(|key| format!("`{key}`")).collect();
    format!("the one on {}", fields.join(", "))
}

/// A pipeline that counts those of the documents that satisfy the filter.
pub(crate) fn count_matching(documents: &[&Document], filter: &Document) -> Vec<Document> {
    let literals: Vec<Bson> = documents.iter().map(|document| Bson::from(doc! { "$literal": *document })).collect();
    vec![doc! { "$documents": literals }, doc! { "$match": filter.clone() }, doc! { "$count": "n" }]
}
