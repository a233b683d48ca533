//! Answers of actions that went well.

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use mongodb::bson::{RawBson, RawBsonRef, RawDocument};
use mongodb::raw_batch_cursor::RawBatchCursor;

use crate::actions::Call;
use crate::ejson::{Format, write};
use crate::error::Error;

/// A status and a whole body: an answer leaves in one piece, with its `Content-Length`.
pub struct Answer {
    status: StatusCode,
    format: Format,
    body: Vec<u8>,
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
        Ok(Answer { status, format: call.format, body })
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
        Ok(Answer { status: StatusCode::OK, format: call.format, body })
    }

    /// `{"documents": […]}` with all that the cursor has, written batch by batch as they come.
    ///
    /// # Errors
    /// Where there are more documents, or more bytes, than one answer may have; where MongoDB fails.
    pub async fn documents(call: &Call<'_>, mut cursor: RawBatchCursor) -> Result<Self, Error> {
        let (max_documents, max_bytes) = (call.config.max_documents, call.config.max_answer_bytes);
        let mut body = b"{\"documents\":[".to_vec();
        let mut count = 0;
        while let Some(batch) = cursor.next().await {
            for document in batch?.doc_slices()? {
                if count == max_documents {
                    return Err(too_large(&format!("has more than {max_documents} documents")));
                }
                if count > 0 {
                    body.push(b',');
                }
                count += 1;
                write::value(document?, call.format, &mut body)?;
                if body.len() > max_bytes {
                    return Err(too_large(&format!("is larger than {max_bytes} bytes")));
                }
            }
        }
        body.extend_from_slice(b"]}");
        Ok(Answer { status: StatusCode::OK, format: call.format, body })
    }
}

/// An error rather than a part of the answer: a client that got the first 50,000 of 60,000 documents could not know.
fn too_large(what: &str) -> Error {
    Error::InvalidParameter(format!("the answer {what}; ask for less with limit and skip, or $limit and $skip"))
}

/// A count as MongoDB's own answers have it: Int32 unless it is too large for that.
pub fn number(count: u64) -> RawBson {
    match i32::try_from(count) {
        Ok(count) => RawBson::Int32(count),
        Err(_) => RawBson::Int64(i64::try_from(count).unwrap_or(i64::MAX)),
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(self.format.media_type()));
        response
    }
}
