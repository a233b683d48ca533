//! Answers of actions that went well.
//!
//! What is small leaves in one piece, with its `Content-Length`; a listing that grows large is `streamed`.

mod streamed;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use futures_util::StreamExt;
use mongodb::bson::{RawBson, RawBsonRef, RawDocument};
use mongodb::raw_batch_cursor::RawBatchCursor;

use crate::actions::Call;
use crate::ejson::{Format, write};
use crate::error::Error;
use streamed::{Listing, Streamed};

/// A status and a body.
pub struct Answer {
    status: StatusCode,
    format: Format,
    body: Content,
}

enum Content {
    Whole(Vec<u8>),
    Streamed(Streamed),
}

impl Answer {
    /// 200 with these fields.
    ///
    /// # Errors
    /// Where MongoDB sent something that is no BSON.
    pub fn ok(call: &Call<'_>, fields: &RawDocument) -> Result<Self, Error> {
        Self::fields(StatusCode::OK, call, fields)
    }

    /// 201 with these fields.
    ///
    /// # Errors
    /// Where MongoDB sent something that is no BSON.
    pub fn created(call: &Call<'_>, fields: &RawDocument) -> Result<Self, Error> {
        Self::fields(StatusCode::CREATED, call, fields)
    }

    fn fields(status: StatusCode, call: &Call<'_>, fields: &RawDocument) -> Result<Self, Error> {
        let mut body = Vec::new();
        write::document(fields, call.format, &mut body)?;
        Ok(Answer { status, format: call.format, body: Content::Whole(body) })
    }

    /// `{"document": …}` with the cursor's first document, or null.
    ///
    /// # Errors
    /// Where MongoDB fails, or sends something that is no BSON.
    pub async fn document(call: &Call<'_>, mut cursor: RawBatchCursor) -> Result<Self, Error> {
        let mut body = b"{\"document\":".to_vec();
        let batch = cursor.next().await.transpose()?;
        let first =
            batch.as_ref().map(|batch| batch.doc_slices()).transpose()?.and_then(|batch| batch.into_iter().next());
        write::value(first.transpose()?.unwrap_or(RawBsonRef::Null), call.format, &mut body)?;
        body.push(b'}');
        Ok(Answer { status: StatusCode::OK, format: call.format, body: Content::Whole(body) })
    }

    /// `{"documents": […]}` with all that the cursor has, written batch by batch as they come.
    ///
    /// # Errors
    /// Where MongoDB fails, or there are more documents or bytes than one answer may have, and that is known before the
    /// answer has begun to leave.
    pub async fn documents(call: &Call<'_>, mut cursor: RawBatchCursor) -> Result<Self, Error> {
        let mut listing = Listing::new(call.config, call.format);
        while let Some(batch) = cursor.next().await {
            let batch = batch?;
            for (place, document) in batch.doc_slices()?.into_iter().enumerate() {
                listing.push(document?)?;
                if listing.is_large() {
                    let streamed = Streamed::start(listing, (batch, place + 1), cursor, call.mongo.clone());
                    return Ok(Answer {
                        status: StatusCode::OK,
                        format: call.format,
                        body: Content::Streamed(streamed),
                    });
                }
            }
        }
        Ok(Answer { status: StatusCode::OK, format: call.format, body: Content::Whole(listing.end()) })
    }

    /// The status that it will have.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The response. `held` is let go of when the last byte has left, or the client.
    pub fn into_response(self, held: impl Send + 'static) -> Response {
        let mut response = Response::new(match self.body {
            Content::Whole(body) => Body::from(body),
            Content::Streamed(streamed) => streamed.into_body(held),
        });
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.format.media_type()));
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
