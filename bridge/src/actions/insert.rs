//! `insertOne` and `insertMany`.

use mongodb::bson::{Bson, RawArrayBuf, RawBson, RawDocumentBuf, rawdoc};

use crate::answer::Answer;
use crate::call::Call;
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let document = call.arguments.required_document("document")?.to_owned();
    let collection = call.collection();
    let done = call.write(|comment| collection.insert_one(document).comment(comment)).await?;
    Answer::created(call, &rawdoc! { "insertedId": RawBson::try_from(done.inserted_id)? })
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    let documents = call.arguments.documents("documents")?;
    if documents.is_empty() {
        return Err(Error::InvalidParameter("the field `documents` must not be empty".to_owned()));
    }
    let documents: Vec<RawDocumentBuf> = documents.into_iter().map(ToOwned::to_owned).collect();
    let count = documents.len();
    let collection = call.collection();
    let mut done = call.write(|comment| collection.insert_many(documents).comment(comment)).await?;
    let mut ids = RawArrayBuf::new();
    for index in 0..count {
        let id = done.inserted_ids.remove(&index).unwrap_or(Bson::Null);
        ids.push(RawBson::try_from(id)?);
    }
    Answer::created(call, &rawdoc! { "insertedIds": ids })
}
