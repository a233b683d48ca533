//! Answers of actions that went well.
//!
//! What is small leaves in one piece, with its `Content-Length`; a listing that grows large is `streamed`.

mod streamed;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use mongodb::bson::{RawBson, RawBsonRef, RawDocument};
use mongodb::raw_batch_cursor::RawBatchCursor;

use crate::call::{Call, Envelope};
use crate::ejson::{Format, write};
use crate::error::Error;
pub use streamed::too_many;
use streamed::{Listing, Streamed};

/// A status and a body.
pub struct Answer {
    status: StatusCode,
    media_type: &'static str,
    body: Content,
}

enum Content {
    Whole(Vec<u8>),
    Streamed(Streamed),
}

/// A body and the slot of its request: as long as one byte of it has not been sent, it takes memory.
struct Held<S> {
    body: Vec<u8>,
    _slot: S,
}

impl<S> AsRef<[u8]> for Held<S> {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl Answer {
    /// 200 with these fields.
    ///
    /// # Errors
    /// If MongoDB sent something that is not BSON.
    pub fn ok(call: &Call<'_>, fields: &RawDocument) -> Result<Self, Error> {
        Self::fields(StatusCode::OK, call, fields)
    }

    /// 201 with these fields.
    ///
    /// # Errors
    /// If MongoDB sent something that is not BSON.
    pub fn created(call: &Call<'_>, fields: &RawDocument) -> Result<Self, Error> {
        Self::fields(StatusCode::CREATED, call, fields)
    }

    fn fields(status: StatusCode, call: &Call<'_>, fields: &RawDocument) -> Result<Self, Error> {
        let mut body = Vec::new();
        write::document(fields, call.format, &mut body)?;
        let status = if call.envelope == Envelope::Function { StatusCode::OK } else { status };
        Ok(Self::new(status, call, Content::Whole(body)))
    }

    fn new(status: StatusCode, call: &Call<'_>, body: Content) -> Self {
        let media_type = match call.envelope {
            Envelope::DataApi => call.format.media_type(),
            // Clients of functions read nothing else, and find Extended JSON in it.
            Envelope::Function => Format::Json.media_type(),
        };
        Answer { status, media_type, body }
    }

    /// A value by itself.
    ///
    /// # Errors
    /// If MongoDB sent something that is not BSON.
    pub fn value(call: &Call<'_>, value: RawBsonRef<'_>) -> Result<Self, Error> {
        let mut body = Vec::new();
        write::value(value, call.format, &mut body)?;
        Ok(Self::new(StatusCode::OK, call, Content::Whole(body)))
    }

    /// A document, or null.
    ///
    /// # Errors
    /// If MongoDB sent something that is not BSON.
    pub fn found(call: &Call<'_>, document: Option<&RawDocument>) -> Result<Self, Error> {
        let value = document.map_or(RawBsonRef::Null, RawBsonRef::Document);
        match call.envelope {
            Envelope::Function => Self::value(call, value),
            Envelope::DataApi => {
                let mut body = b"{\"document\":".to_vec();
                write::value(value, call.format, &mut body)?;
                body.push(b'}');
                Ok(Self::new(StatusCode::OK, call, Content::Whole(body)))
            }
        }
    }

    /// The cursor's first document, or null.
    ///
    /// # Errors
    /// If MongoDB fails, or sends something that is not BSON.
    pub async fn document(call: &Call<'_>, mut cursor: RawBatchCursor) -> Result<Self, Error> {
        let batch = cursor.next().await.transpose()?;
        let first =
            batch.as_ref().map(|batch| batch.doc_slices()).transpose()?.and_then(|batch| batch.into_iter().next());
        match first.transpose()? {
            Some(RawBsonRef::Document(document)) => Self::found(call, Some(document)),
            _ => Self::found(call, None),
        }
    }

    /// All documents that the cursor has, written batch by batch as they come.
    ///
    /// # Errors
    /// Where MongoDB fails, or there are more documents or bytes than one answer may have, and that is known before the
    /// answer has begun to leave.
    pub async fn documents(call: &Call<'_>, mut cursor: RawBatchCursor) -> Result<Self, Error> {
        let mut listing = Listing::new(call);
        while let Some(batch) = cursor.next().await {
            let batch = batch?;
            for (place, document) in batch.doc_slices()?.into_iter().enumerate() {
                listing.push(document?)?;
                if listing.is_large() {
                    let streamed = Streamed::start(listing, (batch, place + 1), cursor, call.mongo.clone());
                    return Ok(Self::new(StatusCode::OK, call, Content::Streamed(streamed)));
                }
            }
        }
        Ok(Self::new(StatusCode::OK, call, Content::Whole(listing.end())))
    }

    /// The status that it will have.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response. The request's `slot` is given back when the last byte has been sent, or the client has disconnected.
    pub fn into_response(self, slot: impl Send + 'static) -> Response {
        let mut response = Response::new(match self.body {
            Content::Whole(body) => Body::from(Bytes::from_owner(Held { body, _slot: slot })),
            Content::Streamed(streamed) => streamed.into_body(slot),
        });
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        response
    }
}

/// A count as MongoDB's own answers have it: Int32 unless it is too large for that.
pub fn number(count: u64) -> RawBson {
    match i32::try_from(count) {
        Ok(count) => RawBson::Int32(count),
        Err(_) => RawBson::Int64(i64::try_from(count).unwrap_or(i64::MAX)),
    }
}
