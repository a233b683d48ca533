//! Which documents are meant.
//!
//! Input is data, never query: a client's value only ever stands where MongoDB expects a value, and a client's field
//! name is checked by [`field_name`] before it stands where a name does.

use serde_json::{Number, Value, json};

use crate::object_id::ObjectId;

/// Conditions that must all hold; none at all means every document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter(pub Vec<Condition>);

/// One condition on a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Its `_id` is this.
    Id(ObjectId),
    /// The field, dotted to reach into documents, equals what the text spells; see [`spelled`].
    Field {
        /// A name that [`field_name`] has let pass.
        name: String,
        /// The value as it stood in a path or a query.
        text: String,
    },
    /// Some top-level field is a string equal to this.
    AnyField(String),
    /// It has at least one of these top-level fields, names of a checked body.
    HasAnyField(Vec<String>),
}

impl Filter {
    /// The document with this `_id`.
    pub fn id(id: &ObjectId) -> Self {
        Filter(vec![Condition::Id(id.clone())])
    }

    /// The MongoDB query, in Extended JSON.
    pub fn to_query(&self) -> Value {
        match self.0.as_slice() {
            [] => json!({}),
            [one] => one.to_query(),
            all => json!({ "$and": all.iter().map(Condition::to_query).collect::<Vec<_>>() }),
        }
    }
}

impl Condition {
    fn to_query(&self) -> Value {
        match self {
            Condition::Id(id) => json!({ "_id": { "$oid": id.as_str() } }),
            Condition::Field { name, text } => {
                let is_one = json!({ name: { "$in": spelled(text) } });
                if text == "null" {
                    // `$in: [null]` would find documents without the field too; its type is null only where it is there.
                    json!({ "$or": [is_one, { name: { "$type": "null" } }] })
                } else {
                    is_one
                }
            }
            Condition::AnyField(text) => json!({ "$expr": { "$in": [
                { "$literal": text },
                { "$map": { "input": { "$objectToArray": "$$ROOT" }, "in": "$$this.v" } },
            ] } }),
            Condition::HasAnyField(names) => {
                let has = |name: &String| json!({ name.as_str(): { "$exists": true } });
                json!({ "$or": names.iter().map(has).collect::<Vec<_>>() })
            }
        }
    }
}

/// The values that a text without a type can spell: always the string; and the number, the boolean, the ObjectId or the
/// date that documents show as the same characters. (`null` is [`Condition::Field`]'s own.)
fn spelled(text: &str) -> Vec<Value> {
    let mut values = vec![Value::from(text)];
    match text {
        "true" => values.push(Value::Bool(true)),
        "false" => values.push(Value::Bool(false)),
        _ => {
            if let Some(number) = as_number(text) {
                values.push(Value::Number(number));
            }
            if let Some(id) = ObjectId::parse(text) {
                values.push(json!({ "$oid": id.as_str() }));
            }
            if is_date_time(text) {
                values.push(json!({ "$date": text }));
            }
        }
    }
    values
}

/// The number, by JSON's own grammar (RFC 8259): `007` and `NaN` are none. Whole numbers beyond a signed 64-bit one,
/// which MongoDB does not have, are compared as doubles.
fn as_number(text: &str) -> Option<Number> {
    let number: Number = serde_json::from_str(text).ok()?;
    if number.is_u64() && number.as_i64().is_none() {
        return Number::from_f64(number.as_f64()?);
    }
    // White space around a number is JSON's, not the value's.
    (!text.starts_with(char::is_whitespace) && !text.ends_with(char::is_whitespace)).then_some(number)
}

