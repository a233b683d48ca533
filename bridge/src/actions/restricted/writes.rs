//! Inserts, updates, replacements and deletes of what may be seen, which leave it so.

use mongodb::bson::{Bson, Document, RawArrayBuf, RawBson, rawdoc};
use mongodb::options::{DeleteOptions, ReplaceOptions, UpdateModifications, UpdateOptions};

use crate::actions::{Action, update};
use crate::answer::{Answer, number};
use crate::call::Call;
use crate::error::Error;
use crate::restriction::writes::count_matching;
use crate::restriction::{Restriction, denied, simple};

/// How many bytes of documents are checked at a time; a command has room for 16 MiB.
const CHECKED_BYTES: usize = 8 * 1024 * 1024;

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

pub(super) async fn insert_one(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    let mut documents = [Document::try_from(call.arguments.required_document("document")?)?];
    restriction.complete(&mut documents)?;
    check_documents(call, restriction, &documents).await?;
    let [document] = documents;
    let write = call.mongo.write();
    let done = call.documents().insert_one(document).comment(write.comment(call.comment()?)).await;
    write.done();
    Answer::created(call, &rawdoc! { "insertedId": RawBson::try_from(done?.inserted_id)? })
}

pub(super) async fn insert_many(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
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

pub(super) async fn change(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
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

pub(super) async fn replace(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
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

pub(super) async fn delete(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
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
