//! What a user relies on when a test is judged: recording, response and calls
//! come together.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use drift_replay::drive::{HttpResponse, PlannedTest, SendError, TestError, TestOutcome};
use drift_replay::replay::{Judge, matcher};
use drift_replay::report::{TestResult, TestState};
use drift_replay::server::{MockEvent, TestRecord};
use drift_replay::{Config, LoadOptions, Matcher, MockRequest, Recording};
use prost_types::value::Kind;
use prost_types::{Struct, Value};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tusk_drift_schemas::tusk::drift::core::v1::{
    GetMockRequest, GetMockResponse, Span as WireSpan, SpanKind,
};

const TEST: &str = "0000000000000000000000000000000a";
const OTHER: &str = "0000000000000000000000000000000b";

/// The request of a trace, which is `{"total":7}` as it was recorded.
fn root(trace: &str) -> String {
    // `{"total":7}` is eyJ0b3RhbCI6N30=
    format!(
        r#"{{"traceId":"{trace}","spanId":"00000000000000f0","parentSpanId":"","name":"GET /orders","packageName":"flask","packageType":1,"kind":2,"isRootSpan":true,"timestamp":{{"seconds":10,"nanos":0}},"duration":{{"seconds":1,"nanos":0}},"inputValue":{{"method":"GET","target":"/orders","headers":{{}}}},"outputValue":{{"statusCode":200,"headers":{{"Content-Type":"application/json"}},"body":"eyJ0b3RhbCI6N30="}},"outputSchema":{{"type":6,"properties":{{"body":{{"type":2,"properties":{{}},"encoding":1,"decoded_type":1}}}}}}}}"#
    )
}

/// The recording: a test with two calls, and another trace with one.
fn recording(directory: &Path) -> Recording {
    let call = |trace: &str, id: &str, path: &str, seconds: u32| {
        format!(
            r#"{{"traceId":"{trace}","spanId":"{id}","parentSpanId":"00000000000000f0","name":"GET {path}","packageName":"http","submoduleName":"GET","packageType":1,"kind":3,"isRootSpan":false,"timestamp":{{"seconds":{seconds},"nanos":5000}},"duration":{{"seconds":0,"nanos":1000}},"inputValue":{{"method":"GET","url":"http://up{path}","headers":{{}}}},"outputValue":{{"statusCode":200}}}}"#
        )
    };
    let lines = [
        call(TEST, "0000000000000001", "/a", 11),
        call(TEST, "0000000000000002", "/b", 12),
        root(TEST),
    ];
    fs::write(
        directory.join(format!("1_trace_{TEST}.jsonl")),
        lines.join("\n") + "\n",
    )
    .unwrap();
    let lines = [call(OTHER, "0000000000000003", "/c", 11), root(OTHER)];
    fs::write(
        directory.join(format!("2_trace_{OTHER}.jsonl")),
        lines.join("\n") + "\n",
    )
    .unwrap();
    Recording::load(&LoadOptions::new([directory]), &|_| ()).unwrap()
}

/// A live call to a path, as the SDK asks for it.
fn request(path: &str) -> GetMockRequest {
    let text = |text: &str| Value {
        kind: Some(Kind::StringValue(text.to_owned())),
    };
    let headers = Value {
        kind: Some(Kind::StructValue(Struct::default())),
    };
    let input = Struct {
        fields: [
            ("method".to_owned(), text("GET")),
            ("url".to_owned(), text(&format!("http://up{path}"))),
            ("headers".to_owned(), headers),
        ]
        .into(),
    };
    GetMockRequest {
        test_id: TEST.to_owned(),
        outbound_span: Some(WireSpan {
            name: format!("GET {path}"),
            package_name: "http".to_owned(),
            package_type: 1,
            submodule_name: "GET".to_owned(),
            kind: SpanKind::Client as i32,
            input_value: Some(input),
            ..WireSpan::default()
        }),
        ..GetMockRequest::default()
    }
}