/// Whether the text is a date and time as documents show them: `2021-03-04T05:06:07.089Z`, the fraction optional.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.strip_suffix('Z').and_then(|rest| rest.split_once('T')) else {
        return false;
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let digits = |part: &str, length: usize, separator: char| -> Option<Vec<u32>> {
        part.split(separator)
            .enumerate()
            .map(|(i, number)| {
                let wanted = if i == 0 { length } else { 2 };
                (number.len() == wanted && number.bytes().all(|b| b.is_ascii_digit()))
                    .then(|| number.parse().ok())
                    .flatten()
            })
            .collect()
    };
    let (Some(date), Some(time)) = (digits(date, 4, '-'), digits(time, 2, ':')) else {
        return false;
    };
    let ([year, month, day], [hour, minute, second]) = (date.as_slice(), time.as_slice()) else {
        return false;
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(day)
        && *hour < 24
        && *minute < 60
        && *second < 60
        && (1..=3).contains(&fraction.len())
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// Checks a field's name from a path or a query: it may be dotted, but no part of it may be empty, start with `$` (an
/// operator) or hold NUL.
///
/// # Errors
/// What is wrong with it, to follow the name in a sentence.
pub fn field_name(name: &str) -> Result<(), &'static str> {
    if name.is_empty() {
        return Err("is empty");
    }
    for part in name.split('.') {
        if part.is_empty() {
            return Err("has an empty part");
        }
        if part.starts_with('$') {
            return Err("starts with `$`");
        }
        if part.contains('\0') {
            return Err("holds a NUL character");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(text: &str) -> Value {
        Condition::Field { name: "f".to_owned(), text: text.to_owned() }.to_query()
    }

    #[test]
    fn a_text_spells_every_value_that_looks_like_it() {
        assert_eq!(field("Nintendo"), json!({"f": {"$in": ["Nintendo"]}}));
        assert_eq!(field("2017"), json!({"f": {"$in": ["2017", 2017]}}));
        assert_eq!(field("29.99"), json!({"f": {"$in": ["29.99", 29.99]}}));
        assert_eq!(field("true"), json!({"f": {"$in": ["true", true]}}));
        assert_eq!(
            field("5a1f00000000000000000001"),
            json!({"f": {"$in": ["5a1f00000000000000000001", {"$oid": "5a1f00000000000000000001"}]}})
        );
        assert_eq!(
            field("2021-03-04T05:06:07.089Z"),
            json!({"f": {"$in": ["2021-03-04T05:06:07.089Z", {"$date": "2021-03-04T05:06:07.089Z"}]}})
        );
        assert_eq!(field("null"), json!({"$or": [{"f": {"$in": ["null"]}}, {"f": {"$type": "null"}}]}));
    }

    #[test]
    fn what_only_looks_like_a_number_or_a_date_is_a_string() {
        for text in [
            "007",
            " 7",
            "7 ",
            "NaN",
            "0x10",
            "+1",
            ".5",
            "",
            "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-01-01T24:00:00Z",
            "2021-01-01T00:00:00.1234Z",
            "2021-01-01T00:00Z",
            "2021-01-01",
        ] {
            assert_eq!(field(text), json!({"f": {"$in": [text]}}));
        }
    }

    #[test]
    fn a_whole_number_beyond_64_bits_is_compared_as_a_double() {
        assert_eq!(
            field("9223372036854775808"),
            json!({"f": {"$in": ["9223372036854775808", 9223372036854775808.0_f64]}})
        );
    }

    #[test]
    fn a_value_never_becomes_an_operator() {
        for text in ["$where", "{\"$gt\": 0}", "$$ROOT"] {
            assert_eq!(field(text), json!({"f": {"$in": [text]}}));
            let any = Condition::AnyField(text.to_owned()).to_query();
            assert_eq!(any["$expr"]["$in"][0], json!({ "$literal": text }));
        }
    }

    #[test]
    fn names_that_are_none() {
        for bad in ["", ".", "a.", ".a", "a..b", "$where", "a.$b", "a\0"] {
            assert!(field_name(bad).is_err(), "{bad:?}");
        }
        for good in ["item", "bought.item", "a$", "système", "bought.0.price"] {
            assert!(field_name(good).is_ok(), "{good:?}");
        }
    }
}
