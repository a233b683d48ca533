//! The actions, for those whose rule has a filter or hides fields.

mod reads;
mod writes;

use super::Action;
use crate::answer::Answer;
use crate::call::Call;
use crate::error::Error;
use crate::restriction::{Restriction, denied};
pub(super) use reads::aggregate;
use reads::{count, find};
use writes::{change, delete, find_and_modify, insert_many, insert_one, replace};

/// Runs an action under a restriction. One that is not known here does not compile, rather than run without it.
///
/// # Errors
/// 403 where the restriction does not allow it; what the action itself fails with.
pub(super) async fn run(action: Action, call: &Call<'_>, restriction: &Restriction<'_>) -> Result<Answer, Error> {
    refuse_options(call)?;
    // A sparse index finds what has a field, and an array filter's outcome tells what is in it.
    if let Some(name) = ["hint", "arrayFilters"].into_iter().find(|name| call.arguments.has(name))
        && !restriction.fields.is_all()
    {
        return Err(denied(format!("`{name}` cannot be used where a rule hides fields")));
    }
    let result = match action {
        Action::Aggregate => aggregate(call).await,
        Action::FindOne | Action::Find => return find(call, restriction, action).await,
        Action::InsertOne => insert_one(call, restriction).await,
        Action::InsertMany => insert_many(call, restriction).await,
        Action::UpdateOne | Action::UpdateMany => change(call, restriction, action).await,
        Action::ReplaceOne => replace(call, restriction).await,
        Action::DeleteOne | Action::DeleteMany => delete(call, restriction, action).await,
        Action::Count => return count(call, restriction).await,
        Action::FindOneAndUpdate | Action::FindOneAndReplace | Action::FindOneAndDelete => {
            find_and_modify(call, restriction, action).await
        }
    };
    result.map_err(|error| if restriction.fields.is_all() { error } else { without_quotes(error) })
}

/// What MongoDB says about a write may quote the document, with its hidden fields. A place is one in the client's own list.
fn without_quotes(error: Error) -> Error {
    match error {
        Error::Refused { code, name, index, .. } => {
            let message = "MongoDB refused the write".to_owned();
            Error::Refused { code, name, message, index, details: None }
        }
        other => other,
    }
}

/// Options that would change what a rule's filter means: a collation, what letters are equal; `let`, what `$field` is.
fn refuse_options(call: &Call<'_>) -> Result<(), Error> {
    match ["collation", "let"].into_iter().find(|name| call.arguments.has(name)) {
        Some(name) => Err(denied(format!("`{name}` cannot be used by an account with restricted rules"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mongodb::bson::doc;

    #[test]
    fn a_refused_write_quotes_no_document() {
        let refused = Error::Refused {
            code: 121,
            name: "DocumentValidationFailure".to_owned(),
            message: "Document failed validation: HIDDEN".to_owned(),
            index: Some(1),
            details: Some(Box::new(doc! { "consideredValue": "HIDDEN" })),
        };
        let body: serde_json::Value = serde_json::from_slice(&without_quotes(refused).body()).unwrap();
        assert!(!body.to_string().contains("HIDDEN"), "{body}");
        assert_eq!((&body["code"], &body["index"], &body["details"]), (&121.into(), &1.into(), &().into()));
    }
}
