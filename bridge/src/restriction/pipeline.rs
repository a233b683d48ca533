//! Pipelines of clients, rewritten so that every collection in them shows what its rule lets the user see.
//!
//! Stages are known by name. One that is not known here could read another collection, and is refused.

use std::cell::{Cell, RefCell};

use mongodb::bson::{Bson, Document, doc};

use super::comparisons::{self, all_of};
use super::fields::Fields;
use super::{Restriction, check_no_metadata, denied};
use crate::budget::Reservation;
use crate::error::Error;
use crate::operator_denylist::count_only;
use crate::weight;

/// Stages that work on the documents they are given, and on nothing else.
const LOCAL: [&str; 20] = [
    "$addFields",
    "$bucket",
    "$bucketAuto",
    "$count",
    "$densify",
    "$fill",
    "$group",
    "$limit",
    "$match",
    "$project",
    "$redact",
    "$replaceRoot",
    "$replaceWith",
    "$sample",
    "$set",
    "$setWindowFields",
    "$skip",
    "$sort",
    "$sortByCount",
    "$unset",
];

/// Stages that must come first, where a restriction's own stages would stand. (`$documents` has no collection.)
const FIRST: [&str; 6] = ["$collStats", "$documents", "$geoNear", "$search", "$searchMeta", "$vectorSearch"];

/// What the user may see of a collection, or that nothing of it may be seen.
pub(crate) type Restrictions<'a> = &'a (dyn Fn((&str, &str)) -> Result<Restriction<'a>, Error> + Sync);

/// Rewrites the pipelines of one request.
pub(crate) struct Rewriter<'a> {
    restriction_of: Restrictions<'a>,
    /// A collection with hidden fields has been met.
    hides: Cell<bool>,
    /// The collections that a `$graphLookup` searches under a filter.
    searched: RefCell<Vec<(String, String)>>,
    /// For what is added: each collection that is named, however often, brings a copy of its rule.
    memory: RefCell<Reservation<'a>>,
}

/// What a pipeline works on.
#[derive(Clone, Copy)]
struct Input<'a> {
    /// The collection's restriction; `None` where the documents come from elsewhere.
    source: Option<&'a Restriction<'a>>,
    /// Where collections are that are named without a database.
    database: &'a str,
    /// Within another pipeline. MongoDB may move parts of that one into it.
    nested: bool,
}

impl<'a> Rewriter<'a> {
    /// What is added takes its memory from this, until the rewriter is dropped.
    pub(crate) fn new(restriction_of: Restrictions<'a>, memory: Reservation<'a>) -> Self {
        Rewriter { restriction_of, hides: Cell::new(false), searched: RefCell::default(), memory: RefCell::new(memory) }
    }

    /// A client's pipeline on a collection, as this user may run it.
    pub(crate) fn rewrite(&self, pipeline: &[Bson], namespace: (&str, &str)) -> Result<Vec<Document>, Error> {
        let source = self.restriction(namespace)?;
        let input = Input { source: Some(&source), database: namespace.0, nested: false };
        let stages = self.pipeline(pipeline, input)?;
        if self.hides.get() {
            check_no_metadata(pipeline)?;
        }
        Ok(stages)
    }

    /// Whether a collection was met whose fields a rule hides.
    pub(crate) fn hides(&self) -> bool {
        self.hides.get()
    }

    /// The collections that a `$graphLookup` searches under a rule's filter.
    pub(crate) fn searched(&self) -> Vec<(String, String)> {
        self.searched.take()
    }

