//! Everything that can go wrong with a request, and the problem details (RFC 9457) that the client gets for it.

use std::fmt;

use bytes::Bytes;
use fenced_cache::{SourceError, WriteError};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use super::response::Response;
use crate::auth::AuthError;
use crate::catalog::CatalogError;
use crate::database::DatabaseError;
use crate::database::rejection::{Reason, Rejection};
use crate::variable::VariableError;

/// Why a request was not done. Each variant says which status it becomes.
#[derive(Clone, Debug, PartialEq)]
pub enum Problem {
    /// 404: no such route.
    UnknownRoute,
    /// 404: the collection is not open.
    UnknownCollection(String),
    /// 404: the route or its document does not exist, in words.
    NotFound(String),
    /// 405, with `Allow`.
    MethodNotAllowed(String),
    /// 400: what was wrong, and where.
    Invalid(String),
    /// 400: an added document has no field in common with its collection.
    UnknownFields {
        /// The fields that the collection's documents have.
        available: Vec<String>,
        /// The fields of the document.
        provided: Vec<String>,
        /// Its place, where there are several.
        place: Option<usize>,
    },
    /// 412: a precondition of the request does not hold; in words.
    PreconditionFailed(String),
    /// 422: the `Idempotency-Key` was used before, with another body.
    KeyReused,
    /// 400, 409, 413 or 422: MongoDB refused a document.
    Rejected {
        /// Which, and why.
        rejection: Rejection,
        /// The ids that were inserted before it, where several were to be.
        inserted: Option<Vec<Value>>,
    },
    /// 401 where the credential is missing or invalid, 403 where it does not grant the role that is needed.
    Auth(AuthError),
    /// 403: a page of another site tried to change something.
    CrossSite,
    /// 403: a `GET` that would change something, which a page of another site could have sent.
    SilentGet,
    /// 408: the client took too long to send its body.
    BodyTimeout,
    /// 429: the caller sent more requests than this within a minute.
    TooManyRequests(u64),
    /// 413: the body is larger than so many bytes.
    BodyTooLarge(usize),
    /// 415: the body's media type.
    UnsupportedMediaType(Option<String>),
    /// 415: the body's content coding.
    UnsupportedEncoding(String),
    /// 502, 503 or 504: the database failed. 400: a response would be larger than is allowed.
    Database {
        /// How.
        error: DatabaseError,
        /// Whether it was asked to write.
        writing: bool,
    },
    /// 503: nothing was written, since the write could not be recorded in the cache.
    WriteNotBegun,
    /// 504: the write was done, but its end could not be recorded in the cache.
    WriteNotEnded,
    /// 503: Redis did not take what makes cached values invalid, for this reason.
    NotPurged(String),
    /// 503: the instance holds as many bytes of requests and answers as it may; nothing was done.
    OverBudget,
    /// 421: the request names a host that is not one of this service's.
    UnknownHost,
    /// 500: a variable cannot be used.
    Misconfigured(VariableError),
}

