//! `POST /app/{appId}/endpoint/data/{v1|beta}/action/{name}`, and functions: from a request to an answer.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse as _, Response};
use mongodb::bson::RawDocument;

use super::asked::Asked;
use super::seen::Seen;
use super::{App, functions};
use crate::actions::Action;
use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::audit::Audit;
use crate::auth::Principal;
use crate::call::{Call, Envelope};
use crate::client::Client;
use crate::ejson::Format;
use crate::error::Error;
use crate::shares::Share;
use crate::traces::RequestSpan;
use crate::{body, ejson, media, weight};

/// A body longer than this, in bytes, is parsed on a blocking thread.
const BLOCKING_FROM: usize = 64 * 1024;

/// What a route is for.
#[derive(Clone, Copy)]
pub(super) enum Route {
    /// One action.
    Action(Action),
    /// Functions; which one, the body says.
    Functions,
}

impl Route {
    /// As metrics name it, until more is known.
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
    let span = app.traces.begin(route.path(), &head.headers);
    let mut seen = Seen::begin(&app, route.name(), Client::of(&head.extensions));
    let result = answer(route, &app, &head, body, &span, &mut seen).await;
    let answered = result.as_ref().map(|(answer, _)| answer.status());
    span.end(answered.unwrap_or_else(Error::status).as_u16(), answered.err().map(Error::code));
    seen.end(answered);
    match result {
        Ok((answer, slot)) => answer.into_response(slot),
        Err(error) => error.into_response(),
    }
}

/// Who is asking is settled before the body is read, and everything about the body before MongoDB is asked. Each takes of
/// what is limited only what it needs: a client that nobody knows takes nothing, one that sends its body slowly no slot.
async fn answer(
    route: Route,
    app: &App,
    head: &Parts,
    body: Body,
    span: &RequestSpan,
    seen: &mut Seen,
) -> Result<(Answer, Share), Error> {
    let principal = match admit(route, app, head, &mut seen.audit).await {
        Ok(principal) => principal,
        Err(error) => {
            body::discard(body).await;
            return Err(error);
        }
    };
    let client = Client::of(&head.extensions);
    let mut memory = app.budget.reserve();
    let text = {
        let _slot = app.body_slots.acquire(Some(client.origin())).map_err(|_| Error::Overloaded)?;
        body::read(body, app.config.limits.max_body_bytes, app.config.limits.body_timeout, &mut memory).await?
    };
    // Kept until the last byte of the answer has left: a listing takes memory and a connection until then, and an address that
    // reads its answers slowly must not take all.
    let slot = app.request_slots.acquire(Some(client.origin())).map_err(|_| Error::Overloaded)?;
    let restricted = principal.rules.are_restricted();
    let data = matches!(route, Route::Action(Action::InsertOne | Action::InsertMany | Action::ReplaceOne));
    memory.grow(weight::of_text(&text, data && !restricted)?)?;
    let read = || ejson::read::document(&text).map_err(|error| Error::InvalidParameter(error.to_string()));
    // A large one takes a while, in which this thread's other requests go on elsewhere.
    let body = if text.len() > BLOCKING_FROM { tokio::task::block_in_place(read)? } else { read()? };
    drop(text);
    memory.resize(weight::of_body(&body, restricted))?;
    let asked = route.asked(&body)?;
    seen.action(asked.action);
    let call = Call {
        config: &app.config,
        rules: &principal.rules,
        user: &principal.user,
        budget: &app.budget,
        mongo: app.sources.get(asked.source).ok_or_else(|| unknown_source(&asked))?,
        namespace: asked.arguments.namespace()?,
        arguments: asked.arguments,
        format: match asked.envelope {
            Envelope::DataApi => media::answer_format(&head.headers, app.config.return_type),
            Envelope::Function => Format::Ejson,
        },
        envelope: asked.envelope,
    };
    seen.audit.namespace(call.namespace);
    let operation = span.operation(asked.action.name(), call.namespace);
    let result = call.mongo.wait(asked.action.run(&call)).await;
    operation.end(result.as_ref().err().map(Error::code));
    result.map(|answer| (answer, slot))
}

/// All that can be said of a request before its body is read.
async fn admit(route: Route, app: &App, head: &Parts, audit: &mut Audit) -> Result<Arc<Principal>, Error> {
    let principal = app.authenticator.authenticate(head).await?;
    audit.principal(&principal);
    app.count(&principal, Client::of(&head.extensions))?;
    media::check_content_type(&head.headers, matches!(route, Route::Action(action) if action.is_read()))?;
    Ok(principal)
}

fn unknown_source(asked: &Asked<'_>) -> Error {
    let name: String = asked.source.chars().take(100).collect();
    match asked.envelope {
        Envelope::DataApi => Error::InvalidParameter(format!("the dataSource `{name}` is unknown")),
        Envelope::Function => Error::NoSuchService(name),
    }
}
