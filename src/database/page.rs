//! One page of a listing: its documents, and where its neighbours begin.

use bytes::Bytes;
use futures_util::future::try_join;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::cursor::Cursor;
use super::filter::Condition;
use super::keyset::{Keyset, Part};
use super::list_query::ListQuery;
use super::value::order::has_several;
use super::value::project::{project, union};
use super::value::{self, Format, show};
use super::{Database, DatabaseError, Find, SortKey};

/// A page as clients get it.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The text of a JSON array.
    pub documents: Bytes,
    /// What the response's headers say of it.
    pub links: Links,
}

/// Where a listing goes on, and how long it is. Kept beside the page in the cache, as the text that `Display` writes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Links {
    /// How many documents the filter has, where that was asked for.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// The next page.
    #[serde(rename = "n", default, skip_serializing_if = "Option::is_none")]
    pub next: Option<Start>,
    /// The previous page.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Start>,
    /// Whether there is a first page before this one.
    #[serde(rename = "f", default, skip_serializing_if = "std::ops::Not::not")]
    pub first: bool,
}

/// Where a page begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// After a cursor.
    #[serde(rename = "a")]
    After(String),
    /// After so many documents.
    #[serde(rename = "s")]
    Skip(u64),
}

impl Links {
    /// Reads the text of [`Links::encode`]. An empty text means no links.
    pub fn decode(text: &str) -> Self {
        if text.is_empty() { Links::default() } else { serde_json::from_str(text).unwrap_or_default() }
    }

