//! Listings, and how a large one leaves: piece by piece, while MongoDB still sends. It is never held whole.
//!
//! The price: when it turns out that there is too much, or MongoDB fails, the status has long been sent. Then the text of
//! the error follows, where JSON cannot continue, and the connection is closed: a client cannot take a part for the whole.

use std::io;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use mongodb::bson::RawBsonRef;
use mongodb::raw_batch_cursor::{RawBatch, RawBatchCursor};
use tokio::sync::mpsc;

use crate::call::{Call, Envelope};
use crate::ejson::{Format, write};
use crate::error::Error;
use crate::mongo::Mongo;

/// From here on a listing is streamed. Up to here, whatever goes wrong has a status of its own.
const STREAMED_FROM: usize = 1024 * 1024;

/// How much leaves at a time.
const PIECE: usize = 128 * 1024;

/// How long a client may take for a piece before we give it up.
const STALLED: Duration = Duration::from_secs(60);

/// `{"documents": […]}`, or a function's `[…]`, as it grows, and what it may have.
pub(super) struct Listing {
    text: Vec<u8>,
    format: Format,
    /// What ends it.
    close: &'static [u8],
    /// Documents, and bytes, so far; the latter without those in `text`.
    count: usize,
    sent: usize,
    max_documents: usize,
    max_bytes: usize,
}

impl Listing {
    pub(super) fn new(call: &Call<'_>) -> Self {
        let (open, close): (&[u8], &[u8]) = match call.envelope {
            Envelope::DataApi => (b"{\"documents\":[", b"]}"),
            Envelope::Function => (b"[", b"]"),
        };
        Listing {
            text: open.to_vec(),
            format: call.format,
            close,
            count: 0,
            sent: 0,
            max_documents: call.config.max_documents,
            max_bytes: call.config.max_answer_bytes,
        }
    }

    pub(super) fn push(&mut self, document: RawBsonRef<'_>) -> Result<(), Error> {
        if self.count == self.max_documents {
            return Err(too_many(self.max_documents));
        }
        if self.count > 0 {
            self.text.push(b',');
        }
        self.count += 1;
        write::value(document, self.format, &mut self.text)?;
        if self.sent + self.text.len() > self.max_bytes {
            return Err(too_large(&format!("is larger than {} bytes", self.max_bytes)));
        }
        Ok(())
    }

    pub(super) fn is_large(&self) -> bool {
        self.text.len() >= STREAMED_FROM
    }

    pub(super) fn end(mut self) -> Vec<u8> {
        self.text.extend_from_slice(self.close);
        self.text
    }

    fn take(&mut self) -> Bytes {
        self.sent += self.text.len();
        let room = Vec::with_capacity(PIECE + PIECE / 4);
        Bytes::from(std::mem::replace(&mut self.text, room))
    }
}

/// An error rather than a part of the answer: a client that got the first 50,000 of 60,000 documents could not know.
fn too_large(what: &str) -> Error {
    Error::InvalidParameter(format!("the answer {what}; ask for less with limit and skip, or $limit and $skip"))
}

/// The error for an answer with more documents than one may have.
pub fn too_many(max_documents: usize) -> Error {
    too_large(&format!("has more than {max_documents} documents"))
}

/// A listing that leaves while it grows.
pub(super) struct Streamed {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
}

/// Why the rest of a listing does not come.
enum Broken {
    /// Nobody reads it.
    Gone,
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Broken {
    fn from(error: E) -> Self {
        Broken::Failed(error.into())
    }
}

impl Streamed {
    /// Goes on in a task of its own: with what the listing has, the rest of the batch, and the rest of the cursor.
    pub(super) fn start(listing: Listing, begun: (RawBatch, usize), cursor: RawBatchCursor, mongo: Mongo) -> Self {
        let (sender, pieces) = mpsc::channel(1);
        tokio::spawn(async move {
            match send_all(listing, begun, cursor, &mongo, &sender).await {
                Ok(()) | Err(Broken::Gone) => {}
                Err(Broken::Failed(error)) => {
                    let mut text = b"\n".to_vec();
                    text.extend_from_slice(&error.body());
                    if send(&sender, Bytes::from(text)).await.is_ok() {
                        // What has not left the process yet would be lost with the connection.
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                    // Where the client has left there is nobody to tell.
                    let _ = sender.send(Err(io::Error::other("the answer broke off"))).await;
                }
            }
        });
        Streamed { pieces }
    }

    pub(super) fn into_body(self, slot: impl Send + 'static) -> Body {
        let pieces = stream::unfold((self.pieces, slot), async |(mut pieces, slot)| {
            pieces.recv().await.map(|piece| (piece, (pieces, slot)))
        });
        Body::from_stream(pieces)
    }
}

async fn send_all(
    mut listing: Listing,
    begun: (RawBatch, usize),
    mut cursor: RawBatchCursor,
    mongo: &Mongo,
    sender: &mpsc::Sender<io::Result<Bytes>>,
) -> Result<(), Broken> {
    send(sender, listing.take()).await?;
    let (mut batch, mut sent) = begun;
    loop {
        for document in batch.doc_slices()?.into_iter().skip(sent) {
            listing.push(document?)?;
            if listing.text.len() >= PIECE {
                send(sender, listing.take()).await?;
            }
        }
        // Before the next one comes: two of them are 32 MiB.
        drop(batch);
        let next = tokio::select! {
            next = mongo.wait(async { cursor.next().await.transpose() }) => next?,
            // The cursor is dropped, and with it what MongoDB is doing for it.
            () = sender.closed() => return Err(Broken::Gone),
        };
        match next {
            Some(next) => (batch, sent) = (next, 0),
            None => return send(sender, Bytes::from(listing.end())).await,
        }
    }
}

async fn send(sender: &mpsc::Sender<io::Result<Bytes>>, piece: Bytes) -> Result<(), Broken> {
    match tokio::time::timeout(STALLED, sender.send(Ok(piece))).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Broken::Gone),
    }
}
