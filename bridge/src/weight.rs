//! How much memory a body will take, before it takes it.

use mongodb::bson::{Bson, Document, RawArray, RawBsonRef, RawDocument};

use crate::ejson::MAX_DEPTH;
use crate::error::Error;

/// The largest message that MongoDB's wire protocol carries (`maxMessageSizeBytes`).
const MAX_MESSAGE_BYTES: usize = 48_000_000;

/// What an element of a document costs in the form that the driver takes, at most: a `Bson`, its key, its place in a map.
const ELEMENT: usize = 256;

/// The fields that are data: they stay the bytes that they are, and MongoDB interprets none of it.
const DATA: [&str; 3] = ["document", "documents", "replacement"];

/// How many bytes a JSON text will take at least: those of the BSON that it becomes, and, where it is not data but
/// interpreted, those of the form that the driver wants. So what is too much is refused before it is even read.
///
/// An element of an array has its index for a name; that is what can make the BSON several times as large as the text.
///
/// # Errors
/// 413 where the BSON is more than MongoDB's protocol carries.
pub fn of_text(text: &[u8], data: bool) -> Result<usize, Error> {
    let (mut elements, mut depth) = (1_usize, 0_usize);
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => {
                // To the end of the string; what is escaped does not end it.
                while let Some(byte) = bytes.next() {
                    match byte {
                        b'"' => break,
                        b'\\' => drop(bytes.next()),
                        _ => {}
                    }
                }
            }
            b',' => elements += 1,
            b'[' | b'{' => {
                elements += 1;
                depth += 1;
                // Nothing is read beyond this.
                if depth > MAX_DEPTH {
                    break;
                }
            }
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    // The most that an element adds to its text: `1e9,` has a type, an index, a NUL and eight bytes.
    let index = elements.to_string().len();
    let bson = text.len().saturating_add(elements.saturating_mul(index + 6));
    if bson > MAX_MESSAGE_BYTES {
        return Err(Error::LargerThanMessage(MAX_MESSAGE_BYTES));
    }
    Ok(if data { bson } else { bson.saturating_add(elements.saturating_mul(ELEMENT)) })
}

/// How many bytes a body takes, with what the driver makes of it: copies of what is data, and another form of what is
/// interpreted. Where `rules` look into documents, all of it is.
pub fn of_body(body: &RawDocument, rules: bool) -> usize {
    let mut weight = body.as_bytes().len();
    for (name, value) in body.into_iter().filter_map(Result::ok) {
        if !rules && DATA.contains(&name.as_str()) {
            // One copy for the driver, one in its message.
            weight = weight.saturating_add(size(value).saturating_mul(2));
        } else {
            weight = weight.saturating_add(elements(value).saturating_mul(ELEMENT)).saturating_add(size(value));
        }
    }
    weight
}

/// How many bytes stages take that have the driver's form already: in that form, and in the message that it becomes.
pub fn of_stages<'a>(stages: impl IntoIterator<Item = &'a Document>) -> usize {
    stages.into_iter().map(of_interpreted).sum()
}

fn of_interpreted(document: &Document) -> usize {
    ELEMENT + document.iter().map(|(name, value)| name.len() + of_value(value)).sum::<usize>()
}

fn of_value(value: &Bson) -> usize {
    match value {
        Bson::Document(document) => of_interpreted(document),
        Bson::Array(elements) => ELEMENT + elements.iter().map(of_value).sum::<usize>(),
        Bson::String(text) => ELEMENT + text.len(),
        Bson::Binary(binary) => ELEMENT + binary.bytes.len(),
        _ => ELEMENT,
    }
}

fn size(value: RawBsonRef<'_>) -> usize {
    match value {
        RawBsonRef::Document(document) => document.as_bytes().len(),
        RawBsonRef::Array(array) => array.as_bytes().len(),
        RawBsonRef::String(text) => text.len(),
        RawBsonRef::Binary(binary) => binary.bytes.len(),
        _ => 0,
    }
}

fn elements(value: RawBsonRef<'_>) -> usize {
    match value {
        RawBsonRef::Document(document) => of_document(document),
        RawBsonRef::Array(array) => of_array(array),
        _ => 1,
    }
}

fn of_document(document: &RawDocument) -> usize {
    document.into_iter().filter_map(Result::ok).map(|(_, value)| elements(value)).sum::<usize>() + 1
}

fn of_array(array: &RawArray) -> usize {
    array.into_iter().filter_map(Result::ok).map(elements).sum::<usize>() + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ejson::read;

    #[test]
    fn never_less_than_what_it_becomes() {
        let zeros = format!(r#"{{"a":{{"$in":[{}0]}}}}"#, "0,".repeat(5000));
        let text = format!(r#"{{"a":["{}","[[[,,,\"{{{{"]}}"#, "x".repeat(1000));
        let nested = format!("{}{}", r#"{"a":["#.repeat(90), "]}".repeat(90));
        let objects = format!("{{\"a\":[{}{{}}]}}", "{\"k\":[]},".repeat(3000));
        let strings = format!("{{\"a\":[{}\"\"]}}", "\"\",".repeat(3000));
        let numbers = format!("{{\"a\":[{}1]}}", "5000000000,1e9,true,null,".repeat(3000));
        for json in [zeros, text, nested, objects, strings, numbers, "{}".to_owned(), r#"{"a":1e9}"#.to_owned()] {
            let bson = read::document(json.as_bytes()).unwrap().as_bytes().len();
            let guess = of_text(json.as_bytes(), true).unwrap();
            assert!(guess >= bson, "{guess} < {bson}: {:.60}", json);
            assert!(guess <= 4 * bson + 64, "{guess} > 4 * {bson}: {:.60}", json);
        }
    }

    #[test]
    fn what_the_protocol_cannot_carry() {
        let zeros = |count: usize| format!(r#"{{"a":{{"$in":[{}0]}}}}"#, "0,".repeat(count));
        assert!(of_text(zeros(3_000_000).as_bytes(), true).is_ok());
        assert!(matches!(of_text(zeros(4_000_000).as_bytes(), true), Err(Error::LargerThanMessage(_))));
        let heavy = of_text(zeros(1000).as_bytes(), false).unwrap();
        assert!(heavy > 1000 * ELEMENT, "{heavy}");
    }

    #[test]
    fn what_is_interpreted_weighs_more_than_data() {
        let body = |field: &str| read::document(format!(r#"{{"{field}":{{"a":[{}0]}}}}"#, "0,".repeat(999)).as_bytes());
        let (filter, document) = (of_body(&body("filter").unwrap(), false), of_body(&body("document").unwrap(), false));
        assert!(filter > 1000 * ELEMENT && document < 60_000, "{filter} {document}");
        let inspected = of_body(&body("document").unwrap(), true);
        assert!(inspected > 1000 * ELEMENT, "{inspected}");
    }
}
