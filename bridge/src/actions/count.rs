//! `count`: how many documents match. Only functions have it; with the Data API clients count in a pipeline.

use mongodb::options::CountOptions;

use crate::answer::{Answer, number};
use crate::call::Call;
use crate::error::Error;

pub(super) async fn run(call: &Call<'_>) -> Result<Answer, Error> {
    let filter = call.query("filter")?.unwrap_or_default();
    let mut options = CountOptions::default();
    // MongoDB, too, takes a limit of 0 for none.
    options.limit = call.arguments.count("limit")?.filter(|limit| *limit > 0);
    options.skip = call.arguments.count("skip")?;
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.comment = call.comment()?;
    options.max_time = Some(call.mongo.operation_timeout());
    let count = call.collection().count_documents(filter).with_options(options).await?;
    Answer::value(call, number(count).as_raw_bson_ref())
}
