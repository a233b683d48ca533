//! The store behind MongoDB's Data API: each operation is one `POST {base}/action/{name}` with a JSON body.
//!
//! Answers are asked for as plain JSON, whose documents are passed on as they come, byte for byte.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::filter::Filter;
use super::{Document, Find, Settings, Store, StoreError, Updated};
use crate::object_id::ObjectId;
use crate::platform::{Platform, timeout};

/// MongoDB's code for a duplicate key, in the bridge's error member `code`.
const DUPLICATE_KEY: i64 = 11000;

/// The actions that change nothing, and may be asked twice.
const READS: [&str; 2] = ["find", "aggregate"];

/// The way out: one HTTP exchange. `spin::outbound` is the adapter.
pub trait Upstream {
    /// Posts `body`, JSON, to `url` with the Data API's key, and gives the status and the whole body of the answer, which
    /// may be `largest` bytes long.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] where no connection could be made, [`StoreError::Failed`] where it broke,
    /// [`StoreError::TooLarge`].
    fn post(
        &self,
        url: &str,
        api_key: &str,
        body: Vec<u8>,
        connect_timeout: Duration,
        largest: usize,
    ) -> impl Future<Output = Result<(u16, Bytes), StoreError>>;
}

/// A client of the Data API.
pub struct DataApi<'a, U, P> {
    upstream: &'a U,
    platform: &'a P,
    settings: &'a Settings,
}

#[derive(Deserialize)]
struct Documents<'a> {
    #[serde(borrow)]
    documents: &'a RawValue,
}

#[derive(Deserialize)]
struct Ids {
    documents: Vec<WithId>,
}

#[derive(Deserialize)]
struct WithId {
    #[serde(rename = "_id")]
    id: String,
}

#[derive(Deserialize)]
struct FieldNames {
    documents: Vec<WithId>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Inserted {
    inserted_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateCounts {
    matched_count: u64,
    modified_count: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteCount {
    deleted_count: u64,
}

#[derive(Deserialize)]
struct Failure {
    error: String,
    #[serde(default)]
    code: Option<i64>,
}

impl<'a, U: Upstream, P: Platform> DataApi<'a, U, P> {
    /// A client that reaches out through `upstream`, as `settings` say.
    pub fn new(upstream: &'a U, platform: &'a P, settings: &'a Settings) -> Self {
        DataApi { upstream, platform, settings }
    }

    /// Calls an action; `arguments` is a JSON object. The body of a 2xx answer.
    async fn call(&self, action: &str, collection: &str, mut arguments: Value) -> Result<Bytes, StoreError> {
        arguments["dataSource"] = Value::from(self.settings.data_source.as_str());
        arguments["database"] = Value::from(self.settings.database.as_str());
        arguments["collection"] = Value::from(collection);
        let url = format!("{}/action/{action}", self.settings.url.reveal());
        let limit = self.settings.timeout;
        let body = arguments.to_string().into_bytes();
        let post = || {
            let Settings { api_key, max_response_bytes, .. } = self.settings;
            self.upstream.post(&url, api_key.reveal(), body.clone(), limit, *max_response_bytes)
        };
        let exchange = async {
            match post().await {
                // Most likely the other side closed a pooled connection at the very moment in which it was used again.
                Err(StoreError::Failed(_)) if READS.contains(&action) => post().await,
                done => done,
            }
        };
        let (status, body) = timeout(self.platform, limit, exchange).await.unwrap_or(Err(StoreError::Timeout))?;
        match status {
            200..=299 => Ok(body),
            _ => Err(refusal(status, &body)),
        }
    }

    async fn delete_where(&self, action: &str, collection: &str, filter: Value) -> Result<u64, StoreError> {
        let body = self.call(action, collection, json!({ "filter": filter })).await?;
        Ok(read::<DeleteCount>(&body)?.deleted_count)
    }
}

/// What an answer other than 2xx says.
fn refusal(status: u16, body: &Bytes) -> StoreError {
    let failure: Option<Failure> = serde_json::from_slice(body).ok();
    let code = failure.as_ref().and_then(|failure| failure.code);
    let why = match failure {
        Some(failure) => format!("{status}: {}", failure.error),
        None => format!("{status}, without a reason"),
    };
    match status {
        _ if code == Some(DUPLICATE_KEY) => StoreError::Duplicate,
        408 | 504 => StoreError::Timeout,
        503 => StoreError::Unavailable(why),
        400..=499 => StoreError::Refused(why),
        _ => StoreError::Failed(why),
    }
}

/// Reads an answer's body as what the action should have answered with.
fn read<'b, T: Deserialize<'b>>(body: &'b Bytes) -> Result<T, StoreError> {
    serde_json::from_slice(body)
        .map_err(|error| StoreError::Failed(format!("its answer is not what it should be: {error}")))
}

/// The part of `body` that is the text of its member `documents`, without a copy.
fn documents(body: &Bytes) -> Result<Bytes, StoreError> {
    let text = read::<Documents>(body)?.documents.get();
    if !text.starts_with('[') {
        return Err(StoreError::Failed("`documents` is no array".to_owned()));
    }
    Ok(body.slice_ref(text.as_bytes()))
}

/// The text of the only element of a JSON array, or `None` where it is empty.
fn only_element(array: &Bytes) -> Result<Option<Bytes>, StoreError> {
    let elements: Vec<&RawValue> = read(array)?;
    match elements.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(array.slice_ref(one.get().as_bytes()))),
        _ => Err(StoreError::Failed("it answered with more documents than asked for".to_owned())),
    }
}

fn object_id(text: &str) -> Result<ObjectId, StoreError> {
    ObjectId::parse(text).ok_or_else(|| StoreError::Failed("an _id is no ObjectId".to_owned()))
}

/// A document as it is stored: its `_id`, where it has one, an ObjectId, and first.
fn with_id(id: Option<&ObjectId>, document: &Document) -> Value {
    let id = id.map(|id| ("_id".to_owned(), json!({ "$oid": id.as_str() })));
    let fields = document.iter().map(|(k, v)| (k.clone(), v.clone()));
    Value::Object(id.into_iter().chain(fields.filter(|(k, _)| k != "_id")).collect())
}

impl<U: Upstream, P: Platform> Store for DataApi<'_, U, P> {
    async fn find(&self, collection: &str, find: &Find) -> Result<Bytes, StoreError> {
        let mut sort = Document::new();
        for key in &find.sort {
            sort.insert(key.field.clone(), Value::from(if key.descending { -1 } else { 1 }));
        }
        if !sort.contains_key("_id") {
            sort.insert("_id".to_owned(), Value::from(1));
        }
        let mut arguments = json!({ "filter": find.filter.to_query(), "sort": sort });
        if let Some(skip) = find.skip {
            arguments["skip"] = Value::from(skip);
        }
        if let Some(limit) = find.limit {
            arguments["limit"] = Value::from(limit);
        }
        if !find.fields.is_empty() {
            let fields = find.fields.iter().map(|f| (f.clone(), Value::from(1)));
            arguments["projection"] = Value::Object(fields.collect());
        }
        documents(&self.call("find", collection, arguments).await?)
    }

