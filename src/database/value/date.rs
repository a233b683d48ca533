//! Dates as ISO 8601 text: milliseconds since 1970 in the proleptic Gregorian calendar, as BSON counts them.
//!
//! Years outside 0000 to 9999 have a sign and six digits or more, as in ECMAScript, so that every BSON date has a text.

const DAY: i64 = 86_400_000;
/// Days from 0000-03-01, where the arithmetic starts its years, to 1970-01-01.
const EPOCH: i64 = 719_468;
/// Days in the 400 years after which the calendar repeats.
const ERA: i64 = 146_097;

/// The text of a date: `2021-03-04T05:06:07.089Z`.
pub fn text(millis: i64) -> String {
    let (year, month, day) = civil(millis.div_euclid(DAY));
    let time = millis.rem_euclid(DAY);
    let (hour, minute, second) = (time / 3_600_000, time / 60_000 % 60, time / 1000 % 60);
    let year = match year {
        0..=9999 => format!("{year:04}"),
        _ => format!("{}{:06}", if year < 0 { '-' } else { '+' }, year.unsigned_abs()),
    };
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", time % 1000)
}

/// The milliseconds of a text of the form that [`text`] gives. The fraction of a second may have one to three digits or
/// be left out; the offset is `Z`.
pub fn parse(text: &str) -> Option<i64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    parse_day(date)?.checked_add(time_of_day(time)?)
}

/// The milliseconds of the start of a day, `2021-03-04`, in UTC.
pub fn parse_day(date: &str) -> Option<i64> {
    let (sign, unsigned) = match date.as_bytes().first()? {
        b'+' => (Some(1), &date[1..]),
        b'-' => (Some(-1), &date[1..]),
        _ => (None, date),
    };
    let mut parts = unsigned.split('-');
    let (year, month, day) = (parts.next()?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let year = match sign {
        // Nine digits reach beyond the years that milliseconds in 64 bits can name.
        Some(sign) if (6..=9).contains(&year.len()) => sign * digits(year, year.len())?,
        Some(_) => return None,
        None => digits(year, 4)?,
    };
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return None,
    };
    let valid = (1..=last).contains(&day) && parts.next().is_none();
    valid.then(|| days_from_civil(year, month, day))?.checked_mul(DAY)
}

fn time_of_day(time: &str) -> Option<i64> {
    let (clock, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = clock.split(':');
    let (hour, minute, second) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if !(1..=3).contains(&fraction.len()) || parts.next().is_some() {
        return None;
    }
    let millis = digits(fraction, fraction.len())? * [100, 10, 1][fraction.len() - 1];
    (hour < 24 && minute < 60 && second < 60).then_some(((hour * 60 + minute) * 60 + second) * 1000 + millis)
}

fn digits(text: &str, length: usize) -> Option<i64> {
    (text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Year, month and day of a day counted from 1970-01-01. Years are taken to start in March, so that the leap day is
/// their last.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + EPOCH;
    let (era, day_of_era) = (days.div_euclid(ERA), days.rem_euclid(ERA));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}

fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * ERA + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - EPOCH
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_reads_back_as_itself() {
        for (millis, iso) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_614_834_367_089, "2021-03-04T05:06:07.089Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (-62_167_219_200_001, "-000001-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "+010000-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(text(millis), iso);
            assert_eq!(parse(iso), Some(millis), "{iso}");
        }
        for extreme in [i64::MIN, i64::MAX] {
            let _ = parse(&text(extreme));
        }
        assert_eq!(parse("2024-02-29T00:00:00Z"), Some(1_709_164_800_000));
        assert_eq!(parse_day("2024-02-29"), Some(1_709_164_800_000));
    }

    #[test]
    fn what_only_looks_like_a_date_is_not_one() {
        for text in [
            "2021-02-29T00:00:00Z",
            "2021-13-01T00:00:00Z",
            "2021-01-01T24:00:00Z",
            "2021-01-01T00:00:00.1234Z",
            "2021-01-01T00:00Z",
            "2021-01-01",
            "21-01-01T00:00:00Z",
            "",
            "TZ",
            "éT00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
