//! The store behind MongoDB's Data API: each operation is one `POST {base}/action/{name}` with a JSON body.
//!
//! Documents travel as canonical Extended JSON, both ways.

use bytes::Bytes;
use futures_util::future::try_join_all;
use http::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::change::Update;
use super::filter::Filter;
use super::rejection::{Failure, Reason, Rejection};
use super::upstream::{Allowance, Post, Upstream};
use super::value::kind::Kind;
use super::{Database, DatabaseError, Document, Find, Settings, Updated};
use crate::budget::Held;
use crate::database::object_id::ObjectId;
use crate::platform::{Platform, timeout};
use crate::trace_context::TraceContext;

/// The actions that change nothing, and may be asked twice.
const READS: [&str; 2] = ["find", "aggregate"];

/// A client of the Data API, for one request.
pub struct DataApi<'a, U, P> {
    upstream: &'a U,
    platform: &'a P,
    settings: &'a Settings,
    /// The headers of the request that it works for.
    headers: &'a HeaderMap,
    /// What that request holds of the instance's memory.
    held: &'a Held,
}

#[derive(Deserialize)]
struct Documents<'a> {
    #[serde(borrow)]
    documents: &'a RawValue,
}

#[derive(Deserialize)]
struct FieldNames {
    documents: Vec<FieldName>,
}

#[derive(Deserialize)]
struct FieldName {
    #[serde(rename = "_id")]
    name: String,
}

#[derive(Deserialize)]
struct Counted {
    documents: Vec<Count>,
}

#[derive(Deserialize)]
struct Count {
    count: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateCounts {
    matched_count: Value,
    modified_count: Value,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DeleteCount {
    deleted_count: Value,
}

impl<'a, U: Upstream, P: Platform> DataApi<'a, U, P> {
    /// A client that reaches out through `upstream`, as `settings` say, for a request with these headers.
    pub fn new(
        upstream: &'a U,
        platform: &'a P,
        settings: &'a Settings,
        headers: &'a HeaderMap,
        held: &'a Held,
    ) -> Self {
        DataApi { upstream, platform, settings, headers, held }
    }

    /// Calls an action; `arguments` is a JSON object. The body of a 2xx answer.
    async fn call(&self, action: &str, collection: &str, mut arguments: Value) -> Result<Bytes, DatabaseError> {
        arguments["dataSource"] = Value::from(self.settings.data_source.as_str());
        arguments["database"] = Value::from(self.settings.database.as_str());
        arguments["collection"] = Value::from(collection);
        let url = format!("{}/action/{action}", self.settings.url.reveal());
        let limit = self.settings.timeout;
        let body = arguments.to_string().into_bytes();
        let trace = TraceContext::of(self.headers);
        let Settings { api_key, max_response_bytes, .. } = self.settings;
        let allowance = Allowance::new(*max_response_bytes, self.held, READS.contains(&action));
        let post = || {
            let (api_key, body) = (api_key.reveal(), body.clone());
            self.upstream.post(Post { url: &url, api_key, body, trace: &trace, connect_timeout: limit, allowance })
        };
        let exchange = async {
            match post().await {
                // Most likely the other side closed a pooled connection at the very moment in which it was used again.
                Err(DatabaseError::Failed(_)) if READS.contains(&action) => post().await,
                done => done,
            }
        };
        let (status, body) = timeout(self.platform, limit, exchange).await.unwrap_or(Err(DatabaseError::Timeout))?;
        match status {
            200..=299 => Ok(body),
            _ => Err(refusal(status, &body, READS.contains(&action))),
        }
    }

    async fn delete_where(&self, action: &str, collection: &str, filter: Value) -> Result<u64, DatabaseError> {
        let body = self.call(action, collection, json!({ "filter": filter })).await?;
        number(&read::<DeleteCount>(&body)?.deleted_count)
    }
}

/// What an answer other than 2xx says.
fn refusal(status: u16, body: &Bytes, reading: bool) -> DatabaseError {
    let failure: Option<Failure> = serde_json::from_slice(body).ok();
    let rejection = failure.as_ref().and_then(|failure| failure.rejection(reading));
    let why = match failure {
        Some(failure) => format!("{status}: {}", failure.error),
        None => format!("{status}, without a reason"),
    };
    match (status, rejection) {
        (_, Some(rejection)) => DatabaseError::Rejected(rejection),
        (413, _) => DatabaseError::Rejected(Rejection { reason: Reason::TooLargeRequest, place: None }),
        (408 | 504, _) => DatabaseError::Timeout,
        (503, _) => DatabaseError::Unavailable(why),
        (400..=499, _) => DatabaseError::Refused(why),
        _ => DatabaseError::Failed(why),
    }
}

/// A count, which Extended JSON may wrap.
fn number(count: &Value) -> Result<u64, DatabaseError> {
    let number = match Kind::of(count) {
        Kind::Int32(number) => u64::try_from(number).ok(),
        Kind::Int64(number) => u64::try_from(number).ok(),
        Kind::Number(number) => number.as_u64(),
        _ => None,
    };
    number.ok_or_else(|| DatabaseError::Failed(format!("it counted {count}")))
}

/// Reads an answer's body as what the action should have answered with.
fn read<'b, T: Deserialize<'b>>(body: &'b Bytes) -> Result<T, DatabaseError> {
    serde_json::from_slice(body)
        .map_err(|error| DatabaseError::Failed(format!("its answer is not what it should be: {error}")))
}

/// The part of `body` that is the text of its member `documents`, without a copy.
fn documents(body: &Bytes) -> Result<Bytes, DatabaseError> {
    let text = read::<Documents>(body)?.documents.get();
    if !text.starts_with('[') {
        return Err(DatabaseError::Failed("`documents` is not an array".to_owned()));
    }
    Ok(body.slice_ref(text.as_bytes()))
}

/// The text of the only element of a JSON array, or `None` where it is empty.
fn only_element(array: &Bytes) -> Result<Option<Bytes>, DatabaseError> {
    let elements: Vec<&RawValue> = read(array)?;
    match elements.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(array.slice_ref(one.get().as_bytes()))),
        _ => Err(DatabaseError::Failed("it answered with more documents than asked for".to_owned())),
    }
}

