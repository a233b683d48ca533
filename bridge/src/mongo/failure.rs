//! What the driver's failures mean to a client.

use std::borrow::Cow;

use mongodb::bson::Document;
use mongodb::error::{Error as DriverError, ErrorKind, WriteFailure};

use crate::ejson::write::WriteError;
use crate::error::Error;

/// MongoDB's codes for "out of time": `MaxTimeMSExpired`, `ExceededTimeLimit`, and a write concern that was not met in
/// the time it was given.
const OUT_OF_TIME: [i32; 3] = [50, 262, 64];

/// MongoDB's codes for "not just now": a node that shuts down, starts, or is not the primary any more.
const NOT_NOW: [i32; 10] = [91, 189, 10_058, 10_107, 11_600, 11_602, 13_388, 13_435, 13_436, 133];

impl From<DriverError> for Error {
    fn from(error: DriverError) -> Self {
        match error.kind.as_ref() {
            ErrorKind::Command(refusal) => refused(refusal.code, &refusal.code_name, &refusal.message),
            ErrorKind::Write(WriteFailure::WriteError(refusal)) => {
                let error = refused(refusal.code, refusal.code_name.as_deref().unwrap_or_default(), &refusal.message);
                with_place(error, None, refusal.details.clone())
            }
            ErrorKind::Write(WriteFailure::WriteConcernError(refusal)) => {
                refused(refusal.code, &refusal.code_name, &refusal.message)
            }
            ErrorKind::InsertMany(failure) => {
                let first = failure.write_errors.as_ref().and_then(|errors| errors.first());
                match (first, &failure.write_concern_error) {
                    (Some(refusal), _) => {
                        let name = refusal.code_name.as_deref().unwrap_or_default();
                        let error = refused(refusal.code, name, &refusal.message);
                        with_place(error, Some(refusal.index), refusal.details.clone())
                    }
                    (None, Some(refusal)) => refused(refusal.code, &refusal.code_name, &refusal.message),
                    (None, None) => Error::Internal(error.kind.to_string()),
                }
            }
            // The driver refuses some things before it asks MongoDB. A document that is too large has MongoDB's own code, which
            // tells clients that it is not the request's form that is wrong.
            ErrorKind::InvalidArgument { message, .. } if message.starts_with("insert document must be within") => {
                refused(10_334, "", message)
            }
            ErrorKind::InvalidArgument { message, .. } => Error::InvalidParameter(message.clone()),
            ErrorKind::ServerSelection { .. } | ErrorKind::DnsResolve { .. } => {
                Error::Unavailable { what: "MongoDB could not be reached", details: error.kind.to_string() }
            }
            ErrorKind::Io(_) | ErrorKind::ConnectionPoolCleared { .. } => Error::Unavailable {
                what: "the connection to MongoDB broke; if this was a write, it may or may not have been applied",
                details: error.kind.to_string(),
            },
            _ => Error::Internal(error.kind.to_string()),
        }
    }
}

/// BSON that cannot be read came from MongoDB; ours we wrote ourselves.
impl From<mongodb::bson::error::Error> for Error {
    fn from(error: mongodb::bson::error::Error) -> Self {
        WriteError::from(error).into()
    }
}

fn refused(code: i32, name: &str, message: &str) -> Error {
    if OUT_OF_TIME.contains(&code) {
        return Error::TimeLimit;
    }
    if NOT_NOW.contains(&code) {
        return Error::Unavailable {
            what: "MongoDB cannot serve at the moment",
            details: format!("{code} {name}: {message}"),
        };
    }
    let name = if name.is_empty() { name_of(code) } else { name.into() };
    Error::Refused { code, name: name.into_owned(), message: message.to_owned(), index: None, details: None }
}

/// The error with what MongoDB says of a single document that it refused.
fn with_place(error: Error, place: Option<usize>, validator: Option<Document>) -> Error {
    match error {
        Error::Refused { code, name, message, .. } => {
            Error::Refused { code, name, message, index: place, details: validator.map(Box::new) }
        }
        other => other,
    }
}

/// MongoDB's names for codes that it sends without one, as it does with errors of single writes. Where it has no name
/// itself it calls the code a location in its source, and so do we.
fn name_of(code: i32) -> Cow<'static, str> {
    Cow::Borrowed(match code {
        2 => "BadValue",
        9 => "FailedToParse",
        11 => "UserNotFound",
        13 => "Unauthorized",
        14 => "TypeMismatch",
        15 => "Overflow",
        16 => "InvalidLength",
        22 => "InvalidBSON",
        26 => "NamespaceNotFound",
        28 => "PathNotViable",
        40 => "ConflictingUpdateOperators",
        48 => "NamespaceExists",
        52 => "DollarPrefixedFieldName",
        53 => "InvalidIdField",
        54 => "NotSingleValueField",
        56 => "EmptyFieldName",
        57 => "DottedFieldName",
        59 => "CommandNotFound",
        61 => "ShardKeyNotFound",
        66 => "ImmutableField",
        73 => "InvalidNamespace",
        96 => "OperationFailed",
        100 => "UnsatisfiableWriteConcern",
        112 => "WriteConflict",
        121 => "DocumentValidationFailure",
        10_334 => "BSONObjectTooLarge",
        11_000 => "DuplicateKey",
        17_280 => "KeyTooLong",
        _ => return Cow::Owned(format!("Location{code}")),
    })
}
