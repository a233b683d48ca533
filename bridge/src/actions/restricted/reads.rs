//! What may be seen, by what rule: `findOne`, `find`, `aggregate` and `count`.

use futures_util::StreamExt as _;
use mongodb::bson::{Bson, Document, RawBsonRef, doc};
use mongodb::options::{AggregateOptions, FindOptions};
use mongodb::raw_batch_cursor::RawBatchCursor;

use super::refuse_options;
use crate::actions::Action;
use crate::answer::{Answer, too_many};
use crate::auth::rules::Operation;
use crate::call::Call;
use crate::error::Error;
use crate::restriction::comparisons::{all_of, split};
use crate::restriction::pipeline::{Rewriter, count_found_despite_filter};
use crate::restriction::{Restriction, check_no_metadata, denied, simple};

/// Runs a pipeline of an account that has a restriction on some collection.
pub(in crate::actions) async fn aggregate(call: &Call<'_>) -> Result<Answer, Error> {
    refuse_options(call)?;
    let pipeline = Vec::<Bson>::try_from(call.pipeline()?)?;
    let restriction_of = |namespace: (&str, &str)| call.rules.restriction(namespace, &[Operation::Read], call.user);
    let rewriter = Rewriter::new(&restriction_of, call.budget.reserve());
    let stages = rewriter.rewrite(&pipeline, call.namespace)?;
    if rewriter.hides() && call.arguments.has("hint") {
        return Err(denied("`hint` cannot be used where a rule hides fields"));
    }
    for (database, collection) in rewriter.searched() {
        // It has no pipeline whose first stage could be ours, so all hangs on one field of it.
        let probe = count_found_despite_filter(&collection);
        if call.mongo.count_in((&database, &collection), probe).await? > 0 {
            return Err(denied("`$graphLookup` cannot be used here: this server ignores `restrictSearchWithMatch`"));
        }
    }
    let limit = u32::try_from(call.config.max_documents).ok();
    Answer::documents(call, run_pipeline(call, stages, limit).await?).await
}

async fn run_pipeline(
    call: &Call<'_>,
    stages: Vec<Document>,
    batch_size: Option<u32>,
) -> Result<RawBatchCursor, Error> {
    let mut options = AggregateOptions::default();
    options.batch_size = batch_size;
    options.max_time = Some(call.mongo.operation_timeout());
    options.collation = Some(simple());
    options.hint = call.hint()?;
    options.comment = call.comment()?;
    Ok(call.collection().aggregate(stages).with_options(options).batch().await?)
}

/// What a `find` asks for.
struct Query {
    wanted: Document,
    projection: Option<Document>,
    sort: Option<Document>,
    limit: i64,
    skip: Option<u64>,
}

pub(super) async fn find(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
    let (limit, skip) = match action {
        Action::FindOne => (1, None),
        _ => (limit(call)?, call.arguments.count("skip")?),
    };
    if action == Action::Find && call.arguments.has("limit") && limit == beyond(call) {
        refuse_more(call, restriction, skip).await?;
    }
    let wanted = call.query("filter")?.unwrap_or_default();
    let (projection, sort) = (call.query("projection")?, call.query("sort")?);
    let cursor = run_query(call, restriction, Query { wanted, projection, sort, limit, skip }).await?;
    match action {
        Action::FindOne => Answer::document(call, cursor).await,
        _ => Answer::documents(call, cursor).await,
    }
}

