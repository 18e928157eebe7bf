//! Times in text. Only what trace lines hold; no calendar beyond that.

pub(crate) const NANOS_PER_SECOND: i128 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Nanoseconds since the Unix epoch of a time as RFC 3339 (2002) has it. A
/// leap second is the second after it; digits beyond nanoseconds are cut off.
pub(crate) fn parse_rfc3339(text: &str) -> Option<i128> {
    let (date, rest) = text.split_at_checked(10)?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (
        number(parts.next()?, 4)?,
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
    );
    let rest = rest.strip_prefix(['T', 't', ' '])?;
    let (clock, rest) = rest.split_at_checked(8)?;
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
        number(parts.next()?, 2)?,
    );
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, zone) = rest.split_at_checked(digits)?;
            (Some(fraction), zone)
        }
        None => (None, rest),
    };
    let in_range = (1..=12).contains(&month)
        && (1..=days_in_month(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60;
    if !in_range {
        return None;
    }
    let nanos = match fraction {
        Some(digits) => fraction_nanos(digits)?,
        None => 0,
    };
    let seconds =
        days_since_epoch(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second
            - zone_seconds(zone)?;
    Some(i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos))
}

/// Nanoseconds of seconds such as `1.5s`.
pub(crate) fn parse_seconds(text: &str) -> Option<i128> {
    let number_text = text.strip_suffix('s')?;
    let (digits, negative) = match number_text.strip_prefix('-') {
        Some(digits) => (digits, true),
        None => (number_text, false),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let nanos = i128::from(seconds) * NANOS_PER_SECOND + i128::from(fraction_nanos(fraction)?);
    Some(if negative { -nanos } else { nanos })
}

fn number(text: &str, digits: usize) -> Option<i64> {
    let plain = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn fraction_nanos(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let padded: String = digits.chars().chain("000000000".chars()).take(9).collect();
    padded.parse().ok()
}

fn zone_seconds(zone: &str) -> Option<i64> {
    if matches!(zone, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01, proleptic Gregorian calendar; March is the first
/// month of the counted year, so that the leap day is its last.
fn days_since_epoch(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month <= 2 {
        (year - 1, month + 9)
    } else {
        (year, month - 3)
    };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    // 719,468 days from 0000-03-01 to 1970-01-01; 146,097 in 400 years.
    era * 146_097 + day_of_era - 719_468
}

/// A time as SDKs read it: RFC 3339 in UTC with `Z` and exactly six digits of
/// a second (Python before 3.11 reads only three or six). `None` for years
/// beyond four digits.
pub fn format_rfc3339_micros(unix_nanos: i128) -> Option<String> {
    let seconds = i64::try_from(unix_nanos.div_euclid(NANOS_PER_SECOND)).ok()?;
    let micros = unix_nanos.rem_euclid(NANOS_PER_SECOND) / 1000;
    let (days, second_of_day) = (
        seconds.div_euclid(SECONDS_PER_DAY),
        seconds.rem_euclid(SECONDS_PER_DAY),
    );
    let days = days.checked_add(719_468)?;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    if !(0..=9999).contains(&year) {
        return None;
    }
    let (hour, minute, second) = (
        second_of_day / 3600,
        second_of_day / 60 % 60,
        second_of_day % 60,
    );
    Some(format!(
        "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_rfc_3339_are_read_to_the_nanosecond() {
        // Seconds by `date -u -d TEXT +%s`.
        let cases = [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-11-21T02:24:50.892454Z", 1_795_227_890_892_454_000),
            ("2026-11-21T02:24:50.8924541239Z", 1_795_227_890_892_454_123),
            ("2026-11-21t03:24:50+01:00", 1_795_227_890_000_000_000),
            ("2000-02-29 23:59:59.5-05:30", 951_888_599_500_000_000),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("0001-01-01T00:00:00Z", -62_135_596_800_000_000_000),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_rfc3339(text), Some(nanos), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        let cases = [
            "",
            "2026-11-21",
            "2026-11-21T02:24:50",
            "2026-13-01T00:00:00Z",
            "2023-02-29T00:00:00Z",
            "2026-11-21T24:00:00Z",
            "2026-11-21T02:24:50.Z",
            "2026-11-21T02:24:50+1:00",
            "+026-11-21T02:24:50Z",
            "2026-11-21T02:24:50éZ",
        ];
        for text in cases {
            assert_eq!(parse_rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn a_printed_time_reads_back_to_the_microsecond() {
        let cases = [
            (1_795_227_890_892_454_999, "2026-11-21T02:24:50.892454Z"),
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (951_868_799_000_000_000, "2000-02-29T23:59:59.000000Z"),
        ];
        for (nanos, text) in cases {
            assert_eq!(format_rfc3339_micros(nanos).as_deref(), Some(text));
            assert_eq!(parse_rfc3339(text), Some(nanos.div_euclid(1000) * 1000));
        }
        assert_eq!(format_rfc3339_micros(i128::MAX), None);
        assert_eq!(format_rfc3339_micros(253_402_300_800_000_000_000), None);
    }

    #[test]
    fn seconds_of_protobuf_json_are_read() {
        let cases = [
            ("1.5s", Some(1_500_000_000)),
            ("0s", Some(0)),
            ("-0.25s", Some(-250_000_000)),
            ("1", None),
            ("s", None),
            (".5s", None),
            ("1.s", None),
        ];
        for (text, nanos) in cases {
            assert_eq!(parse_seconds(text), nanos, "{text}");
        }
    }
}
