//! `aggregate`.

use mongodb::bson::Document;
use mongodb::options::AggregateOptions;

use crate::answer::Answer;
use crate::arguments::documents_of;
use crate::auth::referenced_namespaces;
use crate::auth::rules::Operation;
use crate::call::Call;
use crate::error::Error;
use crate::operator_denylist::count_only;

pub(super) async fn run(call: &Call<'_>) -> Result<Answer, Error> {
    let pipeline = call.pipeline()?;
    referenced_namespaces::each(pipeline, call.namespace.0, &mut |database, collection| {
        // Nobody with a restriction comes here: their pipelines are rewritten.
        call.rules.restriction((database, collection), &[Operation::Read], call.user).map(|_| ())
    })?;
    let stages = documents_of("pipeline", pipeline)?;
    let mut stages: Vec<Document> = stages.into_iter().map(Document::try_from).collect::<Result<_, _>>()?;
    if stages.first().is_some_and(|stage| stage.contains_key("$collStats")) {
        stages.insert(1, count_only());
    }
    let mut options = AggregateOptions::default();
    options.collation = call.collation()?;
    options.hint = call.hint()?;
    options.let_vars = call.variables()?;
    options.comment = call.comment()?;
    options.batch_size = u32::try_from(call.config.max_documents).ok();
    options.max_time = Some(call.mongo.operation_timeout());
    let cursor = call.collection().aggregate(stages).with_options(options).batch().await?;
    Answer::documents(call, cursor).await
}
