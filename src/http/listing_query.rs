//! A listing's query parameters: what each means, and the one form that names the listing in the cache.

use std::collections::HashSet;

use super::query::{Parameters, checked, invalid, number};
use crate::database::SortKey;
use crate::database::cursor::Cursor;
use crate::database::filter::{Comparison, Condition, Test};
use crate::database::list_query::{ListQuery, MAX_SORT_KEYS, full_sort};
use crate::database::value::number::{is_json_number, is_whole};
use crate::http::problem::Problem;

/// The most documents that a `limit` may ask for.
const MAX_LIMIT: u64 = 1000;
/// The largest `skip`: what MongoDB takes, a signed 32-bit number, so that every server agrees.
const MAX_SKIP: u64 = i32::MAX as u64;
/// The most names in `fields`.
const MAX_FIELDS: usize = 200;
/// The most values in an `in` or `nin`.
const MAX_VALUES: usize = 200;
/// The longest text of `contains`, `icontains`, `starts` and `q`, in bytes. MongoDB's limit on a pattern is higher, even
/// where every character is escaped.
const MAX_TEXT: usize = 4096;

/// Names that are parameters of their own, so that a field of that name is filtered as `eq.<name>`.
const RESERVED: [&str; 8] = ["sort", "limit", "skip", "fields", "field", "q", "count", "after"];

/// The operators of `F[op]=V`.
const OPERATORS: [&str; 11] =
    ["ne", "gt", "gte", "lt", "lte", "in", "nin", "exists", "contains", "icontains", "starts"];

/// Reads a listing's parameters.
///
/// # Errors
/// [`Problem::Invalid`], naming the parameter.
pub fn list_query(parameters: &Parameters) -> Result<ListQuery, Problem> {
    let mut query = ListQuery::default();
    let (mut sort, mut after) = (vec![], None);
    let mut seen = HashSet::new();
    for (name, value) in parameters {
        match name.as_str() {
            "sort" => sort = sort_keys(value)?,
            "limit" => query.limit = Some(number(name, value, 1, MAX_LIMIT)?),
            "skip" => query.skip = number(name, value, 0, MAX_SKIP)?,
            "fields" => query.fields = fields(value)?,
            "count" => query.count = flag(name, value)?,
            "after" => after = Some(value),
            "q" => query.filter.0.push(Condition::Text(short(name, value)?.to_owned())),
            "field" => {
                return Err(invalid(
                    "a listing has no parameter \"field\": to filter by a field F, write F=value; by a field named \"field\", \
                     write eq.field=value",
                ));
            }
            _ => {
                let (condition, canonical) = field_condition(name, value)?;
                if !seen.insert(canonical.0.clone()) {
                    return Err(invalid(format!("the query parameter {name:?} is given twice")));
                }
                query.filter.0.push(condition);
                query.parameters.push(canonical);
            }
        }
    }
    query.sort = full_sort(sort);
    if let Some(text) = after {
        if query.skip > 0 {
            return Err(invalid("the query parameters \"skip\" and \"after\" cannot be combined"));
        }
        let cursor = Cursor::decode(text, &query.sort);
        query.after =
            Some(cursor.map_err(|why| invalid(format!("the cursor in the query parameter \"after\" {why}")))?);
        query.parameters.push(("after".to_owned(), text.clone()));
    }
    add_canonical(&mut query);
    Ok(query)
}

/// Adds the parameters that are not conditions on a field in their one form, where they ask for anything.
fn add_canonical(query: &mut ListQuery) {
    let mut add = |name: &str, value: String| query.parameters.push((name.to_owned(), value));
    if let Some(limit) = query.limit {
        add("limit", limit.to_string());
    }
    if query.skip > 0 {
        add("skip", query.skip.to_string());
    }
    if query.count {
        add("count", "true".to_owned());
    }
    if !query.fields.is_empty() {
        add("fields", query.fields.join(","));
    }
    for condition in &query.filter.0 {
        if let Condition::Text(text) = condition {
            add("q", text.clone());
        }
    }
    let sort: Vec<String> = query
        .sort
        .iter()
        // That `_id` comes last goes without saying.
        .filter(|key| key.field != "_id" || key.descending)
        .map(|key| format!("{}{}", if key.descending { "-" } else { "" }, key.field))
        .collect();
    if !sort.is_empty() {
        add("sort", sort.join(","));
    }
    query.parameters.sort_unstable();
}