    fn restriction(&self, namespace: (&str, &str)) -> Result<Restriction<'a>, Error> {
        let restriction = (self.restriction_of)(namespace)?;
        if !restriction.fields.is_all() {
            self.hides.set(true);
        }
        Ok(restriction)
    }

    fn pipeline(&self, pipeline: &[Bson], input: Input<'_>) -> Result<Vec<Document>, Error> {
        let stages: Vec<(&str, &Bson)> = pipeline.iter().map(one_stage).collect::<Result<_, _>>()?;
        let mut rest = stages.as_slice();
        let mut rewritten = Vec::new();
        if let Some(restriction) = input.source.filter(|source| !source.is_none()) {
            if let Some((name, _)) = rest.first().filter(|(name, _)| FIRST.contains(name)) {
                return Err(denied(format!("`{name}` cannot be used where a rule has a filter or hides fields")));
            }
            // Its plain comparisons may use an index, which is what it stands first for.
            let wanted = match rest.split_first() {
                Some((("$match", Bson::Document(filter)), others)) => {
                    rest = others;
                    filter.clone()
                }
                _ => Document::new(),
            };
            let barrier = input.nested || rest.iter().any(may_fail_early);
            rewritten = restriction.stages(wanted, barrier);
            self.memory.borrow_mut().grow(weight::of_stages(&rewritten))?;
        }
        for (place, (name, value)) in rest.iter().enumerate() {
            rewritten.push(match *name {
                name if LOCAL.contains(&name) || name == "$unwind" => doc! { name: *value },
                "$facet" => doc! { "$facet": self.facet(value, input)? },
                "$lookup" => doc! { "$lookup": self.lookup(value, input.database)? },
                "$unionWith" => doc! { "$unionWith": self.union_with(value, input.database)? },
                "$graphLookup" => doc! { "$graphLookup": self.graph_lookup(value, input.database)? },
                name if is_first_here(name, input) && place == 0 && rewritten.is_empty() => doc! { name: *value },
                name => {
                    return Err(denied(format!("`{name}` cannot be used here by an account with restricted rules")));
                }
            });
            if *name == "$collStats" {
                rewritten.push(count_only());
            }
        }
        Ok(rewritten)
    }

    fn facet(&self, value: &Bson, input: Input<'_>) -> Result<Document, Error> {
        let input = Input { source: None, ..input };
        let facet = |(name, pipeline): (&String, &Bson)| {
            Ok((name.clone(), Bson::from(self.pipeline(array("$facet", pipeline)?, input)?)))
        };
        document("$facet", value)?.iter().map(facet).collect()
    }

    fn lookup(&self, value: &Bson, database: &str) -> Result<Document, Error> {
        let mut spec = document("$lookup", value)?.clone();
        check_keys("$lookup", &spec, &["from", "localField", "foreignField", "let", "pipeline", "as"])?;
        if let Some(variables) = spec.get("let") {
            // `CURRENT` is what `$field` in an expression means, in the rule's filter too.
            let variables = document("let", variables)?;
            if let Some(name) = variables.keys().find(|name| !name.starts_with(|c: char| c.is_ascii_lowercase())) {
                return Err(Error::InvalidParameter(format!(
                    "the variable `{name}` in `let` must begin with a small letter"
                )));
            }
        }
        let pipeline = spec.get("pipeline").map(|pipeline| array("$lookup", pipeline)).transpose()?;
        let from = spec.get("from").map(|from| named("$lookup", from, database)).transpose()?;
        let rewritten = match from {
            None => {
                let input = Input { source: None, database, nested: true };
                Some(self.pipeline(documents_first("$lookup", pipeline)?, input)?)
            }
            Some((database, collection)) => {
                let source = self.restriction((database, collection))?;
                if let Some(Bson::String(field)) = spec.get("foreignField")
                    && !source.fields.shows(field)
                {
                    return Err(hidden(field));
                }
                let input = Input { source: Some(&source), database, nested: true };
                match pipeline {
                    None if source.is_none() => None,
                    pipeline => Some(self.pipeline(pipeline.unwrap_or_default(), input)?),
                }
            }
        };
        if let Some(rewritten) = rewritten {
            spec.insert("pipeline", rewritten);
        }
        Ok(spec)
    }

    fn union_with(&self, value: &Bson, database: &str) -> Result<Document, Error> {
        let mut spec = match value {
            Bson::String(collection) => doc! { "coll": collection },
            value => document("$unionWith", value)?.clone(),
        };
        check_keys("$unionWith", &spec, &["coll", "db", "pipeline"])?;
        let pipeline = spec.get("pipeline").map(|pipeline| array("$unionWith", pipeline)).transpose()?;
        let rewritten = if spec.contains_key("coll") {
            let from = Bson::Document(spec.clone());
            let (database, collection) = named("$unionWith", &from, database)?;
            let source = self.restriction((database, collection))?;
            self.pipeline(pipeline.unwrap_or_default(), Input { source: Some(&source), database, nested: true })?
        } else {
            let pipeline = documents_first("$unionWith", pipeline)?;
            self.pipeline(pipeline, Input { source: None, database, nested: true })?
        };
        spec.insert("pipeline", rewritten);
        Ok(spec)
    }

    fn graph_lookup(&self, value: &Bson, database: &str) -> Result<Document, Error> {
        const KEYS: [&str; 8] = [
            "from",
            "startWith",
            "connectFromField",
            "connectToField",
            "as",
            "maxDepth",
            "depthField",
            "restrictSearchWithMatch",
        ];
        let mut spec = document("$graphLookup", value)?.clone();
        check_keys("$graphLookup", &spec, &KEYS)?;
        let from = spec.get("from").ok_or_else(|| unnamed("$graphLookup"))?;
        let namespace = named("$graphLookup", from, database)?;
        let source = self.restriction(namespace)?;
        if !source.fields.is_all() {
            // It has no pipeline that could remove them before it follows them.
            return Err(denied("`$graphLookup` cannot search a collection with fields that a rule hides"));
        }
        if let Some(filter) = source.filter {
            self.memory.borrow_mut().grow(weight::of_stages([&filter]))?;
            let wanted = match spec.get("restrictSearchWithMatch") {
                None => None,
                Some(wanted) => Some(document("restrictSearchWithMatch", wanted)?.clone()),
            };
            if let Some(wanted) = &wanted {
                // Nothing can stand between this filter and the rule's.
                comparisons::check(wanted, &Fields::default())
                    .map_err(|why| denied(format!("`restrictSearchWithMatch` beside a rule's filter: {why}")))?;
            }
            let namespace = (namespace.0.to_owned(), namespace.1.to_owned());
            let mut searched = self.searched.borrow_mut();
            // Each costs a question to MongoDB.
            if !searched.contains(&namespace) {
                searched.push(namespace);
            }
            spec.insert("restrictSearchWithMatch", all_of([filter].into_iter().chain(wanted).collect()));
        }
        Ok(spec)
    }
}

