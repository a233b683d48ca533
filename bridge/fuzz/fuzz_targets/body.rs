//! Any bytes as a request's body: reading must not fall over, what was read must be BSON that comes back as itself, and
//! what the operator filter lets through must hold no forbidden operator.

#![no_main]

use data_api::ejson::{Format, read, write};
use data_api::operator_denylist;
use libfuzzer_sys::fuzz_target;
use mongodb::bson::{Bson, Document};

/// Known to be refused, whatever else the filter refuses. A list of its own: the filter's own list would prove nothing.
const DANGEROUS: [&str; 6] = ["$where", "$function", "$accumulator", "$out", "$merge", "$currentOp"];

fuzz_target!(|text: &[u8]| {
    let Ok(document) = read::document(text) else { return };
    let tree = Document::try_from(&*document).expect("what was read is BSON, to the driver too");

    let mut canonical = Vec::new();
    write::document(&document, Format::Ejson, &mut canonical).expect("what was read can be written");
    let again = read::document(&canonical).expect("canonical Extended JSON can be read");
    assert_eq!(document, again, "canonical Extended JSON reads back as itself");

    let mut plain = Vec::new();
    write::document(&document, Format::Json, &mut plain).expect("what was read can be written");
    for text in [&canonical, &plain] {
        match serde_json::from_slice::<serde_json::Value>(text) {
            Ok(_) => {}
            // Its own limit of depth is lower than ours.
            Err(error) if error.to_string().starts_with("recursion limit exceeded") => {}
            Err(error) => panic!("what is written is JSON: {error}"),
        }
    }

    let dangerous = tree.iter().any(|(key, value)| is_dangerous(key) || holds_dangerous(value));
    if dangerous {
        operator_denylist::check("filter", &document).expect_err("a dangerous operator is refused");
    } else {
        let _ = operator_denylist::check("filter", &document);
    }
});

fn is_dangerous(key: &str) -> bool {
    DANGEROUS.contains(&key)
}

fn holds_dangerous(value: &Bson) -> bool {
    match value {
        Bson::Document(document) => document.iter().any(|(key, value)| is_dangerous(key) || holds_dangerous(value)),
        Bson::Array(elements) => elements.iter().any(holds_dangerous),
        _ => false,
    }
}
