//! `findOneAndUpdate`, `findOneAndReplace` and `findOneAndDelete`: a change that answers with the document. Only functions
//! have them; the Data API did not.

use mongodb::options::{FindOneAndDeleteOptions, FindOneAndReplaceOptions, FindOneAndUpdateOptions, ReturnDocument};

use super::update;
use crate::answer::Answer;
use crate::call::Call;
use crate::error::Error;

pub(super) async fn update(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, update) = (call.required_query("filter")?, update::modifications(call)?);
    let mut options = FindOneAndUpdateOptions::default();
    options.projection = call.query("projection")?;
    options.sort = call.query("sort")?;
    options.upsert = Some(call.arguments.flag("upsert")?);
    options.return_document = Some(returned(call)?);
    options.array_filters = call.array_filters()?;
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let found = call.collection().find_one_and_update(filter, update).with_options(options).await;
    write.done();
    Answer::found(call, found?.as_deref())
}

pub(super) async fn replace(call: &Call<'_>) -> Result<Answer, Error> {
    let filter = call.required_query("filter")?;
    let replacement = call.arguments.required_document("replacement")?.to_owned();
    let mut options = FindOneAndReplaceOptions::default();
    options.projection = call.query("projection")?;
    options.sort = call.query("sort")?;
    options.upsert = Some(call.arguments.flag("upsert")?);
    options.return_document = Some(returned(call)?);
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let found = call.collection().find_one_and_replace(filter, replacement).with_options(options).await;
    write.done();
    Answer::found(call, found?.as_deref())
}

pub(super) async fn delete(call: &Call<'_>) -> Result<Answer, Error> {
    let filter = call.required_query("filter")?;
    let mut options = FindOneAndDeleteOptions::default();
    options.projection = call.query("projection")?;
    options.sort = call.query("sort")?;
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let found = call.collection().find_one_and_delete(filter).with_options(options).await;
    write.done();
    Answer::found(call, found?.as_deref())
}

/// The document as it was, unless the one that it became is asked for.
fn returned(call: &Call<'_>) -> Result<ReturnDocument, Error> {
    let new = call.arguments.flag("returnNewDocument")?;
    Ok(if new { ReturnDocument::After } else { ReturnDocument::Before })
}
