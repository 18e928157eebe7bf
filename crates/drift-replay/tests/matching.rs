//! What a user relies on when a live call is answered. The rules are in
//! `docs/matching.md`.

mod support;

use drift_replay::forms::Form;
use drift_replay::matcher::{MAX_EXPLAINED, MAX_SCORED, Owner, Reach};
use drift_replay::{MatchOptions, SpanKind};
use std::collections::HashSet;
use std::sync::Arc;
use support::levels::*;
use support::{Call, HTTP_SCHEMA, matcher_of, matcher_with, number_of, trace_id};
use tusk_drift_schemas::tusk::drift::core::v1::MatchScope;

fn get(path: &str) -> Call {
    Call::http("GET", path, "{}", "{}")
}

#[test]
fn equal_calls_are_answered_in_recorded_order_and_then_by_the_last_one() {
    // A poll loop with one call more than was recorded must not go back to its first state.
    let (_directory, matcher) = matcher_of(
        "poll",
        &[(
            1,
            vec![get("/job").at(3), get("/job").at(1), get("/job").at(2)],
        )],
    );
    let answers: Vec<_> = (0..5)
        .map(|_| ask(&matcher, &get("/job"), Some(1)))
        .collect();
    assert_eq!(answers, [2, 3, 1, 1, 1].map(|span| with(VALUE, span)),);
    let replayed = matcher.answer(&get("/job").request(Some(1)));
    assert!(replayed.found.is_some_and(|found| found.replayed));
}

#[test]
fn a_test_that_begins_again_finds_everything_unused() {
    let (_directory, matcher) =
        matcher_of("again", &[(1, vec![get("/job").at(1), get("/job").at(2)])]);
    for _ in 0..3 {
        matcher.begin_test(&trace_id(1));
        assert_eq!(ask(&matcher, &get("/job"), Some(1)), with(VALUE, 1));
        assert_eq!(matcher.unused(&trace_id(1)).len(), 1);
    }
}

#[test]
fn our_own_hash_finds_what_recorded_hashes_miss() {
    // A body that Python's recorder and its live code hash differently.
    let body = |text: &str| {
        let input =
            format!("{{\"method\":\"GET\",\"path\":\"/a\",\"headers\":{{}},\"body\":\"{text}\"}}");
        Call::new("http", &input, HTTP_SCHEMA)
    };
    for text in ["aGk=\\n", "_-8=", "/w==", "{\\\"a\\\":1}", "YQ"] {
        let recorded = body(text);
        let mut live = recorded.clone();
        live.value_hash = "0".repeat(64);
        live.schema_hash = "1".repeat(64);
        let (_directory, matcher) = matcher_of("own-hash", &[(1, vec![recorded])]);
        assert_eq!(ask(&matcher, &live, Some(1)), with(VALUE, 1), "{text}");
    }
}

#[test]
fn an_equal_recorded_hash_comes_before_an_equal_value() {
    // Two integers that one double stands for: only the SDK's own hash tells them apart.
    let call = |id: &str| {
        let mut call = Call::new("pg", &format!("{{\"id\":{id}}}"), "{}");
        call.value_hash = format!("hash of {id}");
        call
    };
    let (_directory, matcher) = matcher_of(
        "recorded-first",
        &[(1, vec![call("9007199254740992"), call("9007199254740993")])],
    );
    let mut live = call("9007199254740992");
    live.value_hash = "hash of 9007199254740993".to_owned();
    assert_eq!(ask(&matcher, &live, Some(1)), with(VALUE, 2));
    // An unknown hash: the first that is unused.
    live.value_hash = "another".to_owned();
    assert_eq!(ask(&matcher, &live, Some(1)), with(VALUE, 1));
}

