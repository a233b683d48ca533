//! `POST /app/{appId}/endpoint/data/{v1|beta}/action/{name}`: from a request to an answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};

use super::App;
use crate::actions::{Action, Call};
use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::error::Error;
use crate::{body, ejson, media};

/// MongoDB is told to stop at the time limit; we stop waiting this much later, so that it is the one to say so.
const GRACE: Duration = Duration::from_millis(500);

/// Serves one request. Who is asking is settled before the body is read, and everything about the body before MongoDB is
/// asked.
pub(super) async fn handle(action: Action, State(app): State<Arc<App>>, request: Request) -> Result<Answer, Error> {
    let (head, body) = request.into_parts();
    app.authenticator.authenticate(&head.headers)?;
    media::check_content_type(&head.headers)?;
    let text = body::read(body, app.config.max_body_bytes).await?;
    let body = ejson::read::document(&text).map_err(|error| Error::InvalidParameter(error.to_string()))?;
    let arguments = Arguments::new(&body, action.fields())?;
    let call = Call {
        config: &app.config,
        mongo: &app.mongo,
        namespace: arguments.namespace(&app.config.data_source)?,
        arguments,
        format: media::answer_format(&head.headers),
    };
    let limit = app.mongo.operation_timeout() + GRACE;
    tokio::time::timeout(limit, action.run(&call)).await.unwrap_or(Err(Error::TimeLimit))
}
