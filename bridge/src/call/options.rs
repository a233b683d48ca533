//! What MongoDB takes beside a filter or a pipeline: `collation`, `hint`, `let`, `comment`, `arrayFilters`.
//!
//! MongoDB interprets all of them but the comment, so they are checked as filters are: an expression in `let` could call a
//! function.

use mongodb::bson::{Bson, Document, RawBsonRef, deserialize_from_document};
use mongodb::options::{Collation, Hint};

use super::{Call, interpreted};
use crate::arguments::documents_of;
use crate::error::Error;
use crate::operator_denylist;
use crate::quoted::shortened;

/// A collation's fields. The driver would pass over any other, and sort by another order than the client meant.
const COLLATION: [&str; 9] = [
    "locale",
    "strength",
    "caseLevel",
    "caseFirst",
    "numericOrdering",
    "alternate",
    "maxVariable",
    "normalization",
    "backwards",
];

impl Call<'_> {
    /// By which language's rules strings are compared.
    pub(crate) fn collation(&self) -> Result<Option<Collation>, Error> {
        let Some(collation) = self.query("collation")? else { return Ok(None) };
        if let Some(key) = collation.keys().find(|key| !COLLATION.contains(&key.as_str())) {
            return Err(Error::InvalidParameter(format!("the field `collation.{}` is unknown", shortened(key))));
        }
        let wrong = |error| Error::InvalidParameter(format!("the field `collation` must be a collation: {error}"));
        deserialize_from_document(collation).map(Some).map_err(wrong)
    }

    /// The index to use, by its name or its keys.
    pub(crate) fn hint(&self) -> Result<Option<Hint>, Error> {
        match self.arguments.get("hint") {
            None => Ok(None),
            Some(RawBsonRef::String(name)) => Ok(Some(Hint::Name(name.to_owned()))),
            Some(RawBsonRef::Document(keys)) => interpreted("hint", keys).map(|keys| Some(Hint::Keys(keys))),
            Some(_) => Err(Error::InvalidParameter("the field `hint` must be a string or an object".to_owned())),
        }
    }

    /// The variables that expressions may use, as `let` defines them.
    pub(crate) fn variables(&self) -> Result<Option<Document>, Error> {
        self.query("let")
    }

    /// What MongoDB's profiler and logs shall show with the operation.
    pub(crate) fn comment(&self) -> Result<Option<Bson>, Error> {
        self.arguments.get("comment").map(Bson::try_from).transpose().map_err(Into::into)
    }

    /// Which elements of an array an update's `$[name]` stands for.
    pub(crate) fn array_filters(&self) -> Result<Option<Vec<Document>>, Error> {
        match self.arguments.get("arrayFilters") {
            None => Ok(None),
            Some(RawBsonRef::Array(filters)) => {
                operator_denylist::check_array("arrayFilters", filters)?;
                let filters = documents_of("arrayFilters", filters)?;
                Ok(Some(filters.into_iter().map(Document::try_from).collect::<Result<_, _>>()?))
            }
            Some(_) => Err(Error::InvalidParameter("the field `arrayFilters` must be an array of objects".to_owned())),
        }
    }
}
