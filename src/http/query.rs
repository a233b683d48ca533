//! Query parameters: what they spell, and what a listing makes of them.

use percent_encoding::percent_decode_str;

use crate::database::filter::{Condition, field_name};
use crate::database::{Find, SortKey};
use crate::http::problem::Problem;

/// Decoded parameters in the order in which they came, no name twice.
pub type Parameters = Vec<(String, String)>;

/// The most documents that a `limit` may ask for.
const MAX_LIMIT: u64 = 1000;
/// The largest `skip`: what MongoDB takes, a signed 32-bit number, so that every server agrees.
const MAX_SKIP: u64 = i32::MAX as u64;
/// Names that are parameters of their own, so that a field named so is filtered as `eq.<name>`.
const RESERVED: [&str; 5] = ["sort", "limit", "skip", "fields", "field"];

/// Decodes a query string (`application/x-www-form-urlencoded`, where `+` is a space).
///
/// # Errors
/// [`Problem::Invalid`] for an empty name, a name given twice, or what does not decode to UTF-8.
pub fn parse(query: Option<&str>) -> Result<Parameters, Problem> {
    let mut parameters = Parameters::new();
    for pair in query.unwrap_or_default().split('&') {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name.is_empty() {
            return Err(Problem::Invalid(format!("the query has a parameter without a name (its value is {value:?})")));
        }
        if parameters.iter().any(|(known, _)| *known == name) {
            return Err(Problem::Invalid(format!("the query parameter {name:?} is given twice")));
        }
        parameters.push((name, value));
    }
    Ok(parameters)
}

fn decode(text: &str) -> Result<String, Problem> {
    let spaced = text.replace('+', " ");
    match percent_decode_str(&spaced).decode_utf8() {
        Ok(decoded) => Ok(decoded.into_owned()),
        Err(_) => Err(Problem::Invalid(format!("the query's {text:?} does not decode to UTF-8"))),
    }
}

/// What a listing with these parameters asks for.
///
/// # Errors
/// [`Problem::Invalid`], naming the parameter.
pub fn find(parameters: &Parameters) -> Result<Find, Problem> {
    let mut find = Find::default();
    for (name, value) in parameters {
        match name.as_str() {
            "sort" => find.sort = sort_keys(value)?,
            "limit" => find.limit = Some(number(name, value, 1, MAX_LIMIT)?),
            "skip" => find.skip = Some(number(name, value, 0, MAX_SKIP)?),
            "fields" => find.fields = fields(value)?,
            "field" => {
                return Err(Problem::Invalid(
                    "a listing has no parameter \"field\": to filter by F, write F=value; by a field named \"field\", eq.field=value"
                        .to_owned(),
                ));
            }
            _ => {
                let field = match name.strip_prefix("eq.") {
                    Some(field) if RESERVED.contains(&field) => field,
                    _ => name,
                };
                find.filter.0.push(condition(field, value)?);
            }
        }
    }
    Ok(find)
}

/// The condition that a field equals a value.
///
/// # Errors
/// [`Problem::Invalid`] for a name that is none, or an `_id` that is none.
pub fn condition(field: &str, value: &str) -> Result<Condition, Problem> {
    if field == "_id" {
        return super::selector::object_id(value).map(Condition::Id);
    }
    checked(field)?;
    Ok(Condition::Field { name: field.to_owned(), text: value.to_owned() })
}

/// The parameter `field` of a route that finds one document; it has no others.
///
/// # Errors
/// [`Problem::Invalid`] for any other parameter.
pub fn field(parameters: Parameters) -> Result<Option<String>, Problem> {
    let mut field = None;
    for (name, value) in parameters {
        if name != "field" {
            return Err(Problem::Invalid(format!("this route has no query parameter {name:?}, only \"field\"")));
        }
        checked(&value)?;
        field = Some(value);
    }
    Ok(field)
}

fn checked(field: &str) -> Result<(), Problem> {
    field_name(field).map_err(|why| Problem::Invalid(format!("the field name {field:?} {why}")))
}

fn number(name: &str, value: &str, min: u64, max: u64) -> Result<u64, Problem> {
    // `parse` alone would take a leading `+`.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(number) if digits && (min..=max).contains(&number) => Ok(number),
        _ => Err(Problem::Invalid(format!(
            "the query parameter {name:?} must be a whole number from {min} to {max}, not {value:?}"
        ))),
    }
}

