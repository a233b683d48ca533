//! `POST /api/add/{collection}`: adds a document, or several.

use http::{HeaderMap, HeaderName, StatusCode, header};
use serde_json::{Value, json};

use crate::backend::Backend;
use crate::catalog::Insertion;
use crate::database::idempotency::KEY_LENGTH;
use crate::database::value::Format;
use crate::database::value::show::path_text;
use crate::http::body::{self, Documents, Incoming};
use crate::http::context::Context;
use crate::http::preconditions::preconditions;
use crate::http::problem::Problem;
use crate::http::response::{self, Response};

/// The header that makes a retry safe (IETF draft "The Idempotency-Key HTTP Header Field").
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Inserts the body, a document or an array of documents, each under its own `_id` or a new one.
pub async fn add<B: Backend>(
    context: &Context<'_, B>,
    request: &Incoming,
    collection: &str,
    caller: &str,
) -> Result<Response, Problem> {
    let (documents, format) = body::documents(request, context.settings.max_body_bytes)?;
    let preconditions = preconditions(request.headers());
    if preconditions.require_presence() {
        return Err(Problem::PreconditionFailed(
            "If-Match requires an existing document, and add creates a new one".to_owned(),
        ));
    }
    let idempotency_key = idempotency_key(request.headers())?;
    let (is_one, documents) = match documents {
        Documents::One(document) => (true, vec![document]),
        Documents::Many(documents) => (false, documents),
    };
    let insertion = Insertion { documents, is_one, format, idempotency_key, caller, preconditions: &preconditions };
    let inserted = context.catalog.insert(collection, insertion).await?;
    let format = response::format(request.headers());
    let mut response = match &inserted.documents[..] {
        [document] if is_one => added_one(collection, document, format),
        documents => added_many(collection, documents, format),
    };
    if format == Format::Ejson {
        response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(format.media_type()));
    }
    response::set_invalidation_status(&mut response, inserted.invalidation);
    Ok(response)
}

fn added_one(collection: &str, document: &Value, format: Format) -> Response {
    let answer = json!({
        "message": format!("added a document to {collection}"),
        "id": format.value(&document["_id"]),
        "item": format.value(document),
    });
    let mut response = response::json(StatusCode::CREATED, &answer);
    let text = path_text(&document["_id"]);
    let location = format!("/api/get/{collection}/{}", response::path_segment(&text));
    response::insert(&mut response, header::LOCATION, &location);
    response
}

fn added_many(collection: &str, documents: &[Value], format: Format) -> Response {
    let ids: Vec<Value> = documents.iter().map(|document| format.value(&document["_id"])).collect();
    let answer = json!({
        "message": format!("added {} documents to {collection}", ids.len()),
        "inserted": ids.len(),
        "ids": ids,
    });
    response::json(StatusCode::CREATED, &answer)
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut keys = headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(key) = keys.next() else { return Ok(None) };
    match key.to_str() {
        Ok(key) if KEY_LENGTH.contains(&key.len()) && keys.next().is_none() => Ok(Some(key)),
        _ => Err(Problem::Invalid(
            "the header Idempotency-Key must be given once, with 8 to 255 ASCII characters".to_owned(),
        )),
    }
}
