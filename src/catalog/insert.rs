//! Adds documents.

use fenced_cache::{Invalidation, Scope, WriteError};
use serde_json::Value;

use super::entries::{LISTINGS, document_name};
use super::new_document::{own_id, with_id};
use super::{Catalog, CatalogError, Preconditions};
use crate::backend::Backend;
use crate::database::filter::Filter;
use crate::database::id::scope_text;
use crate::database::idempotency::{self, Earlier};
use crate::database::rejection::Rejection;
use crate::database::value::Format;
use crate::database::{Database, DatabaseError, Document};

/// How often a request that finds a part of its documents there already inserts the others.
const ATTEMPTS: usize = 5;

/// What is to be added, and how.
#[derive(Clone, Debug)]
pub struct Insertion<'a> {
    /// The documents, each with its own `_id` or without one.
    pub documents: Vec<Document>,
    /// Whether one document was sent by itself, rather than an array of documents.
    pub is_one: bool,
    /// How their values are spelled.
    pub format: Format,
    /// With a key, the documents are added once, however often they are sent by the same caller.
    pub idempotency_key: Option<&'a str>,
    /// Who sends them.
    pub caller: &'a str,
    /// What must hold before they are added.
    pub preconditions: &'a Preconditions,
}

/// What was added.
#[derive(Clone, Debug, PartialEq)]
pub struct Inserted {
    /// The documents as they are stored, each with its `_id`.
    pub documents: Vec<Value>,
    /// How far the write could be recorded in the cache.
    pub invalidation: Invalidation,
}

impl<B: Backend> Catalog<'_, B> {
    /// Inserts the documents, each under its own `_id` or a new one.
    ///
    /// # Errors
    /// [`CatalogError::UnknownFields`], [`CatalogError::InvalidId`], [`CatalogError::AlreadyExists`],
    /// [`CatalogError::KeyReused`], [`CatalogError::Rejected`], [`CatalogError::Read`] or [`CatalogError::Write`].
    pub async fn insert(&self, collection: &str, insertion: Insertion<'_>) -> Result<Inserted, CatalogError> {
        let Insertion { documents, is_one, format, idempotency_key, caller, preconditions } = insertion;
        self.check_fields(collection, &documents, is_one).await?;
        let key = idempotency_key.map(|key| (key, idempotency::fingerprint(&documents, is_one, format)));
        let mut with_ids = Vec::with_capacity(documents.len());
        let mut made = Vec::with_capacity(documents.len());
        for (place, document) in documents.into_iter().enumerate() {
            let own = own_id(&document, format)?;
            let is_made = own.is_none() && key.is_some();
            let id = match (own, key) {
                (Some(id), _) => id,
                (None, None) => self.ids.next(self.platform).to_ejson(),
                (None, Some((key, body))) => {
                    let id = idempotency::object_id(collection, caller, key, place, body);
                    // Documents are added in their order: without the first there is none.
                    if !made.contains(&true) && idempotency::is_reused(self.database, collection, &id).await? {
                        return Err(CatalogError::KeyReused);
                    }
                    id.to_ejson()
                }
            };
            made.push(is_made);
            with_ids.push(with_id(id, document));
        }
        let mut rejection = match self.insert_missing(collection, &with_ids, &made, key.is_some()).await {
            Ok(invalidation) => return Ok(Inserted { documents: with_ids, invalidation }),
            Err(CatalogError::Write(WriteError::Source(DatabaseError::Rejected(rejection)))) => rejection,
            Err(error) => return Err(error),
        };
        if preconditions.require_absence()
            && rejection.reason.is_duplicate()
            && self.exists(collection, &with_ids[rejection.place.unwrap_or(0)]).await?
        {
            return Err(CatalogError::AlreadyExists);
        }
        if is_one {
            return Err(CatalogError::Rejected { rejection, inserted: None });
        }
        let place = self.place_of(collection, &with_ids, &made, &rejection).await?;
        rejection.place = Some(place);
        let ids = with_ids.iter().take(place).map(|document| Format::Json.value(&document["_id"]));
        Err(CatalogError::Rejected { rejection, inserted: Some(ids.collect()) })
    }

    /// Inserts the documents. Where the client's key made their ids, what is there already from an earlier request is left.
    async fn insert_missing(
        &self,
        collection: &str,
        documents: &[Value],
        made: &[bool],
        is_retry_safe: bool,
    ) -> Result<Invalidation, CatalogError> {
        let space = self.settings.key_prefix(collection);
        // Somebody may have asked for such an id before, and been told that it does not exist.
        let names: Vec<String> =
            documents.iter().map(|document| document_name(&scope_text(&document["_id"]))).collect();
        let mut scopes = vec![LISTINGS];
        scopes.extend(names.iter().map(|name| Scope::single(name)));
        let mut places: Vec<usize> = (0..documents.len()).collect();
        for _ in 0..ATTEMPTS {
            let wanted: Vec<Value> = places.iter().map(|place| documents[*place].clone()).collect();
            let work = self.database.insert(collection, &wanted);
            let mut rejection = match self.cache.write(&space, &scopes, work).await {
                Ok(((), invalidation)) => return Ok(invalidation),
                Err(WriteError::Source(DatabaseError::Rejected(rejection))) => rejection,
                Err(error) => return Err(error.into()),
            };
            let refused = places.get(rejection.place.unwrap_or(0)).copied().unwrap_or(0);
            rejection.place = rejection.place.map(|_| refused);
            let is_duplicate = rejection.reason.is_duplicate();
            let refusal = CatalogError::Write(WriteError::Source(DatabaseError::Rejected(rejection)));
            if !is_retry_safe || !is_duplicate {
                return Err(refusal);
            }
            // Of several unique indexes that it breaks, MongoDB names one: not always that of the `_id`.
            match idempotency::compare(self.database, collection, documents, made).await? {
                Earlier::Differs(_) => return Err(CatalogError::KeyReused),
                Earlier::Missing(missing) if missing.is_empty() => {
                    // Whether the request that added them could record that in the cache is not known.
                    let nothing = async { Ok::<_, DatabaseError>(()) };
                    let ((), invalidation) = self.cache.write(&space, &scopes, nothing).await?;
                    return Ok(invalidation);
                }
                Earlier::Missing(missing) if missing.contains(&refused) => return Err(refusal),
                Earlier::Missing(missing) => places = missing,
            }
        }
        Err(CatalogError::Read(DatabaseError::Unavailable(
            "the documents were added and deleted at the same time".to_owned(),
        )))
    }

    /// The place of the refused document among several. A Data API that does not say it is asked what was inserted.
    async fn place_of(
        &self,
        collection: &str,
        documents: &[Value],
        made: &[bool],
        rejection: &Rejection,
    ) -> Result<usize, CatalogError> {
        if let Some(place) = rejection.place {
            return Ok(place);
        }
        Ok(match idempotency::compare(self.database, collection, documents, made).await? {
            Earlier::Differs(place) => place,
            Earlier::Missing(missing) => missing.first().copied().unwrap_or(0),
        })
    }

    /// Whether the document's `_id` exists. Of several unique indexes that a document breaks, MongoDB names one.
    async fn exists(&self, collection: &str, document: &Value) -> Result<bool, CatalogError> {
        Ok(self.database.find_first(collection, &Filter::id(&document["_id"])).await?.is_some())
    }
}
