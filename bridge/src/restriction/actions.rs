//! The actions, for those whose rule has a filter or hides fields.

use futures_util::StreamExt as _;
use mongodb::bson::{Bson, Document, RawArrayBuf, RawBson, RawBsonRef, doc, rawdoc};
use mongodb::options::{
    AggregateOptions, DeleteOptions, FindOptions, ReplaceOptions, UpdateModifications, UpdateOptions,
};

use super::pipeline::{Rewriter, count_found_despite_filter};
use super::writes::count_matching;
use super::{Restriction, all_of, check_no_metadata, denied, simple, split};
use crate::actions::{Action, update};
use crate::answer::{Answer, number};
use crate::call::Call;
use crate::error::Error;
use crate::operator_denylist;

/// How many bytes of documents are checked at a time; a command has room for 16 MiB.
const CHECKED_BYTES: usize = 8 * 1024 * 1024;

/// Runs an action under a restriction. One that is not known here does not compile, rather than run without it.
///
/// # Errors
/// 403 where the restriction does not allow it; what the action itself fails with.
pub async fn run(action: Action, call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    refuse_options(call)?;
    // A sparse index finds what has a field, and an array filter's outcome tells what is in it.
    if let Some(name) = ["hint", "arrayFilters"].into_iter().find(|name| call.arguments.has(name))
        && !restriction.fields.is_all()
    {
        return Err(denied(format!("`{name}` cannot be used where a rule hides fields")));
    }
    let result = match action {
        Action::Aggregate => aggregate(call).await,
        Action::FindOne | Action::Find => return find(call, restriction, action).await,
        Action::InsertOne => insert_one(call, restriction).await,
        Action::InsertMany => insert_many(call, restriction).await,
        Action::UpdateOne | Action::UpdateMany => change(call, restriction, action).await,
        Action::ReplaceOne => replace(call, restriction).await,
        Action::DeleteOne | Action::DeleteMany => delete(call, restriction, action).await,
        Action::Count => return count(call, restriction).await,
        // They answer with the document, before and after the change: more than a rule could check.
        Action::FindOneAndUpdate | Action::FindOneAndReplace | Action::FindOneAndDelete => {
            let name = action.name();
            return Err(denied(format!("`{name}` cannot be used where a rule has a filter or hides fields")));
        }
    };
    result.map_err(|error| if restriction.fields.is_all() { error } else { without_quotes(error) })
}

/// What MongoDB says about a write may quote the document, with its hidden fields. A place is one in the client's own list.
fn without_quotes(error: Error) -> Error {
    match error {
        Error::Refused { code, name, index, .. } => {
            let message = "MongoDB refused the write".to_owned();
            Error::Refused { code, name, message, index, details: None }
        }
        other => other,
    }
}

/// Options that would change what a rule's filter means: a collation, what letters are equal; `let`, what `$field` is.
fn refuse_options(call: &Call<'_>) -> Result<(), Error> {
    match ["collation", "let"].into_iter().find(|name| call.arguments.has(name)) {
        Some(name) => Err(denied(format!("`{name}` cannot be used by an account with restricted rules"))),
        None => Ok(()),
    }
}

