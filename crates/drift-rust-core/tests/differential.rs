//! The core beside the slow reference (`reference/mod.rs`): value, canonical
//! bytes, Struct and span bytes, schema, hashes, error code and offset, equal
//! exactly, on tables of awkward texts and on generated ones.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

#[path = "checks/mod.rs"]
mod checks;
#[path = "generator/mod.rs"]
mod generator;
#[path = "reference/mod.rs"]
mod reference;

use generator::Random;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

/// `DIFFERENTIAL_CASES` asks for more or fewer generated documents.
fn cases(default: usize) -> usize {
    let asked = std::env::var("DIFFERENTIAL_CASES").ok();
    asked.map_or(default, |text| text.parse().expect("a number"))
}

/// `DIFFERENTIAL_SEED` asks for other documents.
fn seed() -> u64 {
    let asked = std::env::var("DIFFERENTIAL_SEED").ok();
    asked.map_or(20_261_121, |text| text.parse().expect("a number"))
}

/// Reads a text, which must be JSON.
fn valid(text: &str) {
    let read = checks::reading(text.as_bytes());
    assert!(
        read.is_ok(),
        "{} is meant to be JSON",
        checks::shown(text.as_bytes())
    );
}

/// Documents that have every kind of token next to every other.
const SAMPLES: [&str; 14] = [
    r#"{"a":1,"b":[true,false,null],"c":{"d":"e"}}"#,
    r#"[{"a":1,"b":2},{"a":3,"b":4},{"b":5,"a":6},{"a":7,"b":8,"a":9},{"a":0}]"#,
    r#" [ 1 , -0 , 0.5 , 1e5 , -1.25E-7 , 123456789012345678901 ] "#,
    r#"{"":"","\u0061":"\ud83d\ude00\ud83d","a":"\"\\\/\b\f\n\r\t\u001f"}"#,
    "{\"\u{e9}\":\"\u{10ffff}\u{ffff}\",\"\u{e000}\":1,\"\u{10000}\":2}",
    r#"[[],[[]],{},{"a":{}},[{}],"",0]"#,
    r#""a string as the whole text, longer than thirty-two bytes""#,
    "-12345678.87654321e-12",
    "true",
    " null\n",
    r#"{"type":7,"properties":{"a":{"type":1}},"items":{"type":2,"encoding":1},"match_importance":0.5}"#,
    r#"[1.7976931348623158e308,1.7976931348623159e308,{"a":1,"a":1}]"#,
    r#"{"k":1,"k":"\ud800","k":1e400,"k":[1,{"k":2}]}"#,
    r#"{"key_of_16_bytes.":"value of 16 byte","key_of_17_bytes..":"value of 17 bytes"}"#,
];

#[test]
fn a_text_cut_off_at_any_byte_is_refused_there() {
    for sample in SAMPLES {
        checks::json(sample.as_bytes());
        for end in 0..sample.len() {
            checks::reading(&sample.as_bytes()[..end]).ok();
        }
    }
}

#[test]
fn a_text_with_one_byte_changed_added_or_taken_away_reads_as_the_reference_reads_it() {
    for sample in SAMPLES {
        for at in 0..sample.len() {
            let mut shorter = sample.as_bytes().to_vec();
            shorter.remove(at);
            checks::reading(&shorter).ok();
            for byte in generator::INTERESTING {
                let mut bytes = sample.as_bytes().to_vec();
                bytes[at] = byte;
                checks::reading(&bytes).ok();
                if byte.is_ascii_graphic() || byte == b' ' {
                    continue;
                }
                bytes[at] = sample.as_bytes()[at];
                bytes.insert(at, byte);
                checks::reading(&bytes).ok();
            }
        }
    }
}

#[test]
fn strings_of_any_length_with_anything_at_any_place() {
    for length in 0..=40 {
        for at in 0..=length {
            let before = "x".repeat(at);
            let after = "y".repeat(length - at);
            let (mut values, mut keys) = (Vec::new(), Vec::new());
            for part in generator::STRING_PARTS {
                let string = format!("\"{before}{part}{after}\"");
                keys.push(format!("{string}:0"));
                values.push(string);
            }
            valid(&format!(
                "[{},{{{}}}]",
                values.join(","),
                keys.join(",").replace(":0", ":[]")
            ));
            for part in generator::BAD_STRING_PARTS {
                let bytes = [b"\"", before.as_bytes(), part, after.as_bytes(), b"\""].concat();
                checks::reading(&bytes).ok();
                if at == length {
                    checks::reading(&bytes[..bytes.len() - 1]).ok();
                    let key = [b"{", &bytes[..], b":1}"].concat();
                    checks::reading(&key).ok();
                }
            }
        }
    }
    // Around the widths that wide registers have, at any distance from the start.
    for length in [62, 63, 64, 65, 126, 127, 128, 129, 255, 256, 257] {
        for special in ["\\n", "\\\"", "\u{e9}", "\u{1f600}", "\u{1}", ""] {
            for at in [0, 1, 31, 32, length - 1, length] {
                for spaces in [0, 1, 7, 15, 16, 31] {
                    let (before, after) = ("a".repeat(at), "b".repeat(length - at));
                    let text = format!("{}\"{before}{special}{after}\"", " ".repeat(spaces));
                    checks::reading(text.as_bytes()).ok();
                }
            }
        }
    }
}

