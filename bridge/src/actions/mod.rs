//! The Data API's ten actions and what functions have beside them, one file for each kind.

mod aggregate;
mod count;
mod delete;
mod find;
mod find_and_modify;
mod insert;
mod replace;
mod restricted;
mod update;

use std::pin::Pin;

use crate::answer::Answer;
use crate::auth::rules::Operation;
use crate::call::Call;
use crate::error::Error;

/// What a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// One document, or null.
    FindOne,
    /// All documents that match.
    Find,
    /// Inserts one document.
    InsertOne,
    /// Inserts several, in order.
    InsertMany,
    /// Changes the first document that matches.
    UpdateOne,
    /// Changes all that match.
    UpdateMany,
    /// Puts a document in the place of the first that matches.
    ReplaceOne,
    /// Deletes the first that matches.
    DeleteOne,
    /// Deletes all that match.
    DeleteMany,
    /// Runs a pipeline.
    Aggregate,
    /// Changes the first document that matches, and answers with it.
    FindOneAndUpdate,
    /// Puts a document in the place of the first that matches, and answers with one of the two.
    FindOneAndReplace,
    /// Deletes the first that matches, and answers with it.
    FindOneAndDelete,
    /// How many documents match.
    Count,
}

impl Action {
    /// Those of the Data API. The others are functions only.
    pub const DATA_API: [Action; 10] = [
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
    ];

    /// The action's name: in its URL, or as a function.
    pub fn name(self) -> &'static str {
        match self {
            Action::FindOne => "findOne",
            Action::Find => "find",
            Action::InsertOne => "insertOne",
            Action::InsertMany => "insertMany",
            Action::UpdateOne => "updateOne",
            Action::UpdateMany => "updateMany",
            Action::ReplaceOne => "replaceOne",
            Action::DeleteOne => "deleteOne",
            Action::DeleteMany => "deleteMany",
            Action::Aggregate => "aggregate",
            Action::FindOneAndUpdate => "findOneAndUpdate",
            Action::FindOneAndReplace => "findOneAndReplace",
            Action::FindOneAndDelete => "findOneAndDelete",
            Action::Count => "count",
        }
    }

    /// The fields of its body, beside those of the namespace.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Action::FindOne => &["filter", "projection", "sort", "collation", "hint", "let", "comment"],
            Action::Find => &["filter", "projection", "sort", "limit", "skip", "collation", "hint", "let", "comment"],
            Action::InsertOne => &["document", "comment"],
            Action::InsertMany => &["documents", "comment"],
            Action::UpdateOne | Action::UpdateMany => {
                &["filter", "update", "upsert", "arrayFilters", "collation", "hint", "let", "comment"]
            }
            Action::ReplaceOne => &["filter", "replacement", "upsert", "collation", "hint", "let", "comment"],
            Action::DeleteOne | Action::DeleteMany => &["filter", "collation", "hint", "let", "comment"],
            Action::Aggregate => &["pipeline", "collation", "hint", "let", "comment"],
            Action::FindOneAndUpdate => &[
                "filter",
                "update",
                "projection",
                "sort",
                "upsert",
                "returnNewDocument",
                "arrayFilters",
                "collation",
                "hint",
                "let",
                "comment",
            ],
            Action::FindOneAndReplace => &[
                "filter",
                "replacement",
                "projection",
                "sort",
                "upsert",
                "returnNewDocument",
                "collation",
                "hint",
                "let",
                "comment",
            ],
            Action::FindOneAndDelete => &["filter", "projection", "sort", "collation", "hint", "let", "comment"],
            Action::Count => &["filter", "limit", "skip", "collation", "hint", "comment"],
        }
    }

    /// What a rule must allow for a call of it.
    fn operations(self, call: &Call<'_>) -> Result<&'static [Operation], Error> {
        Ok(match self {
            Action::FindOne | Action::Find | Action::Aggregate | Action::Count => &[Operation::Read],
            Action::InsertOne | Action::InsertMany => &[Operation::Insert],
            Action::UpdateOne | Action::UpdateMany | Action::ReplaceOne => match call.arguments.flag("upsert")? {
                true => &[Operation::Update, Operation::Insert],
                false => &[Operation::Update],
            },
            Action::DeleteOne | Action::DeleteMany => &[Operation::Delete],
            Action::FindOneAndUpdate | Action::FindOneAndReplace => match call.arguments.flag("upsert")? {
                true => &[Operation::Read, Operation::Update, Operation::Insert],
                false => &[Operation::Read, Operation::Update],
            },
            Action::FindOneAndDelete => &[Operation::Read, Operation::Delete],
        })
    }

    /// Whether it only reads.
    pub fn is_read(self) -> bool {
        matches!(self, Action::FindOne | Action::Find | Action::Aggregate | Action::Count)
    }

    /// Runs the action, where the rules allow it.
    ///
    /// # Errors
    /// Where they do not, a field is wrong, or MongoDB refuses or fails.
    pub async fn run(self, call: &Call<'_>) -> Result<Answer, Error> {
        let restriction = call.rules.restriction(call.namespace, self.operations(call)?, call.user)?;
        // Boxed one by one: side by side they would make every request's future as large as the largest of them, and it is
        // moved several times before it runs.
        let running: Running<'_> = match self {
            Action::Aggregate if call.rules.are_restricted() => Box::pin(restricted::aggregate(call)),
            action if !restriction.is_none() => Box::pin(restricted::run(action, call, &restriction)),
            Action::FindOne => Box::pin(find::one(call)),
            Action::Find => Box::pin(find::many(call)),
            Action::InsertOne => Box::pin(insert::one(call)),
            Action::InsertMany => Box::pin(insert::many(call)),
            Action::UpdateOne | Action::UpdateMany => Box::pin(update::run(call, self)),
            Action::ReplaceOne => Box::pin(replace::run(call)),
            Action::DeleteOne | Action::DeleteMany => Box::pin(delete::run(call, self)),
            Action::Aggregate => Box::pin(aggregate::run(call)),
            Action::FindOneAndUpdate | Action::FindOneAndReplace | Action::FindOneAndDelete => {
                Box::pin(find_and_modify::run(call, self))
            }
            Action::Count => Box::pin(count::run(call)),
        };
        running.await
    }
}

type Running<'a> = Pin<Box<dyn Future<Output = Result<Answer, Error>> + Send + 'a>>;
