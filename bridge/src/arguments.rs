//! A request's body, as the fields that an action takes.

use mongodb::bson::{RawArray, RawBsonRef, RawDocument};

use crate::error::Error;

/// The body's fields. They are borrowed from the one BSON document that the body became.
#[derive(Clone, Copy)]
pub struct Arguments<'a> {
    body: &'a RawDocument,
}

/// The fields that every action takes.
const NAMESPACE: [&str; 3] = ["dataSource", "database", "collection"];

impl<'a> Arguments<'a> {
    /// Takes a body whose fields are those of the namespace and those in `known`.
    ///
    /// # Errors
    /// 400 for any other field: a misspelled `fitler` that is ignored would mean every document.
    pub fn new(body: &'a RawDocument, known: &[&str]) -> Result<Self, Error> {
        for element in body.iter_elements() {
            let name = element.map_err(internal)?.key().as_str();
            if !NAMESPACE.contains(&name) && !known.contains(&name) {
                return Err(Error::InvalidParameter(format!(
                    "the field `{name}` is not known; this action takes {}, {}",
                    NAMESPACE.join(", "),
                    known.join(", ")
                )));
            }
        }
        Ok(Arguments { body })
    }

    /// The database and the collection.
    ///
    /// # Errors
    /// 400 where one is missing, no string or empty, and where `dataSource` is not the one that is served.
    pub fn namespace(&self, data_source: &str) -> Result<(&'a str, &'a str), Error> {
        let [source, database, collection] = NAMESPACE.map(|name| self.name(name));
        let source = source?;
        if source != data_source {
            return Err(Error::InvalidParameter(format!("the dataSource `{source}` is not known here")));
        }
        Ok((database?, collection?))
    }

    /// A document that may be left out.
    ///
    /// # Errors
    /// 400 where it is something else than a document.
    pub fn document(&self, name: &'static str) -> Result<Option<&'a RawDocument>, Error> {
        match self.get(name)? {
            None => Ok(None),
            Some(RawBsonRef::Document(document)) => Ok(Some(document)),
            Some(_) => Err(wrong(name, "an object")),
        }
    }

    /// A document that must be there.
    ///
    /// # Errors
    /// 400 where it is missing, or something else than a document.
    pub fn required_document(&self, name: &'static str) -> Result<&'a RawDocument, Error> {
        self.document(name)?.ok_or(Error::MissingParameter(name))
    }

    /// An array of documents that must be there.
    ///
    /// # Errors
    /// 400 where it is missing or something else; the text names the element.
    pub fn documents(&self, name: &'static str) -> Result<Vec<&'a RawDocument>, Error> {
        match self.required(name)? {
            RawBsonRef::Array(array) => documents_of(name, array),
            _ => Err(wrong(name, "an array of objects")),
        }
    }

    /// A value of any type that must be there.
    ///
    /// # Errors
    /// 400 where it is missing.
    pub fn required(&self, name: &'static str) -> Result<RawBsonRef<'a>, Error> {
        self.get(name)?.ok_or(Error::MissingParameter(name))
    }

    /// A whole number from 0 on that may be left out. A double without a fraction is one too: to a JavaScript client
    /// there is no difference.
    ///
    /// # Errors
    /// 400 where it is something else.
    pub fn count(&self, name: &'static str) -> Result<Option<u64>, Error> {
        let number = match self.get(name)? {
            None => return Ok(None),
            Some(RawBsonRef::Int32(number)) => Some(i64::from(number)),
            Some(RawBsonRef::Int64(number)) => Some(number),
            // Up to here every whole double is an integer of its own.
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within 53 bits")]
            Some(RawBsonRef::Double(number)) if number.fract() == 0.0 && number.abs() < 9e15 => Some(number as i64),
            Some(_) => None,
        };
        let number = number.and_then(|number| u64::try_from(number).ok());
        number.map(Some).ok_or_else(|| wrong(name, "a whole number from 0 on"))
    }

    /// A boolean that is false where it is left out.
    ///
    /// # Errors
    /// 400 where it is something else.
    pub fn flag(&self, name: &'static str) -> Result<bool, Error> {
        match self.get(name)? {
            None => Ok(false),
            Some(RawBsonRef::Boolean(flag)) => Ok(flag),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// Whether a field is there, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        matches!(self.get(name), Ok(Some(value)) if !matches!(value, RawBsonRef::Null))
    }

    fn name(&self, name: &'static str) -> Result<&'a str, Error> {
        match self.required(name)? {
            RawBsonRef::String("") => Err(wrong(name, "a string that is not empty")),
            RawBsonRef::String(text) if text.contains('\0') => Err(wrong(name, "a string without NUL characters")),
            RawBsonRef::String(text) => Ok(text),
            _ => Err(wrong(name, "a string")),
        }
    }

    fn get(&self, name: &str) -> Result<Option<RawBsonRef<'a>>, Error> {
        self.body.get(name).map_err(internal)
    }
}

/// The elements of an array, all of them documents.
///
/// # Errors
/// 400 where one is something else.
pub fn documents_of<'a>(name: &'static str, array: &'a RawArray) -> Result<Vec<&'a RawDocument>, Error> {
    let elements = array.into_iter().enumerate().map(|(index, element)| match element.map_err(internal)? {
        RawBsonRef::Document(document) => Ok(document),
        _ => Err(Error::InvalidParameter(format!("`{name}[{index}]` must be an object"))),
    });
    elements.collect()
}

fn wrong(name: &str, wanted: &str) -> Error {
    Error::InvalidParameter(format!("the field `{name}` must be {wanted}"))
}

/// We wrote this BSON ourselves.
fn internal(error: mongodb::bson::error::Error) -> Error {
    Error::Internal(format!("the body's BSON: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::rawdoc;

    #[test]
    fn fields_by_type() {
        let body = rawdoc! {
            "dataSource": "s", "database": "d", "collection": "c",
            "limit": 3_i64, "skip": 2.0, "upsert": true, "filter": {"a": 1}, "documents": [{}, {}], "sort": [],
        };
        let arguments = Arguments::new(&body, &["limit", "skip", "upsert", "filter", "documents", "sort"]).unwrap();
        assert_eq!(arguments.namespace("s").unwrap(), ("d", "c"));
        assert_eq!(arguments.namespace("other").unwrap_err().code(), "InvalidParameter");
        assert_eq!(arguments.count("limit").unwrap(), Some(3));
        assert_eq!(arguments.count("skip").unwrap(), Some(2));
        assert_eq!(arguments.count("none").unwrap(), None);
        assert!(arguments.flag("upsert").unwrap());
        assert_eq!(arguments.documents("documents").unwrap().len(), 2);
        assert!(arguments.required_document("filter").is_ok());
        assert_eq!(arguments.required_document("update").unwrap_err().code(), "MissingParameter");
        assert_eq!(arguments.document("sort").unwrap_err().to_string(), "the field `sort` must be an object");
        let error = Arguments::new(&body, &["limit"]).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("the field `skip` is not known"), "{error}");
    }

    #[test]
    fn counts_that_are_none() {
        for body in
            [rawdoc! {"n": -1}, rawdoc! {"n": 1.5}, rawdoc! {"n": "1"}, rawdoc! {"n": f64::NAN}, rawdoc! {"n": 1e300}]
        {
            let arguments = Arguments::new(&body, &["n"]).unwrap();
            assert_eq!(arguments.count("n").unwrap_err().code(), "InvalidParameter");
        }
    }
}
