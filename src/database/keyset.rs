//! Where a page of a listing goes on: beyond a document, by the listing's sort and `_id`.
//!
//! A position is a value for each sort key. Beyond it lie the documents with a later value of the first key, and those
//! with the same value that lie beyond the position by the other keys. MongoDB's operators compare only values of one
//! type, and find an array if any of its elements matches, while a sort orders all types and takes one element of an
//! array. So what lies beyond is asked for in two parts, each of which an index on the sort's fields bounds: [`Part::SameType`],
//! and after its end [`Part::LaterTypes`].

use serde_json::{Value, json};

use super::SortKey;
use super::query::{all, any, none};
use super::value::order::Class;

/// One part of what lies beyond a position.
#[derive(Clone, Debug, PartialEq)]
pub struct Keyset {
    /// The sort, `_id` its last key.
    pub keys: Vec<SortKey>,
    /// A value for each key.
    pub values: Vec<Value>,
    /// Which part is meant.
    pub part: Part,
    /// Whether an array is found by any of its elements, also if the sort takes another one that does not lie beyond.
    pub any_element: bool,
}

/// The parts of what lies beyond a position, in the order of the sort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The documents whose first sort key has the class of types that the position's has.
    SameType,
    /// Those whose first sort key is of a later class.
    LaterTypes,
}

/// Whether a cursor can hold the value: MongoDB's operators compare it with others of its class, or the class has one
/// value only.
pub fn is_position(value: &Value) -> bool {
    let class = Class::of(value);
    class.is_comparable() || matches!(class, Class::EmptyArray | Class::Null | Class::NaN)
}

impl Keyset {
    /// The query of this part.
    pub fn to_query(&self) -> Value {
        let nothing = || none(vec![json!({})]);
        let ([key, keys @ ..], [value, values @ ..]) = (self.keys.as_slice(), self.values.as_slice()) else {
            return nothing();
        };
        let step = Step::new(key, value, self.any_element);
        match self.part {
            Part::LaterTypes => step.later_types().map_or_else(nothing, |later| step.unless_this_or_earlier(later)),
            Part::SameType => {
                let ways: Vec<Value> =
                    step.later_value().into_iter().chain(beyond_equal(&step, keys, values)).collect();
                if ways.is_empty() {
                    return nothing();
                }
                // Every way implies the bound; it is what an index needs to start there.
                all(step.range_start().into_iter().chain([any(ways)]).collect())
            }
        }
    }
}

/// What lies beyond the position by these keys, in both parts at once.
fn beyond(keys: &[SortKey], values: &[Value], any_element: bool) -> Option<Value> {
    let ([key, keys @ ..], [value, values @ ..]) = (keys, values) else { return None };
    let step = Step::new(key, value, any_element);
    let later_types = step.later_types().map(|later| step.unless_this_or_earlier(later));
    let ways: Vec<Value> =
        step.later_value().into_iter().chain(later_types).chain(beyond_equal(&step, keys, values)).collect();
    (!ways.is_empty()).then(|| any(ways))
}

/// The documents that equal the position in this key and lie beyond it by the others.
fn beyond_equal(step: &Step<'_>, keys: &[SortKey], values: &[Value]) -> Option<Value> {
    let rest = beyond(keys, values, step.any_element)?;
    Some(all(vec![step.equal(), rest]))
}

/// One key of a position.
struct Step<'k> {
    key: &'k SortKey,
    value: &'k Value,
    class: Class,
    any_element: bool,
}

impl<'k> Step<'k> {
    fn new(key: &'k SortKey, value: &'k Value, any_element: bool) -> Self {
        Step { key, value, class: Class::of(value), any_element }
    }

    fn operator(&self, forward: &str, backward: &str) -> Value {
        let operator = if self.key.descending { backward } else { forward };
        json!({ self.key.field.as_str(): { operator: self.value } })
    }

    /// The same value.
    fn equal(&self) -> Value {
        let equal = match self.class {
            Class::EmptyArray => of_class(&self.key.field, Class::EmptyArray),
            _ => json!({ self.key.field.as_str(): { "$eq": self.value } }),
        };
        let earlier = self.class.is_comparable().then(|| self.operator("$lt", "$gt"));
        self.unless(equal, earlier)
    }

