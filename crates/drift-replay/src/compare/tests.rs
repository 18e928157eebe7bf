//! What a user relies on when a response is compared.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use super::*;
use crate::rules::{Allowance, Forms, Rule, pattern};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

/// A recorded root span whose body has a decoded type in Node's spelling.
pub(super) fn recorded(status: u16, headers: &str, body: &[u8], decoded_type: Option<i32>) -> Span {
    let schema = decoded_type.map(|number| {
        format!(
            r#"{{"type":6,"properties":{{"body":{{"type":2,"properties":{{}},"encoding":1,"decodedType":{number}}}}}}}"#
        )
    });
    Span {
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        name: "GET /orders".to_owned(),
        input_value: Some(r#"{"method":"GET","target":"/orders?page=1"}"#.to_owned()),
        output_value: Some(format!(
            r#"{{"statusCode":{status},"headers":{headers},"body":"{}"}}"#,
            STANDARD.encode(body)
        )),
        output_schema: schema,
        ..Span::default()
    }
}

pub(super) fn answer(status: u16, headers: &[(&str, &str)], body: &[u8]) -> ActualResponse {
    ActualResponse {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.to_vec(),
    }
}

fn json(left: &str, right: &str, rules: &Rules) -> Comparison {
    compare_response(
        &recorded(200, "{}", left.as_bytes(), Some(1)),
        &answer(200, &[], right.as_bytes()),
        rules,
    )
}

/// `code path recorded actual` of each deviation.
pub(super) fn shown(comparison: &Comparison) -> Vec<String> {
    comparison
        .deviations
        .iter()
        .map(|one| {
            let value = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
            format!(
                "{} {} {} {}",
                one.code.as_str(),
                one.path.as_ref().unwrap_or(&one.part),
                value(&one.recorded),
                value(&one.actual)
            )
        })
        .collect()
}

fn codes(comparison: &Comparison) -> Vec<&'static str> {
    comparison
        .accepted
        .iter()
        .map(|one| one.reason.code)
        .collect()
}

fn with_rule(path: &str, allowance: Allowance) -> Rules {
    Rules {
        rules: vec![Rule::at_path(path, allowance).unwrap()],
        ..Rules::default()
    }
}

#[test]
fn all_differences_of_a_json_body_are_listed_by_path() {
    let comparison = json(
        r#"{"id":7,"user":{"name":"Ada","tags":["a","b"]},"old":true,"a b":[1]}"#,
        r#"{"id":8,"user":{"name":"Ada","tags":["a","c"]},"new":null,"a b":[2]}"#,
        &Rules::default(),
    );
    assert_eq!(
        shown(&comparison),
        [
            r#"BODY_CHANGED $["a b"][0] 1 2"#,
            "BODY_CHANGED $.id 7 8",
            "BODY_ADDED $.new - null",
            "BODY_REMOVED $.old true -",
            r#"BODY_CHANGED $.user.tags[1] "b" "c""#,
        ]
    );
}

#[test]
fn integers_beyond_a_double_and_digits_of_any_length_are_told_apart() {
    for (left, right) in [
        ("9007199254740992", "9007199254740993"),
        (
            "123456789012345678901234567890",
            "123456789012345678901234567891",
        ),
    ] {
        let comparison = json(left, right, &Rules::default());
        assert_eq!(
            shown(&comparison),
            [format!("BODY_CHANGED $ {left} {right}")]
        );
    }
}

#[test]
fn spelling_and_key_order_of_json_do_not_matter_but_the_kind_of_number_does() {
    let same = json(
        r#"{"a":1.50,"b":"\u00e9"}"#,
        "{ \"b\": \"é\", \"a\": 15e-1 }",
        &Rules::default(),
    );
    assert_eq!(same.deviations, []);
    let other = json("[1]", "[1.0]", &Rules::default());
    assert_eq!(
        other.deviations[0].description,
        "$[0] differs: an integer became a decimal number of the same size"
    );
}