/// The call, answered from the recording.
fn mock(matcher: &Matcher, path: &str) -> Arc<MockEvent> {
    let request = request(path);
    let answer = matcher.answer(&MockRequest::from_message(&request).unwrap());
    let found = answer.found.as_ref();
    let span = found.map(|found| matcher.recording().span(found.span).unwrap());
    Arc::new(MockEvent {
        connection: 1,
        request,
        answer: GetMockResponse {
            found: found.is_some(),
            matched_span_id: span.map(|span| span.span_id).unwrap_or_default(),
            error: found.map_or("no recorded call fits".to_owned(), |_| String::new()),
            match_level: found.map(|found| found.level.clone()),
            ..GetMockResponse::default()
        },
        matched: Some(Box::new(answer)),
        took: Duration::ZERO,
    })
}

fn judge(body: Result<&'static [u8], TestError>, paths: &[&str]) -> TestResult {
    let directory = tempfile::tempdir().unwrap();
    let recording = Arc::new(recording(directory.path()));
    let matcher = matcher(&recording);
    matcher.begin_test(TEST);
    let mocks = paths.iter().map(|path| mock(&matcher, path)).collect();
    let config = Config::defaults(directory.path(), &|_| None);
    judge_run(recording, config, body, mocks)
}

/// The judgement of the test after a run with a response and these calls.
fn judge_run(
    recording: Arc<Recording>,
    config: Config,
    body: Result<&'static [u8], TestError>,
    mocks: Vec<Arc<MockEvent>>,
) -> TestResult {
    Judge::new(Arc::new(config), recording).test(&outcome_of(body, mocks))
}

fn outcome_of(body: Result<&'static [u8], TestError>, mocks: Vec<Arc<MockEvent>>) -> TestOutcome {
    TestOutcome {
        test: PlannedTest {
            trace_id: TEST.to_owned(),
            file: Arc::new(PathBuf::from("traces/1.jsonl")),
            environment: None,
        },
        request: None,
        response: body.map(|body| HttpResponse {
            status: 200,
            reason: "OK".to_owned(),
            headers: vec![("content-type".to_owned(), b"application/json".to_vec())],
            raw_body: body.into(),
            body: body.into(),
            encoding_problem: None,
            duration: Duration::from_millis(3),
        }),
        record: TestRecord {
            mocks,
            ..TestRecord::default()
        },
        late: TestRecord::default(),
        coverage: None,
        crashed: false,
        retried: false,
        duration: Duration::from_millis(5),
    }
}

fn codes(result: &TestResult) -> Vec<&'static str> {
    result
        .deviations
        .iter()
        .map(|one| one.code.as_str())
        .collect()
}

#[test]
fn a_test_as_recorded_passes() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/b"]);
    assert_eq!((result.state, codes(&result)), (TestState::Passed, vec![]));
    assert_eq!(
        (result.method.as_str(), result.target.as_str()),
        ("GET", "/orders")
    );
    assert_eq!(
        (result.recorded_status, result.actual_status),
        (Some(200), Some(200))
    );
    assert_eq!(result.match_events.len(), 2);
}

#[test]
fn a_changed_body_and_a_missing_call_are_both_named() {
    let result = judge(Ok(br#"{"total":8}"#), &["/a"]);
    assert_eq!(result.state, TestState::Deviated);
    assert_eq!(codes(&result), ["BODY_CHANGED", "CALL_MISSING"]);
    assert_eq!(
        result.calls[result.deviations[1].call.unwrap()].summary,
        "GET http://up/b"
    );
}

#[test]
fn a_call_that_nothing_answers_says_why() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/x", "/b"]);
    assert_eq!(codes(&result), ["CALL_NEW"]);
    assert_eq!(result.calls[1].why, "no recorded call fits");
    assert!(result.has_unanswered_call());
}

#[test]
fn a_call_that_only_another_test_has_is_new_here() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/b", "/c"]);
    assert_eq!(codes(&result), ["CALL_NEW"]);
}