    /// Later values of the same class.
    fn later_value(&self) -> Option<Value> {
        let later = self.class.is_comparable().then(|| self.operator("$gt", "$lt"))?;
        Some(self.unless(later, Some(self.operator("$lte", "$gte"))))
    }

    /// The values of the same class from here on.
    fn range_start(&self) -> Option<Value> {
        self.class.is_comparable().then(|| self.operator("$gte", "$lte"))
    }

    /// Values of the classes that follow.
    fn later_types(&self) -> Option<Value> {
        let later =
            of_classes(
                &self.key.field,
                |class| {
                    if self.key.descending { class < self.class } else { class > self.class }
                },
            );
        (!later.is_empty()).then(|| any(later))
    }

    /// `query`, unless the field is an array with an element of this class or one before: the sort would take that one.
    fn unless_this_or_earlier(&self, query: Value) -> Value {
        self.unless(query, Some(of_class(&self.key.field, self.class)))
    }

    /// `query`, unless the field is an array with an element of a class before, or one that `also` finds.
    fn unless(&self, query: Value, also: Option<Value>) -> Value {
        // An `_id` is never an array.
        if self.any_element || self.key.field == "_id" {
            return query;
        }
        let mut before =
            of_classes(
                &self.key.field,
                |class| {
                    if self.key.descending { class > self.class } else { class < self.class }
                },
            );
        before.extend(also);
        if before.is_empty() { query } else { all(vec![query, none(before)]) }
    }
}

/// Queries for a field of any of these classes.
fn of_classes(field: &str, wanted: impl Fn(Class) -> bool) -> Vec<Value> {
    // No `_id` is an array or is missing.
    let possible = |class: &Class| field != "_id" || !matches!(class, Class::EmptyArray | Class::Array);
    let classes = Class::ALL.into_iter().filter(|class| wanted(*class)).filter(possible);
    let (typed, others): (Vec<Class>, Vec<Class>) = classes.partition(|class| class.type_name().is_some());
    let names: Vec<&str> = typed.into_iter().filter_map(Class::type_name).filter(|name| *name != "array").collect();
    let mut queries: Vec<Value> = others.into_iter().map(|class| of_class(field, class)).collect();
    if !names.is_empty() {
        queries.push(json!({ field: { "$type": names } }));
    }
    queries
}

fn of_class(field: &str, class: Class) -> Value {
    match class {
        // Also where the field is missing, as in the sort.
        Class::Null => json!({ field: { "$eq": null } }),
        Class::EmptyArray => json!({ field: { "$size": 0 } }),
        Class::NaN => json!({ field: { "$eq": { "$numberDouble": "NaN" } } }),
        Class::Number => json!({ field: { "$gte": { "$numberDouble": "-Infinity" } } }),
        other => json!({ field: { "$type": other.type_name() } }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> SortKey {
        match text.strip_prefix('-') {
            Some(field) => SortKey { field: field.to_owned(), descending: true },
            None => SortKey { field: text.to_owned(), descending: false },
        }
    }

    #[test]
    fn a_listing_in_id_order_goes_on_after_the_id() {
        let id = json!({"$oid": "5a1f00000000000000000001"});
        let keyset = |part| Keyset { keys: vec![key("_id")], values: vec![id.clone()], part, any_element: false };
        assert_eq!(keyset(Part::SameType).to_query(), json!({"$and": [{"_id": {"$gte": id}}, {"_id": {"$gt": id}}]}));
        let later = ["bool", "date", "timestamp", "regex", "dbPointer", "javascript", "javascriptWithScope", "maxKey"];
        assert_eq!(keyset(Part::LaterTypes).to_query(), json!({"_id": {"$type": later}}));
    }

    #[test]
    fn the_first_part_is_bounded_by_the_first_key() {
        let (keys, values) = (vec![key("-price"), key("_id")], vec![json!(5), json!("a")]);
        let keyset = Keyset { keys, values, part: Part::SameType, any_element: false };
        let query = keyset.to_query();
        assert_eq!(query["$and"][0], json!({"price": {"$lte": 5}}));
        let ways = query["$and"][1]["$or"].as_array().unwrap();
        assert_eq!(ways[0]["$and"][0], json!({"price": {"$lt": 5}}));
        assert_eq!(ways[1]["$and"][0]["$and"][0], json!({"price": {"$eq": 5}}));
    }
}
