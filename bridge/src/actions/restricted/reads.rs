//! What may be seen, by what rule: `findOne`, `find`, `aggregate` and `count`.

use futures_util::StreamExt as _;
use mongodb::bson::{Bson, Document, RawBsonRef, doc};
use mongodb::options::{AggregateOptions, FindOptions};

use super::refuse_options;
use crate::actions::Action;
use crate::answer::Answer;
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
) -> Result<mongodb::raw_batch_cursor::RawBatchCursor, Error> {
    let mut options = AggregateOptions::default();
    options.batch_size = batch_size;
    options.max_time = Some(call.mongo.operation_timeout());
    options.collation = Some(simple());
    options.hint = call.hint()?;
    options.comment = call.comment()?;
    Ok(call.collection().aggregate(stages).with_options(options).batch().await?)
}

pub(super) async fn find(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
    let wanted = call.query("filter")?.unwrap_or_default();
    let (projection, sort) = (call.query("projection")?, call.query("sort")?);
    let (limit, skip) = match action {
        Action::FindOne => (1, None),
        _ => (limit(call)?, call.arguments.count("skip")?),
    };
    let (plain, rest) = split(wanted.clone(), restriction.fields);
    let cursor = if rest.is_empty() && restriction.fields.is_all() {
        let mut options = FindOptions::default();
        (options.projection, options.sort, options.skip) = (projection, sort, skip);
        // A negative limit is one batch, and no cursor to close.
        options.limit = Some(if action == Action::FindOne { -1 } else { limit });
        options.batch_size = if action == Action::FindOne { None } else { u32::try_from(limit).ok() };
        options.max_time = Some(call.mongo.operation_timeout());
        options.collation = Some(simple());
        options.hint = call.hint()?;
        options.comment = call.comment()?;
        let filter = all_of(restriction.filter.iter().cloned().chain(plain).collect()).unwrap_or_default();
        call.collection().find(filter).with_options(options).batch().await?
    } else {
        if !restriction.fields.is_all() {
            let interpreted = [Some(wanted.clone()), projection.clone(), sort.clone()];
            check_no_metadata(&interpreted.into_iter().flatten().map(Bson::Document).collect::<Vec<_>>())?;
        }
        let mut stages = restriction.stages(wanted, false);
        stages.extend(sort.filter(|sort| !sort.is_empty()).map(|sort| doc! { "$sort": sort }));
        stages.extend(
            skip.filter(|skip| *skip > 0).and_then(|skip| i64::try_from(skip).ok()).map(|n| doc! { "$skip": n }),
        );
        stages.push(doc! { "$limit": limit });
        stages.extend(projection.filter(|fields| !fields.is_empty()).map(|fields| doc! { "$project": fields }));
        run_pipeline(call, stages, u32::try_from(limit).ok()).await?
    };
    match action {
        Action::FindOne => Answer::document(call, cursor).await,
        _ => Answer::documents(call, cursor).await,
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

/// One more than may be answered, to know whether there are more. A limit of 0 means no limit, as in MongoDB.
fn limit(call: &Call<'_>) -> Result<i64, Error> {
    let beyond = u64::try_from(call.config.max_documents).unwrap_or(u64::MAX).saturating_add(1);
    let limit = call.arguments.count("limit")?.filter(|limit| *limit > 0).map_or(beyond, |limit| limit.min(beyond));
    Ok(i64::try_from(limit).unwrap_or(i64::MAX))
}
