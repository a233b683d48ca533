//! `findOne` and `find`.

use futures_util::StreamExt as _;
use mongodb::bson::doc;
use mongodb::options::FindOptions;

use crate::answer::{Answer, too_many};
use crate::call::Call;
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    // A negative limit is one batch, and no cursor to close.
    let options = options(call, Some(-1), None)?;
    let filter = call.query("filter")?.unwrap_or_default();
    let cursor = call.collection().find(filter).with_options(options).batch().await?;
    Answer::document(call, cursor).await
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    // One more than may be answered, to know whether there are more. A limit of 0 means no limit, as in MongoDB.
    let beyond = call.config.max_documents.saturating_add(1);
    let asked = call.arguments.count("limit")?;
    let limit = match asked {
        None | Some(0) => beyond,
        Some(limit) => usize::try_from(limit).map_or(beyond, |limit| limit.min(beyond)),
    };
    if asked.is_some() && limit == beyond {
        refuse_more(call).await?;
    }
    let options = options(call, i64::try_from(limit).ok(), call.arguments.count("skip")?)?;
    let filter = call.query("filter")?.unwrap_or_default();
    let cursor = call.collection().find(filter).with_options(options).batch().await?;
    Answer::documents(call, cursor).await
}

/// Refuses a limit above ours where there are that many documents. A client that asks for too many gets an error status,
/// not an answer that breaks off.
async fn refuse_more(call: &Call<'_>) -> Result<(), Error> {
    let allowed = u64::try_from(call.config.max_documents).unwrap_or(u64::MAX);
    let skip = call.arguments.count("skip")?.unwrap_or(0).saturating_add(allowed);
    // More than MongoDB can skip is more than there can be.
    let Some(skip) = i64::try_from(skip).ok().and_then(|skip| u64::try_from(skip).ok()) else { return Ok(()) };
    let mut options = options(call, Some(-1), Some(skip))?;
    (options.projection, options.sort) = (Some(doc! { "_id": 1 }), None);
    let filter = call.query("filter")?.unwrap_or_default();
    let mut cursor = call.collection().find(filter).with_options(options).batch().await?;
    match cursor.next().await.transpose()? {
        Some(batch) if !batch.doc_slices()?.is_empty() => Err(too_many(call.config.max_documents)),
        _ => Ok(()),
    }
}

fn options(call: &Call<'_>, limit: Option<i64>, skip: Option<u64>) -> Result<FindOptions, Error> {
    let mut options = FindOptions::default();
    options.projection = call.query("projection")?;
    options.sort = call.query("sort")?;
    options.limit = limit;
    options.skip = skip;
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    // MongoDB's first batch has 101 documents unless told otherwise; the answer wants all of them anyway. It ends a batch
    // at 16 MiB by itself.
    options.batch_size = limit.filter(|limit| *limit > 0).and_then(|limit| u32::try_from(limit).ok());
    options.max_time = Some(call.mongo.operation_timeout());
    Ok(options)
}