/// Reads number tokens one by one, and those that are within the range all together.
fn numbers(tokens: &[String]) {
    let mut good = Vec::new();
    for token in tokens {
        match reference::parse(token.as_bytes(), reference::Rules::Rfc8785, 9) {
            Ok(_) => good.push(token.as_str()),
            Err(_) => drop(checks::reading(token.as_bytes())),
        }
    }
    valid(&format!("[{}]", good.join(",")));
    let negative: Vec<_> = good.iter().map(|token| format!("-{token}")).collect();
    valid(&format!("[ {} ]", negative.join(" , ")));
}

#[test]
fn numbers_of_any_length_with_a_point_and_an_exponent_anywhere() {
    const EXPONENTS: [&str; 29] = [
        "", "e0", "E1", "e+2", "e-1", "e-4", "e-5", "e-6", "e-7", "e5", "e6", "e14", "e15", "e16",
        "e17", "e20", "e21", "e22", "e23", "e-22", "e-23", "e290", "e307", "e308", "e309", "e-300",
        "e-308", "E-323", "e-345",
    ];
    let mut random = Random::new(seed());
    for count in 1..=25 {
        for point in 0..count + 3 {
            let digits = generator::digits(&mut random, count);
            let number = generator::with_point(&digits, point);
            let tokens = EXPONENTS.map(|exponent| format!("{number}{exponent}"));
            numbers(&tokens);
            numbers(&[
                format!("{number}0"),
                format!("{number}00e-3"),
                format!("0{number}"),
            ]);
        }
    }
}

#[test]
fn numbers_at_every_distance_from_the_end_of_the_text() {
    // Near the end of the text there are no 32 bytes to be read at once, and
    // beyond 8 and 16 digits there is another word to be added up.
    let mut random = Random::new(seed());
    for whole in 0..=19 {
        for fraction in 0..=20 {
            let mut token = match whole {
                0 => "0".to_owned(),
                _ => generator::digits(&mut random, whole),
            };
            if fraction > 0 {
                token += ".";
                token += &generator::digits(&mut random, fraction);
            }
            for behind in (0..34).step_by(1 + (whole + fraction) % 3) {
                let blank = " ".repeat(behind);
                for token in [token.clone(), format!("-{token}"), format!("{token}x")] {
                    checks::reading(format!("[{token}{blank}]").as_bytes()).ok();
                    checks::reading(format!("{token}{blank}").as_bytes()).ok();
                }
            }
        }
    }
}

#[test]
fn numbers_near_a_change_of_representation() {
    for near in generator::NEAR {
        let mut tokens = Vec::new();
        for number in near - 5..near + 6 {
            for end in [
                "", ".0", ".5", ".25", "e0", "e1", "e-1", "e-20", "0", "00.0", ".999999",
            ] {
                tokens.push(format!("{number}{end}"));
            }
            // The same magnitude as a fraction.
            tokens.push(format!("0.{number}"));
            tokens.push(format!("0.0000{number}"));
            tokens.push(format!("0.{number}e20"));
        }
        numbers(&tokens);
    }
    let mut tokens = Vec::new();
    for exponent in -345..=310 {
        for digits in [
            "1",
            "2.5",
            "9.999999999999999",
            "4.9406564584124654",
            "1.7976931348623157",
        ] {
            tokens.push(format!("{digits}e{exponent}"));
        }
    }
    numbers(&tokens);
}

/// The exact digits half way between a positive double and the next one.
fn midpoint(value: f64) -> String {
    let next = f64::from_bits(value.to_bits() + 1);
    let (left, right) = (format!("{value:.1100}"), format!("{next:.1100}"));
    let width = left.len().max(right.len());
    let (left, right) = (format!("{left:0>width$}"), format!("{right:0>width$}"));
    let mut sum = Vec::new();
    let mut carry = 0;
    for (left, right) in left.bytes().rev().zip(right.bytes().rev()) {
        if left == b'.' {
            sum.push(b'.');
            continue;
        }
        let digit = left - b'0' + right - b'0' + carry;
        sum.push(b'0' + digit % 10);
        carry = digit / 10;
    }
    sum.push(b'0' + carry);
    let mut half = String::new();
    let mut carry = 0;
    for digit in sum.into_iter().rev() {
        if digit == b'.' {
            half.push('.');
            continue;
        }
        let digit = carry * 10 + digit - b'0';
        half.push(char::from(b'0' + digit / 2));
        carry = digit % 2;
    }
    let half = half.trim_start_matches('0').trim_end_matches('0');
    match half.starts_with('.') {
        true => format!("0{half}"),
        false => half.to_owned(),
    }
}

