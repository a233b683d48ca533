//! `replaceOne`.

use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::options::{Collation, ReplaceOptions};

use super::update;
use crate::answer::Answer;
use crate::call::Call;
use crate::error::Error;

pub(super) async fn run(call: &Call<'_>) -> Result<Answer, Error> {
    let filter = call.required_query("filter")?;
    let replacement = call.arguments.required_document("replacement")?.to_owned();
    apply(call, filter, replacement, call.collation()?).await
}

/// With the filter, the replacement and the collation as they are given; the other options are the client's.
pub(super) async fn apply(
    call: &Call<'_>,
    filter: Document,
    replacement: RawDocumentBuf,
    collation: Option<Collation>,
) -> Result<Answer, Error> {
    let mut options = ReplaceOptions::default();
    options.upsert = Some(call.arguments.flag("upsert")?);
    options.collation = collation;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    let collection = call.collection();
    let done = call.write(|comment| {
        options.comment = Some(comment);
        collection.replace_one(filter, replacement).with_options(options)
    });
    Answer::ok(call, &update::counts(done.await?)?)
}
