//! One call of an action: what the action needs to run, and what its fields mean.

mod options;
mod pipeline;

use mongodb::Collection;
use mongodb::bson::{Bson, Document, RawDocument, RawDocumentBuf};

use crate::arguments::Arguments;
use crate::auth::rules::Rules;
use crate::budget::Budget;
use crate::config::Config;
use crate::ejson::Format;
use crate::error::Error;
use crate::mongo::Mongo;
use crate::operator_denylist;
use crate::user::User;

/// What stands around an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Envelope {
    /// The Data API's: `{"document": …}`, `{"documents": […]}`, the media type of its format, and 201 for what was created.
    DataApi,
    /// A function's: the value alone, always as `application/json` and with 200.
    Function,
}

/// One call of an action: what it needs to run.
pub struct Call<'a> {
    /// The limits.
    pub config: &'a Config,
    /// What the caller may do.
    pub rules: &'a Rules,
    /// Whose values the filters of rules take.
    pub user: &'a User,
    /// The memory for requests, for what is made of the body.
    pub budget: &'a Budget,
    /// Where the data are.
    pub mongo: &'a Mongo,
    /// The database and the collection.
    pub namespace: (&'a str, &'a str),
    /// The body's fields.
    pub arguments: Arguments<'a>,
    /// How the answer is to be spelled.
    pub format: Format,
    /// What stands around it.
    pub envelope: Envelope,
}

impl Call<'_> {
    pub(crate) fn collection(&self) -> Collection<RawDocumentBuf> {
        self.mongo.collection(self.namespace.0, self.namespace.1)
    }

    /// The collection, for documents that were looked into.
    pub(crate) fn documents(&self) -> Collection<Document> {
        self.collection().clone_with_type()
    }

    /// Runs a write, which is ended on the server when its caller stops waiting: it is found by the comment that `operation` is
    /// given.
    pub(crate) async fn write<T, O>(&self, operation: impl FnOnce(Bson) -> O) -> Result<T, Error>
    where
        O: IntoFuture<Output = mongodb::error::Result<T>>,
    {
        let comment = self.comment()?;
        let write = self.mongo.write();
        let done = operation(write.comment(comment)).await;
        write.done();
        Ok(done?)
    }

    /// A field that MongoDB interprets, and that may be left out.
    pub(crate) fn query(&self, name: &'static str) -> Result<Option<Document>, Error> {
        self.arguments.document(name)?.map(|document| interpreted(name, document)).transpose()
    }

    /// A field that MongoDB interprets, and that must be there.
    pub(crate) fn required_query(&self, name: &'static str) -> Result<Document, Error> {
        interpreted(name, self.arguments.required_document(name)?)
    }
}

/// Checks what MongoDB will interpret, and gives it the form that the driver takes.
pub(crate) fn interpreted(name: &str, document: &RawDocument) -> Result<Document, Error> {
    operator_denylist::check(name, document)?;
    Ok(Document::try_from(document)?)
}