/// Whether a stage may stand first on this input.
fn is_first_here(name: &str, input: Input<'_>) -> bool {
    match input.source {
        Some(source) => source.is_none() && FIRST.contains(&name),
        None => name == "$documents",
    }
}

/// The pipeline of a stage that names no collection: one that brings its own documents.
fn documents_first<'a>(stage: &str, pipeline: Option<&'a [Bson]>) -> Result<&'a [Bson], Error> {
    let first = pipeline.and_then(|stages| stages.first()).and_then(Bson::as_document);
    match (pipeline, first) {
        (Some(pipeline), Some(first)) if first.contains_key("$documents") => Ok(pipeline),
        _ => Err(unnamed(stage)),
    }
}

/// A pipeline on a collection that counts what a `$graphLookup` finds there under a filter that matches nothing: more than 0
/// where the server ignores the filter.
pub(crate) fn count_found_despite_filter(collection: &str) -> Vec<Document> {
    let search = doc! {
        "from": collection,
        "startWith": "$_id",
        "connectFromField": "_id",
        "connectToField": "_id",
        "as": "found",
        "restrictSearchWithMatch": { "_id": { "$in": [] } },
    };
    vec![
        doc! { "$limit": 1 },
        doc! { "$graphLookup": search },
        doc! { "$match": { "found": { "$ne": [] } } },
        doc! { "$count": "n" },
    ]
}

/// Whether MongoDB could move this stage to the front, and it could fail there.
fn may_fail_early((name, value): &(&str, &Bson)) -> bool {
    match (*name, *value) {
        ("$match", Bson::Document(filter)) => comparisons::check(filter, &Fields::default()).is_err(),
        (name, _) => name == "$match",
    }
}

fn one_stage(stage: &Bson) -> Result<(&str, &Bson), Error> {
    let stage = stage.as_document().filter(|stage| stage.len() == 1);
    let (name, value) = stage.and_then(|stage| stage.iter().next()).ok_or_else(|| {
        Error::InvalidParameter("a stage of a pipeline must be an object with exactly one field".to_owned())
    })?;
    Ok((name, value))
}

/// The database and the collection of `"collection"` or `{coll, db?}`.
fn named<'a>(stage: &str, from: &'a Bson, database: &'a str) -> Result<(&'a str, &'a str), Error> {
    match from {
        Bson::String(collection) => Ok((database, collection)),
        Bson::Document(named) => {
            let database = match named.get("db") {
                None => database,
                Some(Bson::String(database)) => database,
                Some(_) => return Err(unnamed(stage)),
            };
            Ok((database, named.get_str("coll").map_err(|_| unnamed(stage))?))
        }
        _ => Err(unnamed(stage)),
    }
}

fn unnamed(stage: &str) -> Error {
    Error::InvalidParameter(format!("the stage `{stage}` must name its collection in a string"))
}

fn hidden(field: &str) -> Error {
    denied(format!("no rule allows reading the field `{field}`"))
}

fn check_keys(stage: &str, spec: &Document, known: &[&str]) -> Result<(), Error> {
    match spec.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(Error::InvalidParameter(format!("`{key}` is unknown in the stage `{stage}`"))),
        None => Ok(()),
    }
}

fn document<'a>(name: &str, value: &'a Bson) -> Result<&'a Document, Error> {
    value.as_document().ok_or_else(|| Error::InvalidParameter(format!("`{name}` must be an object")))
}

fn array<'a>(name: &str, value: &'a Bson) -> Result<&'a [Bson], Error> {
    let array =
        value.as_array().ok_or_else(|| Error::InvalidParameter(format!("a pipeline of `{name}` must be an array")))?;
    Ok(array)
}

#[cfg(test)]
mod tests;
