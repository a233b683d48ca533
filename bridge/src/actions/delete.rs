//! `deleteOne` and `deleteMany`.
//!
//! The contract lets a delete go without a filter; we do not. Left out by mistake it would mean every document, and who
//! wants that can say `{}`.

use mongodb::bson::rawdoc;
use mongodb::results::DeleteResult;

use super::Call;
use crate::answer::{Answer, number};
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, write) = (call.required_query("filter")?, call.mongo.write());
    let done = call.collection().delete_one(filter).comment(write.comment()).await;
    write.done();
    let done = done?;
    count(call, &done)
}

pub(super) async fn many(call: &Call<'_>) -> Result<Answer, Error> {
    let (filter, write) = (call.required_query("filter")?, call.mongo.write());
    let done = call.collection().delete_many(filter).comment(write.comment()).await;
    write.done();
    let done = done?;
    count(call, &done)
}

fn count(call: &Call<'_>, done: &DeleteResult) -> Result<Answer, Error> {
    Answer::ok(call, &rawdoc! { "deletedCount": number(done.deleted_count) })
}
