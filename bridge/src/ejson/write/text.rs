//! Strings and numbers as JSON spells them.

use std::io::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Appends a string with its quotes, escaping what JSON must have escaped and nothing else.
pub(super) fn string(string: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = string.as_bytes();
    while let Some(run) = rest.iter().position(|b| matches!(b, b'"' | b'\\' | 0..0x20)) {
        out.extend_from_slice(&rest[..run]);
        match rest[run] {
            byte @ (b'"' | b'\\') => out.extend_from_slice(&[b'\\', byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => display(format_args!("\\u{byte:04x}"), out),
        }
        rest = &rest[run + 1..];
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Appends the shortest spelling of a double that reads back as the same double, and as no integer: `30.0`, `1e16`.
/// NaN and the infinities get the names that Extended JSON gives them, without quotes.
pub(super) fn double(number: f64, out: &mut Vec<u8>) {
    if number.is_nan() {
        out.extend_from_slice(b"NaN");
    } else if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        display(format_args!("{number:?}"), out);
    }
}

/// Appends a finite double as JavaScript and Go spell it, whole numbers without a point: `30`, `1e21`.
pub(super) fn short_double(number: f64, out: &mut Vec<u8>) {
    match number.abs() {
        size if size >= 1e21 || (size != 0.0 && size < 1e-6) => display(format_args!("{number:e}"), out),
        _ => display(number, out),
    }
}

/// Appends bytes as base64, without quotes.
pub(super) fn base64(bytes: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(STANDARD.encode(bytes).as_bytes());
}

/// Appends what `text` displays as, without quotes.
pub(super) fn display(text: impl std::fmt::Display, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{text}");
}
