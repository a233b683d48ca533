//! `deleteOne` and `deleteMany`.
//!
//! The contract lets a delete go without a filter; we do not. Left out by mistake it would mean every document, and who
//! wants that can say `{}`.

use mongodb::bson::rawdoc;
use mongodb::options::DeleteOptions;
use mongodb::results::DeleteResult;

use crate::answer::{Answer, number};
use crate::call::Call;
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, mut options) = (call.required_query("filter")?, options(call)?);
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let done = call.collection().delete_one(filter).with_options(options).await;
    write.done();
    let done = done?;
    count(call, &done)
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, mut options) = (call.required_query("filter")?, options(call)?);
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let done = call.collection().delete_many(filter).with_options(options).await;
    write.done();
    let done = done?;
    count(call, &done)
}

fn options(call: &Call<'_>) -> Result<DeleteOptions, Error> {
    let mut options = DeleteOptions::default();
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    Ok(options)
}

fn count(call: &Call<'_>, done: &DeleteResult) -> Result<Answer, Error> {
    Answer::ok(call, &rawdoc! { "deletedCount": number(done.deleted_count) })
}
