//! `updateOne` and `updateMany`.

use mongodb::bson::{Document, RawBson, RawBsonRef, RawDocumentBuf, cstr, rawdoc};
use mongodb::options::{UpdateModifications, UpdateOptions};
use mongodb::results::UpdateResult;

use crate::answer::{Answer, number};
use crate::arguments::documents_of;
use crate::call::{Call, interpreted};
use crate::error::Error;
use crate::operator_denylist;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, update) = (call.required_query("filter")?, modifications(call)?);
    let mut options = options(call)?;
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let done = call.collection().update_one(filter, update).with_options(options).await;
    write.done();
    let done = done?;
    Answer::ok(call, &counts(done)?)
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, update) = (call.required_query("filter")?, modifications(call)?);
    let mut options = options(call)?;
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let done = call.collection().update_many(filter, update).with_options(options).await;
    write.done();
    let done = done?;
    Answer::ok(call, &counts(done)?)
}

fn options(call: &Call<'_>) -> Result<UpdateOptions, Error> {
    let mut options = UpdateOptions::default();
    options.upsert = Some(call.arguments.flag("upsert")?);
    options.array_filters = call.array_filters()?;
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    Ok(options)
}

/// Operators, or a pipeline as MongoDB takes it since 4.2.
pub(super) fn modifications(call: &Call<'_>) -> Result<UpdateModifications, Error> {
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
pub(super) fn counts(done: UpdateResult) -> Result<RawDocumentBuf, Error> {
    let mut counts = rawdoc! {
        "matchedCount": number(done.matched_count),
        "modifiedCount": number(done.modified_count),
    };
    if let Some(id) = done.upserted_id {
        counts.append(cstr!("upsertedId"), RawBson::try_from(id)?);
    }
    Ok(counts)
}
