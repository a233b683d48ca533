//! `POST /api/add/{collection}`: a new document.

use fenced_cache::{Ports, Scope, WriteError};
use http::{StatusCode, header};
use serde_json::{Value, json};

use crate::catalog::entries::{LISTINGS, document_name};
use crate::database::filter::{Condition, Filter};
use crate::database::{Document, Store, StoreError};
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::{body, response, selector};
use crate::object_id::ObjectId;
use crate::platform::Platform;

/// Inserts the body, under its own `_id` or under a new one.
pub async fn add<C: Ports, S: Store, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
) -> Result<Response, Problem> {
    let document = body::object(request, context.config.http.max_body_bytes)?;
    let own_id = own_id(&document)?;
    check_fields(context.store, collection, &document).await?;

    // A new id is nobody's yet, so no read can have been answered about it.
    let name = own_id.as_ref().map(document_name);
    let mut scopes = vec![LISTINGS];
    scopes.extend(name.as_deref().map(Scope::single));
    let space = context.config.catalog.key_prefix(collection);
    let insert = context.store.insert(collection, own_id.as_ref(), &document);
    let (id, recorded) = match context.cache.write(&space, &scopes, insert).await {
        Ok(inserted) => inserted,
        Err(WriteError::Source(StoreError::Duplicate)) => {
            let id = own_id.map(|id| id.to_string()).unwrap_or_default();
            return Err(Problem::Duplicate(id));
        }
        Err(error) => return Err(Problem::writing(error)),
    };

    let mut item = Document::new();
    item.insert("_id".to_owned(), Value::from(id.as_str()));
    item.extend(document.into_iter().filter(|(name, _)| name != "_id"));
    let answer = json!({
        "message": format!("added a document to {collection}"),
        "id": id.as_str(),
        "item": item,
    });
    let mut response = response::json(StatusCode::CREATED, &answer);
    let location = format!("/api/get/{collection}/{id}");
    response::insert(&mut response, header::LOCATION, &location);
    response::set_invalidation_status(&mut response, recorded);
    Ok(response)
}

fn own_id(document: &Document) -> Result<Option<ObjectId>, Problem> {
    match document.get("_id") {
        None => Ok(None),
        Some(Value::String(text)) => selector::object_id(text).map(Some),
        Some(_) => Err(Problem::Invalid("the document's _id must be a string of 24 hex digits".to_owned())),
    }
}

/// A collection that has documents takes only those that share a field with them: so a client's document, or one with
/// its fields misspelt, does not end up among the games.
async fn check_fields(store: &impl Store, collection: &str, document: &Document) -> Result<(), Problem> {
    let provided: Vec<String> = document.keys().filter(|name| *name != "_id").cloned().collect();
    if !provided.is_empty() {
        let shares_a_field = Filter(vec![Condition::HasAnyField(provided.clone())]);
        let one = store.find_id(collection, &shares_a_field).await;
        if one.map_err(Problem::reading)?.is_some() {
            return Ok(());
        }
    }
    let mut available = store.field_names(collection).await.map_err(Problem::reading)?;
    if available.is_empty() {
        return Ok(());
    }
    available.retain(|name| name != "_id");
    Err(Problem::UnknownFields { available, provided })
}
