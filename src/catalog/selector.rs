//! What an operation is for: a document, or collections.

use std::borrow::Cow;

use super::{CatalogError, Settings};

/// One collection, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CollectionSelector<'a> {
    /// Every one that the operation is for.
    All,
    /// This one.
    One(Cow<'a, str>),
}

impl<'a> CollectionSelector<'a> {
    /// The collection of this name; `all` means all.
    pub fn of(name: Cow<'a, str>) -> Self {
        if name == "all" { CollectionSelector::All } else { CollectionSelector::One(name) }
    }

    /// The names of the collections; for all, those that are open.
    pub fn names<'s>(&'s self, settings: &'s Settings) -> Vec<&'s str> {
        match self {
            CollectionSelector::One(name) => vec![name],
            CollectionSelector::All => settings.collections.iter().map(String::as_str).collect(),
        }
    }
}

/// One document: by its `_id`, or by the value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentSelector<'a> {
    /// The `_id` or the field's value, a text without a type.
    pub value: &'a str,
    /// The field that has the value; its name is one that [`field_name`](crate::database::filter::field_name) accepts.
    /// Without it, or where it is `_id`, the value is an `_id`.
    pub field: Option<String>,
}

impl DocumentSelector<'_> {
    /// The error for a collection that has no such document.
    pub fn not_found(&self, collection: &str) -> CatalogError {
        CatalogError::NoDocument {
            collection: collection.to_owned(),
            value: self.value.to_owned(),
            field: self.field.clone(),
        }
    }
}