/// Runs a pipeline of an account that has a restriction on some collection.
///
/// # Errors
/// As [`run`].
pub async fn aggregate(call: &Call<'_>) -> Result<Answer, Error> {
    refuse_options(call)?;
    let RawBsonRef::Array(pipeline) = call.arguments.required("pipeline")? else {
        return Err(Error::InvalidParameter("the field `pipeline` must be an array of objects".to_owned()));
    };
    operator_denylist::check_array("pipeline", pipeline)?;
    let pipeline: Vec<Bson> = Vec::<Bson>::try_from(pipeline)?;
    let rewriter = Rewriter::new(call.rules, call.user);
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

async fn find(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
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

async fn count(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
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

/// One more than may be answered, to know that there are more. MongoDB, too, takes a limit of 0 for none.
fn limit(call: &Call<'_>) -> Result<i64, Error> {
    let beyond = u64::try_from(call.config.max_documents).unwrap_or(u64::MAX).saturating_add(1);
    let limit = call.arguments.count("limit")?.filter(|limit| *limit > 0).map_or(beyond, |limit| limit.min(beyond));
    Ok(i64::try_from(limit).unwrap_or(i64::MAX))
}

/// Documents that satisfy the rule's filter: by what they hold, or because MongoDB says so.
async fn check_documents(call: &Call<'_>, restriction: &Restriction<'_>, documents: &[Document]) -> Result<(), Error> {
    let Some((doubtful, filter)) = restriction.doubtful(documents)? else { return Ok(()) };
    let (mut batch, mut bytes) = (Vec::new(), 0);
    let mut batches = Vec::new();
    for document in doubtful {
        let length = document.to_vec()?.len();
        if bytes + length > CHECKED_BYTES && !batch.is_empty() {
            batches.push(std::mem::take(&mut batch));
            bytes = 0;
        }
        bytes += length;
        batch.push(document);
    }
    batches.push(batch);
    for batch in batches {
        let expected = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        if call.mongo.count(call.namespace.0, count_matching(&batch, &filter), simple()).await? != expected {
            return Err(denied("the document does not satisfy the rule's filter"));
        }
    }
    Ok(())
}

async fn insert_one(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    let mut documents = [Document::try_from(call.arguments.required_document("document")?)?];
    restriction.complete(&mut documents)?;
    check_documents(call, restriction, &documents).await?;
    let [document] = documents;
    let write = call.mongo.write();
    let done = call.documents().insert_one(document).comment(write.comment(call.comment()?)).await;
    write.done();
    Answer::created(call, &rawdoc! { "insertedId": RawBson::try_from(done?.inserted_id)? })
}

async fn insert_many(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    let documents = call.arguments.documents("documents")?;
    if documents.is_empty() {
        return Err(Error::InvalidParameter("the field `documents` must not be empty".to_owned()));
    }
    let mut documents: Vec<Document> = documents.into_iter().map(Document::try_from).collect::<Result<_, _>>()?;
    restriction.complete(&mut documents)?;
    check_documents(call, restriction, &documents).await?;
    let mut ids = RawArrayBuf::new();
    for document in &documents {
        ids.push(RawBson::try_from(document.get("_id").cloned().unwrap_or(Bson::Null))?);
    }
    let write = call.mongo.write();
    let done = call.documents().insert_many(documents).comment(write.comment(call.comment()?)).await;
    write.done();
    done?;
    Answer::created(call, &rawdoc! { "insertedIds": ids })
}

async fn change(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
    let filter = restriction.write_filter(call.required_query("filter")?)?;
    let upsert = call.arguments.flag("upsert")?;
    let update: UpdateModifications = restriction.update(update::modifications(call)?, upsert)?;
    let mut options = UpdateOptions::default();
    options.upsert = Some(upsert);
    options.array_filters = call.array_filters()?;
    options.collation = Some(simple());
    options.hint = call.hint()?;
    let comment = call.comment()?;
    let (collection, write) = (call.collection(), call.mongo.write());
    options.comment = Some(write.comment(comment));
    let done = match action {
        Action::UpdateOne => collection.update_one(filter, update).with_options(options).await,
        _ => collection.update_many(filter, update).with_options(options).await,
    };
    write.done();
    Answer::ok(call, &update::counts(done?)?)
}

async fn replace(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    let filter = restriction.write_filter(call.required_query("filter")?)?;
    let upsert = call.arguments.flag("upsert")?;
    let replacement = [Document::try_from(call.arguments.required_document("replacement")?)?];
    restriction.check_replacement(&replacement[0])?;
    check_documents(call, restriction, &replacement).await?;
    let [replacement] = replacement;
    let mut options = ReplaceOptions::default();
    options.upsert = Some(upsert);
    options.collation = Some(simple());
    options.hint = call.hint()?;
    let comment = call.comment()?;
    let (collection, write) = (call.documents(), call.mongo.write());
    options.comment = Some(write.comment(comment));
    let done = collection.replace_one(filter, replacement).with_options(options).await;
    write.done();
    Answer::ok(call, &update::counts(done?)?)
}

async fn delete(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
    let filter = restriction.write_filter(call.required_query("filter")?)?;
    let mut options = DeleteOptions::default();
    options.collation = Some(simple());
    options.hint = call.hint()?;
    let comment = call.comment()?;
    let (collection, write) = (call.collection(), call.mongo.write());
    options.comment = Some(write.comment(comment));
    let done = match action {
        Action::DeleteOne => collection.delete_one(filter).with_options(options).await,
        _ => collection.delete_many(filter).with_options(options).await,
    };
    write.done();
    Answer::ok(call, &rawdoc! { "deletedCount": number(done?.deleted_count) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_write_quotes_no_document() {
        let refused = Error::Refused {
            code: 121,
            name: "DocumentValidationFailure".to_owned(),
            message: "Document failed validation: HIDDEN".to_owned(),
            index: Some(1),
            details: Some(Box::new(doc! { "consideredValue": "HIDDEN" })),
        };
        let body: serde_json::Value = serde_json::from_slice(&without_quotes(refused).body()).unwrap();
        assert!(!body.to_string().contains("HIDDEN"), "{body}");
        assert_eq!((&body["code"], &body["index"], &body["details"]), (&121.into(), &1.into(), &().into()));
    }
}
