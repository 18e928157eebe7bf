//! How messages say counts, times and causes. What a time was, to the microsecond, is for
//! tables and not here.

use std::time::Duration;

/// `1 trace`, `2 traces`, `12,345 traces`.
pub fn count(number: usize, noun: &str) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let plural = if number == 1 { "" } else { "s" };
    format!("{grouped} {noun}{plural}")
}

/// How often something happened: `once`, `twice`, `11 times`.
pub fn times(number: usize) -> String {
    match number {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        more => count(more, "time"),
    }
}

/// A time that was set or waited for: `10 s`, `0.25 s`, `90 s`, to the millisecond.
pub fn seconds(time: Duration) -> String {
    let text = format!("{:.3}", time.as_secs_f64());
    let text = text.trim_end_matches('0').trim_end_matches('.');
    format!("{text} s")
}

/// From which byte two texts are to be shown where no more than so many bytes of each
/// are: 0 where their first difference is among these, else somewhat before it. It is
/// a boundary of characters in both.
pub fn shown_from(left: &str, right: &str, shown_bytes: usize) -> usize {
    if left.len().max(right.len()) <= shown_bytes || left == right {
        return 0;
    }
    let same = left.floor_char_boundary(same_bytes(left.as_bytes(), right.as_bytes()));
    if same < shown_bytes / 3 * 2 {
        return 0;
    }
    left.floor_char_boundary(same - (shown_bytes / 3).min(400))
}

/// How many bytes two texts begin with alike. Blocks are compared whole: values can
/// have many megabytes.
fn same_bytes(left: &[u8], right: &[u8]) -> usize {
    const BLOCK: usize = 4_096;
    let blocks = left.chunks(BLOCK).zip(right.chunks(BLOCK));
    let skipped = blocks.take_while(|(a, b)| a == b).count() * BLOCK;
    let letters = left.iter().zip(right).skip(skipped);
    let same = letters.take_while(|(a, b)| a == b).count();
    (skipped + same).min(left.len()).min(right.len())
}

/// An error and what caused it, in one line. A cause whose text was there already,
/// as of an error that has its cause in its own text, is not said again.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_plural_and_groups_of_three() {
        for (number, expected) in [
            (0, "0 traces"),
            (1, "1 trace"),
            (999, "999 traces"),
            (1_000, "1,000 traces"),
            (1_234_567, "1,234,567 traces"),
        ] {
            assert_eq!(count(number, "trace"), expected);
        }
    }

    #[test]
    fn how_often_is_a_word_where_there_is_one() {
        assert_eq!([1, 2, 3].map(times), ["once", "twice", "3 times"]);
    }

    #[test]
    fn times_are_said_in_seconds_without_needless_digits() {
        for (millis, expected) in [
            (0, "0 s"),
            (250, "0.25 s"),
            (10_000, "10 s"),
            (90_500, "90.5 s"),
        ] {
            assert_eq!(seconds(Duration::from_millis(millis)), expected);
        }
    }
}
