//! `POST /api/add/{collection}`: a new document, or several.

use fenced_cache::{Invalidation, Ports, Scope, WriteError};
use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::catalog::entries::{LISTINGS, document_name};
use crate::database::filter::{Condition, Filter};
use crate::database::id::scope_text;
use crate::database::idempotency::{self, Earlier};
use crate::database::object_id::ObjectId;
use crate::database::rejection::Rejection;
use crate::database::value::kind::Kind;
use crate::database::value::show::path_text;
use crate::database::value::{Format, check};
use crate::database::{Database, DatabaseError, Document, Find};
use crate::http::body::Documents;
use crate::http::body::Incoming;
use crate::http::context::Context;
use crate::http::preconditions::Preconditions;
use crate::http::problem::Problem;
use crate::http::response::Response;
use crate::http::{body, response};
use crate::platform::Platform;

/// The header that makes a retry safe (IETF draft "The Idempotency-Key HTTP Header Field").
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// How often a request that finds a part of its documents there already inserts the others.
const ATTEMPTS: usize = 5;

/// Inserts the body, a document or an array of documents, each under its own `_id` or a new one.
pub async fn add<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    request: &Incoming,
    collection: &str,
    caller: &str,
) -> Result<Response, Problem> {
    let (documents, format) = body::documents(request, context.config.http.max_body_bytes)?;
    let preconditions = Preconditions::of(request.headers());
    if preconditions.require_presence() {
        return Err(Problem::PreconditionFailed(
            "If-Match asks for a document that exists, and add makes a new one".to_owned(),
        ));
    }
    let key = idempotency_key(request.headers())?;
    let (is_one, documents) = match documents {
        Documents::One(document) => (true, vec![document]),
        Documents::Many(documents) => (false, documents),
    };
    check_fields(context.database, collection, &documents, is_one).await?;
    let mut with_ids = Vec::with_capacity(documents.len());
    for (place, document) in documents.into_iter().enumerate() {
        let id = match own_id(&document, format)? {
            Some(id) => id,
            None => match key {
                Some(key) => idempotency::object_id(collection, caller, key, place).to_ejson(),
                None => context.ids.next(context.platform).to_ejson(),
            },
        };
        with_ids.push(with_id(id, document));
    }
    let inserted = insert(context, collection, &with_ids, key.is_some()).await;
    if preconditions.require_absence()
        && let Err(Problem::Database { error: DatabaseError::Rejected(rejection), .. }) = &inserted
        && rejection.reason.is_duplicate()
        && exists(context.database, collection, &with_ids[rejection.place.unwrap_or(0)]).await?
    {
        return Err(Problem::PreconditionFailed("a document with this _id exists already".to_owned()));
    }
    let recorded = match inserted {
        Err(Problem::Database { error: DatabaseError::Rejected(rejection), .. }) if is_one => {
            return Err(Problem::Rejected { rejection, inserted: None });
        }
        Err(Problem::Database { error: DatabaseError::Rejected(mut rejection), .. }) => {
            let place = place_of(context.database, collection, &with_ids, &rejection).await?;
            rejection.place = Some(place);
            let ids = with_ids.iter().take(place).map(|document| Format::Json.value(&document["_id"]));
            return Err(Problem::Rejected { rejection, inserted: Some(ids.collect()) });
        }
        other => other?,
    };
    let show = response::format(request.headers());
    let ids: Vec<Value> = with_ids.iter().map(|document| show.value(&document["_id"])).collect();
    let mut response = if is_one {
        let answer = json!({
            "message": format!("added a document to {collection}"),
            "id": ids[0],
            "item": show.value(&with_ids[0]),
        });
        let mut response = response::json(StatusCode::CREATED, &answer);
        let text = path_text(&with_ids[0]["_id"]);
        let location = format!("/api/get/{collection}/{}", response::path_segment(&text));
        response::insert(&mut response, header::LOCATION, &location);
        response
    } else {
        let answer = json!({
            "message": format!("added {} documents to {collection}", ids.len()),
            "inserted": ids.len(),
            "ids": ids,
        });
        response::json(StatusCode::CREATED, &answer)
    };
    if show == Format::Ejson {
        response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(show.media_type()));
    }
    response::set_invalidation_status(&mut response, recorded);
    Ok(response)
}

