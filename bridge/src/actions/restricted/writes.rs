//! Inserts, updates, replacements and deletes of what may be seen, which leave it so.

use mongodb::bson::{Bson, Document, RawArrayBuf, RawBson, RawDocument, RawDocumentBuf, rawdoc};

use crate::actions::find_and_modify::Change;
use crate::actions::{Action, delete, find_and_modify, replace, update};
use crate::answer::Answer;
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
    let ([document], collection) = (documents, call.documents());
    let done = call.write(|comment| collection.insert_one(document).comment(comment)).await?;
    Answer::created(call, &rawdoc! { "insertedId": RawBson::try_from(done.inserted_id)? })
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
    let collection = call.documents();
    call.write(|comment| collection.insert_many(documents).comment(comment)).await?;
    Answer::created(call, &rawdoc! { "insertedIds": ids })
}

pub(super) async fn change(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
    let filter = filter(call, restriction)?;
    let update = restriction.update(update::modifications(call)?, call.arguments.flag("upsert")?)?;
    update::apply(call, action, filter, update, Some(simple())).await
}

pub(super) async fn replace(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    let filter = filter(call, restriction)?;
    let replacement = call.arguments.required_document("replacement")?.to_owned();
    check_replacement(call, restriction, &replacement).await?;
    replace::apply(call, filter, replacement, Some(simple())).await
}

pub(super) async fn delete(call: &Call<'_>, restriction: &Restriction<'_>, action: Action) -> Result<Answer, Error> {
    delete::apply(call, action, filter(call, restriction)?, Some(simple())).await
}

/// The document matched the rule's filter, and does so after the change too, so its user may see both; but not its hidden
/// fields.
pub(super) async fn find_and_modify(
    call: &Call<'_>,
    restriction: &Restriction<'_>,
    action: Action,
) -> Result<Answer, Error> {
    let filter = filter(call, restriction)?;
    restriction.check_answer(call.query("sort")?.as_ref(), call.query("projection")?.as_ref())?;
    let change = match Change::of(call, action)? {
        Change::Update(update) => Change::Update(restriction.update(update, call.arguments.flag("upsert")?)?),
        Change::Replace(replacement) => {
            check_replacement(call, restriction, &replacement).await?;
            Change::Replace(replacement)
        }
        Change::Delete => Change::Delete,
    };
    let mut found = find_and_modify::apply(call, filter, change, Some(simple())).await?;
    if let Some(document) = found.as_mut().filter(|_| !restriction.fields.is_all()) {
        *document = RawDocumentBuf::try_from(&restriction.fields.visible(Document::try_from(&**document)?))?;
    }
    Answer::found(call, found.as_deref())
}

fn filter(call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Document, Error> {
    restriction.write_filter(call.required_query("filter")?)
}

async fn check_replacement(
    call: &Call<'_>,
    restriction: &Restriction<'_>,
    replacement: &RawDocument,
) -> Result<(), Error> {
    let replacement = [Document::try_from(replacement)?];
    restriction.check_replacement(&replacement[0])?;
    check_documents(call, restriction, &replacement).await
}