    /// A short text; `{}` where there is nothing to say.
    pub fn encode(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Reads a page. Its documents and their number are asked for side by side.
///
/// # Errors
/// The store's.
pub async fn page<D: Database>(
    database: &D,
    collection: &str,
    query: &ListQuery,
    format: Format,
) -> Result<Page, DatabaseError> {
    let total =
        async { if query.count { database.count(collection, &query.filter).await.map(Some) } else { Ok(None) } };
    let (mut page, total) = try_join(documents(database, collection, query, format), total).await?;
    page.links.total = total;
    Ok(page)
}

async fn documents<D: Database>(
    database: &D,
    collection: &str,
    query: &ListQuery,
    format: Format,
) -> Result<Page, DatabaseError> {
    if query.limit.is_none() && query.after.is_none() {
        let text = database.find(collection, &query.find()).await?;
        return Ok(Page { documents: format.show(text)?, links: Links::default() });
    }
    let fetched = fetch(database, collection, query).await?;
    let links = links(query, &fetched)?;
    let texts = fetched.texts;
    let mut array = Vec::with_capacity(texts.iter().map(|text| text.len() + 1).sum::<usize>() + 2);
    array.push(b'[');
    for (at, text) in texts.iter().enumerate() {
        if at > 0 {
            array.push(b',');
        }
        if query.fields.is_empty() {
            array.extend_from_slice(text);
        } else {
            let document = project(&parse(text)?, &query.fields);
            serde_json::to_writer(&mut array, &document).map_err(nonsense)?;
        }
    }
    array.push(b']');
    Ok(Page { documents: format.show(Bytes::from(array))?, links })
}

struct Fetched {
    /// The documents of the page, in its order.
    texts: Vec<Bytes>,
    /// Whether there are more in the direction in which they were read.
    more: bool,
    /// How many documents lie before the page.
    before: u64,
}

/// Reads one document more than the page has, to know whether it is the last.
async fn fetch<D: Database>(database: &D, collection: &str, query: &ListQuery) -> Result<Fetched, DatabaseError> {
    let back = query.after.as_ref().filter(|cursor| cursor.backwards);
    let backwards = back.is_some();
    let sort: Vec<SortKey> = query
        .sort
        .iter()
        .map(|key| SortKey { field: key.field.clone(), descending: key.descending != backwards })
        .collect();
    let fields = match query.fields.as_slice() {
        [] => vec![],
        fields => union(fields, query.sort.iter().map(|key| key.field.as_str())),
    };
    let wanted = query.limit.map(|limit| limit + 1);
    let parts: &[Option<Part>] =
        if query.after.is_some() { &[Some(Part::SameType), Some(Part::LaterTypes)] } else { &[None] };
    let mut texts: Vec<Bytes> = Vec::new();
    for part in parts {
        let mut filter = query.filter.clone();
        if let (Some(part), Some(cursor)) = (*part, &query.after) {
            let (keys, values) = (sort.clone(), cursor.values.clone());
            filter.0.push(Condition::Beyond(Keyset { keys, values, part, any_element: backwards }));
        }
        let limit = wanted.map(|wanted| wanted - texts.len() as u64);
        let find = Find { filter, sort: sort.clone(), skip: query.skip, limit, fields: fields.clone() };
        let found = elements(&database.find(collection, &find).await?)?;
        if let Some(cursor) = back
            && is_by_several(&found, &query.sort)?
        {
            return skipped_to(database, collection, query, cursor.before, fields).await;
        }
        texts.extend(found);
        if wanted.is_some_and(|wanted| texts.len() as u64 >= wanted) {
            break;
        }
    }
    let limit = query.limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX);
    let more = texts.len() > limit;
    texts.truncate(limit);
    if backwards {
        texts.reverse();
    }
    let before = query.after.as_ref().map_or(query.skip, |cursor| cursor.before);
    let before = if backwards { before.saturating_sub(texts.len() as u64) } else { before };
    Ok(Fetched { texts, more, before })
}

/// Whether one of the documents has several values of a field that it is sorted by. Read backwards, it would be sorted by
/// another one of these than forwards.
fn is_by_several(texts: &[Bytes], sort: &[SortKey]) -> Result<bool, DatabaseError> {
    // An `_id` is never an array: the documents of a listing in its order need not be read for this.
    let fields: Vec<&str> = sort.iter().map(|key| key.field.as_str()).filter(|field| *field != "_id").collect();
    if fields.is_empty() {
        return Ok(false);
    }
    for text in texts {
        let document = parse(text)?;
        if fields.iter().any(|field| has_several(&document, field)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The page before the document at place `end`, found by counting from the start of the listing.
async fn skipped_to<D: Database>(
    database: &D,
    collection: &str,
    query: &ListQuery,
    end: u64,
    fields: Vec<String>,
) -> Result<Fetched, DatabaseError> {
    let before = end.saturating_sub(query.limit.unwrap_or(end));
    let texts = match end - before {
        // No limit is what 0 means to MongoDB.
        0 => vec![],
        limit => {
            let (filter, sort) = (query.filter.clone(), query.sort.clone());
            let find = Find { filter, sort, skip: before, limit: Some(limit), fields };
            elements(&database.find(collection, &find).await?)?
        }
    };
    Ok(Fetched { texts, more: before > 0, before })
}

fn links(query: &ListQuery, fetched: &Fetched) -> Result<Links, DatabaseError> {
    let Some(limit) = query.limit else { return Ok(Links::default()) };
    let Fetched { texts, more, before } = fetched;
    let (more, before, after) = (*more, *before, before.saturating_add(texts.len() as u64));
    // By the document's values; where these name no position, by its place.
    let at = |text: Option<&Bytes>, backwards: bool| -> Result<Option<Start>, DatabaseError> {
        let Some(text) = text else { return Ok(None) };
        let cursor = Cursor::at(&parse(text)?, &query.sort, backwards, if backwards { before } else { after });
        let by_values = cursor.and_then(|cursor| cursor.encode(&query.sort)).map(Start::After);
        let by_place = Start::Skip(if backwards { before.saturating_sub(limit) } else { after });
        Ok(Some(by_values.unwrap_or(by_place)))
    };
    let (first, last) = (texts.first(), texts.last());
    let links = match &query.after {
        None => Links {
            next: if more { at(last, false)? } else { None },
            previous: (query.skip > 0).then(|| Start::Skip(query.skip.saturating_sub(limit))),
            first: query.skip > 0,
            total: None,
        },
        Some(cursor) if cursor.backwards => Links {
            // The page that led here lies there.
            next: at(last, false)?,
            previous: if more { at(first, true)? } else { None },
            first: more,
            total: None,
        },
        Some(cursor) => Links {
            next: if more { at(last, false)? } else { None },
            previous: match first {
                Some(_) => at(first, true)?,
                None => Cursor { backwards: true, ..cursor.clone() }.encode(&query.sort).map(Start::After),
            },
            first: true,
            total: None,
        },
    };
    Ok(links)
}

/// The texts of the elements of a JSON array, without copies.
fn elements(array: &Bytes) -> Result<Vec<Bytes>, DatabaseError> {
    let elements: Vec<&RawValue> = serde_json::from_slice(array).map_err(nonsense)?;
    Ok(elements.into_iter().map(|element| array.slice_ref(element.get().as_bytes())).collect())
}

fn parse(text: &Bytes) -> Result<Value, DatabaseError> {
    value::read(text).map_err(nonsense)
}

fn nonsense(error: serde_json::Error) -> DatabaseError {
    DatabaseError::Failed(format!("a document that it sent is not Extended JSON: {error}"))
}

impl Format {
    /// The text for clients of documents that came as Extended JSON.
    ///
    /// # Errors
    /// [`DatabaseError::Failed`] where the text is not JSON.
    pub fn show(self, ejson: Bytes) -> Result<Bytes, DatabaseError> {
        match self {
            Format::Ejson => Ok(ejson),
            Format::Json => {
                let mut plain = Vec::with_capacity(ejson.len() / 2);
                show::text(&ejson, &mut plain).map_err(nonsense)?;
                Ok(Bytes::from(plain))
            }
        }
    }
}