#[test]
fn a_number_is_the_same_as_integer_as_double_and_in_an_exponent() {
    let call = |number: &str| Call::new("redis", &format!("{{\"n\":[{number}]}}"), "{}").unhashed();
    let same = [
        ("1", "1.0"),
        ("100", "1e2"),
        ("0", "-0.0"),
        ("9007199254740993", "9007199254740992.0"),
        ("123456789012345678901234567890", "1.2345678901234568e29"),
    ];
    for (recorded, live) in same {
        let (_directory, matcher) = matcher_of("numbers", &[(1, vec![call(recorded)])]);
        assert_eq!(
            ask(&matcher, &call(live), Some(1)),
            with(VALUE, 1),
            "{recorded} {live}"
        );
    }
    let (_directory, matcher) = matcher_of("other-numbers", &[(1, vec![call("1")])]);
    for other in ["1.5", "2", "\"1\"", "true"] {
        let answer = matcher.answer(&call(other).request(Some(1)));
        assert_ne!(level(&matcher, &answer), with(VALUE, 1), "{other}");
    }
}

#[test]
fn a_body_with_an_encoding_only_is_compared_as_the_json_in_it() {
    use base64::Engine as _;
    let schema = r#"{"type":6,"properties":{"body":{"type":2,"properties":{},"encoding":1}}}"#;
    let call = |body: &str| {
        let body = base64::engine::general_purpose::STANDARD.encode(body);
        Call::new(
            "http",
            &format!("{{\"url\":\"http://a/b\",\"body\":\"{body}\"}}"),
            schema,
        )
        .unhashed()
    };
    let (_directory, matcher) = matcher_of("flask", &[(1, vec![call(r#"{"a":1,"b":2}"#)])]);
    assert_eq!(
        ask(&matcher, &call(r#"{ "b": 2, "a": 1.0 }"#), Some(1)),
        with(VALUE, 1)
    );
}

#[test]
fn calls_of_another_package_or_kind_never_answer() {
    let call = Call::new(
        "redis",
        r#"{"command":"PING"}"#,
        "{\"type\":6,\"properties\":{}}",
    );
    let others = [
        Call {
            package: "ioredis",
            ..call.clone()
        },
        Call {
            kind: SpanKind::Producer,
            ..call.clone()
        },
        Call {
            kind: SpanKind::Internal,
            ..call.clone()
        },
    ];
    let (_directory, matcher) = matcher_of(
        "packages",
        &[
            (1, vec![others[0].clone(), others[1].clone()]),
            (2, vec![others[2].clone()]),
        ],
    );
    assert_eq!(ask(&matcher, &call, Some(1)), None);
    assert_eq!(ask(&matcher, &others[0], Some(1)), with(VALUE, 1));
    assert_eq!(ask(&matcher, &others[2], Some(1)), with(VALUE_GLOBAL, 3));
}

#[test]
fn inbound_requests_never_answer() {
    let inbound = Call {
        kind: SpanKind::Server,
        is_root: true,
        ..get("/a")
    };
    let root_client = Call {
        is_root: true,
        ..get("/b")
    };
    let (_directory, matcher) =
        matcher_of("inbound", &[(1, vec![inbound]), (2, vec![root_client])]);
    assert_eq!(ask(&matcher, &get("/a"), Some(1)), None);
    assert_eq!(ask(&matcher, &get("/b"), Some(2)), None);
}

#[test]
fn a_call_without_a_value_or_without_a_schema_equals_nothing() {
    let nothing = Call {
        input: None,
        schema: None,
        ..get("/a").unhashed()
    };
    let (_directory, matcher) = matcher_of(
        "absent",
        &[(1, vec![nothing.clone(), get("/a").unhashed()])],
    );
    assert_eq!(ask(&matcher, &nothing, Some(1)), None);
    let no_schema = Call {
        schema: None,
        ..Call::http("GET", "/a", "{\"x\":\"1\"}", "{}").unhashed()
    };
    assert_eq!(ask(&matcher, &no_schema, Some(1)), None);
}

#[test]
fn calls_that_a_header_alone_tells_apart_do_not_answer_for_each_other() {
    let call = |operation: &str, id: &str| {
        let headers = format!("{{\"x-amz-target\":\"Db.{operation}\",\"x-id\":\"{id}\"}}");
        Call::http("POST", "/", &headers, "{\"key\":1}")
    };
    let recorded = vec![call("PutItem", "1").at(1), call("GetItem", "1").at(2)];
    let (_directory, matcher) = matcher_of("operations", &[(1, recorded)]);
    assert_eq!(
        ask(&matcher, &call("GetItem", "2"), Some(1)),
        with(REDUCED, 2)
    );
    assert_eq!(
        ask(&matcher, &call("GetItem", "3"), Some(1)),
        with(REDUCED, 2)
    );
    assert_eq!(ask(&matcher, &call("DeleteItem", "4"), Some(1)), None);
    assert_eq!(
        ask(&matcher, &call("PutItem", "5"), Some(1)),
        with(REDUCED, 1)
    );
    // The only candidate, and of another operation.
    let recorded = vec![call("PutItem", "1").at(1)];
    let (_directory, matcher) = matcher_of("one-operation", &[(1, recorded)]);
    assert_eq!(ask(&matcher, &call("GetItem", "2"), Some(1)), None);
}

#[test]
fn a_header_that_changed_does_not_matter_and_one_that_is_alike_is_preferred() {
    let call = |id: &str| Call::http("GET", "/a", &format!("{{\"x-request-id\":\"{id}\"}}"), "{}");
    let (_directory, matcher) = matcher_of(
        "headers",
        &[(
            1,
            vec![
                call("aaaaaaaa").at(1),
                call("bbbbbbbb").at(2),
                call("cccccccc").at(3),
            ],
        )],
    );
    let answer = matcher.answer(&call("bbbbbbbx").request(Some(1)));
    assert_eq!(level(&matcher, &answer), with(REDUCED, 2));
    let found = answer.found.expect("it was answered");
    assert!(
        found
            .level
            .similarity_score
            .is_some_and(|score| score > 0.9)
    );
    assert_eq!(found.level.top_candidates.len(), 2);
    // Between equals the earlier one.
    assert_eq!(ask(&matcher, &call("zzzzzzzz"), Some(1)), with(REDUCED, 1));
    // The only one that is left.
    assert_eq!(ask(&matcher, &call("yyyyyyyy"), Some(1)), with(REDUCED, 3));
    // All are used: the last one of the most alike.
    assert_eq!(ask(&matcher, &call("qqqqqqqq"), Some(1)), with(REDUCED, 3));
    assert_eq!(ask(&matcher, &call("aaaaaaax"), Some(1)), with(REDUCED, 1));
}

#[test]
fn rows_are_those_of_the_parameters_that_are_most_alike() {
    let call = |parameters: &str| Call::sql("SELECT * FROM users WHERE name = %s", parameters);
    let (_directory, matcher) = matcher_of(
        "parameters",
        &[(
            1,
            vec![call("[\"alice\"]").at(1), call("[\"robert\"]").at(2)],
        )],
    );
    // Unused before used, but among the unused the parameters decide, not the time.
    assert_eq!(
        ask(&matcher, &call("[\"roberta\"]"), Some(1)),
        with(REDUCED, 2)
    );
    // The exact one comes first wherever it stands.
    matcher.begin_test(&trace_id(1));
    assert_eq!(
        ask(&matcher, &call("[\"robert\"]"), Some(1)),
        with(VALUE, 2)
    );
}

#[test]
fn python_and_node_schemas_hash_alike() {
    let node = r#"{"type":6,"properties":{"headers":{"type":6,"properties":{},"matchImportance":0},"body":{"type":6,"properties":{},"encoding":1,"decodedType":1}}}"#;
    let recorded = Call::http("POST", "/a", "{\"a\":\"1\"}", "{\"n\":1}");
    let mut live = Call::http("POST", "/a", "{\"b\":\"2\"}", "{\"n\":2}").unhashed();
    live.schema = Some(node.to_owned());
    let (_directory, matcher) = matcher_of("spellings", &[(1, vec![recorded])]);
    assert_eq!(ask(&matcher, &live, Some(1)), with(REDUCED_SCHEMA, 1));
}

#[test]
fn another_body_of_the_same_schema_is_answered_and_a_drifted_header_too() {
    let (_directory, matcher) = matcher_of(
        "schemas",
        &[(
            1,
            vec![
                Call::http("POST", "/a", "{\"h\":\"1\"}", "{\"id\":\"aaaa\"}").at(1),
                Call::http("POST", "/a", "{\"h\":\"1\"}", "{\"id\":\"bbbb\"}").at(2),
            ],
        )],
    );
    let live = Call::http("POST", "/a", "{\"h\":\"1\"}", "{\"id\":\"bbbx\"}");
    assert_eq!(ask(&matcher, &live, Some(1)), with(SCHEMA, 2));
    let drifted = Call::http(
        "POST",
        "/a",
        "{\"h\":\"1\",\"new\":\"2\"}",
        "{\"id\":\"aaax\"}",
    );
    assert_eq!(ask(&matcher, &drifted, Some(1)), with(REDUCED_SCHEMA, 1));
    let other = Call::http("POST", "/a", "{\"h\":\"1\"}", "{\"other\":1}");
    assert_eq!(ask(&matcher, &other, Some(1)), None);
}

#[test]
fn an_equal_schema_is_no_answer_for_another_target() {
    let recorded = [
        Call::http("POST", "/orders", "{}", "{\"id\":1}"),
        Call::sql("SELECT a FROM t WHERE id = %s", "[1]"),
    ];
    let (_directory, matcher) = matcher_of("targets", &[(1, recorded.to_vec())]);
    for live in [
        Call::http("POST", "/users", "{}", "{\"id\":2}"),
        Call::http("PUT", "/orders", "{}", "{\"id\":2}"),
        Call::sql("SELECT b FROM t WHERE id = %s", "[1]"),
    ] {
        assert_eq!(ask(&matcher, &live, Some(1)), None, "{live:?}");
    }
    let literal = Call::sql("SELECT a FROM t WHERE id = %s ", "[1]");
    assert_eq!(ask(&matcher, &literal, Some(1)), with(SCHEMA, 2));
}

#[test]
fn an_input_of_which_nothing_counts_answers_only_for_the_same_target() {
    let schema =
        r#"{"type":6,"properties":{"sql":{"type":2,"properties":{},"matchImportance":0}}}"#;
    let call = |sql: &str| Call {
        package_type: 4,
        ..Call::new("pg", &format!("{{\"sql\":\"{sql}\"}}"), schema)
    };
    let recorded = Call {
        package: "nowhere",
        ..call("SELECT 1")
    };
    let mut live = Call {
        package: "nowhere",
        ..call("SELECT 2")
    };
    let (_directory, matcher) = matcher_of("nothing-counts", &[(1, vec![recorded])]);
    live.package_type = 0;
    let mut request = live.request(Some(1));
    request.span.name = "another call".to_owned();
    assert_eq!(level(&matcher, &matcher.answer(&request)), None);
}

#[test]
fn other_traces_answer_what_the_own_one_cannot_and_keep_their_own_use() {
    let (_directory, matcher) = matcher_of(
        "suite",
        &[
            (1, vec![get("/own")]),
            (2, vec![get("/shared").at(1), get("/shared").at(2)]),
        ],
    );
    assert_eq!(
        ask(&matcher, &get("/shared"), Some(1)),
        with(VALUE_GLOBAL, 2)
    );
    assert_eq!(
        ask(&matcher, &get("/shared"), Some(1)),
        with(VALUE_GLOBAL, 3)
    );
    assert_eq!(
        ask(&matcher, &get("/shared"), Some(1)),
        with(VALUE_GLOBAL, 3)
    );
    // The other test is not disturbed, whichever runs first.
    assert_eq!(ask(&matcher, &get("/shared"), Some(2)), with(VALUE, 2));
    let header = Call::http("GET", "/shared", "{\"h\":\"1\"}", "{}");
    assert_eq!(ask(&matcher, &header, Some(1)), with(REDUCED_GLOBAL, 3));
}

#[test]
fn other_traces_never_answer_by_schema() {
    let (_directory, matcher) = matcher_of(
        "suite-schema",
        &[
            (1, vec![get("/own")]),
            (2, vec![Call::http("POST", "/a", "{}", "{\"id\":1}")]),
        ],
    );
    let live = Call::http("POST", "/a", "{}", "{\"id\":2}");
    assert_eq!(ask(&matcher, &live, Some(1)), None);
}

#[test]
fn calls_before_and_after_the_start_do_not_answer_for_each_other_across_traces() {
    let (_directory, matcher) = matcher_of(
        "sides",
        &[
            (1, vec![get("/own")]),
            (2, vec![get("/config").before_start()]),
        ],
    );
    assert_eq!(ask(&matcher, &get("/config"), Some(1)), None);
    let boot = get("/config").before_start();
    assert_eq!(ask(&matcher, &boot, None), with(VALUE_GLOBAL, 2));
}

#[test]
fn boot_code_that_repeats_a_call_gets_the_answers_in_turn() {
    let boot =
        |id: u32| Call::http("POST", "/token", "{}", &format!("{{\"id\":{id}}}")).before_start();
    let (_directory, matcher) = matcher_of(
        "boot",
        &[
            (1, vec![boot(1).at(1), boot(1).at(2)]),
            (2, vec![boot(7).at(3)]),
        ],
    );
    let answers: Vec<_> = (0..3).map(|_| ask(&matcher, &boot(1), None)).collect();
    assert_eq!(answers, [1, 2, 2].map(|span| with(VALUE_GLOBAL, span)));
    // By schema, the most alike, and the unused one first.
    assert_eq!(ask(&matcher, &boot(8), None), with(SCHEMA_GLOBAL, 3));
    matcher.begin_boot();
    assert_eq!(ask(&matcher, &boot(1), None), with(VALUE_GLOBAL, 1));
    // After the start nothing of it answers by schema.
    let after = Call {
        is_pre_app_start: false,
        ..boot(9)
    };
    assert_eq!(ask(&matcher, &after, None), None);
}

#[test]
fn whose_request_it_is_is_said() {
    let (_directory, matcher) = matcher_of("owners", &[(1, vec![get("/a")])]);
    let owner = |test: Option<u8>| matcher.answer(&get("/a").request(test)).explanation.owner;
    assert_eq!(
        owner(Some(1)),
        Owner::Test {
            trace_id: trace_id(1)
        }
    );
    assert_eq!(owner(None), Owner::Boot);
    assert_eq!(
        owner(Some(9)),
        Owner::Unknown {
            test_id: trace_id(9)
        }
    );
    let shown = owner(Some(9)).to_string();
    assert!(shown.ends_with("names no recorded trace"), "{shown}");
    // Requests without a test do not use what a test has.
    assert_eq!(
        ask(&matcher, &get("/a"), Some(1)).map(|(_, scope, _)| scope),
        Some(MatchScope::Trace)
    );
}

#[test]
fn equal_times_are_answered_in_the_order_of_the_file() {
    let calls: Vec<Call> = (0..20).map(|_| get("/a").at(5)).collect();
    for _ in 0..3 {
        let (_directory, matcher) = matcher_of("ties", &[(1, calls.clone())]);
        let answers: Vec<_> = (0..20)
            .map(|_| ask(&matcher, &get("/a"), Some(1)))
            .collect();
        let expected: Vec<_> = (1..=20).map(|span| with(VALUE, span)).collect();
        assert_eq!(answers, expected);
    }
}

#[test]
fn only_so_many_candidates_are_compared_and_the_answer_says_so() {
    let call = |id: usize| Call::http("GET", "/a", &format!("{{\"h\":\"{id:08}\"}}"), "{}");
    let count = MAX_SCORED + 30;
    let calls: Vec<Call> = (0..count).map(|id| call(id).at(id as i64 + 1)).collect();
    let (_directory, matcher) = matcher_of("many", &[(1, calls)]);
    let ask = |header: &str| {
        let call = Call::http("GET", "/a", &format!("{{\"h\":\"{header}\"}}"), "{}");
        let answer = matcher.answer(&call.request(Some(1)));
        let span = number_of(&matcher, &answer);
        (span, answer.found.expect("it was answered"))
    };
    // The best one is beyond the first ones; what was compared is the best of them.
    let (span, found) = ask("00000075x");
    assert!(
        span.is_some_and(|span| span <= MAX_SCORED as u32),
        "{span:?}"
    );
    assert_eq!(found.not_compared, 30);
    assert!(
        found.level.match_description.contains("of 80 candidates"),
        "{}",
        found.level.match_description
    );
    assert_eq!(found.level.top_candidates.len(), 5);
    // After a use, the ones that follow it in recorded order.
    assert_eq!(ask("00000049x").0, Some(50));
    let (span, found) = ask("00000075x");
    assert_eq!((span, found.not_compared), (Some(76), 29));
}

#[test]
fn the_guard_of_fetch_and_of_the_body_s_graphql_holds() {
    let fetch = |url: &str| Call {
        package_type: 1,
        ..Call::new(
            "fetch",
            &format!("{{\"method\":\"GET\",\"url\":\"{url}\",\"n\":1}}"),
            "{\"type\":6,\"properties\":{}}",
        )
    };
    let graphql = |query: &str, id: u32| {
        Call::http(
            "POST",
            "/graphql",
            "{}",
            &format!("{{\"query\":\"{query}\",\"variables\":{{\"id\":{id}}}}}"),
        )
    };
    let (_directory, matcher) = matcher_of(
        "fetch",
        &[(
            1,
            vec![
                fetch("http://api/orders?page=1"),
                graphql("query { user { id } }", 1),
            ],
        )],
    );
    assert_eq!(
        ask(&matcher, &fetch("http://api/orders?page=2"), Some(1)),
        with(SCHEMA, 1)
    );
    assert_eq!(
        ask(&matcher, &fetch("http://api/users?page=1"), Some(1)),
        None
    );
    assert_eq!(
        ask(&matcher, &graphql("query { user { id } }", 2), Some(1)),
        with(SCHEMA, 2)
    );
    assert_eq!(
        ask(&matcher, &graphql("query { user { name } }", 2), Some(1)),
        None
    );
}

#[test]
fn an_explanation_lists_what_the_guard_lets_pass_before_what_is_only_alike() {
    let statement = |table: &str| format!("SELECT id, name, total FROM {table} WHERE id = %s");
    let (_directory, matcher) = matcher_of(
        "nearest",
        &[(
            1,
            vec![
                Call::sql(&statement("orders_1"), "[7]").at(1),
                Call::sql(&statement("orders_2"), "[7]").at(2),
                Call::sql(&statement("orders_1"), "[123456]").at(3),
            ],
        )],
    );
    let live = Call::sql(&statement("orders_1"), "[7]");
    let explanation = matcher.explain(&live.request(Some(1)));
    let why: Vec<String> = explanation
        .candidates
        .iter()
        .map(|candidate| candidate.why())
        .collect();
    assert_eq!(
        why,
        [
            "answers",
            "the value differs only in what has no importance: parameters",
            "the value differs in query; SQL differs: table orders_1, recorded orders_2",
        ]
    );
}

#[test]
fn an_explanation_compares_calls_of_an_equal_schema_wherever_they_stand() {
    let mut calls: Vec<Call> = (1..)
        .take(MAX_EXPLAINED)
        .map(|id| Call::http("GET", "/1", "{}", &format!("{{\"other\":{id}}}")).at(id))
        .collect();
    calls.push(Call::http("GET", "/1", "{}", "{\"id\":2}").at(1000));
    let (_directory, matcher) = matcher_of("far", &[(1, calls)]);
    // Nothing answers it, for the path is another one.
    let live = Call::http("GET", "/2", "{}", "{\"id\":2}");
    let explanation = matcher.explain(&live.request(Some(1)));
    assert_eq!(explanation.candidate_count, MAX_EXPLAINED + 1);
    assert_eq!(explanation.found, None);
    let first = explanation.candidates.first();
    let (last, first) = (MAX_EXPLAINED, first.map(|first| first.span.0 as usize));
    assert_eq!(first, Some(last));
}

#[test]
fn an_explanation_says_why_candidates_lost_and_uses_nothing() {
    let (_directory, matcher) = matcher_of(
        "explain",
        &[(
            1,
            vec![
                Call::http("POST", "/orders", "{\"h\":\"1\"}", "{\"id\":1}").at(1),
                Call::http("POST", "/users", "{\"h\":\"1\"}", "{\"id\":1}").at(2),
                Call::sql("SELECT 1", "[]"),
            ],
        )],
    );
    let live = Call::http("POST", "/users", "{\"h\":\"2\"}", "{\"id\":2}");
    let explanation = matcher.explain(&live.request(Some(1)));
    assert_eq!(explanation.candidate_count, 2);
    let why: Vec<String> = explanation
        .candidates
        .iter()
        .map(|candidate| candidate.why())
        .collect();
    assert_eq!(
        why,
        [
            "answers",
            "the value differs in body, path; and, of no importance, in headers; path /users, recorded /orders",
        ]
    );
    let classes: Vec<_> = explanation
        .steps
        .iter()
        .map(|step| (step.reach, step.form, step.candidates))
        .collect();
    assert_eq!(
        classes.first(),
        Some(&(Reach::Trace, Form::RecordedValue, 0))
    );
    assert_eq!(
        classes.last(),
        Some(&(Reach::Trace, Form::RecordedSchema, 1))
    );
    assert_eq!(matcher.unused(&trace_id(1)).len(), 3);
    // What explain says is what answer does.
    let found = explanation.found.map(|found| found.span);
    assert!(found.is_some() && found == explanation.candidates.first().map(|first| first.span));
    assert_eq!(ask(&matcher, &live, Some(1)), with(SCHEMA, 2));
    let again = matcher.explain(&live.request(Some(1)));
    let first = again.candidates.first();
    assert!(first.is_some_and(|candidate| candidate.used && candidate.answers));
}

#[test]
fn an_input_that_cannot_be_read_is_said_and_its_recorded_hash_still_counts() {
    let (_directory, matcher) = matcher_of("unreadable", &[(1, vec![get("/a")])]);
    let mut request = get("/a").request(Some(1));
    request.span.input_value = Some("{\"a\":".to_owned());
    let answer = matcher.answer(&request);
    assert_eq!(level(&matcher, &answer), with(VALUE, 1));
    assert!(answer.explanation.problem.is_some());
}

#[test]
fn a_file_that_is_gone_leaves_candidates_out_and_ends_nothing() {
    let (directory, matcher) = matcher_of(
        "gone",
        &[(
            1,
            vec![
                Call::http("POST", "/a", "{}", "{\"id\":1}"),
                Call::http("POST", "/a", "{}", "{\"id\":2}"),
            ],
        )],
    );
    std::fs::remove_file(directory.path().join("001.jsonl")).expect("the file is there");
    let live = Call::http("POST", "/a", "{}", "{\"id\":3}");
    assert_eq!(ask(&matcher, &live, Some(1)), None);
    let explanation = matcher.explain(&live.request(Some(1)));
    assert_eq!(explanation.candidates, []);
}

#[test]
fn callers_at_the_same_time_never_get_the_same_unused_span() {
    const CALLS: usize = 400;
    let calls: Vec<Call> = (0..CALLS)
        .map(|id| match id % 2 {
            0 => get("/same"),
            // By similarity: one class, compared outside of the lock.
            _ => Call::http("GET", "/alike", &format!("{{\"h\":\"{id}\"}}"), "{}"),
        })
        .collect();
    let options = MatchOptions {
        max_scored: 3,
        ..MatchOptions::default()
    };
    let (_directory, matcher) = matcher_with("callers", &[(1, calls)], options);
    let matcher = Arc::new(matcher);
    let answered: Vec<(u32, bool)> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|thread| {
                let matcher = Arc::clone(&matcher);
                scope.spawn(move || {
                    (0..CALLS / 8)
                        .map(|call| {
                            let request = match call % 2 {
                                0 => get("/same").request(Some(1)),
                                _ => Call::http(
                                    "GET",
                                    "/alike",
                                    &format!("{{\"h\":\"{thread}x{call}\"}}"),
                                    "{}",
                                )
                                .request(Some(1)),
                            };
                            let found = matcher.answer(&request).found.expect("it was answered");
                            (found.span.0, found.replayed)
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|thread| thread.join().expect("a caller does not panic"))
            .collect()
    });
    let unused: Vec<u32> = answered
        .iter()
        .filter(|(_, replayed)| !replayed)
        .map(|(span, _)| *span)
        .collect();
    let distinct: HashSet<u32> = unused.iter().copied().collect();
    assert_eq!(unused.len(), distinct.len());
    assert_eq!(distinct.len(), CALLS);
    assert!(matcher.unused(&trace_id(1)).is_empty());
}
