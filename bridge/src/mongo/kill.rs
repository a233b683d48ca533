//! Stopping a write that nobody waits for any more.
//!
//! A read needs no such thing: it carries `maxTimeMS`, and MongoDB ends it when its connection is closed, which the driver
//! does as soon as an operation is given up. A write goes on. MongoDB can be told, by an operation's comment.

use mongodb::Client;
use mongodb::bson::oid::ObjectId;
use mongodb::bson::{Bson, doc};

/// A write in flight. Dropped before it is done, the write is ended.
pub struct KillOnDrop {
    client: Client,
    comment: String,
    done: bool,
}

impl KillOnDrop {
    pub(super) fn begin(client: &Client) -> Self {
        KillOnDrop { client: client.clone(), comment: format!("data-api {}", ObjectId::new()), done: false }
    }

    /// What the operation must carry for MongoDB to find it, with the comment that its client gave.
    pub fn comment(&self, of_client: Option<Bson>) -> Bson {
        match of_client {
            None => Bson::String(self.comment.clone()),
            Some(comment) => Bson::Document(doc! { "data-api": self.comment.clone(), "comment": comment }),
        }
    }

    /// It has its answer.
    pub fn done(mut self) {
        self.done = true;
    }
}

impl Drop for KillOnDrop {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let (client, comment) = (self.client.clone(), std::mem::take(&mut self.comment));
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                match kill(&client, &comment).await {
                    Ok(0) => {}
                    Ok(count) => tracing::info!(count, "a write was stopped: its client had disconnected"),
                    // Servers that do not know these commands, or do not let our user use them.
                    Err(error) => tracing::debug!(%error, "a write whose client has disconnected cannot be stopped"),
                }
            });
        }
    }
}

/// Without `allUsers` both commands reach only our own user's operations, and need no privilege.
async fn kill(client: &Client, comment: &str) -> mongodb::error::Result<usize> {
    let admin = client.database("admin");
    let places = [doc! { "command.comment": comment }, doc! { "command.comment.data-api": comment }];
    let found = doc! { "currentOp": true, "$ownOps": true, "$or": places.to_vec() };
    let found = admin.run_command(found).await?;
    let mut count = 0;
    for operation in found.get_array("inprog").into_iter().flatten() {
        if let Some(id) = operation.as_document().and_then(|operation| operation.get("opid")) {
            admin.run_command(doc! { "killOp": 1, "op": id.clone() }).await?;
            count += 1;
        }
    }
    Ok(count)
}
