//! A request's body, as the fields that an action takes.

use mongodb::bson::{RawArray, RawBsonRef, RawDocument};

use crate::error::Error;
use crate::quoted::shortened;

/// The body's fields. They are borrowed from the one BSON document that the body became.
///
/// A field that is null counts as left out: the serializers of many clients write null for what was not given.
pub struct Arguments<'a> {
    /// Those that are not null. An action asks for a dozen names, and to find one in BSON is to parse what stands before it.
    fields: Vec<(&'a str, RawBsonRef<'a>)>,
    aliases: Aliases,
}

/// Other names that fields may go by: first ours, then the client's.
pub type Aliases = &'static [(&'static str, &'static str)];

/// How long the names of databases and of collections are in MongoDB, in bytes.
const MAX_DATABASE: usize = 63;
const MAX_COLLECTION: usize = 255;

/// The fields that every action takes. Functions take those from the second on.
const NAMESPACE: [&str; 3] = ["dataSource", "database", "collection"];

impl<'a> Arguments<'a> {
    /// Takes the body of an action, whose fields are those of the namespace and those in `known`.
    ///
    /// # Errors
    /// 400 for any other field: a misspelled `fitler` that is ignored would mean every document.
    pub fn of_action(body: &'a RawDocument, known: &[&str]) -> Result<Self, Error> {
        Self::checked(body, &NAMESPACE, known, &[])
    }

    /// Takes the argument of a function: without a data source, and with some fields under other names too.
    ///
    /// # Errors
    /// 400 for an unknown field, and for one that is given by both of its names.
    pub fn of_function(body: &'a RawDocument, known: &[&str], aliases: Aliases) -> Result<Self, Error> {
        let arguments = Self::checked(body, &NAMESPACE[1..], known, aliases)?;
        for (name, alias) in aliases {
            if arguments.there(name).is_some() && arguments.there(alias).is_some() {
                return Err(Error::InvalidParameter(format!(
                    "the fields `{name}` and `{alias}` are the same; give one of them"
                )));
            }
        }
        Ok(arguments)
    }

    fn checked(body: &'a RawDocument, namespace: &[&str], known: &[&str], aliases: Aliases) -> Result<Self, Error> {
        let mut fields = Vec::with_capacity(8);
        for element in body {
            let (name, value) = element.map_err(internal)?;
            let name = name.as_str();
            let alias = aliases.iter().any(|(_, alias)| *alias == name);
            if !namespace.contains(&name) && !known.contains(&name) && !alias {
                return Err(Error::InvalidParameter(format!(
                    "the field `{}` is unknown; this action takes {}, {}",
                    shortened(name),
                    namespace.join(", "),
                    known.join(", ")
                )));
            }
            if value != RawBsonRef::Null {
                fields.push((name, value));
            }
        }
        Ok(Arguments { fields, aliases })
    }

