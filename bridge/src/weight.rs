//! How much memory a body will take, before it takes it.

use mongodb::bson::{RawArray, RawBsonRef, RawDocument};

use crate::error::Error;

/// The largest message that MongoDB's wire protocol carries (`maxMessageSizeBytes`).
const MAX_MESSAGE_BYTES: usize = 48_000_000;

/// What an element of a document costs in the form that the driver takes, at most: a `Bson`, its key, its place in a map.
const ELEMENT: usize = 256;

/// The fields that are data: they stay the bytes that they are, and MongoDB interprets none of it.
const DATA: [&str; 3] = ["document", "documents", "replacement"];

/// How many bytes of BSON a JSON text becomes, at most. An element of an array has its index for a name; that is what can
/// make the BSON several times as large as the text.
///
/// # Errors
/// 413 where it is more than MongoDB's protocol carries.
pub fn of_text(text: &[u8]) -> Result<usize, Error> {
    let mut elements = 1_usize;
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
            b',' | b'[' | b'{' => elements += 1,
            _ => {}
        }
    }
    // The most that an element adds to its text: `1e9,` has a type, an index, a NUL and eight bytes.
    let index = elements.to_string().len();
    let bson = text.len().saturating_add(elements.saturating_mul(index + 6));
    if bson > MAX_MESSAGE_BYTES { Err(Error::LargerThanMessage(MAX_MESSAGE_BYTES)) } else { Ok(bson) }
}

/// How many bytes the driver will take for a body beside the BSON itself: copies of what is data, and another form of what is
/// interpreted.
pub fn of_body(body: &RawDocument) -> usize {
    let mut weight = 0_usize;
    for (name, value) in body.into_iter().filter_map(Result::ok) {
        if DATA.contains(&name.as_str()) {
            // One copy for the driver, one in its message.
            weight = weight.saturating_add(size(value).saturating_mul(2));
        } else {
            weight = weight.saturating_add(elements(value).saturating_mul(ELEMENT)).saturating_add(size(value));
        }
    }
    weight
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
            let guess = of_text(json.as_bytes()).unwrap();
            assert!(guess >= bson, "{guess} < {bson}: {:.60}", json);
            assert!(guess <= 4 * bson + 64, "{guess} > 4 * {bson}: {:.60}", json);
        }
    }

    #[test]
    fn what_the_protocol_cannot_carry() {
        let zeros = |count: usize| format!(r#"{{"a":{{"$in":[{}0]}}}}"#, "0,".repeat(count));
        assert!(of_text(zeros(3_000_000).as_bytes()).is_ok());
        assert!(matches!(of_text(zeros(4_000_000).as_bytes()), Err(Error::LargerThanMessage(_))));
    }

    #[test]
    fn what_is_interpreted_weighs_more_than_data() {
        let body = |field: &str| read::document(format!(r#"{{"{field}":{{"a":[{}0]}}}}"#, "0,".repeat(999)).as_bytes());
        let (filter, document) = (of_body(&body("filter").unwrap()), of_body(&body("document").unwrap()));
        assert!(filter > 1000 * ELEMENT && document < 30_000, "{filter} {document}");
    }
}
