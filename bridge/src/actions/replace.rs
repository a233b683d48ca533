//! `replaceOne`.

use mongodb::options::ReplaceOptions;

use super::update;
use crate::answer::Answer;
use crate::call::Call;
use crate::error::Error;

pub(super) async fn one(call: &Call<'_>) -> Result<Answer, Error> {
    let filter = call.required_query("filter")?;
    let replacement = call.arguments.required_document("replacement")?.to_owned();
    let mut options = ReplaceOptions::default();
    options.upsert = Some(call.arguments.flag("upsert")?);
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    let write = call.mongo.write();
    options.comment = Some(write.comment(options.comment.take()));
    let done = call.collection().replace_one(filter, replacement).with_options(options).await;
    write.done();
    Answer::ok(call, &update::counts(done?)?)
}