#[test]
fn an_item_more_in_front_of_an_array_is_one_difference() {
    let comparison = json("[1,2,3]", "[0,1,2,3]", &Rules::default());
    assert_eq!(shown(&comparison), ["BODY_ADDED $[0] - 0"]);
    let comparison = json(
        r#"[{"n":"a"},{"n":"b"},{"n":"c"}]"#,
        r#"[{"n":"a"},{"n":"c"}]"#,
        &Rules::default(),
    );
    assert_eq!(shown(&comparison), [r#"BODY_REMOVED $[1] {"n":"b"} -"#]);
}

#[test]
fn published_forms_are_accepted_only_when_both_sides_have_them() {
    let claims = |text: &str| {
        use base64::engine::general_purpose::URL_SAFE_NO_PAD;
        format!(
            "\"eyJhbGciOiJIUzI1NiJ9.{}.c2ln\"",
            URL_SAFE_NO_PAD.encode(text)
        )
    };
    let token = claims(r#"{"sub":"7","iat":1700000000,"jti":"a"}"#);
    let later = claims(r#"{"sub":"7","iat":1700000100,"jti":"b"}"#);
    let other = claims(r#"{"sub":"8","iat":1700000100,"jti":"b"}"#);
    let cases = [
        (
            r#""8d4f3c1e-9b2a-4c5d-8e7f-0a1b2c3d4e5f""#,
            r#""00000000-0000-0000-0000-000000000000""#,
            Some("UUID"),
        ),
        (
            r#""8d4f3c1e-9b2a-4c5d-8e7f-0a1b2c3d4e5f""#,
            r#""not one""#,
            None,
        ),
        (
            r#""2026-11-21T02:24:50Z""#,
            r#""2026-11-25T21:00:00.123+01:00""#,
            Some("TIMESTAMP"),
        ),
        (r#""2026-11-21T02:24:50Z""#, r#""2026-11-21""#, None),
        (r#""2026-11-21""#, r#""21/11/2026""#, Some("DATE")),
        ("1700000000", "1700000100", Some("EPOCH")),
        ("1700000000000", r#""1700000100000""#, Some("EPOCH")),
        ("1700000000", "1700000100000", None),
        ("999999999", "1000000000", None),
        ("4102444800", "1000000000", Some("EPOCH")),
        ("4102444801", "1000000000", None),
        ("1700000000.25", "1700000100", Some("EPOCH")),
        ("1700000000123.5", "1700000100456.75", Some("EPOCH")),
        ("999999999.5", "1000000000.5", None),
        (r#""1700000000.25""#, r#""1700000001.25""#, None),
        (&token, &later, Some("JWT")),
        (&token, &other, None),
    ];
    for (left, right, expected) in cases {
        for (a, b) in [(left, right), (right, left)] {
            let comparison = json(a, b, &Rules::default());
            assert_eq!(
                (
                    codes(&comparison).first().copied(),
                    comparison.deviations.len()
                ),
                (expected, usize::from(expected.is_none())),
                "{a} and {b}"
            );
        }
        let off = Rules {
            forms: Forms {
                uuids: false,
                timestamps: false,
                dates: false,
                epochs: false,
                jwts: false,
            },
            ..Rules::default()
        };
        assert_eq!(
            json(left, right, &off).deviations.len(),
            1,
            "{left} switched off"
        );
    }
}

#[test]
fn an_ignored_field_may_differ_be_missing_or_be_extra() {
    let rules = Rules {
        ignore_fields: vec!["stamp".to_owned()],
        ..Rules::default()
    };
    for (left, right) in [
        (r#"{"Stamp":"x"}"#, r#"{"Stamp":"y"}"#),
        (r#"{"stamp":"x"}"#, "{}"),
        ("{}", r#"{"stamp":{"deep":[1]}}"#),
        (r#"{"stamp":[1,2]}"#, r#"{"stamp":[3]}"#),
    ] {
        let comparison = json(left, right, &rules);
        assert_eq!(comparison.deviations, [], "{left} {right}");
        assert_eq!(codes(&comparison), ["IGNORE_FIELD"]);
    }
}

#[test]
fn ignore_patterns_need_both_sides_to_match_the_same_one() {
    let rules = Rules {
        ignore_patterns: vec![pattern("^req-").unwrap(), pattern("^job-").unwrap()],
        ..Rules::default()
    };
    assert_eq!(json(r#""req-1""#, r#""req-2""#, &rules).deviations, []);
    assert_eq!(json(r#""req-1""#, r#""job-2""#, &rules).deviations.len(), 1);
}

#[test]
fn rules_by_path_let_differ_what_they_name_and_nothing_else() {
    let tolerance = |absolute, relative| Allowance::Tolerance { absolute, relative };
    let regex = || Allowance::Regex(pattern("^[A-Z]{3}$").unwrap());
    let cases: Vec<(&str, Allowance, &str, &str, usize)> = vec![
        ("$.a", Allowance::Ignore, r#"{"a":1}"#, r#"{"a":[2]}"#, 0),
        ("$.a", Allowance::Ignore, r#"{"a":1}"#, "{}", 0),
        ("$.a", Allowance::Ignore, "{}", r#"{"a":1}"#, 0),
        ("$.a", Allowance::Ignore, r#"{"b":1}"#, r#"{"b":2}"#, 1),
        ("$.a", Allowance::Presence, r#"{"a":1}"#, r#"{"a":"x"}"#, 0),
        ("$.a", Allowance::Presence, r#"{"a":1}"#, "{}", 1),
        ("$.a", regex(), r#"{"a":"ABC"}"#, r#"{"a":"XYZ"}"#, 0),
        ("$.a", regex(), r#"{"a":"ABC"}"#, r#"{"a":"xyz"}"#, 1),
        ("$.a", regex(), r#"{"a":"abc"}"#, r#"{"a":"XYZ"}"#, 1),
        // 1.1 - 1.0 is more than 0.1 in doubles; here it is not.
        (
            "$.a",
            tolerance(0.1, 0.0),
            r#"{"a":1.0}"#,
            r#"{"a":1.1}"#,
            0,
        ),
        (
            "$.a",
            tolerance(0.1, 0.0),
            r#"{"a":1.0}"#,
            r#"{"a":1.1000001}"#,
            1,
        ),
        (
            "$.a",
            tolerance(0.0, 0.1),
            r#"{"a":-90}"#,
            r#"{"a":-100}"#,
            0,
        ),
        ("$.a", tolerance(0.0, 0.1), r#"{"a":89}"#, r#"{"a":100}"#, 1),
        ("$.a", tolerance(0.0, 0.0), r#"{"a":1}"#, r#"{"a":1.0}"#, 0),
        ("$.a", tolerance(1.0, 0.0), r#"{"a":1}"#, r#"{"a":"1"}"#, 1),
        (
            "$.items[*].price",
            tolerance(0.01, 0.0),
            r#"{"items":[{"price":1.00},{"price":2.00}]}"#,
            r#"{"items":[{"price":1.01},{"price":2.02}]}"#,
            1,
        ),
        (
            "$..at",
            Allowance::Ignore,
            r#"{"at":1,"x":{"at":2,"y":[{"at":3}]}}"#,
            r#"{"at":4,"x":{"at":5,"y":[{"at":6}]}}"#,
            0,
        ),
        (
            "$.items[?@.kind == 'noise'].value",
            Allowance::Ignore,
            r#"{"items":[{"kind":"noise","value":1},{"kind":"data","value":1}]}"#,
            r#"{"items":[{"kind":"noise","value":2},{"kind":"data","value":2}]}"#,
            1,
        ),
    ];
    for (path, allowance, left, right, expected) in cases {
        let comparison = json(left, right, &with_rule(path, allowance));
        assert_eq!(
            comparison.deviations.len(),
            expected,
            "{path} on {left} and {right}: {:?}",
            shown(&comparison)
        );
    }
}

#[test]
fn a_rule_for_some_requests_holds_for_those_only() {
    let mut rules = with_rule("$.a", Allowance::Ignore);
    rules.rules[0].request = Some(pattern("^GET /orders").unwrap());
    assert_eq!(json(r#"{"a":1}"#, r#"{"a":2}"#, &rules).deviations, []);
    rules.rules[0].request = Some(pattern("^POST ").unwrap());
    assert_eq!(json(r#"{"a":1}"#, r#"{"a":2}"#, &rules).deviations.len(), 1);
}

#[test]
fn unordered_arrays_are_multisets_and_other_rules_hold_inside_them() {
    let rules = with_rule("$.tags", Allowance::Unordered);
    let check = |left: &str, right: &str, rules: &Rules| shown(&json(left, right, rules));
    let none: [&str; 0] = [];
    assert_eq!(
        check(
            r#"{"tags":["a","b","a"]}"#,
            r#"{"tags":["b","a","a"]}"#,
            &rules
        ),
        none
    );
    assert_eq!(
        check(
            r#"{"tags":["a","a","b"]}"#,
            r#"{"tags":["a","b","b"]}"#,
            &rules
        ),
        [r#"BODY_CHANGED $.tags[1] "a" "b""#]
    );
    // One pairing alone satisfies the tolerance; a greedy one would miss it.
    let mut both = with_rule("$.n", Allowance::Unordered);
    both.rules.push(
        Rule::at_path(
            "$.n[*]",
            Allowance::Tolerance {
                absolute: 1.0,
                relative: 0.0,
            },
        )
        .unwrap(),
    );
    assert_eq!(check(r#"{"n":[10,11]}"#, r#"{"n":[12,10.5]}"#, &both), none);
    assert_eq!(
        check(r#"{"n":[10,11]}"#, r#"{"n":[13,10.5]}"#, &both).len(),
        1
    );
    // The most alike of what is left are compared with each other.
    let people = with_rule("$", Allowance::Unordered);
    assert_eq!(
        check(
            r#"[{"id":1,"a":1,"b":1},{"id":2,"a":2,"b":2}]"#,
            r#"[{"id":2,"a":2,"b":3},{"id":1,"a":1,"b":1}]"#,
            &people
        ),
        ["BODY_CHANGED $[1].b 2 3"]
    );
}

#[test]
fn a_large_unordered_array_costs_a_bounded_time_and_says_when_it_gave_up() {
    let numbers = |from: usize| {
        let all: Vec<String> = (from..from + 400).map(|n| n.to_string()).collect();
        format!("[{}]", all.join(","))
    };
    let comparison = json(
        &numbers(0),
        &numbers(1_000),
        &with_rule("$", Allowance::Unordered),
    );
    assert_eq!(comparison.deviations.len(), 400);
    assert!(comparison.notices[0].contains("too many to pair"));
}

#[test]
fn a_body_with_very_many_differences_lists_a_thousand_and_counts_the_rest() {
    let of = |n: usize| format!("[{}]", vec![n.to_string(); 1_500].join(","));
    let comparison = json(&of(1), &of(2), &Rules::default());
    assert_eq!(
        (comparison.deviations.len(), comparison.more),
        (MAX_DIFFERENCES, 500)
    );
}

#[test]
fn accepted_differences_never_crowd_a_deviation_out() {
    let of = |at: &str, last: u8| {
        let stamps = vec![format!("\"{at}\""); 2_000].join(",");
        format!(r#"{{"a":[{stamps}],"z":{last}}}"#)
    };
    let comparison = json(
        &of("2026-11-21T02:24:50Z", 1),
        &of("2026-11-25T02:24:50Z", 2),
        &Rules::default(),
    );
    assert_eq!(shown(&comparison), ["BODY_CHANGED $.z 1 2"]);
    assert_eq!(
        (comparison.accepted.len(), comparison.more),
        (MAX_DIFFERENCES, 0)
    );
}

#[test]
fn status_is_compared_with_the_spelling_of_either_span_and_defaults_to_200() {
    for (output, status, expected) in [
        (r#"{"statusCode":201}"#, 201, 0),
        (r#"{"status":201}"#, 201, 0),
        ("{}", 200, 0),
        ("{}", 201, 1),
        (r#"{"statusCode":200}"#, 500, 1),
    ] {
        let root = Span {
            output_value: Some(output.to_owned()),
            ..Span::default()
        };
        let comparison = compare_response(&root, &answer(status, &[], b""), &Rules::default());
        assert_eq!(comparison.deviations.len(), expected, "{output} {status}");
    }
}

#[test]
fn headers_are_compared_by_the_chosen_names_and_new_or_missing_ones_are_named() {
    let root = recorded(
        200,
        r#"{"Content-Type":"application/json; charset=UTF-8","Location":"/a","X-Kept":"1","X-Gone":"1","Date":"x"}"#,
        b"{}",
        Some(1),
    );
    let actual = answer(
        200,
        &[
            ("content-type", "application/json;charset=utf-8"),
            ("location", "/b"),
            ("x-kept", "2"),
            ("x-new", "1"),
            ("date", "y"),
            ("connection", "close"),
        ],
        b"{}",
    );
    let comparison = compare_response(&root, &actual, &Rules::default());
    assert_eq!(
        shown(&comparison),
        [
            "HEADER_CHANGED headers.location /a /b",
            "HEADER_REMOVED headers.x-gone 1 -",
            "HEADER_ADDED headers.x-new - 1",
        ]
    );
    let mut rules = Rules::default();
    rules.headers.names = false;
    rules.headers.compared = vec!["*".to_owned()];
    let comparison = compare_response(&root, &actual, &rules);
    assert_eq!(comparison.deviations.len(), 4);
}

#[test]
fn another_content_type_is_a_deviation_of_its_own() {
    let root = recorded(
        200,
        r#"{"content-type":"application/json"}"#,
        b"{}",
        Some(1),
    );
    let comparison = compare_response(
        &root,
        &answer(200, &[("Content-Type", "text/html")], b"<p>"),
        &Rules::default(),
    );
    assert_eq!(
        shown(&comparison),
        [
            "CONTENT_TYPE_CHANGED headers.content-type application/json text/html",
            "BODY_KIND_CHANGED body {} <p>",
        ]
    );
}

#[test]
fn a_content_type_that_the_recorder_lost_is_no_deviation() {
    let root = recorded(200, r#"{"x-a":"1"}"#, b"{}", Some(1));
    let with = |value| {
        compare_response(
            &root,
            &answer(200, &[("x-a", "1"), ("content-type", value)], b"{}"),
            &Rules::default(),
        )
    };
    assert_eq!(
        codes(&with("application/json")),
        ["CONTENT_TYPE_NOT_RECORDED"]
    );
    assert_eq!(with("text/plain").deviations.len(), 1);
}

#[test]
fn headers_that_were_never_recorded_are_not_new() {
    let comparison = compare_response(
        &recorded(200, "{}", b"{}", Some(1)),
        &answer(200, &[("x-new", "1")], b"{}"),
        &Rules::default(),
    );
    assert_eq!(comparison.deviations, []);
    assert_eq!(comparison.notices.len(), 1);
}

#[test]
fn cookies_and_list_headers_keep_their_meaning() {
    let root = recorded(
        200,
        r#"{"Set-Cookie":["a=1","b=2"],"Allow":"GET, POST"}"#,
        b"",
        None,
    );
    let mut rules = Rules::default();
    rules.headers.compared.push("set-cookie".to_owned());
    let same = answer(
        200,
        &[
            ("set-cookie", "a=1"),
            ("Set-Cookie", "b=2"),
            ("allow", "GET"),
            ("allow", "POST"),
        ],
        b"",
    );
    assert_eq!(compare_response(&root, &same, &rules).deviations, []);
    let joined = answer(
        200,
        &[("set-cookie", "a=1, b=2"), ("allow", "GET, POST")],
        b"",
    );
    assert_eq!(compare_response(&root, &joined, &rules).deviations.len(), 1);
    rules
        .rules
        .push(Rule::at_header("Set-Cookie", Allowance::Presence).unwrap());
    assert_eq!(compare_response(&root, &joined, &rules).deviations, []);
}

#[test]
fn texts_are_compared_by_line_with_their_surroundings() {
    let old = "one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n";
    let new = "one\ntwo\nthree\nfour\nFIVE\nsix\nseven\neight\n";
    for decoded_type in [2, 5, 11, 23] {
        let comparison = compare_response(
            &recorded(200, "{}", old.as_bytes(), Some(decoded_type)),
            &answer(200, &[], new.as_bytes()),
            &Rules::default(),
        );
        let deviation = &comparison.deviations[0];
        assert_eq!(deviation.code, DeviationCode::BodyTextChanged);
        assert_eq!(
            deviation.description,
            "the text differs: 1 line gone, 1 new"
        );
        let lines: Vec<String> = deviation
            .lines
            .iter()
            .map(|line| format!("{} {}", line.side.as_str(), line.text))
            .collect();
        assert_eq!(
            lines,
            [
                "gap ",
                "both two",
                "both three",
                "both four",
                "recorded five",
                "actual FIVE",
                "both six",
                "both seven",
                "both eight",
            ]
        );
    }
}

#[test]
fn lines_that_differ_in_published_forms_only_are_accepted() {
    let line = |id: &str, at: &str| format!("<p id='{id}'>made {at}</p>\n<b>x</b>");
    let comparison = compare_response(
        &recorded(
            200,
            "{}",
            line("8d4f3c1e-9b2a-4c5d-8e7f-0a1b2c3d4e5f", "2026-11-21").as_bytes(),
            Some(2),
        ),
        &answer(
            200,
            &[],
            line("00000000-9b2a-4c5d-8e7f-0a1b2c3d4e5f", "2026-11-25").as_bytes(),
        ),
        &Rules::default(),
    );
    assert_eq!(comparison.deviations, []);
    assert_eq!(comparison.accepted[0].path.as_deref(), Some("line 1"));
    assert_eq!(
        comparison.accepted[0].reason.detail,
        "only UUID, DATE differ"
    );
}

#[test]
fn forms_are_compared_by_name_whatever_their_order() {
    let compare = |old: &str, new: &str| {
        compare_response(
            &recorded(200, "{}", old.as_bytes(), Some(12)),
            &answer(200, &[], new.as_bytes()),
            &Rules::default(),
        )
    };
    assert_eq!(compare("a=1&b=x+y&a=2", "b=x%20y&a=1&a=2").deviations, []);
    assert_eq!(
        shown(&compare("a=1&b=2", "a=1&b=3")),
        [r#"BODY_CHANGED $.b[0] "2" "3""#]
    );
}

#[test]
fn binary_bodies_are_compared_by_digest() {
    let comparison = compare_response(
        &recorded(200, "{}", b"abc", Some(18)),
        &answer(200, &[], b""),
        &Rules::default(),
    );
    assert_eq!(
        comparison.deviations[0].description,
        "the recorded body is gone"
    );
    let comparison = compare_response(
        &recorded(200, "{}", b"abc", Some(20)),
        &answer(200, &[], b"abd"),
        &Rules::default(),
    );
    // The digest of `abc` is a test vector of FIPS 180.
    assert_eq!(
        comparison.deviations[0].recorded.as_deref(),
        Some("3 bytes, sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
}

#[test]
fn a_body_of_no_declared_type_is_what_both_sides_are() {
    let compare = |old: &[u8], new: &[u8]| {
        compare_response(
            &recorded(200, "{}", old, None),
            &answer(200, &[], new),
            &Rules::default(),
        )
    };
    assert_eq!(
        shown(&compare(b"{\"a\":1}", b"{\"a\":2}")),
        ["BODY_CHANGED $.a 1 2"]
    );
    assert_eq!(
        compare(b"123", b"hello").deviations[0].code.as_str(),
        "BODY_TEXT_CHANGED"
    );
    assert_eq!(
        compare(b"{}", b"Internal Server Error").deviations[0].description,
        "the body was JSON, now it is text"
    );
    assert_eq!(
        compare(&[0xff, 0], &[0xff, 1]).deviations[0].code.as_str(),
        "BODY_BINARY_CHANGED"
    );
}

#[test]
fn pythons_spelling_of_the_schema_and_bodies_that_are_json_or_plain_text_are_read() {
    let root = Span {
        output_value: Some(r#"{"statusCode":200,"body":"aGk="}"#.to_owned()),
        output_schema: Some(
            r#"{"type":6,"properties":{"body":{"type":2,"encoding":1,"decoded_type":11}}}"#
                .to_owned(),
        ),
        ..Span::default()
    };
    let comparison = compare_response(&root, &answer(200, &[], b"ho"), &Rules::default());
    assert_eq!(comparison.deviations[0].code.as_str(), "BODY_TEXT_CHANGED");
    for body in [r#"{"a":1}"#, r#""{\"a\":1}""#] {
        let root = Span {
            output_value: Some(format!(r#"{{"body":{body}}}"#)),
            ..Span::default()
        };
        let comparison =
            compare_response(&root, &answer(200, &[], b"{\"a\":2}"), &Rules::default());
        assert_eq!(shown(&comparison), ["BODY_CHANGED $.a 1 2"]);
    }
}

#[test]
fn broken_recordings_compare_as_empty_ones_and_say_so() {
    let root = Span {
        output_value: Some("{not json".to_owned()),
        ..Span::default()
    };
    let comparison = compare_response(&root, &answer(200, &[], b""), &Rules::default());
    assert_eq!(comparison.deviations, []);
    assert_eq!(comparison.notices.len(), 1);
}

/// The oracle: equal as multisets.
fn brute_force_unordered(left: &[u8], right: &[u8]) -> bool {
    let (mut left, mut right) = (left.to_vec(), right.to_vec());
    left.sort_unstable();
    right.sort_unstable();
    left == right
}

proptest! {
    #[test]
    fn a_response_equals_itself(text in "\\PC{0,200}", status in 100u16..600, decoded in 0i32..26) {
        let comparison = compare_response(
            &recorded(status, "{}", text.as_bytes(), Some(decoded)),
            &answer(status, &[], text.as_bytes()),
            &Rules::default(),
        );
        prop_assert_eq!(comparison.deviations, vec![]);
    }

    #[test]
    fn bytes_of_any_kind_are_compared_without_a_panic_and_found_different(
        left in proptest::collection::vec(any::<u8>(), 0..60),
        right in proptest::collection::vec(any::<u8>(), 0..60),
        decoded in 1i32..26,
    ) {
        let comparison = compare_response(
            &recorded(200, "{}", &left, Some(decoded)),
            &answer(200, &[], &right),
            &Rules::default(),
        );
        if left == right {
            prop_assert!(comparison.deviations.is_empty());
        } else if !matches!(decoded, 1 | 12 | 13) && comparison.accepted.is_empty() {
            // Line ends alone are no difference of a text.
            let bare = |bytes: &[u8]| bytes.iter().copied().filter(|b| *b != b'\r').collect::<Vec<_>>();
            if bare(&left) != bare(&right) {
                prop_assert!(!comparison.deviations.is_empty());
            }
        }
    }

    #[test]
    fn unordered_arrays_are_equal_exactly_when_their_multisets_are(
        left in proptest::collection::vec(0u8..4, 0..7),
        right in proptest::collection::vec(0u8..4, 0..7),
    ) {
        let text = |items: &[u8]| format!("{items:?}");
        let comparison = json(&text(&left), &text(&right), &with_rule("$", Allowance::Unordered));
        prop_assert_eq!(comparison.deviations.is_empty(), brute_force_unordered(&left, &right));
    }

    #[test]
    fn differences_do_not_depend_on_which_side_was_recorded(
        left in "[a-c]{0,4}", right in "[a-c]{0,4}", n in 0u32..5, m in 0u32..5,
    ) {
        let a = format!(r#"{{"s":"{left}","n":[{n},{{"x":{m}}}],"{left}":1}}"#);
        let b = format!(r#"{{"s":"{right}","n":[{m},{{"x":{n}}}],"{right}":1}}"#);
        let there = json(&a, &b, &Rules::default());
        let back = json(&b, &a, &Rules::default());
        prop_assert_eq!(there.deviations.len(), back.deviations.len());
        prop_assert_eq!(there.deviations.is_empty(), a == b || (left == right && n == m));
    }
}

fn runs<'r>(root: &'r Span, answers: &'r [ActualResponse]) -> Vec<Vec<LearnedTest<'r>>> {
    answers
        .iter()
        .map(|actual| vec![LearnedTest { root, actual }])
        .collect()
}

#[test]
fn learning_proposes_rules_that_make_the_next_run_pass() {
    let body = |n: usize| {
        format!(
            r#"{{"trace":"req-{:08x}","load":{}.5,"items":[{{"n":{n}7{n},"k":"a"}},{{"n":3{n}9,"k":"b"}}],"tags":{},"word":"{}","same":1{}}}"#,
            0x1f00_0a00 + n * 4321,
            100 + n,
            if n.is_multiple_of(2) {
                r#"["x","y"]"#
            } else {
                r#"["y","x"]"#
            },
            ["alpha", "beta", "gamma", "delta"][n % 4],
            if n.is_multiple_of(2) {
                r#","extra":1"#
            } else {
                ""
            },
        )
    };
    let root = recorded(200, r#"{"etag":"\"a1\""}"#, body(6).as_bytes(), Some(1));
    let answers: Vec<ActualResponse> = (1..5)
        .map(|n| answer(200, &[("etag", "\"a1\"")], body(n).as_bytes()))
        .collect();
    let learned = learn(&runs(&root, &answers), &Rules::default());
    let targets: Vec<(&str, &str)> = learned
        .rules
        .iter()
        .map(|rule| (rule.target.as_str(), rule.rule.as_str()))
        .collect();
    assert_eq!(
        targets,
        [
            ("$.extra", "ignore: true"),
            ("$.items[*].n", "presence: true"),
            ("$.load", "tolerance: 10"),
            ("$.tags", "unordered: true"),
            ("$.trace", "regex: '^req\\-[0-9a-f]{8}$'"),
            ("$.word", "presence: true"),
        ]
    );
    assert_eq!((learned.constant.len(), learned.unlearnable.len()), (0, 0));
    // What is proposed is a configuration, and with it a run passes.
    let config = crate::Config::parse(
        &learned.to_yaml(),
        std::path::Path::new("tusk.yaml"),
        std::path::Path::new("."),
        &|_| None,
    )
    .unwrap();
    for actual in &answers {
        let comparison = compare_response(&root, actual, &config.comparison);
        assert_eq!(shown(&comparison), Vec::<String>::new());
    }
}

#[test]
fn learning_tells_a_change_of_the_service_from_noise() {
    let root = recorded(200, "{}", br#"{"total":1}"#, Some(1));
    let answers = vec![answer(200, &[], br#"{"total":2}"#); 3];
    let learned = learn(&runs(&root, &answers), &Rules::default());
    assert_eq!(learned.rules, []);
    assert_eq!(learned.constant, ["GET /orders?page=1: $.total differs"]);
    assert_eq!(learned.to_yaml(), "");
}

#[test]
fn learning_gives_a_counter_no_tolerance_that_it_soon_exceeds() {
    let rule = |numbers: [u32; 4], runs_made: usize| {
        let body = |number: u32| format!(r#"{{"number":{number}}}"#);
        let root = recorded(200, "{}", body(numbers[0]).as_bytes(), Some(1));
        let answers: Vec<ActualResponse> = numbers[1..=runs_made]
            .iter()
            .map(|number| answer(200, &[], body(*number).as_bytes()))
            .collect();
        let mut learned = learn(&runs(&root, &answers), &Rules::default());
        learned.rules.remove(0).rule
    };
    assert_eq!(rule([1000, 1001, 1002, 1003], 3), "presence: true");
    assert_eq!(rule([1003, 1002, 1001, 1000], 3), "presence: true");
    assert_eq!(rule([1000, 1003, 1001, 1002], 3), "tolerance: 6");
    // Two runs do not tell.
    assert_eq!(rule([1000, 1001, 1002, 0], 2), "tolerance: 4");
}

#[test]
fn learning_prefers_the_switch_of_a_published_form_and_reports_what_no_rule_covers() {
    let off = Rules {
        forms: Forms {
            uuids: false,
            ..Forms::default()
        },
        ..Rules::default()
    };
    let body = |n: u8| format!(r#"{{"id":"0000000{n}-9b2a-4c5d-8e7f-0a1b2c3d4e5f"}}"#);
    let root = recorded(200, "{}", body(0).as_bytes(), Some(1));
    let answers = [
        answer(200, &[], body(1).as_bytes()),
        answer(503, &[], body(2).as_bytes()),
    ];
    let learned = learn(&runs(&root, &answers), &off);
    assert_eq!(learned.rules[0].rule, "ignore_uuids: true");
    assert_eq!(
        learned.unlearnable,
        ["GET /orders?page=1: status 200 was recorded, now it is 503"]
    );
}

#[test]
fn examples_of_learned_rules_hold_no_secrets() {
    let body = |n: u8| {
        format!(
            r#"{{"users":[{{"token":"abcdef0{n}23456789"}}],"z":[{{"name":"csrf_token","value":"abcdef0{n}{}"}}]}}"#,
            "5".repeat(60)
        )
    };
    let root = recorded(200, "{}", body(0).as_bytes(), Some(1));
    let answers = [1, 2, 3].map(|n| answer(200, &[], body(n).as_bytes()));
    let redactor = crate::redact::Redactor::new(crate::redact::RedactionOptions::default());
    let learned = learn(&runs(&root, &answers), &Rules::default()).redact(&redactor);
    assert_eq!(learned.rules[0].target, "$.users[*].token");
    assert!(
        !learned.to_yaml().contains("abcdef0"),
        "{}",
        learned.to_yaml()
    );
}
