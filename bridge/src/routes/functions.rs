//! `POST /api/client/v2.0/app/{appId}/functions/call` with a data source as its service: what the `mongoClient()` of MongoDB's
//! client libraries sends. A function is an action by another name, with the same rules.
//!
//! Functions that an app defined itself are not served.

use mongodb::bson::{RawBsonRef, RawDocument};

use super::asked::Asked;
use crate::actions::Action;
use crate::arguments::{Aliases, Arguments};
use crate::call::Envelope;
use crate::error::Error;

/// The functions of a data source.
const FUNCTIONS: [Action; 14] = [
    Action::FindOne,
    Action::Find,
    Action::InsertOne,
    Action::InsertMany,
    Action::UpdateOne,
    Action::UpdateMany,
    Action::ReplaceOne,
    Action::DeleteOne,
    Action::DeleteMany,
    Action::Aggregate,
    Action::FindOneAndUpdate,
    Action::FindOneAndReplace,
    Action::FindOneAndDelete,
    Action::Count,
];

/// What the libraries call some fields.
const QUERY: Aliases = &[("filter", "query"), ("projection", "project")];
const REPLACEMENT: Aliases = &[("filter", "query"), ("projection", "project"), ("replacement", "update")];

/// Which function a body calls, and with what.
pub(super) fn asked(body: &RawDocument) -> Result<Asked<'_>, Error> {
    let text = |name: &'static str| match field(body, name)? {
        None => Ok(None),
        Some(RawBsonRef::String(text)) => Ok(Some(text)),
        Some(_) => Err(Error::InvalidParameter(format!("the field `{name}` must be a string"))),
    };
    let name = text("name")?.ok_or(Error::MissingParameter("name"))?;
    let unknown = || Error::NoSuchFunction(name.chars().take(100).collect());
    // Without a service the function is one that the app defined.
    let source = text("service")?.ok_or_else(unknown)?;
    let action = FUNCTIONS.into_iter().find(|action| action.name() == name).ok_or_else(unknown)?;
    let argument = argument(body)?;
    let action = if is_really_a_delete(action, argument)? { Action::FindOneAndDelete } else { action };
    let aliases = match action {
        Action::ReplaceOne | Action::FindOneAndReplace => REPLACEMENT,
        _ => QUERY,
    };
    let arguments = Arguments::of_function(argument, action.fields(), aliases)?;
    Ok(Asked { action, source, arguments, envelope: Envelope::Function })
}

/// The one argument of a function.
fn argument(body: &RawDocument) -> Result<&RawDocument, Error> {
    let wrong = || Error::InvalidParameter("the field `arguments` must be an array of one object".to_owned());
    let Some(arguments) = field(body, "arguments")? else { return Err(Error::MissingParameter("arguments")) };
    let RawBsonRef::Array(arguments) = arguments else { return Err(wrong()) };
    let mut arguments = arguments.into_iter();
    match (arguments.next().transpose()?, arguments.next()) {
        (Some(RawBsonRef::Document(argument)), None) => Ok(argument),
        _ => Err(wrong()),
    }
}

/// `realm-web`'s `findOneAndDelete()` sends `findOneAndReplace` without a replacement, with which the service emptied the
/// document. No other client sends that, and what it means is known, so it is done.
fn is_really_a_delete(action: Action, argument: &RawDocument) -> Result<bool, Error> {
    let absent = |name| field(argument, name).map(|value| value.is_none());
    Ok(action == Action::FindOneAndReplace
        && absent("update")?
        && absent("replacement")?
        && absent("upsert")?
        && absent("returnNewDocument")?)
}

/// A field that is there and not null.
fn field<'a>(document: &'a RawDocument, name: &str) -> Result<Option<RawBsonRef<'a>>, Error> {
    Ok(document.get(name)?.filter(|value| *value != RawBsonRef::Null))
}
