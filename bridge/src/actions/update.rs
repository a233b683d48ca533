//! `updateOne` and `updateMany`.

use mongodb::bson::{Document, RawBson, RawBsonRef, RawDocumentBuf, cstr, rawdoc};
use mongodb::options::{Collation, UpdateModifications, UpdateOptions};
use mongodb::results::UpdateResult;

use super::Action;
use crate::answer::{Answer, number};
use crate::arguments::documents_of;
use crate::call::{Call, interpreted};
use crate::error::Error;
use crate::operator_denylist;

pub(super) async fn run(call: &Call<'_>, action: Action) -> Result<Answer, Error> {
    apply(call, action, call.required_query("filter")?, modifications(call)?, call.collation()?).await
}

/// With the filter, the change and the collation as they are given; the other options are the client's.
pub(super) async fn apply(
    call: &Call<'_>,
    action: Action,
    filter: Document,
    update: UpdateModifications,
    collation: Option<Collation>,
) -> Result<Answer, Error> {
    let mut options = UpdateOptions::default();
    options.upsert = Some(call.arguments.flag("upsert")?);
    options.array_filters = call.array_filters()?;
    options.collation = collation;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    let collection = call.collection();
    let done = call.write(|comment| {
        options.comment = Some(comment);
        let update = match action {
            Action::UpdateOne => collection.update_one(filter, update),
            _ => collection.update_many(filter, update),
        };
        update.with_options(options)
    });
    Answer::ok(call, &counts(done.await?)?)
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
