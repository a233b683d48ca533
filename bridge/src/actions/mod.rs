//! The ten actions, one file for each kind.

mod aggregate;
mod delete;
mod find;
mod insert;
mod replace;
mod update;

use mongodb::Collection;
use mongodb::bson::{Document, RawDocument, RawDocumentBuf};

use crate::answer::Answer;
use crate::arguments::Arguments;
use crate::auth::rules::{Access, Rules};
use crate::config::Config;
use crate::ejson::Format;
use crate::error::Error;
use crate::mongo::Mongo;
use crate::operator_denylist;

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
}

impl Action {
    /// All there are.
    pub const ALL: [Action; 10] = [
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

    /// The action's name in its URL.
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
        }
    }

    /// The fields of its body, beside those of the namespace.
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            Action::FindOne => &["filter", "projection", "sort"],
            Action::Find => &["filter", "projection", "sort", "limit", "skip"],
            Action::InsertOne => &["document"],
            Action::InsertMany => &["documents"],
            Action::UpdateOne | Action::UpdateMany => &["filter", "update", "upsert"],
            Action::ReplaceOne => &["filter", "replacement", "upsert"],
            Action::DeleteOne | Action::DeleteMany => &["filter"],
            Action::Aggregate => &["pipeline"],
        }
    }

    /// What a rule must allow for it.
    pub fn access(self) -> Access {
        match self {
            Action::FindOne | Action::Find | Action::Aggregate => Access::Read,
            _ => Access::ReadWrite,
        }
    }

    /// Runs the action, where the rules allow it.
    ///
    /// # Errors
    /// Where they do not, a field is wrong, or MongoDB refuses or fails.
    pub async fn run(self, call: &Call<'_>) -> Result<Answer, Error> {
        call.rules.permit(call.namespace, self.access())?;
        match self {
            Action::FindOne => find::one(call).await,
            Action::Find => find::many(call).await,
            Action::InsertOne => insert::one(call).await,
            Action::InsertMany => insert::many(call).await,
            Action::UpdateOne => update::one(call).await,
            Action::UpdateMany => update::many(call).await,
            Action::ReplaceOne => replace::one(call).await,
            Action::DeleteOne => delete::one(call).await,
            Action::DeleteMany => delete::many(call).await,
            Action::Aggregate => aggregate::run(call).await,
        }
    }
}

/// One call of an action: what it needs to run.
pub struct Call<'a> {
    /// The limits.
    pub config: &'a Config,
    /// What whoever asks may do.
    pub rules: &'a Rules,
    /// Where the data are.
    pub mongo: &'a Mongo,
    /// The database and the collection.
    pub namespace: (&'a str, &'a str),
    /// The body's fields.
    pub arguments: Arguments<'a>,
    /// How the answer is to be spelled.
    pub format: Format,
}

impl Call<'_> {
    fn collection(&self) -> Collection<RawDocumentBuf> {
        self.mongo.collection(self.namespace.0, self.namespace.1)
    }

    /// A field that MongoDB interprets, and that may be left out.
    fn query(&self, name: &'static str) -> Result<Option<Document>, Error> {
        self.arguments.document(name)?.map(|document| interpreted(name, document)).transpose()
    }

    /// A field that MongoDB interprets, and that must be there.
    fn required_query(&self, name: &'static str) -> Result<Document, Error> {
        interpreted(name, self.arguments.required_document(name)?)
    }
}

/// Checks what MongoDB will interpret, and gives it the form that the driver takes.
fn interpreted(name: &str, document: &RawDocument) -> Result<Document, Error> {
    operator_denylist::check(name, document)?;
    Ok(Document::try_from(document)?)
}
