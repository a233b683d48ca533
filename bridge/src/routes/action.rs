//! `POST /app/{appId}/endpoint/data/{v1|beta}/action/{name}`, and functions: from a request to an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use mongodb::bson::RawDocument;

use super::{App, functions};
use crate::actions::{Action, Call};
use crate::answer::{Answer, Envelope};
use crate::arguments::Arguments;
use crate::ejson::Format;
use crate::error::Error;
use crate::traces::RequestSpan;
use crate::{body, ejson, media};

/// What a route is for.
#[derive(Clone, Copy)]
pub(super) enum Route {
    /// One action.
    Action(Action),
    /// Functions; which one, the body says.
    Functions,
}

/// What a request asks for, as its route and its body say.
pub(super) struct Asked<'a> {
    pub(super) action: Action,
    /// The name of the data source.
    pub(super) source: &'a str,
    pub(super) arguments: Arguments<'a>,
    pub(super) envelope: Envelope,
}

impl Route {
    /// As metrics name it.
    fn name(self) -> &'static str {
        match self {
            Route::Action(action) => action.name(),
            Route::Functions => "functions/call",
        }
    }

    /// As traces name it.
    fn path(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Route::Action(action) => ("/app/{app_id}/endpoint/data/v1", "action", action.name()),
            Route::Functions => ("/api/client/v2.0/app/{app_id}", "functions", "call"),
        }
    }

    fn asked(self, body: &RawDocument) -> Result<Asked<'_>, Error> {
        match self {
            Route::Functions => functions::asked(body),
            Route::Action(action) => {
                let arguments = Arguments::of_action(body, action.fields())?;
                Ok(Asked { action, source: arguments.data_source()?, arguments, envelope: Envelope::DataApi })
            }
        }
    }
}

/// Serves one request, and counts it.
pub(super) async fn handle(route: Route, State(app): State<Arc<App>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let in_flight = app.metrics.begin(route.name());
    let span = app.traces.begin(route.path(), &head.headers);
    // Kept until the last byte has left: a listing takes memory and a connection until then.
    let place = Arc::clone(&app.places).try_acquire_owned();
    let result = match &place {
        Ok(_) => answer(route, &app, &head, body, &span).await,
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
async fn answer(route: Route, app: &App, head: &Parts, body: Body, span: &RequestSpan) -> Result<Answer, Error> {
    let principal = app.authenticator.authenticate(&head.headers).await?;
    media::check_content_type(&head.headers, matches!(route, Route::Action(action) if action.is_read()))?;
    let text = body::read(body, app.config.max_body_bytes, app.config.body_timeout).await?;
    let body = ejson::read::document(&text).map_err(|error| Error::InvalidParameter(error.to_string()))?;
    drop(text);
    let asked = route.asked(&body)?;
    let call = Call {
        config: &app.config,
        rules: &principal.rules,
        mongo: app.sources.get(asked.source).ok_or_else(|| unknown_source(&asked))?,
        namespace: asked.arguments.namespace()?,
        arguments: asked.arguments,
        format: match asked.envelope {
            Envelope::DataApi => media::answer_format(&head.headers, app.config.return_type),
            Envelope::Function => Format::Ejson,
        },
        envelope: asked.envelope,
    };
    let operation = span.operation(asked.action.name(), call.namespace);
    let result = call.mongo.wait(asked.action.run(&call)).await;
    operation.end(result.as_ref().err().map(Error::code));
    result
}

fn unknown_source(asked: &Asked<'_>) -> Error {
    let name: String = asked.source.chars().take(100).collect();
    match asked.envelope {
        Envelope::DataApi => Error::InvalidParameter(format!("the dataSource `{name}` is not known here")),
        Envelope::Function => Error::NoSuchService(name),
    }
}
