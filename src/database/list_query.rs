//! What a listing asks for.

use super::cursor::Cursor;
use super::filter::Filter;
use super::{Find, SortKey};

/// A listing's parameters, read and checked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListQuery {
    /// Which documents.
    pub filter: Filter,
    /// The sort as MongoDB is asked for it; see [`full_sort`].
    pub sort: Vec<SortKey>,
    /// How many documents to pass over.
    pub skip: u64,
    /// How many documents at most.
    pub limit: Option<u64>,
    /// The fields to return, besides `_id`; if empty, all.
    pub fields: Vec<String>,
    /// Whether to count the documents that the filter has.
    pub count: bool,
    /// Where to go on.
    pub after: Option<Cursor>,
    /// The parameters in one form, sorted by name: two spellings of a listing have the same, two listings never. Empty
    /// for the whole collection.
    pub parameters: Vec<(String, String)>,
}

impl ListQuery {
    /// What MongoDB is asked for without a cursor.
    pub fn find(&self) -> Find {
        Find {
            filter: self.filter.clone(),
            sort: self.sort.clone(),
            skip: self.skip,
            limit: self.limit,
            fields: self.fields.clone(),
        }
    }

    /// Whether a response to it has headers of its own: links, or a total.
    pub fn has_links(&self) -> bool {
        self.limit.is_some() || self.count
    }

    /// Whether the whole collection is asked for.
    pub fn is_whole(&self) -> bool {
        self.parameters.is_empty()
    }
}

/// MongoDB's limit on the keys of a sort.
pub const MAX_SORT_KEYS: usize = 32;

/// The sort as MongoDB is asked for it: `_id` decides between equals, unless there are as many keys already as MongoDB
/// takes; and nothing decides after it.
pub fn full_sort(mut keys: Vec<SortKey>) -> Vec<SortKey> {
    if let Some(at) = keys.iter().position(|key| key.field == "_id") {
        keys.truncate(at + 1);
    } else if keys.len() < MAX_SORT_KEYS {
        keys.push(SortKey { field: "_id".to_owned(), descending: false });
    }
    keys
}