/// The condition of `F=V` or `F[op]=V`, and the parameter in its one form.
fn field_condition(name: &str, value: &str) -> Result<(Condition, (String, String)), Problem> {
    let (field, operator) = match name.strip_suffix(']').and_then(|name| name.rsplit_once('[')) {
        Some((field, operator)) => (field, Some(operator)),
        None => (name, None),
    };
    let field = match field.strip_prefix("eq.") {
        Some(escaped) if RESERVED.contains(&escaped) => escaped,
        _ => field,
    };
    checked(field)?;
    let compares = |comparison| {
        let bound = bound(name, value)?.to_owned();
        Ok::<_, Problem>((Test::Compares(comparison, bound), value.to_owned()))
    };
    let contains = |anchored, ignore_case| {
        let text = short(name, value)?.to_owned();
        Ok::<_, Problem>((Test::Contains { text, anchored, ignore_case }, value.to_owned()))
    };
    let (test, canonical) = match operator {
        None => (Test::Equals(value.to_owned()), value.to_owned()),
        Some("ne") => (Test::NotEquals(value.to_owned()), value.to_owned()),
        Some("gt") => compares(Comparison::Greater)?,
        Some("gte") => compares(Comparison::GreaterOrEqual)?,
        Some("lt") => compares(Comparison::Less)?,
        Some("lte") => compares(Comparison::LessOrEqual)?,
        Some("in") => values(name, value).map(|(values, text)| (Test::In(values), text))?,
        Some("nin") => values(name, value).map(|(values, text)| (Test::NotIn(values), text))?,
        Some("exists") => (Test::Exists(flag(name, value)?), value.to_owned()),
        Some("contains") => contains(false, false)?,
        Some("icontains") => contains(false, true)?,
        Some("starts") => contains(true, false)?,
        Some(unknown) => {
            return Err(invalid(format!(
                "the query parameter {name:?} has the unknown operator {unknown:?}; the operators are {}, and F=V for equality",
                OPERATORS.join(", ")
            )));
        }
    };
    let escape = if RESERVED.contains(&field) { "eq." } else { "" };
    let canonical_name = match operator {
        Some(operator) => format!("{escape}{field}[{operator}]"),
        None => format!("{escape}{field}"),
    };
    Ok((Condition::Field { name: field.to_owned(), test }, (canonical_name, canonical)))
}

/// What a comparison compares with. In a test for equality, digits can also mean a text of any length; here they are a
/// number, and Int64 holds the largest.
fn bound<'v>(name: &str, value: &'v str) -> Result<&'v str, Problem> {
    if is_json_number(value) && is_whole(value) && value.parse::<i64>().is_err() {
        let (least, most) = (i64::MIN, i64::MAX);
        return Err(invalid(format!(
            "the query parameter {name:?} compares with {value:?}, which is beyond Int64, from {least} to {most}"
        )));
    }
    Ok(value)
}

/// The values of a list, and the list in one form: sorted, without repetitions. A comma within a value is `%2C`, and a
/// percent sign may be `%25`; other text stays as it is.
fn values(name: &str, text: &str) -> Result<(Vec<String>, String), Problem> {
    let mut values: Vec<String> =
        text.split(',').map(|value| value.replace("%2C", ",").replace("%2c", ",").replace("%25", "%")).collect();
    values.sort_unstable();
    values.dedup();
    if values.len() > MAX_VALUES {
        return Err(invalid(format!("the query parameter {name:?} has more than {MAX_VALUES} values")));
    }
    let escaped: Vec<String> = values.iter().map(|value| value.replace('%', "%25").replace(',', "%2C")).collect();
    Ok((values, escaped.join(",")))
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => {
            let hint = match RESERVED.contains(&name) {
                true => format!("; a field of that name is filtered as \"eq.{name}\""),
                false => String::new(),
            };
            Err(invalid(format!("the query parameter {name:?} must be true or false, not {value:?}{hint}")))
        }
    }
}

fn short<'v>(name: &str, value: &'v str) -> Result<&'v str, Problem> {
    if value.len() > MAX_TEXT {
        return Err(invalid(format!("the query parameter {name:?} is longer than {MAX_TEXT} bytes")));
    }
    Ok(value)
}

fn names<'v>(parameter: &str, value: &'v str, most: usize) -> Result<Vec<&'v str>, Problem> {
    let names: Vec<&str> = value.split(',').map(str::trim).collect();
    if names.len() > most {
        return Err(invalid(format!("the query parameter {parameter:?} has more than {most} names")));
    }
    Ok(names)
}

fn sort_keys(value: &str) -> Result<Vec<SortKey>, Problem> {
    let mut keys: Vec<SortKey> = Vec::new();
    for part in names("sort", value, MAX_SORT_KEYS)? {
        let (field, descending) = match part.strip_prefix('-') {
            Some(field) => (field, true),
            None => (part, false),
        };
        checked(field)?;
        if keys.iter().any(|key| key.field == field) {
            return Err(invalid(format!("the query parameter \"sort\" names {field:?} twice")));
        }
        keys.push(SortKey { field: field.to_owned(), descending });
    }
    Ok(keys)
}

/// The names of a projection, sorted. MongoDB refuses a field beside a field of its own inside; so we say so first.
fn fields(value: &str) -> Result<Vec<String>, Problem> {
    let fields = names("fields", value, MAX_FIELDS)?;
    let mut known = HashSet::new();
    for field in &fields {
        checked(field)?;
        if !known.insert(*field) {
            return Err(invalid(format!("the query parameter \"fields\" names {field:?} twice")));
        }
    }
    for field in &fields {
        let outer = field.match_indices('.').map(|(at, _)| &field[..at]).find(|outer| known.contains(outer));
        if let Some(outer) = outer {
            return Err(invalid(format!(
                "the query parameter \"fields\" names {outer:?} and {field:?}, of which the first contains the second"
            )));
        }
    }
    // MongoDB keeps the order of the document, and `_id` comes along in any case.
    let mut fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
    if fields.len() > 1 {
        fields.retain(|field| field != "_id");
    }
    fields.sort_unstable();
    Ok(fields)
}

#[cfg(test)]
mod tests;
