//! What can go wrong with a request, and what the client gets then: the one place with statuses and codes.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use mongodb::bson::{Document, RawDocumentBuf};
use thiserror::Error;

use crate::ejson::{Format, write};
use crate::quoted::up_to;

/// How many bytes of an error's text are sent. What MongoDB says may quote the request, which may have megabytes.
const MAX_TEXT: usize = 4096;

/// Why a request failed. Each variant names its status and the `error_code` that goes with it.
#[derive(Debug, Error)]
pub enum Error {
    /// 400 `InvalidParameter`: something in the request is wrong; the text says what and where.
    #[error("{0}")]
    InvalidParameter(String),

    /// 400 `MissingParameter`: the body lacks a field.
    #[error("the field `{0}` is missing")]
    MissingParameter(&'static str),

    /// 400 `InvalidParameter`: no credentials at all.
    #[error("no authentication methods were specified")]
    NoAuthentication,

    /// 400 `MissingParameter`: half of a pair of credentials.
    #[error(
        "must specify some form of authentication (either email+password, api-key, or jwt) in the request header or body"
    )]
    HalfAuthentication,

    /// 401 `InvalidSession`: the credentials match nobody.
    #[error("invalid session: error finding user for endpoint")]
    UnknownUser,

    /// 401 `InvalidPassword`: a login with a wrong password or an unknown name.
    #[error("invalid username/password")]
    WrongPassword,

    /// 403 `NoMatchingRuleFound`: the account may not do this; the text names the collection.
    #[error("{0}")]
    NoRule(String),

    /// 400 `MongoDBError`: MongoDB understood the operation and refused it.
    #[error("({name}) {message}")]
    Refused {
        /// MongoDB's number for the error, such as 11000; goes out as `code`.
        code: i32,
        /// MongoDB's name for it, such as `DuplicateKey`.
        name: String,
        /// MongoDB's own words.
        message: String,
        /// The place of the refused document among several that were inserted; goes out as `index`.
        index: Option<usize>,
        /// What a validator says of the document; goes out as `details`.
        details: Option<Box<Document>>,
    },

    /// 429 `TooManyRequests`: one client, or one account, asks too often.
    #[error("too many {what}; try again in {} s", seconds(*.retry_after))]
    TooManyRequests {
        /// What there is too much of.
        what: &'static str,
        /// How long to wait.
        retry_after: Duration,
    },

    /// 404 `NotFound`: no such route, or no such action.
    #[error("no such route: {0}")]
    NoSuchRoute(String),

    /// 404 `ServiceNotFound`: a function of a service that is not one of the data sources.
    #[error("service not found: '{0}'")]
    NoSuchService(String),

    /// 404 `FunctionNotFound`: a function that no data source has.
    #[error("function not found: '{0}'")]
    NoSuchFunction(String),

    /// 401 `InvalidSession`: no refresh token, or one that is not valid any more. `realm-web` looks for these words when it
    /// logs out, and does not mind.
    #[error("invalid session: failed to find refresh token")]
    NoRefreshToken,

    /// 405 `MethodNotAllowed`: the route exists, for another method.
    #[error("the method {0} is not allowed here")]
    MethodNotAllowed(String),

    /// 408 `InvalidParameter`: the body did not come in time.
    #[error("the body did not arrive in time")]
    BodyTimeout,

    /// 413 `InvalidParameter`: the body is larger than allowed.
    #[error("the body is larger than {0} bytes")]
    BodyTooLarge(usize),

    /// 413 `InvalidParameter`: the body becomes more BSON than MongoDB's protocol carries.
    #[error("as BSON the body is larger than the {0} bytes that MongoDB accepts in one message")]
    LargerThanMessage(usize),

    /// 413 `InvalidParameter`: the request takes more memory than there is for all of them.
    #[error("the request would need more than {0} bytes of memory; send less at a time")]
    TooMuchMemory(usize),

    /// 500 `InternalServerError`: a fault of the bridge. What is wrong is logged, never sent.
    #[error("internal error")]
    Internal(String),

    /// 503 `ServiceUnavailable`: MongoDB could not be reached, or cannot serve just now. Details are logged, never sent:
    /// they hold addresses.
    #[error("{what}")]
    Unavailable {
        /// What the client is told.
        what: &'static str,
        /// The driver's words.
        details: String,
    },

    /// 503 `ServiceUnavailable`: as many requests as allowed are being worked on.
    #[error("too many requests at the same time; try again in a moment")]
    Overloaded,

    /// 503 `ServiceUnavailable`: other requests have the memory that this one would take.
    #[error("other requests use all the memory; try again in a moment")]
    OutOfMemory,

    /// 503 `ServiceUnavailable`: the server has been told to stop.
    #[error("the server is stopping")]
    Stopping,

    /// 504 `FunctionExecutionTimeLimitExceeded`: no answer in time. A write may or may not have been applied.
    #[error("the operation did not finish within its time limit")]
    TimeLimit,
}

