//! `deleteOne` and `deleteMany`.
//!
//! The contract lets a delete go without a filter; we do not. Left out by mistake it would mean every document, and who
//! wants that can say `{}`.

use mongodb::bson::{Document, rawdoc};
use mongodb::options::{Collation, DeleteOptions};

use super::Action;
use crate::answer::{Answer, number};
use crate::call::Call;
use crate::error::Error;

pub(super) async fn run(call: &Call<'_>, action: Action) -> Result<Answer, Error> {
    apply(call, action, call.required_query("filter")?, call.collation()?).await
}

/// With the filter and the collation as they are given; the other options are the client's.
pub(super) async fn apply(
    call: &Call<'_>,
    action: Action,
    filter: Document,
    collation: Option<Collation>,
) -> Result<Answer, Error> {
    let mut options = DeleteOptions::default();
    options.collation = collation;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    let collection = call.collection();
    let done = call.write(|comment| {
        options.comment = Some(comment);
        let delete = match action {
            Action::DeleteOne => collection.delete_one(filter),
            _ => collection.delete_many(filter),
        };
        delete.with_options(options)
    });
    Answer::ok(call, &rawdoc! { "deletedCount": number(done.await?.deleted_count) })
}
