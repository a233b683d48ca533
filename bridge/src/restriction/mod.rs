//! What a rule with a `filter` or `fields` makes of reads and writes; `actions/restricted/` runs them.
//!
//! A [`Restriction`] is a rule's filter with this user's values in it ([`template`]), and the [`fields`] that may be read.
//!
//! - A **read** becomes a pipeline whose first stages are ours: the documents that the user may see, then without their
//!   hidden fields. Whatever the client's stages do after that, they do it to what may be seen ([`pipeline`]). The same
//!   stages stand first wherever a pipeline turns to another collection.
//! - A **write** names its documents by the rule's filter and the client's, and MongoDB tries both at once, so nothing can
//!   change in between. The client's may only compare ([`comparisons`]); no hidden field may be written; and a document
//!   must satisfy the rule's filter after the change too ([`writes`], [`condition`]): what cannot be proved is refused.
//!
//! An account whose rules have neither does not come here.

pub(crate) mod comparisons;
mod condition;
pub mod fields;
mod paths;
pub(crate) mod pipeline;
pub mod template;
pub(crate) mod writes;

use mongodb::bson::{Bson, Document, doc};
use mongodb::options::Collation;

use crate::error::Error;
use comparisons::{all_of, split};
use fields::Fields;

/// No collection has as many documents. MongoDB may move a `$match` ahead of most stages, and does so to use an index, but
/// never ahead of a `$limit`: what comes after it is tried only on documents that passed what is before it.
const BARRIER: i64 = 1 << 53;

/// What a rule lets one user see of one collection.
#[derive(Debug)]
pub struct Restriction<'r> {
    /// The documents; all of them where there is no filter.
    pub(crate) filter: Option<Document>,
    pub(crate) fields: &'r Fields,
}

impl<'r> Restriction<'r> {
    /// With a filter whose placeholders are values already.
    pub fn new(filter: Option<Document>, fields: &'r Fields) -> Self {
        Restriction { filter, fields }
    }

    /// Whether everything may be seen.
    pub fn is_none(&self) -> bool {
        self.filter.is_none() && self.fields.is_all()
    }

    /// The stages that leave what may be seen of the documents that `wanted` asks for. With a `barrier` nothing that
    /// follows is tried on other documents.
    pub(crate) fn stages(&self, wanted: Document, barrier: bool) -> Vec<Document> {
        let (plain, rest) = split(wanted, self.fields);
        let barrier = self.filter.is_some() && (barrier || !rest.is_empty());
        let seen = all_of(self.filter.iter().cloned().chain(plain).collect());
        let mut stages: Vec<Document> = seen.map(|filter| doc! { "$match": filter }).into_iter().collect();
        if barrier {
            stages.push(doc! { "$limit": BARRIER });
        }
        stages.extend(self.fields.stages());
        stages.extend(all_of(rest).map(|filter| doc! { "$match": filter }));
        stages
    }
}

/// Letters that differ are different: by a collation of a client's, or of a collection's, `ann` could equal `Ann`.
pub(crate) fn simple() -> Collation {
    Collation::builder().locale("simple").build()
}

pub(crate) fn denied(why: impl Into<String>) -> Error {
    Error::NoRule(why.into())
}

/// Whether a key stands anywhere in a value.
fn has_key(value: &Bson, key: &str) -> bool {
    match value {
        Bson::Document(document) => document.iter().any(|(name, value)| name == key || has_key(value, key)),
        Bson::Array(elements) => elements.iter().any(|element| has_key(element, key)),
        _ => false,
    }
}

/// Refuses what tells of a document's hidden fields beside the document: `$meta` can show the keys of the index that found
/// it.
pub(crate) fn check_no_metadata<'a>(values: impl IntoIterator<Item = &'a Bson>) -> Result<(), Error> {
    match values.into_iter().any(|value| has_key(value, "$meta")) {
        true => Err(denied("`$meta` cannot be used where a rule hides fields")),
        false => Ok(()),
    }
}