async fn run_query(call: &Call<'_>, restriction: &Restriction<'_>, query: Query) -> Result<RawBatchCursor, Error> {
    let Query { wanted, projection, sort, limit, skip } = query;
    let (plain, rest) = split(wanted.clone(), restriction.fields);
    if rest.is_empty() && restriction.fields.is_all() {
        let mut options = FindOptions::default();
        (options.projection, options.sort, options.skip) = (projection, sort, skip);
        // A negative limit is one batch, and no cursor to close.
        options.limit = Some(if limit == 1 { -1 } else { limit });
        options.batch_size = if limit == 1 { None } else { u32::try_from(limit).ok() };
        options.max_time = Some(call.mongo.operation_timeout());
        options.collation = Some(simple());
        options.hint = call.hint()?;
        options.comment = call.comment()?;
        let filter = all_of(restriction.filter.iter().cloned().chain(plain).collect()).unwrap_or_default();
        return Ok(call.collection().find(filter).with_options(options).batch().await?);
    }
    if !restriction.fields.is_all() {
        let interpreted = [Some(wanted.clone()), projection.clone(), sort.clone()];
        check_no_metadata(&interpreted.into_iter().flatten().map(Bson::Document).collect::<Vec<_>>())?;
    }
    let mut stages = restriction.stages(wanted, false);
    stages.extend(sort.filter(|sort| !sort.is_empty()).map(|sort| doc! { "$sort": sort }));
    stages.extend(skip.filter(|skip| *skip > 0).and_then(|skip| i64::try_from(skip).ok()).map(|n| doc! { "$skip": n }));
    stages.push(doc! { "$limit": limit });
    stages.extend(projection.filter(|fields| !fields.is_empty()).map(|fields| doc! { "$project": fields }));
    run_pipeline(call, stages, u32::try_from(limit).ok()).await
}

/// Refuses a limit above ours where there are that many documents, as `find` does without a restriction: later, the answer
/// would have begun, and would break off.
async fn refuse_more(call: &Call<'_>, restriction: &Restriction<'_>, skip: Option<u64>) -> Result<(), Error> {
    let allowed = u64::try_from(call.config.max_documents).unwrap_or(u64::MAX);
    let skip = skip.unwrap_or(0).saturating_add(allowed);
    // More than MongoDB can skip is more than there can be.
    if i64::try_from(skip).is_err() {
        return Ok(());
    }
    let wanted = call.query("filter")?.unwrap_or_default();
    let query = Query { wanted, projection: Some(doc! { "_id": 1 }), sort: None, limit: 1, skip: Some(skip) };
    let mut cursor = run_query(call, restriction, query).await?;
    match cursor.next().await.transpose()? {
        Some(batch) if !batch.doc_slices()?.is_empty() => Err(too_many(call.config.max_documents)),
        _ => Ok(()),
    }
}

pub(super) async fn count(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    let wanted = call.query("filter")?.unwrap_or_default();
    if !restriction.fields.is_all() {
        check_no_metadata(&[Bson::Document(wanted.clone())])?;
    }
    let mut stages = restriction.stages(wanted, false);
    for (stage, field) in [("$skip", "skip"), ("$limit", "limit")] {
        let number = call.arguments.count(field)?.filter(|number| *number > 0);
        stages.extend(number.and_then(|number| i64::try_from(number).ok()).map(|number| doc! { stage: number }));
    }
    stages.push(doc! { "$group": { "_id": 1, "n": { "$sum": 1 } } });
    let mut cursor = run_pipeline(call, stages, None).await?;
    let batch = cursor.next().await.transpose()?;
    let groups = batch.as_ref().map(|batch| batch.doc_slices()).transpose()?;
    let found = match groups.and_then(|groups| groups.into_iter().next()).transpose()? {
        Some(RawBsonRef::Document(group)) => group.get("n")?,
        _ => None,
    };
    Answer::value(call, found.unwrap_or(RawBsonRef::Int32(0)))
}

/// One more than may be answered, to know whether there are more.
fn beyond(call: &Call<'_>) -> i64 {
    i64::try_from(call.config.max_documents.saturating_add(1)).unwrap_or(i64::MAX)
}

/// A limit of 0 means no limit, as in MongoDB.
fn limit(call: &Call<'_>) -> Result<i64, Error> {
    let limit = call.arguments.count("limit")?.filter(|limit| *limit > 0);
    Ok(limit.map_or(beyond(call), |limit| i64::try_from(limit).unwrap_or(i64::MAX).min(beyond(call))))
}
