//! Numbers as texts: JSON's, and those that a Decimal128 holds.

/// Digits of a Decimal128's coefficient.
const DECIMAL_DIGITS: usize = 34;
/// The exponents of a Decimal128's last digit. A text beyond them is not looked for as one.
const DECIMAL_EXPONENTS: std::ops::RangeInclusive<i32> = -6176..=6111;

/// Whether `text` is a number by JSON's grammar (RFC 8259, section 6): `007`, `.5` and `+1` are not.
pub fn is_json_number(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && (whole.len() == 1 || !whole.starts_with('0'))
        && fraction.is_none_or(digits)
        && exponent.is_none_or(digits)
}

/// Whether a JSON number is written without a fraction and an exponent.
pub fn is_whole(number: &str) -> bool {
    !number.contains(['.', 'e', 'E'])
}

/// Whether a JSON number is one that a double holds, if rounded.
pub fn is_finite(number: &str) -> bool {
    number.parse::<f64>().is_ok_and(f64::is_finite)
}

/// Whether a number is one that a Decimal128 holds exactly: `29.990`, `1E+3`.
pub fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0').len();
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let exponent: Result<i32, _> = exponent.parse();
    let in_range = exponent.is_ok_and(|exponent| {
        let fraction = i32::try_from(fraction.len()).unwrap_or(i32::MAX);
        DECIMAL_EXPONENTS.contains(&exponent.saturating_sub(fraction))
    });
    valid && in_range && significant <= DECIMAL_DIGITS
}
