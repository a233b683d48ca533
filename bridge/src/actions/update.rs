//! `updateOne` and `updateMany`.

use mongodb::bson::{Document, RawBson, RawBsonRef, RawDocumentBuf, cstr, rawdoc};
use mongodb::options::UpdateModifications;
use mongodb::results::UpdateResult;

use super::{Call, interpreted};
use crate::answer::{Answer, number};
use crate::arguments::documents_of;
use crate::error::Error;
use crate::operator_denylist;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, update) = (call.required_query("filter")?, modifications(call)?);
    let upsert = call.arguments.flag("upsert")?;
    let write = call.mongo.write();
    let done = call.collection().update_one(filter, update).upsert(upsert).comment(write.comment()).await;
    write.done();
    let done = done?;
    Answer::ok(call, &counts(done)?)
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, update) = (call.required_query("filter")?, modifications(call)?);
    let upsert = call.arguments.flag("upsert")?;
    let write = call.mongo.write();
    let done = call.collection().update_many(filter, update).upsert(upsert).comment(write.comment()).await;
    write.done();
    let done = done?;
    Answer::ok(call, &counts(done)?)
}

/// Operators, or a pipeline as MongoDB takes it since 4.2.
pub(crate) fn modifications(call: &Call<'_>) -> Result<UpdateModifications, Error> {
    match call.arguments.required("update")? {
        RawBsonRef::Document(update) => Ok(UpdateModifications::Document(interpreted("update", update)?)),
        RawBsonRef::Array(pipeline) => {
            operator_denylist::check_array("update", pipeline)?;
            let stages = documents_of("update", pipeline)?;
            let stages = stages.into_iter().map(Document::try_from).collect::<Result<_, _>>()?;
            Ok(UpdateModifications::Pipeline(stages))
        }
        _ => Err(Error::InvalidParameter("the field `update` must be an object".to_owned())),
    }
}

/// What the answer to an update or a replacement says.
pub(crate) fn counts(done: UpdateResult) -> Result<RawDocumentBuf, Error> {
    let mut counts = rawdoc! {
        "matchedCount": number(done.matched_count),
        "modifiedCount": number(done.modified_count),
    };
    if let Some(id) = done.upserted_id {
        counts.append(cstr!("upsertedId"), RawBson::try_from(id)?);
    }
    Ok(counts)
}