impl Problem {
    /// The status that it becomes.
    pub fn status(&self) -> StatusCode {
        match self {
            Problem::UnknownRoute | Problem::UnknownCollection(_) | Problem::NotFound(_) => StatusCode::NOT_FOUND,
            Problem::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Invalid(_) | Problem::UnknownFields { .. } => StatusCode::BAD_REQUEST,
            Problem::Auth(AuthError::Missing | AuthError::Rejected(_)) => StatusCode::UNAUTHORIZED,
            Problem::Auth(AuthError::Forbidden(_) | AuthError::RoleOff(_))
            | Problem::CrossSite
            | Problem::SilentGet => StatusCode::FORBIDDEN,
            Problem::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Problem::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Problem::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::Rejected { rejection, .. }
            | Problem::Database { error: DatabaseError::Rejected(rejection), .. } => rejected(&rejection.reason),
            Problem::BodyTooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::UnsupportedMediaType(_) | Problem::UnsupportedEncoding(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::Database { error, .. } => match error {
                DatabaseError::Unreachable(_) | DatabaseError::Unavailable(_) | DatabaseError::OverBudget => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
                DatabaseError::Timeout => StatusCode::GATEWAY_TIMEOUT,
                DatabaseError::Failed(_) | DatabaseError::Refused(_) => StatusCode::BAD_GATEWAY,
                DatabaseError::Rejected(rejection) => rejected(&rejection.reason),
                DatabaseError::TooLarge(_) => StatusCode::BAD_REQUEST,
            },
            Problem::WriteNotBegun | Problem::NotPurged(_) | Problem::OverBudget => StatusCode::SERVICE_UNAVAILABLE,
            Problem::UnknownHost => StatusCode::MISDIRECTED_REQUEST,
            Problem::WriteNotEnded => StatusCode::GATEWAY_TIMEOUT,
            Problem::Misconfigured(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What `WWW-Authenticate` says (RFC 6750, section 3).
    fn challenge(&self) -> Option<String> {
        let bearer = "Bearer realm=\"store-api\"";
        match self {
            Problem::Auth(AuthError::Missing) => Some(bearer.to_owned()),
            Problem::Auth(AuthError::Rejected(why)) => {
                Some(format!("{bearer}, error=\"invalid_token\", error_description=\"the credential {why}\""))
            }
            Problem::Auth(AuthError::Forbidden(role)) => {
                Some(format!("{bearer}, error=\"insufficient_scope\", scope=\"{}\"", role.scope()))
            }
            _ => None,
        }
    }

    /// What the operator should read of it, where there is more to say than the client is told.
    pub fn log(&self) -> Option<String> {
        match self {
            Problem::Database {
                error: DatabaseError::TooLarge(_) | DatabaseError::Rejected(_) | DatabaseError::OverBudget,
                ..
            } => None,
            Problem::Database { error, .. } => Some(error.to_string()),
            Problem::NotPurged(why) => Some(why.clone()),
            Problem::Misconfigured(error) => Some(error.to_string()),
            _ => None,
        }
    }

    /// The response to the client.
    pub fn into_response(self) -> Response {
        let status = self.status();
        let detail = self.to_string();
        let mut body = json!({
            "type": "about:blank",
            "title": status.canonical_reason().unwrap_or("Error"),
            "status": status.as_u16(),
            "detail": detail,
            "error": detail,
        });
        match &self {
            Problem::UnknownFields { available, provided, place } => {
                body["available_fields"] = json!(available);
                body["provided_fields"] = json!(provided);
                if let Some(place) = place {
                    body["index"] = json!(place);
                }
            }
            Problem::Rejected { rejection, inserted: Some(inserted) } => {
                body["index"] = json!(rejection.place);
                body["inserted"] = json!(inserted.len());
                body["ids"] = json!(inserted);
            }
            _ => {}
        }
        let mut response = Response::new(Bytes::from(body.to_string()));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Problem::MethodNotAllowed(allow) = &self
            && let Ok(allow) = HeaderValue::from_str(allow)
        {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(challenge) = self.challenge().and_then(|text| HeaderValue::try_from(text).ok()) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        if matches!(self, Problem::UnsupportedEncoding(_)) {
            // RFC 9110, section 12.5.3: what would have been accepted.
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// The detail: what the client is told, with nothing of an upstream in it.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::UnknownRoute => f.write_str("unknown route; GET / lists all routes"),
            Problem::UnknownCollection(name) => write!(f, "unknown collection {name:?}"),
            Problem::NotFound(what) | Problem::Invalid(what) => f.write_str(what),
            Problem::MethodNotAllowed(allow) => write!(f, "allowed methods: {allow}"),
            Problem::UnknownFields { place, .. } => {
                if let Some(place) = place {
                    write!(f, "at index {place}: ")?;
                }
                f.write_str("the document shares no field with the collection's documents; see available_fields")
            }
            Problem::PreconditionFailed(what) => f.write_str(what),
            Problem::KeyReused => f.write_str("the Idempotency-Key was already used with a different body"),
            Problem::Rejected { rejection, inserted: Some(inserted) } => {
                let place = rejection.place.unwrap_or(inserted.len());
                write!(f, "at index {place}, after {} were inserted: {rejection}", inserted.len())
            }
            Problem::Rejected { rejection, .. } | Problem::Database { error: DatabaseError::Rejected(rejection), .. } => {
                rejection.fmt(f)
            }
            Problem::UnsupportedEncoding(coding) => {
                write!(f, "the body has the Content-Encoding {coding:?}; send it uncompressed")
            }
            Problem::Auth(error) => error.fmt(f),
            Problem::CrossSite => f.write_str("a page of another site must not change anything here"),
            Problem::SilentGet => f.write_str(
                "a GET that changes something is for localhost: elsewhere, a page of another site could send it; use POST",
            ),
            Problem::NotPurged(_) => f.write_str("Redis could not purge everything; values that were cached before may still be served"),
            Problem::UnknownHost => {
                f.write_str("unknown host: use an IP address or localhost, or add the name to the variable allowed_hosts")
            }
            Problem::OverBudget | Problem::Database { error: DatabaseError::OverBudget, .. } => {
                f.write_str("too many bytes of requests and answers are in transit at the moment; try again")
            }
            Problem::BodyTimeout => f.write_str("the body did not arrive in time"),
            Problem::TooManyRequests(limit) => write!(f, "rate limit exceeded: {limit} requests a minute are allowed"),
            Problem::BodyTooLarge(limit) => {
                write!(f, "the body is larger than {limit} bytes")
            }
            Problem::UnsupportedMediaType(Some(got)) => {
                write!(f, "the body must be application/json, not {got:?}")
            }
            Problem::UnsupportedMediaType(None) => {
                f.write_str("the header Content-Type is missing; it must be application/json")
            }
            Problem::Database { error, writing } => {
                if let DatabaseError::TooLarge(limit) = error {
                    return write!(
                        f,
                        "the response would be larger than {limit} bytes: ask for fewer documents by \"limit\" and \"skip\", or for \
                         fewer fields by \"fields\""
                    );
                }
                f.write_str(match error {
                    DatabaseError::Unreachable(_) => "the store cannot be reached",
                    DatabaseError::Unavailable(_) => "the store cannot serve at the moment",
                    DatabaseError::Timeout => "the store did not answer in time",
                    DatabaseError::Failed(_) => "the store failed",
                    DatabaseError::Refused(_) => "the store rejected the request",
                    DatabaseError::Rejected(_) => "MongoDB rejected it",
                    DatabaseError::TooLarge(_) | DatabaseError::OverBudget => "the answer is too large",
                })?;
                if *writing && error.outcome_unknown() {
                    f.write_str("; whether the write was done is unknown")?;
                }
                Ok(())
            }
            Problem::WriteNotBegun => f.write_str("nothing was written: the write could not be recorded in the cache"),
            Problem::WriteNotEnded => f.write_str(
                "the end of the write could not be recorded in the cache; whether the write was done is unknown, and what it concerns is not served from the cache until that is settled",
            ),
            Problem::Misconfigured(error) => write!(f, "the service is misconfigured: {error}"),
        }
    }
}

impl std::error::Error for Problem {}

fn rejected(reason: &Reason) -> StatusCode {
    match reason {
        Reason::Duplicate { .. } => StatusCode::CONFLICT,
        Reason::Validation(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Reason::TooLarge | Reason::TooLargeRequest => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::Document(_) | Reason::Query { .. } => StatusCode::BAD_REQUEST,
    }
}

impl From<AuthError> for Problem {
    fn from(error: AuthError) -> Self {
        Problem::Auth(error)
    }
}

impl From<VariableError> for Problem {
    fn from(error: VariableError) -> Self {
        Problem::Misconfigured(error)
    }
}

impl From<CatalogError> for Problem {
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NoDocument { collection, value, field } => Problem::NotFound(match field {
                None => format!("{collection:?} has no document {value:?}"),
                Some(field) => format!("{collection:?} has no document whose {field:?} equals {value:?}"),
            }),
            CatalogError::NoSeed(collection) => Problem::NotFound(format!("{collection:?} has no seed data")),
            CatalogError::InvalidId(why) => Problem::Invalid(format!("the document's _id {why}")),
            CatalogError::UnknownFields { available, provided, place } => {
                Problem::UnknownFields { available, provided, place }
            }
            CatalogError::PreconditionFailed => {
                Problem::PreconditionFailed("the stored document does not meet the request's precondition".to_owned())
            }
            CatalogError::AlreadyExists => {
                Problem::PreconditionFailed("a document with this _id already exists".to_owned())
            }
            CatalogError::KeyReused => Problem::KeyReused,
            CatalogError::Rejected { rejection, inserted } => Problem::Rejected { rejection, inserted },
            CatalogError::Read(error) => Problem::Database { error, writing: false },
            CatalogError::Write(WriteError::Source(error)) => Problem::Database { error, writing: true },
            CatalogError::Write(WriteError::NotBegun) => Problem::WriteNotBegun,
            CatalogError::Write(WriteError::NotEnded) => Problem::WriteNotEnded,
            CatalogError::NotPurged(error) => Problem::NotPurged(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_the_contract() {
        let response = Problem::UnknownCollection("nope".to_owned()).into_response();
        assert_eq!(response.status(), 404);
        assert_eq!(response.headers()["content-type"], "application/problem+json");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(
            body,
            json!({
                "type": "about:blank",
                "title": "Not Found",
                "status": 404,
                "detail": "unknown collection \"nope\"",
                "error": "unknown collection \"nope\"",
            })
        );
    }

    #[test]
    fn nothing_of_an_upstream_reaches_the_client() {
        let secret = "mongodb://user:pw@db.internal";
        for error in [
            DatabaseError::Unreachable(secret.to_owned()),
            DatabaseError::Unavailable(secret.to_owned()),
            DatabaseError::Failed(secret.to_owned()),
            DatabaseError::Refused(secret.to_owned()),
        ] {
            for error in [CatalogError::Read(error.clone()), CatalogError::Write(WriteError::Source(error))] {
                let problem = Problem::from(error);
                assert!(problem.log().is_some());
                let body = problem.into_response().into_body();
                assert!(!String::from_utf8_lossy(&body).contains("user:pw"));
            }
        }
    }

    #[test]
    fn a_write_that_timed_out_says_that_its_outcome_is_unknown() {
        let respond = |error| Problem::from(CatalogError::Write(WriteError::Source(error))).into_response();
        let response = respond(DatabaseError::Timeout);
        assert_eq!(response.status(), 504);
        assert!(String::from_utf8_lossy(response.body()).contains("unknown"));
        let response = respond(DatabaseError::Unreachable(String::new()));
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()["retry-after"], "1");
        assert!(!String::from_utf8_lossy(response.body()).contains("unknown"));
    }
}
