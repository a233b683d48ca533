//! `replaceOne`.

use super::{Call, update};
use crate::answer::Answer;
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let filter = call.required_query("filter")?;
    let replacement = call.arguments.required_document("replacement")?.to_owned();
    let upsert = call.arguments.flag("upsert")?;
    let write = call.mongo.write();
    let done = call.collection().replace_one(filter, replacement).upsert(upsert).comment(write.comment()).await;
    write.done();
    Answer::ok(call, &update::counts(done?)?)
}
