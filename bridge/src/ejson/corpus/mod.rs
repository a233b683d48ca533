//! MongoDB's BSON corpus, as tables: every text and every byte sequence that it has for the types, both ways.

use mongodb::bson::RawDocumentBuf;

use super::{Format, read, write};

const VALUES: &str = include_str!("values.txt");
const DECIMALS: &str = include_str!("decimals.txt");
const REFUSED: &str = include_str!("refused.txt");

/// The corpus refuses a bare number in `$date`. The service took it, as MongoDB's Go driver does, and clients send it:
/// it is how Extended JSON v1 had dates.
const TAKEN_ALL_THE_SAME: &str = r#"{"a":{"$date":42}}"#;

fn lines(table: &str) -> impl Iterator<Item = &str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

fn bytes(hex: &str) -> RawDocumentBuf {
    let byte = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    RawDocumentBuf::from_bytes((0..hex.len()).step_by(2).map(byte).collect()).unwrap()
}

fn read_text(text: &str) -> RawDocumentBuf {
    read::document(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn written(document: &RawDocumentBuf) -> String {
    let mut out = Vec::new();
    write::document(document, Format::Ejson, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Checks one entry; `others` are texts that mean the same.
fn check<'a>(hex: &str, text: &str, others: impl Iterator<Item = &'a str>) {
    let (lossy, hex) = hex.strip_prefix('~').map_or((false, hex), |hex| (true, hex));
    let document = bytes(hex);
    assert_eq!(written(&document), text, "{hex}");
    let read = read_text(text);
    assert_eq!(written(&read), text);
    if !lossy {
        assert_eq!(read, document, "{text}");
    }
    for other in others {
        let other_read = read_text(other);
        assert_eq!(written(&other_read), text, "{other}");
        assert!(lossy || other_read == document, "{other}");
    }
}

#[test]
fn every_value() {
    let mut count = 0;
    for line in lines(VALUES) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (hex, text) = (columns[0], columns[1]);
        check(hex, text, columns.iter().filter_map(|column| column.strip_prefix("also ")));
        for other in columns.iter().filter_map(|column| column.strip_prefix("from ")) {
            assert_eq!(written(&bytes(other)), text, "{other}");
        }
        count += 1;
    }
    assert_eq!(count, 123);
}

#[test]
fn every_decimal() {
    let spelled = |decimal: &str| format!("{{\"d\":{{\"$numberDecimal\":\"{decimal}\"}}}}");
    let mut count = 0;
    for line in lines(DECIMALS) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (lossy, digits) = columns[0].strip_prefix('~').map_or(("", columns[0]), |digits| ("~", digits));
        let others: Vec<String> = columns[2..].iter().map(|other| spelled(other)).collect();
        let hex = format!("{lossy}18000000136400{digits}00");
        check(&hex, &spelled(columns[1]), others.iter().map(String::as_str));
        count += 1;
    }
    assert_eq!(count, 605);
}

#[test]
fn everything_that_is_refused() {
    let mut count = 0;
    for text in lines(REFUSED) {
        match read::document(text.as_bytes()) {
            Ok(_) if text == TAKEN_ALL_THE_SAME => {}
            Ok(document) => panic!("{text} was read as {document:?}"),
            Err(_) => {}
        }
        count += 1;
    }
    assert_eq!(count, 180);
}