impl Error {
    /// The status that the error is answered with.
    pub fn status(&self) -> StatusCode {
        match self {
            Error::InvalidParameter(_)
            | Error::MissingParameter(_)
            | Error::NoAuthentication
            | Error::HalfAuthentication
            | Error::Refused { .. } => StatusCode::BAD_REQUEST,
            Error::UnknownUser | Error::WrongPassword | Error::NoRefreshToken => StatusCode::UNAUTHORIZED,
            Error::NoRule(_) => StatusCode::FORBIDDEN,
            Error::NoSuchRoute(_) | Error::NoSuchService(_) | Error::NoSuchFunction(_) => StatusCode::NOT_FOUND,
            Error::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Error::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Error::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
            Error::BodyTooLarge(_) | Error::LargerThanMessage(_) | Error::TooMuchMemory(_) => {
                StatusCode::PAYLOAD_TOO_LARGE
            }
            Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Error::Unavailable { .. } | Error::Overloaded | Error::OutOfMemory | Error::Stopping => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Error::TimeLimit => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// The protocol's `error_code`. The last four are ours: the Atlas service listed no code for them, so they are named as
    /// HTTP names them.
    pub fn code(&self) -> &'static str {
        match self {
            Error::InvalidParameter(_)
            | Error::NoAuthentication
            | Error::BodyTimeout
            | Error::BodyTooLarge(_)
            | Error::LargerThanMessage(_)
            | Error::TooMuchMemory(_) => "InvalidParameter",
            Error::TooManyRequests { .. } => "TooManyRequests",
            Error::MissingParameter(_) | Error::HalfAuthentication => "MissingParameter",
            Error::UnknownUser | Error::NoRefreshToken => "InvalidSession",
            Error::WrongPassword => "InvalidPassword",
            Error::NoRule(_) => "NoMatchingRuleFound",
            Error::Refused { .. } => "MongoDBError",
            Error::Internal(_) => "InternalServerError",
            Error::TimeLimit => "FunctionExecutionTimeLimitExceeded",
            Error::NoSuchRoute(_) => "NotFound",
            Error::NoSuchService(_) => "ServiceNotFound",
            Error::NoSuchFunction(_) => "FunctionNotFound",
            Error::MethodNotAllowed(_) => "MethodNotAllowed",
            Error::Unavailable { .. } | Error::Overloaded | Error::OutOfMemory | Error::Stopping => {
                "ServiceUnavailable"
            }
        }
    }

    /// Logs what an operator must know. Never the message of a client's mistake or of MongoDB's refusal: both may quote
    /// documents.
    fn log(&self, request: &str) {
        match self {
            Error::Internal(details) => tracing::error!(request, details, "internal error"),
            Error::Unavailable { details, .. } => tracing::warn!(request, details, "MongoDB is unavailable"),
            Error::TimeLimit => tracing::warn!(request, "an operation exceeded its time limit"),
            Error::Refused { code, name, .. } => tracing::info!(request, code, name, "MongoDB refused an operation"),
            _ => tracing::info!(request, status = self.status().as_u16(), code = self.code(), "request refused"),
        }
    }
}

impl Error {
    /// 404, as for every unknown route.
    pub fn no_such_login() -> Self {
        Error::NoSuchRoute("unknown login provider".to_owned())
    }

    /// The body that the client gets; logs the error under the id that the body names.
    pub fn body(&self) -> Vec<u8> {
        // Where the service linked to its log, we name the line of ours.
        let request = mongodb::bson::oid::ObjectId::new().to_hex();
        self.log(&request);
        let mut body = b"{\"error\":".to_vec();
        write::string(&up_to(&self.to_string(), MAX_TEXT), &mut body);
        body.extend_from_slice(b",\"error_code\":");
        write::string(self.code(), &mut body);
        body.extend_from_slice(b",\"link\":");
        write::string(&format!("urn:data-api:request:{request}"), &mut body);
        if let Error::Refused { code, index, details, .. } = self {
            body.extend_from_slice(format!(",\"code\":{code}").as_bytes());
            if let Some(index) = index {
                body.extend_from_slice(format!(",\"index\":{index}").as_bytes());
            }
            if let Some(details) = details {
                details_member(details, &mut body);
            }
        }
        body.push(b'}');
        body
    }
}

/// Appends what a validator says, in plain JSON; nothing where it cannot be written.
fn details_member(details: &Document, body: &mut Vec<u8>) {
    let mut written = b",\"details\":".to_vec();
    let details = RawDocumentBuf::try_from(details).ok();
    if details.is_some_and(|details| write::document(&details, Format::Json, &mut written).is_ok()) {
        body.extend_from_slice(&written);
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        let mut response = (status, self.body()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        match self {
            Error::TooManyRequests { retry_after, .. } => {
                headers.insert(RETRY_AFTER, HeaderValue::from(seconds(retry_after)));
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

/// Whole seconds, and not fewer than the time.
fn seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

impl From<write::WriteError> for Error {
    fn from(error: write::WriteError) -> Self {
        Error::Internal(error.to_string())
    }
}
