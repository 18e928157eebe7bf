//! Rules that cannot be used say why.

#![allow(clippy::unwrap_used, reason = "a test may end by a panic")]

use super::*;

#[test]
fn a_path_that_is_not_a_json_path_is_refused_with_its_place_and_a_guess() {
    let error = Rule::at_path("$.items[", Allowance::Ignore).unwrap_err();
    assert_eq!(error.code(), "invalid_json_path");
    let error = Rule::at_path("items[*].id", Allowance::Ignore).unwrap_err();
    assert!(
        error.to_string().ends_with("did you mean `$.items[*].id`?"),
        "{error}"
    );
}

#[test]
fn a_pattern_that_does_not_compile_is_refused_in_one_line() {
    let error = pattern("(").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`(` is not a regular expression: unclosed group"
    );
}

#[test]
fn a_negative_or_endless_tolerance_is_refused() {
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let allowance = Allowance::Tolerance {
            absolute: value,
            relative: 0.0,
        };
        assert_eq!(
            Rule::at_path("$", allowance).unwrap_err().code(),
            "invalid_tolerance"
        );
    }
}

#[test]
fn timestamps_are_recognised_as_iso_8601_only() {
    for text in [
        "2026-11-21T02:24:50Z",
        "2026-11-21T02:24:50.123456789Z",
        "2026-11-21T02:24:50+01:00",
        "2026-11-21T02:24",
    ] {
        assert!(is_timestamp(text), "{text}");
    }
    for text in [
        "2026-13-21T02:24:50Z",
        "2026-11-21 02:24:50",
        "2026-11-21T25:24:50Z",
        "x2026-11-21T02:24:50Z",
        "2026-11-21T02:24:50Zx",
    ] {
        assert!(!is_timestamp(text), "{text}");
    }
}

#[test]
fn rules_describe_themselves_with_their_line() {
    let allowance = Allowance::Tolerance {
        absolute: 0.01,
        relative: 0.0,
    };
    let mut rule = Rule::at_path("$.price", allowance).unwrap();
    assert_eq!(rule.describe(), "$.price: tolerance 0.01");
    rule.line = Some(12);
    assert_eq!(rule.describe(), "$.price: tolerance 0.01 (line 12)");
}