#[test]
fn numbers_half_way_between_two_doubles_and_a_hair_beside() {
    assert_eq!(midpoint(9007199254740992.0), "9007199254740993.");
    let mut random = Random::new(seed());
    for round in 0..150 {
        let value = match round {
            0 => 0.0,
            1 => f64::from_bits(0x7FEF_FFFF_FFFF_FFFE),
            2 => f64::MIN_POSITIVE,
            3..40 => random.below(100_000) as f64 / 64.0,
            40..80 => random.bits() as f64,
            _ => f64::from_bits(random.bits() >> 1).min(1e308),
        };
        if !value.is_finite() {
            continue;
        }
        let half = midpoint(value);
        let whole = half.strip_suffix('.').unwrap_or(&half);
        let fraction = if half.ends_with('.') { ".0" } else { "" };
        numbers(&[
            format!("{whole}{fraction}"),
            format!("{whole}{fraction}0000000000000000000000000000001"),
            // The last digit of a midpoint is never 0, so one less is below it.
            format!(
                "{}{}9999999999999999999999",
                &whole[..whole.len() - 1],
                char::from(whole.as_bytes()[whole.len() - 1] - 1)
            ),
            format!("{value:e}"),
            format!("{:e}", f64::from_bits(value.to_bits() + 1)),
            format!("{value:.17e}"),
            format!("{value:.15e}"),
        ]);
    }
}

#[test]
fn the_nearest_of_the_shortest_digits_is_printed_for_powers_of_two() {
    // Among them are the ties and the doubles whose neighbours are not
    // equally far.
    for exponent in -1074..=1023 {
        let value = 2f64.powi(exponent.max(-1022)) / 2f64.powi(-(exponent.min(-1022) + 1022));
        for bits in [
            value.to_bits().saturating_sub(1),
            value.to_bits(),
            value.to_bits() + 1,
        ] {
            valid(&format!("{:e}", f64::from_bits(bits)));
        }
    }
}

#[test]
fn malformed_numbers_are_refused_where_the_reference_refuses_them() {
    for token in [
        "-",
        "+1",
        "01",
        "-01",
        "00",
        "0x1",
        ".5",
        "-.5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "1E-",
        "1e5.",
        "1.5.5",
        "--1",
        "1-",
        "1+1",
        "1e1e1",
        "Infinity",
        "-Infinity",
        "NaN",
        "1_000",
        "1,5",
        "0e",
        "-0.",
        "1e400",
        "-1e400",
        "1e400x",
        "0e400",
        "-0e-400",
        "0.0e999999999999999999999",
        "1e-999999999999999999999",
        "1e99999999999999999999999",
        "1e00000000000000000000001",
        "0.1e+000000000000000000000002",
        "\u{661}",
        "1\u{661}",
        "1\0",
        "1a",
        "1\"",
    ] {
        for (before, after) in [
            ("", ""),
            ("[", "]"),
            ("{\"a\":", "}"),
            ("[1,", ",1]"),
            (" ", " "),
        ] {
            checks::reading(format!("{before}{token}{after}").as_bytes()).ok();
        }
    }
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(count - 1) {
        for at in 0..count {
            let mut longer = shorter.clone();
            longer.insert(at, count - 1);
            all.push(longer);
        }
    }
    all
}

