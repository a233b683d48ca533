//! `findOne` and `find`.

use mongodb::options::FindOptions;

use super::Call;
use crate::answer::Answer;
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    // A negative limit is one batch, and no cursor to close.
    let options = options(call, Some(-1), None)?;
    let filter = call.query("filter")?.unwrap_or_default();
    let cursor = call.collection().find(filter).with_options(options).batch().await?;
    Answer::document(call, cursor).await
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    // One more than may be answered, to know that there are more. MongoDB, too, takes a limit of 0 for none.
    let beyond = call.config.max_documents.saturating_add(1);
    let limit = match call.arguments.count("limit")? {
        None | Some(0) => beyond,
        Some(limit) => usize::try_from(limit).map_or(beyond, |limit| limit.min(beyond)),
    };
    let options = options(call, i64::try_from(limit).ok(), call.arguments.count("skip")?)?;
    let filter = call.query("filter")?.unwrap_or_default();
    let cursor = call.collection().find(filter).with_options(options).batch().await?;
    Answer::documents(call, cursor).await
}

fn options(call: &Call<'_>, limit: Option<i64>, skip: Option<u64>) -> Result<FindOptions, Error> {
    let mut options = FindOptions::default();
    options.projection = call.query("projection")?;
    options.sort = call.query("sort")?;
    options.limit = limit;
    options.skip = skip;
    // MongoDB's first batch has 101 documents unless told otherwise; the answer wants all of them anyway. It ends a batch
    // at 16 MiB by itself.
    options.batch_size = limit.filter(|limit| *limit > 0).and_then(|limit| u32::try_from(limit).ok());
    options.max_time = Some(call.mongo.operation_timeout());
    Ok(options)
}
