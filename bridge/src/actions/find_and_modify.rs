//! `findOneAndUpdate`, `findOneAndReplace` and `findOneAndDelete`: a change that answers with the document. Only functions
//! have them; the Data API did not.

use mongodb::bson::{Document, RawDocumentBuf};
use mongodb::options::{
    Collation, FindOneAndDeleteOptions, FindOneAndReplaceOptions, FindOneAndUpdateOptions, ReturnDocument,
    UpdateModifications,
};

use super::{Action, update};
use crate::answer::Answer;
use crate::call::Call;
use crate::error::Error;

/// What becomes of the document that is found.
pub(super) enum Change {
    Update(UpdateModifications),
    Replace(RawDocumentBuf),
    Delete,
}

impl Change {
    /// As the action and its fields say.
    pub(super) fn of(call: &Call<'_>, action: Action) -> Result<Self, Error> {
        Ok(match action {
            Action::FindOneAndUpdate => Change::Update(update::modifications(call)?),
            Action::FindOneAndReplace => Change::Replace(call.arguments.required_document("replacement")?.to_owned()),
            _ => Change::Delete,
        })
    }
}

pub(super) async fn run(call: &Call<'_>, action: Action) -> Result<Answer, Error> {
    let (filter, change) = (call.required_query("filter")?, Change::of(call, action)?);
    let found = apply(call, filter, change, call.collation()?).await?;
    Answer::found(call, found.as_deref())
}

/// The options that all three have.
macro_rules! options {
    ($options:ident, $call:expr, $collation:expr) => {{
        let mut options = $options::default();
        options.projection = $call.query("projection")?;
        options.sort = $call.query("sort")?;
        options.collation = $collation;
        options.hint = $call.hint()?;
        options.let_vars = $call.variables()?;
        options
    }};
}

/// With the filter, the change and the collation as they are given; the other options are the client's.
pub(super) async fn apply(
    call: &Call<'_>,
    filter: Document,
    change: Change,
    collation: Option<Collation>,
) -> Result<Option<RawDocumentBuf>, Error> {
    let collection = call.collection();
    match change {
        Change::Update(update) => {
            let mut options = options!(FindOneAndUpdateOptions, call, collation);
            options.upsert = Some(call.arguments.flag("upsert")?);
            options.return_document = Some(returned(call)?);
            options.array_filters = call.array_filters()?;
            let run = |comment| {
                options.comment = Some(comment);
                collection.find_one_and_update(filter, update).with_options(options)
            };
            call.write(run).await
        }
        Change::Replace(replacement) => {
            let mut options = options!(FindOneAndReplaceOptions, call, collation);
            options.upsert = Some(call.arguments.flag("upsert")?);
            options.return_document = Some(returned(call)?);
            let run = |comment| {
                options.comment = Some(comment);
                collection.find_one_and_replace(filter, replacement).with_options(options)
            };
            call.write(run).await
        }
        Change::Delete => {
            let mut options = options!(FindOneAndDeleteOptions, call, collation);
            let run = |comment| {
                options.comment = Some(comment);
                collection.find_one_and_delete(filter).with_options(options)
            };
            call.write(run).await
        }
    }
}

/// The document as it was, unless the one that it became is asked for.
fn returned(call: &Call<'_>) -> Result<ReturnDocument, Error> {
    let new = call.arguments.flag("returnNewDocument")?;
    Ok(if new { ReturnDocument::After } else { ReturnDocument::Before })
}