fn object(keys: &[&str]) -> String {
    let members: Vec<_> = keys
        .iter()
        .enumerate()
        .map(|(place, key)| format!("\"{key}\":{place}"))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn members_in_any_order_and_any_of_them_repeated() {
    let key_sets: [[&str; 5]; 10] = [
        ["a", "b", "c", "d", "e"],
        ["", "a", "aa", "aaa", "ab"],
        ["name", "name\\u0000", "nam", "names", "name0"],
        [
            "prefix_8",
            "prefix_8_",
            "prefix_8_16_byte",
            "prefix_8_16_byte_",
            "prefix_",
        ],
        // They differ in the low bits of the eighth byte, in its high bits, in length.
        ["aaaaaaaa", "aaaaaaab", "aaaaaaah", "aaaaaaai", "aaaaaaa"],
        ["a", "\\u0061", "b", "\\u0062", "\\u0062c"],
        ["\u{e000}", "\u{10000}", "\\ud800", "\u{ffff}", "\u{fffd}"],
        ["\\\"", "\\\\", "\\n", "\\u000a", "\\/"],
        ["\u{e9}", "e\u{301}", "e", "\u{e8}", "z"],
        [
            "12345678",
            "123456789",
            "12345678\\u0000",
            "1234567",
            "1234567\\u0000",
        ],
    ];
    for keys in key_sets {
        let mut rows = Vec::new();
        for order in permutations(5) {
            let ordered: Vec<_> = order.iter().map(|place| keys[*place]).collect();
            rows.push(object(&ordered));
            if order[0] == 0 {
                for again in keys {
                    for at in 0..=5 {
                        let mut repeated = ordered.clone();
                        repeated.insert(at, again);
                        rows.push(object(&repeated));
                    }
                }
            }
        }
        for row in &rows {
            checks::reading(row.as_bytes()).ok();
        }
        // All of them beside each other: the same keys in ever other orders.
        checks::json(format!("[{}]", rows.join(",")).as_bytes());
        checks::json(format!("{{\"rows\":[{}]}}", rows.join(" , ")).as_bytes());
    }
}

#[test]
fn objects_of_many_keys_in_any_order_with_any_of_them_repeated() {
    let mut random = Random::new(seed());
    for count in [
        7, 8, 9, 15, 16, 17, 31, 32, 33, 63, 64, 65, 66, 127, 128, 129, 255, 256, 257, 600,
    ] {
        for style in 0..5 {
            let mut keys: Vec<String> = (0..count)
                .map(|place| match style {
                    0 => format!("k{place:04}"),
                    1 => format!("{place}"),
                    2 => format!("the same long beginning of a key {place}"),
                    3 => "a".repeat(place % 70),
                    _ => format!("\\u{:04x}", 0x20 + random.below(0xFFDF)),
                })
                .collect();
            for order in 0..4 {
                match order {
                    0 => keys.sort(),
                    1 => keys.reverse(),
                    2 => random.shuffle(&mut keys),
                    _ => {
                        let again = random.below(keys.len());
                        keys.insert(random.below(keys.len() + 1), keys[again].clone());
                    }
                }
                let keys: Vec<_> = keys.iter().map(String::as_str).collect();
                let one = object(&keys);
                checks::reading(one.as_bytes()).ok();
                if count < 70 {
                    checks::reading(format!("[{one},{one},{{}},{one}]").as_bytes()).ok();
                }
            }
        }
    }
}

#[test]
fn rows_of_one_shape_with_one_of_them_different_in_one_place() {
    let base = [
        ("id", "17"),
        ("name", "\"n\""),
        ("tags", "[\"a\"]"),
        ("at", "{\"lat\":1.5,\"lon\":2}"),
    ];
    let row = |members: &[(&str, &str)], separator: &str| {
        let members: Vec<_> = members
            .iter()
            .map(|(key, value)| format!("\"{key}\"{separator}{value}"))
            .collect();
        format!(
            "{{{}}}",
            members.join(if separator == ":" { "," } else { " , " })
        )
    };
    let mut changed = Vec::new();
    for at in 0..base.len() {
        let mut members = base.to_vec();
        members.remove(at);
        changed.push(row(&members, ":"));
        for key in [
            "",
            "i",
            "idx",
            "\\u0069d",
            "nam\\u0065",
            "zz",
            "Id",
            "at\\u0000",
            "tags2",
            "\u{e9}",
        ] {
            let mut members = base.to_vec();
            members[at].0 = key;
            changed.push(row(&members, ":"));
            members[at] = base[at];
            members.insert(at, (key, "0"));
            changed.push(row(&members, ":"));
        }
        for value in [
            "null",
            "-0",
            "1e2",
            "\"\\u0041\"",
            "{}",
            "[]",
            "[1,2]",
            "{\"lat\":1}",
            "{\"lon\":1,\"lat\":2}",
            "{\"lat\":1,\"lon\":2,\"lat\":3}",
        ] {
            let mut members = base.to_vec();
            members[at].1 = value;
            changed.push(row(&members, ":"));
        }
        for other in 0..base.len() {
            let mut members = base.to_vec();
            members.swap(at, other);
            changed.push(row(&members, ":"));
            members = base.to_vec();
            members.insert(at, (base[other].0, "\"again\""));
            changed.push(row(&members, ":"));
        }
        // A fault in the middle of what was expected.
        for fault in [
            "1.",
            "\"",
            "tru",
            "{\"lat\":1.5,\"lon\":2",
            "{\"lat\",1}",
            "1e999",
            "\"\\ud800\"",
        ] {
            let mut members = base.to_vec();
            members[at].1 = fault;
            changed.push(row(&members, ":"));
        }
    }
    changed.extend([
        "{}".into(),
        "[]".into(),
        "1".into(),
        row(&base, " : "),
        row(&base[..1], ":\n"),
    ]);
    changed.extend([
        row(&base, ""),
        row(&base, "::"),
        row(&base, ","),
        "{\"id\":1,}".into(),
    ]);
    let base = row(&base, ":");
    for changed in &changed {
        for place in 0..4 {
            let mut rows = [base.as_str(); 4];
            rows[place] = changed;
            checks::reading(format!("[{}]", rows.join(",")).as_bytes()).ok();
        }
        // Alternating, so that a wrong memory is kept and asked again.
        let rows = [&base[..], changed, changed, &base[..], changed, &base[..]];
        checks::json(format!("[{}]", rows.join(",")).as_bytes());
        checks::json(format!("{{\"a\":{base},\"b\":{changed},\"c\":{base}}}").as_bytes());
    }
}

#[test]
fn thousands_of_shapes_each_used_again() {
    let mut random = Random::new(seed());
    let shapes: Vec<String> = (0..4_000)
        .map(|shape| {
            let mut keys: Vec<String> = (0..1 + shape % 5)
                .map(|place| format!("k{}", (shape >> place) % 37 + place * 40))
                .collect();
            random.shuffle(&mut keys);
            let keys: Vec<_> = keys.iter().map(String::as_str).collect();
            object(&keys)
        })
        .collect();
    let mut rows: Vec<&str> = shapes.iter().chain(&shapes).map(String::as_str).collect();
    checks::json(format!("[{}]", rows.join(",")).as_bytes());
    random.shuffle(&mut rows);
    rows.truncate(2_000);
    checks::json(format!("{{\"rows\":[{}]}}", rows.join(",")).as_bytes());
    // Objects in objects: a shape whose members have shapes.
    let nested: Vec<_> = rows
        .chunks(5)
        .map(|rows| format!("{{\"a\":{},\"b\":[{}]}}", rows[0], rows[1..].join(",")))
        .collect();
    checks::json(format!("[{}]", nested.join(",")).as_bytes());
}

/// An array of so many numbers, the last of which is this.
fn long_array(count: usize, last: &str) -> String {
    const NUMBERS: [&str; 7] = [
        "0",
        "-2",
        "0.5",
        "7",
        "1234567890.125",
        "-0.0",
        "90071992547409917",
    ];
    let numbers = (1..count).map(|place| NUMBERS[(place + place / 1024) % NUMBERS.len()]);
    format!("[{},{last}]", numbers.collect::<Vec<_>>().join(","))
}

#[test]
fn long_arrays_of_numbers_in_large_texts() {
    // From 1 MiB of text on, arrays of 1,024 canonical numbers and more are left in
    // the text and read again, as many at once.
    let mut arrays: Vec<_> = [1_023, 1_024, 1_025, 2_047, 2_048, 2_049, 3_000]
        .map(|count| long_array(count, "8"))
        .into();
    // Another item, a number or white space that is not canonical, and too many
    // digits keep them from being left there.
    for last in ["\"8\"", "1e5", " 8", "8 ", "1.50", "12345678901234567890"] {
        arrays.push(long_array(1_500, last));
    }
    let arrays = arrays.join(",");
    let text = |length: usize| {
        let body = format!(
            "{{\"z\":[{arrays}],\"a\":{},\"p\":\"",
            long_array(1_024, "9")
        );
        let padding = "x".repeat(length - body.len() - 2);
        format!("{body}{padding}\"}}")
    };
    let mebibyte = 1 << 20;
    for length in [mebibyte - 1, mebibyte, mebibyte + 1] {
        let text = text(length);
        assert_eq!(text.len(), length);
        checks::payload(text.as_bytes(), None);
    }
    // In a decoded body, and for readers of single values.
    let text = text(mebibyte);
    let payload = serde_json::json!({"x": 1, "body": text}).to_string();
    checks::payload(payload.as_bytes(), Some(br#"{"body":{"decoded_type":1}}"#));
    checks::reading(text.as_bytes()).ok();
    let changed = text.replace(",9]", ",10]");
    let differences = drift_rust_core::diff_json(&text, &changed).unwrap();
    let paths: Vec<_> = differences.iter().map(|each| each.path.as_str()).collect();
    assert_eq!(paths, ["$.a[1023]"]);
}

/// Members of every kind of value, with a space before, behind or on both sides of
/// the colon, or none.
fn members_with_spaces(key: impl Fn(usize) -> String) -> String {
    let values = [
        "null",
        "true",
        "false",
        "1",
        "-0",
        "0.5",
        "0.50",
        "1e5",
        "12345678901234567890",
        "\"s\"",
        "\"\\n\"",
        "\"\\/\"",
        "\"longer than thirty-two bytes, key and all\"",
        "\"longer than ninety-six bytes, which is as much as is copied in one block: it is done in another way\"",
        "[]",
        "[1]",
        "[ 1]",
        "{}",
        "{\"a\":1,\"b\":{}}",
        "{\"b\":1,\"a\":2}",
    ];
    let members: Vec<_> = values
        .iter()
        .flat_map(|value| [":", " :", ": ", " : "].map(|colon| (colon, value)))
        .enumerate()
        .map(|(place, (colon, value))| format!("\"{}\"{colon}{value}", key(place)))
        .collect();
    format!("{{{}}}", members.join(","))
}

#[test]
fn hashes_of_texts_around_the_length_from_which_they_are_hashed_along() {
    // From 16 KiB on, in blocks of 64 bytes; members out of order, so that the text
    // is written piece by piece.
    let rows: Vec<_> = (0..400)
        .map(|row| format!("{{\"b\":{row},\"a\":[{row}.5,\"\u{e9}\"]}}"))
        .collect();
    let rows = rows.join(",");
    let limit: usize = 16 * 1024;
    for length in (limit - 66..limit + 66)
        .step_by(11)
        .chain([limit, 3 * limit + 1])
    {
        let body = format!("{{\"z\":[{rows}],\"p\":\"");
        let padding = "x".repeat(length - body.len() - 2);
        let text = format!("{body}{padding}\"}}");
        assert_eq!(text.len(), length);
        let value = checks::reading(text.as_bytes()).unwrap();
        let canonical = reference::canonical(&value, reference::Rules::Drift);
        let hash = reference::sha256(&canonical);
        let hashed = drift_rust_core::normalize_and_hash(&text).unwrap();
        assert_eq!(hashed, (canonical, hash.clone()));
        assert_eq!(drift_rust_core::deterministic_hash(&text), Ok(hash));
    }
}

#[test]
fn members_of_unknown_keys_with_and_without_spaces_at_the_colon() {
    for round in 0..6 {
        // In canonical order, in another one, and with keys that need an escape.
        checks::json(members_with_spaces(|place| format!("{round}_{place:02}")).as_bytes());
        checks::json(members_with_spaces(|place| format!("{:02}_{round}", 99 - place)).as_bytes());
        checks::json(
            members_with_spaces(|place| format!("\\\"{round}{:02}", 99 - place)).as_bytes(),
        );
    }
}

#[test]
fn objects_behind_ever_more_unknown_keys() {
    // After some hundred unknown keys the objects of a document are no longer
    // looked up, and after fewer of the next document.
    let known = concat!(
        r#"{"b":1,"a":{"d":null,"c":[true]}},{"a":2,"b":{"c":[false],"d":0.5}},"#,
        r#"{"a":3,"a":4,"b":5},{"a" :6, "b":[{"d":1,"c":2},{"c":3,"d":4}]},{},{"\u0061":7}"#
    );
    let mut name = 0;
    let mut unknown = |count: usize| {
        let mut objects = String::new();
        for _ in 0..count {
            name += 1;
            objects += &format!("{{\"u{name}\":{name}}},");
        }
        objects
    };
    let wide = members_with_spaces(|place| format!("w{:02}", 99 - place));
    for count in [80, 84, 85, 86, 87, 680, 681, 682, 683, 684, 685, 2_000] {
        for _ in 0..2 {
            let rows = format!("{known},{}{known},{wide},{known}", unknown(count));
            checks::json(format!("[{rows}]").as_bytes());
            checks::json(format!("{{\"rows\":[{rows}],\"a\":0}}").as_bytes());
        }
        checks::json(format!("[{known}]").as_bytes());
    }
}

#[test]
fn white_space_of_every_kind_between_any_two_tokens() {
    let tokens = [
        "{", "\"a\"", ":", "[", "1", ",", "-2.5", ",", "\"x\"", ",", "{", "}", ",", "[", "]", "]",
        ",", "\"b\"", ":", "{", "\"c\"", ":", "null", "}", ",", "\"d\"", ":", "true", "}",
    ];
    let many: Vec<String> = (1..=34).map(|count| " ".repeat(count)).collect();
    let kinds = [
        "\n",
        "\t",
        "\r",
        "\r\n",
        " \n\t\r ",
        "\n        ",
        "\u{b}",
        "\u{c}",
        "\u{a0}",
        "\0",
        "\u{feff}",
        "\u{2028}",
        "\u{85}",
        "/**/",
        "#",
        "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
    ];
    for gap in 0..=tokens.len() {
        for space in many.iter().map(String::as_str).chain(kinds) {
            let (before, after) = tokens.split_at(gap);
            let text = format!("{}{space}{}", before.concat(), after.concat());
            checks::reading(text.as_bytes()).ok();
        }
    }
    for space in [" ", "\n", "\t", "\r", "\n  ", "                    "] {
        valid(&format!("{space}{}{space}", tokens.join(space)));
    }
    for blank in ["", " ", "\n", "    ", "\u{feff}", "\u{feff}1", "\u{feff}{}"] {
        checks::json(blank.as_bytes());
    }
}

#[test]
fn nesting_around_the_limits() {
    for depth in [1, 2, 3, 4, 126, 127, 128, 129, 130, 256, 257, 258, 259, 300] {
        for (open, inside, close) in [
            ("[", "", "]"),
            ("[", "1", "]"),
            ("{\"a\":", "{}", "}"),
            ("{\"a\":", "\"s\"", "}"),
            ("[1,", "[]", ",2]"),
            ("{\"b\":1,\"a\":", "[]", "}"),
            ("{\"a\":1,\"a\":", "0.5", ",\"b\":2}"),
            (" [ ", "null", " ] "),
            ("[{\"a\":", "{}", "}]"),
            ("{\"items\":", "{\"type\":7}", "}"),
            ("{\"properties\":{\"a\":", "{\"type\":1}", "}}"),
        ] {
            let levels = open.matches(['[', '{']).count();
            let times = depth / levels;
            let text = format!("{}{inside}{}", open.repeat(times), close.repeat(times));
            checks::json(text.as_bytes());
            // Not closed, closed too often, closed by the other bracket.
            checks::reading(&text.as_bytes()[..text.len() - 1]).ok();
            checks::reading(format!("{text}{close}").as_bytes()).ok();
            checks::reading(
                format!("{}{inside}{}", open.repeat(times), "}".repeat(depth)).as_bytes(),
            )
            .ok();
            checks::reading(
                format!("{}{inside}{}", open.repeat(times), "]".repeat(depth)).as_bytes(),
            )
            .ok();
        }
    }
    // Deep, shallow, deep again: the levels are given back.
    let (open, close) = ("[".repeat(126), "]".repeat(126));
    checks::json(format!("[{open}{close},{open}{close},{{\"a\":{open}{close}}}]").as_bytes());
}

#[test]
fn schema_arguments_of_every_form() {
    for value in [
        "1",
        "\"1\"",
        "null",
        "true",
        "[]",
        "{}",
        "[1]",
        "-0",
        "1.0",
        "1e0",
        "2147483647",
        "2147483648",
        "-2147483648",
        "-2147483649",
        "9999999999999999999999",
        "0",
        "{\"type\":2}",
        "{\"a\":{}}",
        "{\"a\":1,\"b\":{\"type\":6,\"properties\":{\"c\":{\"items\":3}}},\"\":{}}",
        "1e308",
        "123456789012345678901234567890",
    ] {
        for name in [
            "type",
            "properties",
            "items",
            "encoding",
            "decoded_type",
            "match_importance",
            "unknown",
        ] {
            checks::json(format!("{{\"{name}\":{value}}}").as_bytes());
            checks::json(format!("{{\"type\":7,\"{name}\":1,\"{name}\":{value},\"items\":{{\"{name}\":{value}}}}}").as_bytes());
        }
    }
}

/// Values and merges of one top-level member in every combination.
#[test]
fn payloads_with_merges_of_every_form() {
    let values = [
        "1",
        "null",
        "[\"e30=\"]",
        "\"\"",
        "\"e30=\"",
        "\"eyJhIjoxfQ==\"",
        "\"eyJhIjoxfQ\"",
        "\"eyJhIjoxfR==\"",
        "\"e30= \"",
        "\" e30=\"",
        "\"e3\\u0030=\"",
        "\"e30\"",
        "\"e3==\"",
        "\"=\"",
        "\"====\"",
        "\"AA=A\"",
        "\"////\"",
        "\"__-_\"",
        "\"7u7/4YA=\"",
        "\"8J+Y\"",
        "\"77u/e30=\"",
        "\"AAAA\"",
        "\"{}\"",
        "\"[1,\"",
        "\"1e400\"",
        "\"-0\"",
        "\"\\ud800\"",
        "\"\\\"\\\\ud800\\\"\"",
        "\"IlxZIg==\"",
        "\"IlxkODAwIg==\"",
        "\"123456789012345678901\"",
        "\"{\\\"b\\\":1,\\\"a\\\":{\\\"b\\\":2},\\\"b\\\":3}\"",
        "\"null\"",
        "\"\\u00e9\"",
        "\"true\"",
        "\" 1 \"",
    ];
    let merges = [
        "{}",
        "{\"encoding\":1}",
        "{\"decoded_type\":1}",
        "{\"encoding\":1,\"decoded_type\":1}",
        "{\"encoding\":0,\"decoded_type\":0,\"match_importance\":0}",
        "[1,1,0.5]",
        "[1]",
        "[null,1]",
        "[]",
        "{\"encoding\":2,\"decoded_type\":-7,\"match_importance\":1}",
    ];
    for value in values {
        for merge in merges {
            let payload = format!("{{\"b\":{value},\"a\":{value},\"c\":{{\"b\":{value}}}}}");
            let merges = format!("{{\"b\":{merge},\"absent\":{merge},\"c\":{merge}}}");
            checks::merges(payload.as_bytes(), merges.as_bytes());
        }
    }
    for entry in [
        "1",
        "null",
        "\"\"",
        "[1,1,1,1]",
        "[[]]",
        "{\"encoding\":\"1\"}",
        "{\"encoding\":1.0}",
        "{\"encoding\":1e0}",
        "{\"encoding\":-0}",
        "{\"encoding\":2147483648}",
        "{\"encoding\":null}",
        "{\"decoded_type\":true}",
        "{\"match_importance\":\"1\"}",
        "{\"match_importance\":1e400}",
        "{\"match_importance\":-0}",
        "{\"other\":1e400}",
        "{\"match_importance\":123456789012345678901234567890}",
        "{\"encoding\":1,\"encoding\":1}",
        "{\"other\":1,\"other\":2}",
        "{\"encodin\\u0067\":1,\"encoding\":2}",
        "{\"encoding\":{\"a\":1}}",
        "{\"match_importance\":5e-324}",
        "{\"encoding\":}",
        "{\"\\ud800\":1}",
        "[0,0,1e400]",
        "[0,0,0,]",
        "[1e5]",
    ] {
        for key in ["b", "", "a b", "_x9", "9x", "\\n", "\u{e9}", "\\ud800"] {
            let payload = format!("{{\"{key}\":\"e30=\"}}");
            checks::merges(
                payload.as_bytes(),
                format!("{{\"{key}\":{entry}}}").as_bytes(),
            );
            let merges = format!("{{\"{key}\":{entry},\"z\":{{}},\"{key}\":{{\"encoding\":1}}}}");
            checks::merges(payload.as_bytes(), merges.as_bytes());
        }
    }
    for merges in [
        "",
        "null",
        "[]",
        "1",
        "{",
        "{}x",
        "\u{feff}{}",
        "{\"a\":{}}",
        "\"{}\"",
    ] {
        for payload in ["{\"a\":\"\"}", "[]", "{", "\"e30=\"", ""] {
            checks::merges(payload.as_bytes(), merges.as_bytes());
        }
    }
    checks::merges(b"{}", b"{\"a\":\xff}");
    for depth in [126, 127, 128] {
        let nested = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        checks::merges(
            format!("{{\"a\":\"{nested}\"}}").as_bytes(),
            b"{\"a\":[null,1]}",
        );
        checks::merges(b"{}", format!("{{\"a\":{{\"b\":{nested}}}}}").as_bytes());
    }
}

#[test]
fn generated_documents_whole_damaged_and_compared() {
    let mut random = Random::new(seed());
    let mut before = String::from("{}");
    for _ in 0..cases(1_500) {
        let text = generator::document(&mut random);
        checks::json(text.as_bytes());
        for _ in 0..4 {
            checks::reading(&generator::damaged(&mut random, &text)).ok();
        }
        let damaged = generator::damaged(&mut random, &text);
        checks::different(text.as_bytes(), &damaged);
        checks::different(text.as_bytes(), before.as_bytes());
        checks::merges(text.as_bytes(), &damaged);
        before = text;
    }
}

#[test]
fn generated_documents_cut_off_at_every_byte() {
    let mut random = Random::new(seed() + 1);
    for _ in 0..cases(1_500) / 20 {
        let text = generator::document(&mut random);
        let bytes = text.get(..400).unwrap_or(&text).as_bytes();
        for end in 0..bytes.len() {
            checks::reading(&bytes[..end]).ok();
        }
    }
}

/// Tokens in any order: mostly no JSON, and it shrinks to the shortest text
/// that is read in two ways.
fn tokens() -> impl Strategy<Value = Vec<String>> {
    let token = prop_oneof![
        8 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", " ", "\n"]).prop_map(str::to_owned),
        3 => prop::sample::select(generator::STRING_PARTS.to_vec()).prop_map(|part| format!("\"{part}\"")),
        2 => prop::sample::select(vec!["0", "-0", "1.5", "1e5", "12345678901234567890", "true", "false", "null"])
            .prop_map(str::to_owned),
        1 => any::<f64>().prop_map(|number| number.to_string()),
        1 => "[a-c\"\\\\{}\\[\\],:0-9eE.+-]{0,4}",
    ];
    prop::collection::vec(token, 0..24)
}

/// An object of a few members with keys that collide.
fn members() -> impl Strategy<Value = String> {
    let key = "[ab]{0,2}";
    let value = prop_oneof![
        Just("1".to_owned()),
        Just("{\"a\":1,\"b\":2}".to_owned()),
        "\"[a-c]{0,20}\""
    ];
    prop::collection::vec((key, value), 0..6).prop_map(|members| {
        let members: Vec<_> = members
            .into_iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

/// 400 cases from a fixed seed; `PROPTEST_CASES` and `PROPTEST_RNG_SEED` ask for others.
fn config() -> ProptestConfig {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    ProptestConfig {
        cases: number("PROPTEST_CASES").map_or(400, |cases: u64| cases as u32),
        rng_seed: RngSeed::Fixed(number("PROPTEST_RNG_SEED").unwrap_or(20_261_121)),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn tokens_in_any_order_read_as_the_reference_reads_them(tokens in tokens()) {
        checks::reading(tokens.concat().as_bytes()).ok();
    }

    #[test]
    fn any_bytes_read_as_the_reference_reads_them(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
        checks::reading(&bytes).ok();
        checks::reading(&[b"\"", &bytes[..], b"\""].concat()).ok();
    }

    #[test]
    fn any_string_is_written_as_the_reference_writes_it(text in any::<String>()) {
        checks::json(serde_json::Value::from(text).to_string().as_bytes());
    }

    #[test]
    fn any_double_is_printed_as_the_reference_prints_it(value in any::<f64>()) {
        checks::reading(value.to_string().as_bytes()).ok();
        checks::reading(format!("[{value:e},{value:.20e}]").as_bytes()).ok();
    }

    #[test]
    fn rows_whose_shapes_come_again(rows in prop::collection::vec(members(), 0..8)) {
        checks::json(format!("[{}]", rows.join(",")).as_bytes());
    }
}