/// A document of the seed as it is stored: its `_id` an ObjectId.
fn with_object_id(document: &Document) -> Result<(Value, Value), DatabaseError> {
    let id = document.get("_id").and_then(Value::as_str).and_then(ObjectId::parse);
    let id = id.ok_or_else(|| DatabaseError::Failed("a document's _id is not an ObjectId".to_owned()))?.to_ejson();
    let mut stored = document.clone();
    stored.insert("_id".to_owned(), id.clone());
    Ok((id, Value::Object(stored)))
}

impl<U: Upstream, P: Platform> Database for DataApi<'_, U, P> {
    async fn find(&self, collection: &str, find: &Find) -> Result<Bytes, DatabaseError> {
        let mut sort = Document::new();
        for key in &find.sort {
            sort.insert(key.field.clone(), Value::from(if key.descending { -1 } else { 1 }));
        }
        if sort.is_empty() {
            sort.insert("_id".to_owned(), Value::from(1));
        }
        let mut arguments = json!({ "filter": find.filter.to_query(), "sort": sort });
        if find.skip > 0 {
            arguments["skip"] = Value::from(find.skip);
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

    async fn find_first(&self, collection: &str, filter: &Filter) -> Result<Option<Bytes>, DatabaseError> {
        let find = Find { filter: filter.clone(), limit: Some(1), ..Find::default() };
        only_element(&self.find(collection, &find).await?)
    }

    async fn count(&self, collection: &str, filter: &Filter) -> Result<u64, DatabaseError> {
        let pipeline = json!([{ "$match": filter.to_query() }, { "$count": "count" }]);
        let body = self.call("aggregate", collection, json!({ "pipeline": pipeline })).await?;
        // Of no documents MongoDB has no count.
        read::<Counted>(&body)?.documents.first().map_or(Ok(0), |counted| number(&counted.count))
    }

    async fn field_names(&self, collection: &str) -> Result<Vec<String>, DatabaseError> {
        let pipeline = json!([
            { "$project": { "_id": 0, "name": { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.k" } } } },
            { "$unwind": "$name" },
            { "$group": { "_id": "$name" } },
            { "$sort": { "_id": 1 } },
        ]);
        let body = self.call("aggregate", collection, json!({ "pipeline": pipeline })).await?;
        let names: FieldNames = read(&body)?;
        Ok(names.documents.into_iter().map(|field| field.name).collect())
    }

    async fn insert(&self, collection: &str, documents: &[Value]) -> Result<(), DatabaseError> {
        let (action, arguments) = match documents {
            [one] => ("insertOne", json!({ "document": one })),
            several => ("insertMany", json!({ "documents": several })),
        };
        self.call(action, collection, arguments).await.map(|_| ())
    }

    async fn update(&self, collection: &str, filter: &Filter, update: &Update) -> Result<Updated, DatabaseError> {
        let arguments = json!({ "filter": filter.to_query(), "update": update.to_query() });
        let body = self.call("updateOne", collection, arguments).await?;
        let counts: UpdateCounts = read(&body)?;
        Ok(Updated { matched: number(&counts.matched_count)?, modified: number(&counts.modified_count)? })
    }

    async fn delete(&self, collection: &str, filter: &Filter) -> Result<u64, DatabaseError> {
        self.delete_where("deleteOne", collection, filter.to_query()).await
    }

    async fn delete_all(&self, collection: &str) -> Result<u64, DatabaseError> {
        self.delete_where("deleteMany", collection, json!({})).await
    }

    async fn replace_all(&self, collection: &str, documents: &[Document]) -> Result<(), DatabaseError> {
        // By `_id`, one document each: two of these at once, or one after a half-done one, end in the same state, and
        // the collection is never empty in between. Deleting all and inserting would be neither.
        let documents: Vec<(Value, Value)> = documents.iter().map(with_object_id).collect::<Result<_, _>>()?;
        let replacements = documents.iter().map(async |(id, document)| {
            let arguments = json!({
                "filter": Filter::id(id).to_query(),
                "replacement": document,
                "upsert": true,
            });
            match self.call("replaceOne", collection, arguments.clone()).await {
                // Of two upserts of one `_id` at once MongoDB may refuse one; the document is there then.
                Err(DatabaseError::Rejected(Rejection { reason: Reason::Duplicate { .. }, .. })) => {
                    self.call("replaceOne", collection, arguments).await
                }
                done => done,
            }
        });
        try_join_all(replacements).await?;
        let kept: Vec<&Value> = documents.iter().map(|(id, _)| id).collect();
        let others = json!({ "_id": { "$nin": kept } });
        self.delete_where("deleteMany", collection, others).await?;
        Ok(())
    }

    async fn ping(&self, collection: &str) -> Result<(), DatabaseError> {
        let arguments = json!({ "filter": {}, "limit": 1, "projection": { "_id": 1 } });
        let body = self.call("find", collection, arguments).await?;
        documents(&body).map(|_| ())
    }
}