    /// The name of the data source.
    ///
    /// # Errors
    /// 400 where it is missing, or not a name.
    pub fn data_source(&self) -> Result<&'a str, Error> {
        self.name(NAMESPACE[0])
    }

    /// The database and the collection.
    ///
    /// # Errors
    /// 400 where one is missing, or not a name, or longer than MongoDB's names are: it goes into the log.
    pub fn namespace(&self) -> Result<(&'a str, &'a str), Error> {
        let up_to = |name, bytes| {
            let text = self.name(name)?;
            let fits = text.len() <= bytes;
            fits.then_some(text).ok_or_else(|| wrong(name, &format!("a string of {bytes} bytes or fewer")))
        };
        Ok((up_to(NAMESPACE[1], MAX_DATABASE)?, up_to(NAMESPACE[2], MAX_COLLECTION)?))
    }

    /// A document that may be left out.
    ///
    /// # Errors
    /// 400 where it is something else than a document.
    pub fn document(&self, name: &'static str) -> Result<Option<&'a RawDocument>, Error> {
        match self.get(name) {
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
        self.get(name).ok_or(Error::MissingParameter(name))
    }

    /// A whole number from 0 on that may be left out. A double without a fraction is one too: to a JavaScript client
    /// there is no difference.
    ///
    /// # Errors
    /// 400 where it is something else.
    pub fn count(&self, name: &'static str) -> Result<Option<u64>, Error> {
        let number = match self.get(name) {
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
        match self.get(name) {
            None => Ok(false),
            Some(RawBsonRef::Boolean(flag)) => Ok(flag),
            Some(_) => Err(wrong(name, "true or false")),
        }
    }

    /// Whether a field is there, whatever its value.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    fn name(&self, name: &'static str) -> Result<&'a str, Error> {
        match self.required(name)? {
            RawBsonRef::String("") => Err(wrong(name, "a string that is not empty")),
            RawBsonRef::String(text) if text.contains('\0') => Err(wrong(name, "a string without NUL characters")),
            RawBsonRef::String(text) => Ok(text),
            _ => Err(wrong(name, "a string")),
        }
    }

    /// A value of any type that may be left out.
    pub fn get(&self, name: &str) -> Option<RawBsonRef<'a>> {
        let alias = || self.aliases.iter().find(|(known, _)| *known == name);
        self.there(name).or_else(|| alias().and_then(|(_, alias)| self.there(alias)))
    }

    fn there(&self, name: &str) -> Option<RawBsonRef<'a>> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
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
        let known = ["limit", "skip", "upsert", "filter", "documents", "sort"];
        let arguments = Arguments::of_action(&body, &known).unwrap();
        assert_eq!((arguments.data_source().unwrap(), arguments.namespace().unwrap()), ("s", ("d", "c")));
        assert_eq!(arguments.count("limit").unwrap(), Some(3));
        assert_eq!(arguments.count("skip").unwrap(), Some(2));
        assert_eq!(arguments.count("none").unwrap(), None);
        assert!(arguments.flag("upsert").unwrap());
        assert_eq!(arguments.documents("documents").unwrap().len(), 2);
        assert!(arguments.required_document("filter").is_ok());
        assert_eq!(arguments.required_document("update").unwrap_err().code(), "MissingParameter");
        assert_eq!(arguments.document("sort").unwrap_err().to_string(), "the field `sort` must be an object");
        let error = Arguments::of_action(&body, &["limit"]).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("the field `skip` is unknown"), "{error}");
    }

    #[test]
    fn names_as_long_as_mongodb_has_them() {
        for (database, collection, fits) in [(63, 255, true), (64, 1, false), (1, 256, false), (1_000_000, 1, false)] {
            let body = rawdoc! { "database": "d".repeat(database), "collection": "c".repeat(collection) };
            let namespace = Arguments::of_action(&body, &[]).unwrap().namespace().map(drop);
            assert_eq!(namespace.is_ok(), fits, "{database} {collection} {namespace:?}");
        }
    }

    #[test]
    fn null_is_left_out() {
        let body = rawdoc! {
            "database": null, "limit": null, "upsert": null, "filter": null, "documents": null, "sort": null,
        };
        let arguments = Arguments::of_action(&body, &["limit", "upsert", "filter", "documents", "sort"]).unwrap();
        assert_eq!(arguments.count("limit").unwrap(), None);
        assert!(!arguments.flag("upsert").unwrap());
        assert!(arguments.document("sort").unwrap().is_none());
        assert_eq!(arguments.required_document("filter").unwrap_err().code(), "MissingParameter");
        assert_eq!(arguments.documents("documents").unwrap_err().code(), "MissingParameter");
        assert_eq!(arguments.namespace().unwrap_err().code(), "MissingParameter");
        // Whether the name is known does not depend on the value.
        assert!(Arguments::of_action(&rawdoc! { "fitler": null }, &["filter"]).is_err());
    }

    #[test]
    fn fields_by_either_name() {
        const ALIASES: Aliases = &[("filter", "query")];
        for body in [rawdoc! { "filter": {"a": 1} }, rawdoc! { "query": {"a": 1} }] {
            let arguments = Arguments::of_function(&body, &["filter"], ALIASES).unwrap();
            assert!(arguments.document("filter").unwrap().is_some());
        }
        fn either(body: &RawDocument) -> Result<(), Error> {
            Arguments::of_function(body, &["filter"], ALIASES).map(|_| ())
        }
        assert!(either(&rawdoc! { "filter": {}, "query": null }).is_ok());
        assert!(either(&rawdoc! { "filter": {}, "query": {} }).unwrap_err().to_string().ends_with("give one of them"));
        assert!(either(&rawdoc! { "dataSource": "s" }).is_err(), "a function's service is named outside");
    }

    #[test]
    fn counts_that_are_none() {
        for body in
            [rawdoc! {"n": -1}, rawdoc! {"n": 1.5}, rawdoc! {"n": "1"}, rawdoc! {"n": f64::NAN}, rawdoc! {"n": 1e300}]
        {
            let arguments = Arguments::of_action(&body, &["n"]).unwrap();
            assert_eq!(arguments.count("n").unwrap_err().code(), "InvalidParameter");
        }
    }
}
