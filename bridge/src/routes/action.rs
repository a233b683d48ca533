//! `POST /app/{appId}/endpoint/data/{v1|beta}/action/{name}`: from a request to an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};

use super::App;
use crate::actions::{Action, Call};
use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::error::Error;
use crate::traces::RequestSpan;
use crate::{body, ejson, media};

/// Serves one request, and counts it.
pub(super) async fn handle(action: Action, State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let in_flight = app.metrics.begin(action.name());
    let span = app.traces.begin(action.name(), &head.headers);
    // Kept until the last byte has left: a listing takes memory and a connection until then.
    let place = Arc::clone(&app.places).try_acquire_owned();
    let result = match &place {
        Ok(_) => answer(action, &app, &head, body, &span).await,
        Err(_) => Err(Error::Overloaded),
    };
    let failure = result.as_ref().err().map(Error::code);
    let status = result.as_ref().map_or_else(Error::status, Answer::status);
    in_flight.end(failure.unwrap_or("ok"));
    span.end(status.as_u16(), failure);
    match result {
        Ok(answer) => answer.into_response(place),
        Err(error) => error.into_response(),
    }
}

/// Who is asking is settled before the body is read, and everything about the body before MongoDB is asked.
async fn answer(action: Action, app: &App, head: &Parts, body: Body, span: &RequestSpan) -> Result<Answer, Error> {
    let principal = app.authenticator.authenticate(&head.headers).await?;
    media::check_content_type(&head.headers)?;
    let text = body::read(body, app.config.max_body_bytes, app.config.body_timeout).await?;
    let body = ejson::read::document(&text).map_err(|error| Error::InvalidParameter(error.to_string()))?;
    drop(text);
    let arguments = Arguments::new(&body, action.fields())?;
    let call = Call {
        config: &app.config,
        rules: &principal.rules,
        user: &principal.user,
        mongo: &app.mongo,
        namespace: arguments.namespace(&app.config.data_source)?,
        arguments,
        format: media::answer_format(&head.headers),
    };
    let operation = span.operation(action.name(), call.namespace);
    let result = app.mongo.wait(action.run(&call)).await;
    operation.end(result.as_ref().err().map(Error::code));
    result
}