fn sort_keys(value: &str) -> Result<Vec<SortKey>, Problem> {
    let mut keys: Vec<SortKey> = Vec::new();
    for part in value.split(',') {
        let (field, descending) = match part.strip_prefix('-') {
            Some(field) => (field, true),
            None => (part, false),
        };
        checked(field)?;
        if keys.iter().any(|key| key.field == field) {
            return Err(Problem::Invalid(format!("the query parameter \"sort\" names {field:?} twice")));
        }
        keys.push(SortKey { field: field.to_owned(), descending });
    }
    Ok(keys)
}

/// MongoDB refuses a projection of a field beside a field of its own inside; so we say so first.
fn fields(value: &str) -> Result<Vec<String>, Problem> {
    let mut fields: Vec<String> = Vec::new();
    for field in value.split(',') {
        checked(field)?;
        let overlaps = |known: &String| {
            known == field
                || known.strip_prefix(field).is_some_and(|rest| rest.starts_with('.'))
                || field.strip_prefix(known.as_str()).is_some_and(|rest| rest.starts_with('.'))
        };
        if let Some(known) = fields.iter().find(|known| overlaps(known)) {
            return Err(Problem::Invalid(format!(
                "the query parameter \"fields\" names {known:?} and {field:?}, of which one holds the other"
            )));
        }
        fields.push(field.to_owned());
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(query: &str) -> Result<Find, Problem> {
        find(&parse(Some(query))?)
    }

    #[test]
    fn a_listing_takes_its_parameters() {
        let find = listing("publisher=Nintendo&sort=-price,item&limit=5&skip=10&fields=item,price").unwrap();
        assert_eq!(find.filter.0, [Condition::Field { name: "publisher".to_owned(), text: "Nintendo".to_owned() }]);
        assert_eq!((find.limit, find.skip), (Some(5), Some(10)));
        assert_eq!(find.fields, ["item", "price"]);
        assert!(find.sort[0].descending && !find.sort[1].descending);
    }

    #[test]
    fn a_field_with_a_reserved_name_is_filtered_behind_eq() {
        let find = listing("eq.sort=x&eq.limit=7&eq.other=z").unwrap();
        let names: Vec<_> = find
            .filter
            .0
            .iter()
            .map(|condition| match condition {
                Condition::Field { name, .. } => name.as_str(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(names, ["sort", "limit", "eq.other"]);
        assert!(find.sort.is_empty() && find.limit.is_none());
    }

    #[test]
    fn parameters_are_decoded_once() {
        assert_eq!(
            parse(Some("a=b%26c%3Dd&e+f=%2541&g&&h=")).unwrap(),
            [("a", "b&c=d"), ("e f", "%41"), ("g", ""), ("h", "")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        assert!(parse(None).unwrap().is_empty());
    }

    #[test]
    fn a_bad_parameter_is_named() {
        for (query, named) in [
            ("limit=1&limit=2", "\"limit\""),
            ("a=1&%61=2", "\"a\""),
            ("=x", "without a name"),
            ("limit=0", "\"limit\""),
            ("limit=1001", "\"limit\""),
            ("limit=-1", "\"limit\""),
            ("limit=%2B5", "\"limit\""),
            ("limit=", "\"limit\""),
            ("limit=ten", "\"limit\""),
            ("skip=1.5", "\"skip\""),
            ("skip=99999999999", "\"skip\""),
            ("sort=", "field name"),
            ("sort=price,-price", "\"price\""),
            ("fields=", "field name"),
            ("fields=a,a", "\"a\""),
            ("fields=a.b,a", "\"a.b\""),
            ("$where=1", "\"$where\""),
            ("a.$gt=1", "\"a.$gt\""),
            ("sort=$natural", "\"$natural\""),
            ("a=%FF", "UTF-8"),
            ("field=item", "eq.field"),
            ("_id=nope", "_id"),
        ] {
            match listing(query) {
                Err(Problem::Invalid(why)) => assert!(why.contains(named), "{query}: {why}"),
                other => panic!("{query}: {other:?}"),
            }
        }
    }

    #[test]
    fn one_document_is_found_by_field_alone() {
        assert_eq!(field(parse(Some("field=item")).unwrap()), Ok(Some("item".to_owned())));
        assert_eq!(field(parse(None).unwrap()), Ok(None));
        for bad in ["field=", "field=$where", "limit=1", "field=a&x=1"] {
            assert!(field(parse(Some(bad)).unwrap()).is_err(), "{bad}");
        }
    }
}
