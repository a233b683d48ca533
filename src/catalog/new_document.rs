//! What is checked of a document before it is added.

use serde_json::Value;

use super::{Catalog, CatalogError};
use crate::backend::Backend;
use crate::database::filter::{Condition, Filter};
use crate::database::object_id::ObjectId;
use crate::database::value::kind::Kind;
use crate::database::value::{Format, check};
use crate::database::{Database, Document, Find};

/// The `_id` that the document brings along. In plain JSON, 24 hex digits mean an ObjectId.
pub(super) fn own_id(document: &Document, format: Format) -> Result<Option<Value>, CatalogError> {
    let invalid = |why: &'static str| Err(CatalogError::InvalidId(why));
    let Some(id) = document.get("_id") else { return Ok(None) };
    match Kind::of(id) {
        Kind::String("") => invalid("is an empty string"),
        Kind::String(text) if format == Format::Json => {
            Ok(Some(ObjectId::parse(text).map_or_else(|| id.clone(), |id| id.to_ejson())))
        }
        Kind::Null => invalid("is null; omit it to have one generated"),
        Kind::Array(_) | Kind::Regex { .. } => invalid("has a type that MongoDB does not accept for an _id"),
        _ => Ok(Some(check::with_types(id))),
    }
}

/// A document as it is stored, its `_id` first.
pub(super) fn with_id(id: Value, document: Document) -> Value {
    let fields = document.into_iter().filter(|(name, _)| name != "_id");
    Value::Object(std::iter::once(("_id".to_owned(), id)).chain(fields).collect())
}

impl<B: Backend> Catalog<'_, B> {
    /// A collection that has documents takes only those that share a field with them: so a client's document, or one with
    /// its fields misspelt, does not end up among the games.
    pub(super) async fn check_fields(
        &self,
        collection: &str,
        documents: &[Document],
        is_one: bool,
    ) -> Result<(), CatalogError> {
        let names =
            |document: &Document| -> Vec<String> { document.keys().filter(|name| *name != "_id").cloned().collect() };
        let mut known: Vec<String> = vec![];
        let mut available = None;
        for (place, document) in documents.iter().enumerate() {
            let provided = names(document);
            if provided.iter().any(|name| known.contains(name)) {
                continue;
            }
            if !provided.is_empty() && self.any_has_one_of(collection, &provided).await? {
                known.extend(provided);
                continue;
            }
            let available = match &mut available {
                Some(available) => available,
                none => none.insert(self.database.field_names(collection).await?),
            };
            if available.is_empty() {
                return Ok(());
            }
            available.retain(|name| name != "_id");
            if provided.iter().any(|name| available.contains(name)) {
                continue;
            }
            let place = (!is_one).then_some(place);
            return Err(CatalogError::UnknownFields { available: available.clone(), provided, place });
        }
        Ok(())
    }

    /// Whether any document of the collection has one of these fields.
    async fn any_has_one_of(&self, collection: &str, names: &[String]) -> Result<bool, CatalogError> {
        let filter = Filter(vec![Condition::HasAnyField(names.to_vec())]);
        let find = Find { filter, limit: Some(1), fields: vec!["_id".to_owned()], ..Find::default() };
        Ok(self.database.find(collection, &find).await?.as_ref() != b"[]")
    }
}
