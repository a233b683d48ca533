//! Query parameters, decoded and checked.

use std::collections::HashSet;

use http::Uri;
use percent_encoding::percent_decode_str;

use crate::catalog::DocumentSelector;
use crate::database::filter::field_name;
use crate::http::problem::Problem;

/// Decoded parameters in the order in which they came, no name twice.
pub type Parameters = Vec<(String, String)>;

/// The most parameters in a query.
const MAX_PARAMETERS: usize = 100;

/// Decodes a query string (`application/x-www-form-urlencoded`, where `+` is a space).
///
/// # Errors
/// [`Problem::Invalid`] for too many parameters, an empty name, a name given twice, or what does not decode to UTF-8.
pub fn parse(query: Option<&str>) -> Result<Parameters, Problem> {
    let mut parameters = Parameters::new();
    let mut names = HashSet::new();
    for pair in query.unwrap_or_default().split('&') {
        if pair.is_empty() {
            continue;
        }
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        if name.is_empty() {
            return Err(Problem::Invalid(format!("the query has a parameter without a name (its value is {value:?})")));
        }
        if parameters.len() == MAX_PARAMETERS {
            return Err(invalid(format!("the query has more than {MAX_PARAMETERS} parameters")));
        }
        if !names.insert(name.clone()) {
            return Err(invalid(format!("the query parameter {name:?} is given twice")));
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

/// The document that a path's value and the parameter `field` mean.
///
/// # Errors
/// [`Problem::Invalid`] for any other parameter, or where `field` is not a field's name.
pub fn document_selector<'v>(uri: &Uri, value: &'v str) -> Result<DocumentSelector<'v>, Problem> {
    let field = field(parse(uri.query())?)?;
    Ok(DocumentSelector { value, field })
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

/// A problem with the query, in words.
pub(super) fn invalid(why: impl Into<String>) -> Problem {
    Problem::Invalid(why.into())
}

pub(super) fn checked(field: &str) -> Result<(), Problem> {
    field_name(field).map_err(|why| Problem::Invalid(format!("the field name {field:?} {why}")))
}

pub(super) fn number(name: &str, value: &str, min: u64, max: u64) -> Result<u64, Problem> {
    // `parse` alone would take a leading `+`.
    let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    match value.parse() {
        Ok(number) if digits && (min..=max).contains(&number) => Ok(number),
        _ => Err(Problem::Invalid(format!(
            "the query parameter {name:?} must be a whole number from {min} to {max}, not {value:?}"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn one_document_is_found_by_field_alone() {
        assert_eq!(field(parse(Some("field=item")).unwrap()), Ok(Some("item".to_owned())));
        assert_eq!(field(parse(None).unwrap()), Ok(None));
        for bad in ["field=", "field=$where", "limit=1", "field=a&x=1"] {
            assert!(field(parse(Some(bad)).unwrap()).is_err(), "{bad}");
        }
    }
}