#[test]
fn a_call_made_again_is_answered_and_named() {
    let result = judge(Ok(br#"{"total":7}"#), &["/a", "/b", "/b"]);
    assert_eq!(codes(&result), ["CALL_MORE_OFTEN"]);
}

#[test]
fn calls_that_were_recorded_at_the_response_and_behind_it_are_waited_for_as_long_as_they_took() {
    let directory = tempfile::tempdir().unwrap();
    let recording = Arc::new(recording(directory.path()));
    let matcher = matcher(&recording);
    matcher.begin_test(TEST);
    let config = Config::defaults(directory.path(), &|_| None);
    let strict = Judge::new(Arc::new(config), Arc::clone(&recording));
    let body: &[u8] = br#"{"total":7}"#;
    let patience = |judge: &Judge, before: &[&str], behind: &[&str]| {
        let made = |paths: &[&str]| paths.iter().map(|path| mock(&matcher, path)).collect();
        let late = TestRecord {
            mocks: made(behind),
            ..TestRecord::default()
        };
        judge.late_calls(&outcome_of(Ok(body), made(before)), &late)
    };
    // The response was recorded at 11 s, /a then and /b at 12 s.
    let millis = |count| Some(Duration::from_millis(count));
    assert_eq!(patience(&strict, &[], &[]), millis(1500));
    assert_eq!(patience(&strict, &["/b"], &[]), millis(500));
    assert_eq!(patience(&strict, &["/a"], &["/b"]), None);
    // Without a response, and where nobody asks, nothing is waited for.
    let error = TestError::NotRun {
        reason: "x".to_owned(),
    };
    let not_run = outcome_of(Err(error), Vec::new());
    assert_eq!(strict.late_calls(&not_run, &TestRecord::default()), None);
    let file = directory.path().join(".tusk/config.yaml");
    let text = "outbound: {missing: false}";
    let config = Config::parse(text, &file, directory.path(), &|_| None).unwrap();
    let lenient = Judge::new(Arc::new(config), recording);
    assert_eq!(patience(&lenient, &[], &[]), None);
}

#[test]
fn calls_in_another_order_are_named_once() {
    let result = judge(Ok(br#"{"total":7}"#), &["/b", "/a"]);
    assert_eq!(codes(&result), ["CALL_ORDER"]);
}

#[test]
fn a_deviating_test_says_which_of_its_calls_were_recorded_as_failures() {
    let folder = tempfile::tempdir().unwrap();
    let call = |id: u32, path: &str, status: &str, output: &str| {
        format!(
            r#"{{"traceId":"{TEST}","spanId":"{id:016x}","parentSpanId":"00000000000000f0","name":"GET {path}","packageName":"http","submoduleName":"GET","packageType":1,"kind":3,"isRootSpan":false,"timestamp":{{"seconds":11,"nanos":{id}}},"duration":{{"seconds":0,"nanos":1000}},"status":{status},"inputValue":{{"method":"GET","url":"http://up{path}","headers":{{}}}},"outputValue":{output}}}"#
        )
    };
    let lines = [
        call(1, "/down", r#"{"code":2,"message":"fetch failed"}"#, "{}"),
        call(2, "/flaky", r#"{"code":1}"#, "{}"),
        call(
            3,
            "/500",
            r#"{"code":2,"message":"HTTP 500"}"#,
            r#"{"statusCode":500}"#,
        ),
        root(TEST),
    ];
    let file = folder.path().join(format!("1_trace_{TEST}.jsonl"));
    fs::write(file, lines.join("\n") + "\n").unwrap();
    let recording = Arc::new(Recording::load(&LoadOptions::new([folder.path()]), &|_| ()).unwrap());
    let matcher = matcher(&recording);
    matcher.begin_test(TEST);
    let mocks: Vec<_> = ["/down", "/flaky", "/500"]
        .iter()
        .map(|path| mock(&matcher, path))
        .collect();
    let notices = |body: &'static [u8]| {
        let config = Config::defaults(folder.path(), &|_| None);
        judge_run(Arc::clone(&recording), config, Ok(body), mocks.clone()).notices
    };
    assert_eq!(
        notices(br#"{"total":8}"#),
        [
            "http GET /down (span 0000000000000001): the recording of this call holds no answer, \
             and the SDK cannot be given a failure: it failed with fetch failed",
            "http GET /flaky (span 0000000000000002): the recording of this call holds no answer, \
             and the SDK cannot be given a failure: the SDK recorded no status of it, as of one \
             that failed",
        ]
    );
    assert_eq!(notices(br#"{"total":7}"#), [] as [&str; 0]);
}

#[test]
fn a_test_without_a_response_has_failed_and_its_calls_are_not_missing() {
    let timeout = Duration::from_secs(30);
    let result = judge(
        Err(TestError::Send(SendError::Timeout { timeout })),
        &["/a"],
    );
    assert_eq!(
        (result.state, codes(&result)),
        (TestState::Failed, vec!["NO_RESPONSE"])
    );
    assert_eq!(
        result.error.as_deref(),
        Some("no complete response came within 30 s")
    );
}

#[test]
fn a_start_command_that_runs_docker_is_told_that_no_sandbox_holds_containers() {
    use drift_replay::config::SandboxMode;
    use drift_replay::replay::{ReplayOptions, plan};
    let folder = tempfile::tempdir().unwrap();
    let recording = Arc::new(recording(folder.path()));
    let text = "service: {start: {command: docker compose up}}";
    let file = Path::new("/p/.tusk/config.yaml");
    let config = Config::parse(text, file, Path::new("/p"), &|_| None).unwrap();
    let planned = plan(&config, &recording, &ReplayOptions::default()).unwrap();
    assert_eq!(planned.sandbox.mode, SandboxMode::Off);
    assert!(planned.sandbox.notices[0].contains("containers"));
    let off = ReplayOptions {
        sandbox_mode: Some(SandboxMode::Off),
        ..ReplayOptions::default()
    };
    let planned = plan(&config, &recording, &off).unwrap();
    assert_eq!(planned.sandbox.notices, Vec::<String>::new());
}

/// What is missing of the test, where nothing is asked for, when these spans of pg are
/// recorded: trace, name, parent, id of the row, and the number of the status.
fn missing_of_pg(spans: &[(&str, &str, u32, u32, u32)], config: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for trace in [TEST, OTHER] {
        let mut lines = vec![root(trace)];
        for (place, (own, name, parent, row, status)) in spans.iter().enumerate() {
            if *own != trace {
                continue;
            }
            let (id, (package, operation)) = (place + 1, name.split_once('.').unwrap());
            let client = if package == "pg" { "client" } else { "pool" };
            let input = match operation {
                "query" => format!(
                    r#"{{"text":"SELECT name FROM users WHERE id = $1","values":[{row}],"clientType":"{client}"}}"#
                ),
                _ => format!(r#"{{"clientType":"{client}"}}"#),
            };
            lines.push(format!(
                r#"{{"traceId":"{trace}","spanId":"{id:016x}","parentSpanId":"{parent:016x}","name":"{name}","packageName":"{package}","submoduleName":"{operation}","packageType":2,"kind":3,"isRootSpan":false,"timestamp":{{"seconds":11,"nanos":{id}}},"duration":{{"seconds":0,"nanos":1000}},"status":{{"code":{status}}},"inputValue":{input},"outputValue":{{"rows":[]}}}}"#
            ));
        }
        fs::write(
            folder.path().join(format!("1_trace_{trace}.jsonl")),
            lines.join("\n") + "\n",
        )
        .unwrap();
    }
    let recording = Recording::load(&LoadOptions::new([folder.path()]), &|_| ()).unwrap();
    assert_eq!(recording.problems(), []);
    let file = folder.path().join(".tusk/config.yaml");
    let config = Config::parse(config, &file, folder.path(), &|_| None).unwrap();
    judge_run(
        Arc::new(recording),
        config,
        Ok(br#"{"total":7}"#),
        Vec::new(),
    )
    .calls
    .iter()
    .filter(|call| call.state.as_str() == "missing")
    .map(|call| call.recorded_span_id.clone().unwrap())
    .collect()
}

const ROOT: u32 = 0xf0;

#[test]
fn a_query_of_another_request_that_waited_for_this_ones_connection_is_not_missing() {
    let mut spans = vec![
        (OTHER, "pg-pool.query", ROOT, 1, 1),
        (OTHER, "pg-pool.connect", 1, 0, 1),
        (TEST, "pg-pool.connect", ROOT, 0, 1),
        // The program gives the connection back, and the other request's query begins.
        (TEST, "pg.query", ROOT, 1, 1),
    ];
    assert_eq!(missing_of_pg(&spans, ""), Vec::<String>::new());
    // Queries of the program with other parameters change nothing, and are missing.
    spans.push((TEST, "pg.query", ROOT, 2, 1));
    assert_eq!(missing_of_pg(&spans, ""), ["0000000000000005"]);
    // Nor do pools' queries that have theirs in their own trace.
    spans.push((OTHER, "pg-pool.query", ROOT, 1, 1));
    spans.push((OTHER, "pg.query", 6, 1, 1));
    assert_eq!(missing_of_pg(&spans, ""), ["0000000000000005"]);
}

#[test]
fn a_removed_query_of_the_program_is_named_though_pools_make_equal_ones() {
    let own = [
        (TEST, "pg-pool.connect", ROOT, 0, 1),
        (TEST, "pg.query", ROOT, 1, 1),
    ];
    let missing = |others: &[(&'static str, &'static str, u32, u32, u32)]| {
        let spans: Vec<_> = own.iter().chain(others).copied().collect();
        missing_of_pg(&spans, "")
    };
    assert_eq!(missing(&[]), ["0000000000000002"]);
    // The query of a pool has its own where it should be.
    assert_eq!(
        missing(&[
            (OTHER, "pg-pool.query", ROOT, 1, 1),
            (OTHER, "pg.query", 3, 1, 1),
        ]),
        ["0000000000000002"]
    );
    // The pool gave no connection in time.
    assert_eq!(
        missing(&[(OTHER, "pg-pool.query", ROOT, 1, 2)]),
        ["0000000000000002"]
    );
    // Of pools there is one more than of the driver: one was lost, and which is the
    // program's is not known.
    assert_eq!(
        missing(&[
            (OTHER, "pg-pool.query", ROOT, 1, 1),
            (OTHER, "pg-pool.query", ROOT, 1, 1),
        ]),
        ["0000000000000002"]
    );
    // The program makes the same query elsewhere too.
    assert_eq!(
        missing(&[
            (OTHER, "pg-pool.query", ROOT, 1, 1),
            (OTHER, "pg.query", ROOT, 1, 1),
        ]),
        ["0000000000000002"]
    );
    // A trace without a pool gives no connection back to one.
    assert_eq!(
        missing_of_pg(
            &[
                (TEST, "pg.query", ROOT, 1, 1),
                (OTHER, "pg-pool.query", ROOT, 1, 1),
            ],
            ""
        ),
        ["0000000000000001"]
    );
}

#[test]
fn a_query_that_may_be_another_requests_can_be_left_out_by_its_statement() {
    let spans = [
        (TEST, "pg-pool.connect", ROOT, 0, 1),
        (TEST, "pg.query", ROOT, 1, 1),
        (OTHER, "pg-pool.query", ROOT, 1, 1),
        (OTHER, "pg.query", ROOT, 1, 1),
    ];
    assert_eq!(missing_of_pg(&spans, "").len(), 1);
    let documented = include_str!("../../../docs/comparing.md");
    let rule = documented.split("```yaml\n").find_map(|part| {
        let block = part.split("```").next()?;
        block.contains("package: pg").then_some(block)
    });
    assert_eq!(missing_of_pg(&spans, rule.unwrap()), Vec::<String>::new());
}