    async fn find_first(&self, collection: &str, filter: &Filter) -> Result<Option<Bytes>, StoreError> {
        let find = Find { filter: filter.clone(), limit: Some(1), ..Find::default() };
        only_element(&self.find(collection, &find).await?)
    }

    async fn find_id(&self, collection: &str, filter: &Filter) -> Result<Option<ObjectId>, StoreError> {
        let arguments = json!({
            "filter": filter.to_query(),
            "sort": { "_id": 1 },
            "limit": 1,
            "projection": { "_id": 1 },
        });
        let body = self.call("find", collection, arguments).await?;
        let found: Ids = read(&body)?;
        found.documents.first().map(|d| object_id(&d.id)).transpose()
    }

    async fn field_names(&self, collection: &str) -> Result<Vec<String>, StoreError> {
        let pipeline = json!([
            { "$project": { "_id": 0, "name": { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.k" } } } },
            { "$unwind": "$name" },
            { "$group": { "_id": "$name" } },
            { "$sort": { "_id": 1 } },
        ]);
        let body = self.call("aggregate", collection, json!({ "pipeline": pipeline })).await?;
        let names: FieldNames = read(&body)?;
        Ok(names.documents.into_iter().map(|name| name.id).collect())
    }

    async fn insert(
        &self,
        collection: &str,
        id: Option<&ObjectId>,
        document: &Document,
    ) -> Result<ObjectId, StoreError> {
        let arguments = json!({ "document": with_id(id, document) });
        let body = self.call("insertOne", collection, arguments).await?;
        object_id(&read::<Inserted>(&body)?.inserted_id)
    }

    async fn update(&self, collection: &str, filter: &Filter, set: &Document) -> Result<Updated, StoreError> {
        let arguments = json!({ "filter": filter.to_query(), "update": { "$set": set } });
        let body = self.call("updateOne", collection, arguments).await?;
        let counts: UpdateCounts = read(&body)?;
        Ok(Updated { matched: counts.matched_count, modified: counts.modified_count })
    }

    async fn delete(&self, collection: &str, filter: &Filter) -> Result<u64, StoreError> {
        self.delete_where("deleteOne", collection, filter.to_query()).await
    }

    async fn delete_all(&self, collection: &str) -> Result<u64, StoreError> {
        self.delete_where("deleteMany", collection, json!({})).await
    }

    async fn replace_all(&self, collection: &str, documents: &[Document]) -> Result<(), StoreError> {
        // By `_id`, one document each: two of these at once, or one after a half-done one, end in the same state, and
        // the collection is never empty in between. Deleting all and inserting would be neither.
        let mut ids = Vec::with_capacity(documents.len());
        for document in documents {
            let id = document.get("_id").and_then(Value::as_str).unwrap_or_default();
            ids.push(object_id(id)?);
        }
        let replacements = documents.iter().zip(&ids).map(async |(document, id)| {
            let arguments = json!({
                "filter": Filter::id(id).to_query(),
                "replacement": with_id(Some(id), document),
                "upsert": true,
            });
            match self.call("replaceOne", collection, arguments.clone()).await {
                // Of two upserts of one `_id` at once MongoDB may refuse one; the document is there then.
                Err(StoreError::Duplicate) => self.call("replaceOne", collection, arguments).await,
                done => done,
            }
        });
        try_join_all(replacements).await?;
        let kept: Vec<_> = ids.iter().map(|id| json!({ "$oid": id.as_str() })).collect();
        let others = json!({ "_id": { "$nin": kept } });
        self.delete_where("deleteMany", collection, others).await?;
        Ok(())
    }

    async fn ping(&self, collection: &str) -> Result<(), StoreError> {
        let arguments = json!({ "filter": {}, "limit": 1, "projection": { "_id": 1 } });
        let body = self.call("find", collection, arguments).await?;
        documents(&body).map(|_| ())
    }
}