/// Inserts the documents. Where the client's key made their ids, what is there already from an earlier request is left.
async fn insert<C: Ports, S: Database, P: Platform>(
    context: &Context<'_, C, S, P>,
    collection: &str,
    documents: &[Value],
    is_retry_safe: bool,
) -> Result<Invalidation, Problem> {
    let mut places: Vec<usize> = (0..documents.len()).collect();
    for _ in 0..ATTEMPTS {
        let wanted: Vec<Value> = places.iter().map(|place| documents[*place].clone()).collect();
        // Somebody may have asked for such an id before, and been told that it does not exist.
        let names: Vec<String> = wanted.iter().map(|document| document_name(&scope_text(&document["_id"]))).collect();
        let mut scopes = vec![LISTINGS];
        scopes.extend(names.iter().map(|name| Scope::single(name)));
        let space = context.config.catalog.key_prefix(collection);
        let work = context.database.insert(collection, &wanted);
        let error = match context.cache.write(&space, &scopes, work).await {
            Ok(((), recorded)) => return Ok(recorded),
            Err(error) => error,
        };
        let mut rejection = match error {
            WriteError::Source(DatabaseError::Rejected(rejection)) => rejection,
            other => return Err(Problem::writing(other)),
        };
        let refused = places.get(rejection.place.unwrap_or(0)).copied().unwrap_or(0);
        rejection.place = rejection.place.map(|_| refused);
        let refusal = Problem::writing(WriteError::Source(DatabaseError::Rejected(rejection.clone())));
        if !is_retry_safe || !rejection.reason.is_duplicate() {
            return Err(refusal);
        }
        // Of several unique indexes that it breaks, MongoDB names one: not always that of the `_id`.
        match idempotency::compare(context.database, collection, documents).await.map_err(Problem::reading)? {
            Earlier::Differs(_) => return Err(Problem::KeyReused),
            Earlier::Missing(missing) if missing.is_empty() => return Ok(Invalidation::Done),
            Earlier::Missing(missing) if missing.contains(&refused) => return Err(refusal),
            Earlier::Missing(missing) => places = missing,
        }
    }
    Err(Problem::reading(DatabaseError::Unavailable(
        "the documents were added and deleted at the same time".to_owned(),
    )))
}

/// The place of the refused document among several. A Data API that does not say it is asked what was inserted.
async fn place_of(
    database: &impl Database,
    collection: &str,
    documents: &[Value],
    rejection: &Rejection,
) -> Result<usize, Problem> {
    if let Some(place) = rejection.place {
        return Ok(place);
    }
    Ok(match idempotency::compare(database, collection, documents).await.map_err(Problem::reading)? {
        Earlier::Differs(place) => place,
        Earlier::Missing(missing) => missing.first().copied().unwrap_or(0),
    })
}

/// Whether the document's `_id` exists. Of several unique indexes that a document breaks, MongoDB names one.
async fn exists(database: &impl Database, collection: &str, document: &Value) -> Result<bool, Problem> {
    let filter = Filter::id(&document["_id"]);
    database.find_first(collection, &filter).await.map(|found| found.is_some()).map_err(Problem::reading)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    match key.to_str() {
        Ok(key) if idempotency::KEY_LENGTH.contains(&key.len()) && keys.next().is_none() => Ok(Some(key)),
        _ => Err(Problem::Invalid(
            "the header Idempotency-Key must be given once, with 8 to 255 ASCII characters".to_owned(),
        )),
    }
}

/// The `_id` that the document brings along. In plain JSON, 24 hex digits mean an ObjectId.
fn own_id(document: &Document, format: Format) -> Result<Option<Value>, Problem> {
    let invalid = |why: &str| Err(Problem::Invalid(format!("the document's _id {why}")));
    let Some(id) = document.get("_id") else { return Ok(None) };
    match Kind::of(id) {
        Kind::String("") => invalid("is an empty string"),
        Kind::String(text) if format == Format::Json => {
            Ok(Some(ObjectId::parse(text).map_or_else(|| id.clone(), |id| id.to_ejson())))
        }
        Kind::Null => invalid("is null; leave it out to have one made"),
        Kind::Array(_) | Kind::Regex { .. } => invalid("is of a type that MongoDB does not take for one"),
        _ => Ok(Some(check::with_types(id))),
    }
}

/// A document as it is stored, its `_id` first.
fn with_id(id: Value, document: Document) -> Value {
    let fields = document.into_iter().filter(|(name, _)| name != "_id");
    Value::Object(std::iter::once(("_id".to_owned(), id)).chain(fields).collect())
}

/// A collection that has documents takes only those that share a field with them: so a client's document, or one with
/// its fields misspelt, does not end up among the games.
async fn check_fields(
    database: &impl Database,
    collection: &str,
    documents: &[Document],
    is_one: bool,
) -> Result<(), Problem> {
    let names =
        |document: &Document| -> Vec<String> { document.keys().filter(|name| *name != "_id").cloned().collect() };
    let mut known: Vec<String> = vec![];
    let mut available = None;
    for (place, document) in documents.iter().enumerate() {
        let provided = names(document);
        if provided.iter().any(|name| known.contains(name)) {
            continue;
        }
        if !provided.is_empty() {
            let shares_a_field = Filter(vec![Condition::HasAnyField(provided.clone())]);
            let find =
                Find { filter: shares_a_field, limit: Some(1), fields: vec!["_id".to_owned()], ..Find::default() };
            if database.find(collection, &find).await.map_err(Problem::reading)?.as_ref() != b"[]" {
                known.extend(provided);
                continue;
            }
        }
        let available = match &mut available {
            Some(available) => available,
            none => none.insert(database.field_names(collection).await.map_err(Problem::reading)?),
        };
        if available.is_empty() {
            return Ok(());
        }
        available.retain(|name| name != "_id");
        if provided.iter().any(|name| available.contains(name)) {
            continue;
        }
        let place = (!is_one).then_some(place);
        return Err(Problem::UnknownFields { available: available.clone(), provided, place });
    }
    Ok(())
}
