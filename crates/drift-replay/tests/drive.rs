//! Whole runs against a real service process with a hand-made SDK.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a failed test is what a panic is for"
)]

mod sdk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drift_replay::config::SandboxMode;
use drift_replay::drive::{
    Cancel, Notice, Observer, PlannedTest, Roots, RunOutcome, RunPlan, SandboxPlan, TestError,
    TestOutcome, Unobserved, planned_tests, recorded_environments, run_tests,
};
use drift_replay::server::{Answered, Answering, Listen, TestRecord};
use drift_replay::service::{Sandbox, ServiceSpec};
use drift_replay::{LoadOptions, MatchOptions, Matcher, Recording, Span};
use sdk::{DEADLINE, ports::free_port};
use serde_json::{Value, json};
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

/// Finds every call except those named `miss`.
#[derive(Default)]
struct Recorded {
    boots: Mutex<usize>,
}

impl Answering for Recorded {
    fn answer(&self, request: &contract::GetMockRequest) -> Answered {
        contract::GetMockResponse {
            found: request.outbound_span.as_ref().unwrap().name != "miss",
            ..Default::default()
        }
        .into()
    }
    fn begin_test(&self, _: &str) {}
    fn begin_boot(&self) {
        *self.boots.lock().unwrap() += 1;
    }
}

/// The root spans by trace id.
struct Spans(BTreeMap<String, Span>);

impl Roots for Spans {
    fn root(&self, test: &PlannedTest) -> Result<Span, String> {
        self.0
            .get(&test.trace_id)
            .cloned()
            .ok_or_else(|| "its line is gone".to_owned())
    }
}

/// Notes the order in which tests end.
#[derive(Default)]
struct Noted {
    finished: Mutex<Vec<String>>,
    environments: Mutex<Vec<String>>,
    notices: Mutex<Vec<Notice>>,
    cancel_at: Option<(String, Cancel)>,
}

impl Observer for Noted {
    fn environment(&self, name: &str, tests: usize) {
        self.environments
            .lock()
            .unwrap()
            .push(format!("{name} {tests}"));
    }
    fn test_finished(&self, outcome: &TestOutcome) {
        let id = outcome.test.trace_id.clone();
        if let Some((last, cancel)) = &self.cancel_at
            && *last == id
        {
            cancel.cancel();
        }
        self.finished.lock().unwrap().push(id);
    }
    fn notice(&self, notice: &Notice) {
        self.notices.lock().unwrap().push(notice.clone());
    }
}

/// A project with the test service, and a plan for it.
struct Project {
    directory: tempfile::TempDir,
    tests: Vec<PlannedTest>,
    spans: BTreeMap<String, Span>,
}

impl Project {
    fn new() -> Project {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(
            directory.path().join("service.py"),
            include_str!("sdk/service.py"),
        )
        .unwrap();
        Project {
            directory,
            tests: Vec::new(),
            spans: BTreeMap::new(),
        }
    }

    /// Adds a test whose id is its file.
    fn with(self, id: &str, target: &str) -> Project {
        self.with_input(id, json!({"method": "GET", "target": target}))
    }

    fn with_input(mut self, id: &str, input: Value) -> Project {
        self.tests.push(PlannedTest {
            trace_id: id.to_owned(),
            file: Arc::new(PathBuf::from(format!("{id}.jsonl"))),
            environment: None,
        });
        let span = Span {
            trace_id: id.to_owned(),
            package_type: 1,
            is_root_span: true,
            start_unix_nanos: Some(1_795_227_890_678_090_889),
            input_value: Some(input.to_string()),
            ..Span::default()
        };
        self.spans.insert(id.to_owned(), span);
        self
    }

    fn in_environment(mut self, name: &str) -> Project {
        self.tests.last_mut().unwrap().environment = Some(name.to_owned());
        self
    }

    fn plan(&self) -> RunPlan {
        let port = free_port();
        let service = ServiceSpec {
            command: format!("exec python3 service.py {port}"),
            directory: Some(self.directory.path().to_owned()),
            port,
            ..Default::default()
        };
        let listen = Listen::Unix(self.directory.path().join("engine"));
        let mut plan = RunPlan::new(
            self.tests.clone(),
            Arc::new(Spans(self.spans.clone())),
            service,
            listen,
        );
        plan.test_timeout = DEADLINE;
        plan
    }

    async fn run(&self) -> RunOutcome {
        run(self.plan()).await
    }
}

async fn run(plan: RunPlan) -> RunOutcome {
    let run = run_tests(
        Arc::new(plan),
        Arc::new(Recorded::default()),
        Arc::new(Unobserved),
        Cancel::default(),
    );
    tokio::time::timeout(DEADLINE * 3, run)
        .await
        .expect("the run ends")
}

fn with_variable(mut plan: RunPlan, name: &str, value: &str) -> RunPlan {
    plan.own_environment.push((name.into(), value.into()));
    plan
}

fn of<'a>(outcome: &'a RunOutcome, id: &str) -> &'a TestOutcome {
    let found: Vec<_> = outcome
        .tests
        .iter()
        .filter(|test| test.test.trace_id == id)
        .collect();
    assert_eq!(found.len(), 1, "{id} has exactly one outcome");
    found[0]
}

fn body(outcome: &RunOutcome, id: &str) -> String {
    let response = of(outcome, id).response.as_ref().unwrap();
    String::from_utf8(response.body.to_vec()).unwrap()
}

fn error_code(outcome: &RunOutcome, id: &str) -> &'static str {
    of(outcome, id).response.as_ref().unwrap_err().code()
}

fn has_notice(outcome: &RunOutcome, code: &str) -> bool {
    outcome.notices.iter().any(|notice| notice.code == code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_requests_are_sent_and_their_calls_answered_and_collected() {
    let project = Project::new()
        .with_input("a", json!({
            "method": "PUT", "target": "http://shop.example.com/echo?q={1}", "body": STANDARD.encode([0, 159, 13, 10]),
            "headers": {"X-Odd-CASE": "yes", "Host": "shop.example.com", "Content-Type": "x/binary"},
        }))
        .with("b", "/call?one,miss,two")
        .with("c", "/background");
    let mut plan = project.plan();
    plan.inbound_span_timeout = Some(DEADLINE);
    let outcome = run(plan).await;
    assert!(!outcome.cancelled);

    let echo: Value = serde_json::from_str(&body(&outcome, "a")).unwrap();
    assert_eq!(echo["method"], "PUT");
    assert_eq!(echo["target"], "/echo?q={1}");
    assert_eq!(echo["body"], STANDARD.encode([0, 159, 13, 10]));
    let headers: Vec<(String, String)> = serde_json::from_value(echo["headers"].clone()).unwrap();
    let names: Vec<&str> = headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "Host",
            "x-td-trace-id",
            "Content-Type",
            "X-Odd-CASE",
            "Content-Length",
            "Connection"
        ]
    );
    assert!(headers[0].1.starts_with("localhost:"));
    assert_eq!(headers[1].1, "a");
    // The clock of the Python service was that of the recording.
    assert_eq!(echo["clock"], 1_795_227_890.678_09);
    assert_eq!(echo["env"]["TUSK_DRIFT_MODE"], "REPLAY");

    assert_eq!(body(&outcome, "b"), "[true, false, true]");
    let calls: Vec<(String, bool)> = of(&outcome, "b")
        .record
        .mocks
        .iter()
        .map(|mock| {
            let name = mock.request.outbound_span.as_ref().unwrap().name.clone();
            (name, mock.answer.found)
        })
        .collect();
    assert_eq!(
        calls,
        [
            ("one".to_owned(), true),
            ("miss".to_owned(), false),
            ("two".to_owned(), true)
        ]
    );
    for id in ["a", "b", "c"] {
        let span = of(&outcome, id).record.inbound_span.as_ref().unwrap();
        assert_eq!(span.trace_id, id);
    }
    let environment = &outcome.environments[0];
    assert_eq!(environment.name, "default");
    assert_eq!(environment.sdks[0].service_id, "shop");
    assert_eq!(environment.service_output, "serving\n");
    let outside: Vec<&str> = environment
        .outside
        .mocks
        .iter()
        .map(|mock| mock.request.outbound_span.as_ref().unwrap().name.as_str())
        .collect();
    assert_eq!(outside, ["boot", "background"]);
    assert_eq!(outcome.notices, []);
    assert!(!project.directory.path().join("engine").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn responses_are_read_whole_in_every_form_and_redirects_are_responses() {
    let project = Project::new()
        .with("binary", "/binary")
        .with("brotli", "/brotli")
        .with("chunked", "/chunked")
        .with("cut", "/cut")
        .with("deflate", "/deflate")
        .with("gzip", "/gzip")
        .with_input("head", json!({"method": "HEAD", "target": "/binary"}))
        .with("missing", "/status?404")
        .with("no-content", "/status?204")
        .with("odd", "/odd")
        .with("raw-deflate", "/raw-deflate")
        .with("redirect", "/redirect")
        .with_input(
            "unsendable",
            json!({"method": "GET", "target": "/", "body": 1}),
        );
    let outcome = project.run().await;
    let response = |id: &str| of(&outcome, id).response.as_ref().unwrap();
    assert_eq!(response("binary").body, (0..=255).collect::<Vec<u8>>());
    assert_eq!(body(&outcome, "chunked"), "hello 0123456789");
    assert_eq!(body(&outcome, "gzip"), "a".repeat(1000));
    assert!(response("gzip").raw_body.len() < 100);
    assert_eq!(body(&outcome, "deflate"), "b".repeat(1000));
    assert_eq!(body(&outcome, "raw-deflate"), "c".repeat(1000));
    assert_eq!(
        response("brotli").encoding_problem.as_deref(),
        Some("the content encoding \"br\" cannot be decoded")
    );
    assert_eq!(response("brotli").body, response("brotli").raw_body);
    assert_eq!(response("head").status, 200);
    assert!(response("head").body.is_empty());
    assert_eq!(response("missing").status, 404);
    assert_eq!(response("no-content").status, 204);
    assert_eq!(response("redirect").status, 302);
    assert_eq!(
        response("redirect").header("location").as_deref(),
        Some("/echo")
    );
    assert_eq!(error_code(&outcome, "cut"), "truncated_response");
    assert_eq!(error_code(&outcome, "odd"), "not_http");
    assert_eq!(error_code(&outcome, "unsendable"), "body_not_text");
    assert_eq!(outcome.environments[0].restarts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tests_run_in_the_order_of_their_files_each_environment_by_itself() {
    let project = Project::new()
        .with("4", "/echo")
        .in_environment("staging")
        .with("3", "/echo")
        .with("2", "/echo")
        .in_environment("production")
        .with("1", "/echo")
        .in_environment("staging")
        .with("5", "/echo");
    let mut plan = project.plan();
    let variables = |value: &str| BTreeMap::from([("REGION".to_owned(), value.to_owned())]);
    plan.environments = BTreeMap::from([
        ("default".to_owned(), variables("none")),
        ("production".to_owned(), variables("eu")),
    ]);
    let noted = Arc::new(Noted::default());
    let recorded = Arc::new(Recorded::default());
    let outcome = run_tests(
        Arc::new(plan),
        Arc::clone(&recorded) as Arc<dyn Answering>,
        Arc::clone(&noted) as Arc<dyn Observer>,
        Cancel::default(),
    )
    .await;
    assert_eq!(
        *noted.environments.lock().unwrap(),
        ["staging 2", "production 1", "default 2"]
    );
    assert_eq!(*noted.finished.lock().unwrap(), ["1", "4", "2", "3", "5"]);
    assert_eq!(*recorded.boots.lock().unwrap(), 3);
    let region = |id: &str| {
        let echo: Value = serde_json::from_str(&body(&outcome, id)).unwrap();
        echo["env"]["REGION"].clone()
    };
    assert_eq!(region("1"), Value::Null);
    assert_eq!(region("2"), "eu");
    assert_eq!(region("3"), "none");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_run_at_once_where_the_clock_allows_it() {
    let project = Project::new()
        .with("1", "/together")
        .with("2", "/together")
        .with("3", "/together");
    let mut plan = with_variable(project.plan(), "RUNTIME", "1");
    plan.concurrency = 3;
    let outcome = run(plan).await;
    for id in ["1", "2", "3"] {
        assert_eq!(of(&outcome, id).response.as_ref().unwrap().status, 200);
    }
    assert!(!has_notice(&outcome, "concurrency_forced"));

    let mut plan = project.plan();
    plan.concurrency = 3;
    plan.time_travel = false;
    let outcome = run(plan).await;
    assert_eq!(of(&outcome, "3").response.as_ref().unwrap().status, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_python_service_with_time_travel_gets_one_request_at_a_time_and_it_is_said() {
    let project = Project::new()
        .with("1", "/echo")
        .with("2", "/echo")
        .with("3", "/echo");
    let mut plan = project.plan();
    plan.concurrency = 3;
    let noted = Arc::new(Noted::default());
    let outcome = run_tests(
        Arc::new(plan),
        Arc::new(Recorded::default()),
        Arc::clone(&noted) as Arc<dyn Observer>,
        Cancel::default(),
    )
    .await;
    assert_eq!(*noted.finished.lock().unwrap(), ["1", "2", "3"]);
    assert_eq!(outcome.notices.len(), 1, "{:?}", outcome.notices);
    assert!(has_notice(&outcome, "concurrency_forced"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_kills_the_service_once_is_run_again_and_the_others_once() {
    let project = Project::new()
        .with("1", "/echo")
        .with("2", "/crash-once?2")
        .with("3", "/echo");
    let noted = Arc::new(Noted::default());
    let outcome = run_tests(
        Arc::new(project.plan()),
        Arc::new(Recorded::default()),
        Arc::clone(&noted) as Arc<dyn Observer>,
        Cancel::default(),
    )
    .await;
    assert_eq!(*noted.finished.lock().unwrap(), ["1", "2", "3"]);
    let flags = |id: &str| (of(&outcome, id).retried, of(&outcome, id).crashed);
    assert_eq!(flags("1"), (false, false));
    assert_eq!(flags("2"), (true, false));
    assert_eq!(flags("3"), (false, false));
    assert_eq!(of(&outcome, "2").response.as_ref().unwrap().status, 200);
    assert_eq!(outcome.environments[0].restarts, 1);
    assert!(has_notice(&outcome, "service_crashed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_that_always_kills_the_service_is_named_and_the_rest_still_run() {
    let project = Project::new()
        .with("1", "/echo")
        .with("2", "/crash?boredom")
        .with("3", "/echo")
        .with("4", "/call?x");
    let mut plan = with_variable(project.plan(), "RUNTIME", "1");
    plan.concurrency = 2;
    let outcome = run(plan).await;
    assert_eq!(outcome.tests.len(), 4);
    let crashed = of(&outcome, "2");
    assert!(crashed.crashed && crashed.retried);
    match crashed.response.as_ref().unwrap_err() {
        TestError::Crashed { status, output } => {
            assert_eq!(status, "exit status: 7");
            assert!(output.contains("about to die of boredom"), "{output}");
        }
        other => panic!("{other:?}"),
    }
    for id in ["1", "3", "4"] {
        assert_eq!(
            of(&outcome, id).response.as_ref().unwrap().status,
            200,
            "{id}"
        );
        assert!(!of(&outcome, id).crashed, "{id}");
    }
    assert_eq!(of(&outcome, "4").record.mocks.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_beside_other_tests_is_held_against_none_that_passes_alone() {
    // Only one of them can kill it, so that its one crash is never in its own run.
    let project = Project::new()
        .with("1", "/echo")
        .with("2", "/crash-once?2")
        .with("3", "/call?x");
    let mut plan = with_variable(project.plan(), "RUNTIME", "1");
    plan.concurrency = 2;
    let outcome = run(plan).await;
    assert!(of(&outcome, "2").retried);
    assert_eq!(outcome.environments[0].restarts, 1);
    for id in ["1", "2", "3"] {
        assert_eq!(
            of(&outcome, id).response.as_ref().unwrap().status,
            200,
            "{id}"
        );
        assert!(!of(&outcome, id).crashed, "{id}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_sdk_that_never_connected_is_waited_for_once_and_not_after_each_crash() {
    let project = Project::new()
        .with("1", "/crash?once")
        .with("2", "/crash?twice")
        .with("3", "/echo");
    let mut plan = with_variable(project.plan(), "SDK", "none");
    plan.connect_timeout = Duration::from_millis(100);
    let outcome = run(plan).await;
    assert_eq!(of(&outcome, "3").response.as_ref().unwrap().status, 200);
    assert!(outcome.environments[0].restarts > 1);
    let waits = outcome
        .notices
        .iter()
        .filter(|notice| notice.code == "never_connected");
    assert_eq!(waits.count(), 1, "{:?}", outcome.notices);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_keeps_dying_is_given_up_and_every_test_has_its_outcome() {
    let project = Project::new()
        .with("1", "/crash")
        .with("2", "/crash")
        .with("3", "/echo");
    let mut plan = project.plan();
    plan.max_restarts = 1;
    let outcome = run(plan).await;
    assert_eq!(error_code(&outcome, "1"), "service_crashed");
    assert_eq!(error_code(&outcome, "2"), "not_run");
    assert_eq!(error_code(&outcome, "3"), "not_run");
    let text = of(&outcome, "3").response.as_ref().unwrap_err().to_string();
    assert_eq!(
        text,
        "the test was not run: the service was lost twice, and is not started again"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_error_of_a_living_service_is_a_result_and_no_crash() {
    let project = Project::new()
        .with("1", "/close")
        .with("2", "/slow")
        .with("3", "/echo");
    let mut plan = project.plan();
    plan.test_timeout = Duration::from_millis(700);
    let outcome = run(plan).await;
    assert_eq!(error_code(&outcome, "1"), "no_response");
    assert_eq!(error_code(&outcome, "2"), "timeout");
    assert!(!of(&outcome, "2").retried);
    assert_eq!(of(&outcome, "3").response.as_ref().unwrap().status, 200);
    assert_eq!(outcome.environments[0].restarts, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_start_leaves_each_test_with_the_reason() {
    let project = Project::new().with("1", "/echo").with("2", "/echo");
    let mut plan = project.plan();
    plan.service.command = "echo no such module; exit 1".to_owned();
    let outcome = run(plan).await;
    assert_eq!(outcome.tests.len(), 2);
    assert_eq!(error_code(&outcome, "1"), "not_run");
    let error = outcome.environments[0].error.as_ref().unwrap();
    assert_eq!(error.code(), "service_exited");
    assert!(error.to_string().contains("no such module"));
    assert_eq!(outcome.environments[0].service_output, "no such module\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_sdk_ends_its_environment() {
    let project = Project::new().with("1", "/echo");
    let plan = with_variable(project.plan(), "SDK_VERSION", "0.0.1");
    let outcome = run(plan).await;
    let error = outcome.environments[0].error.as_ref().unwrap();
    assert_eq!(error.code(), "sdk_refused");
    assert!(error.to_string().contains("0.0.1"));
    assert_eq!(error_code(&outcome, "1"), "not_run");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_sdk_never_connects_is_tested_with_a_warning_or_not_at_all() {
    let project = Project::new().with("1", "/echo");
    let mut plan = with_variable(project.plan(), "SDK", "none");
    plan.connect_timeout = Duration::from_millis(100);
    let outcome = run(plan).await;
    assert_eq!(of(&outcome, "1").response.as_ref().unwrap().status, 200);
    assert!(has_notice(&outcome, "never_connected"));

    let mut plan = with_variable(project.plan(), "SDK", "none");
    plan.connect_timeout = Duration::from_millis(100);
    plan.require_sdk = true;
    let outcome = run(plan).await;
    assert_eq!(error_code(&outcome, "1"), "not_run");
    assert_eq!(
        outcome.environments[0].error.as_ref().unwrap().code(),
        "never_connected"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_run_gives_what_was_done_and_leaves_no_process() {
    let project = Project::new()
        .with("1", "/echo")
        .with("2", "/slow")
        .with("3", "/echo");
    let plan = project.plan();
    let port = plan.service.port;
    let cancel = Cancel::default();
    let noted = Arc::new(Noted {
        cancel_at: Some(("1".to_owned(), cancel.clone())),
        ..Default::default()
    });
    let begin = Instant::now();
    let outcome = run_tests(
        Arc::new(plan),
        Arc::new(Recorded::default()),
        Arc::clone(&noted) as Arc<dyn Observer>,
        cancel,
    )
    .await;
    assert!(begin.elapsed() < DEADLINE);
    assert!(outcome.cancelled);
    assert_eq!(outcome.tests.len(), 1);
    assert_eq!(of(&outcome, "1").response.as_ref().unwrap().status, 200);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err());
    assert!(!project.directory.path().join("engine").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_after_the_response_are_kept_with_their_test() {
    let project = Project::new().with("1", "/late").with("2", "/call?x");
    let project = project.with("3", "/slow");
    let mut plan = project.plan();
    // The third test ends well after the late call of the first.
    plan.tests.push(PlannedTest {
        trace_id: "gone".to_owned(),
        ..plan.tests[0].clone()
    });
    plan.test_timeout = Duration::from_secs(1);
    let outcome = run(plan).await;
    assert_eq!(of(&outcome, "1").record.mocks.len(), 0);
    assert_eq!(of(&outcome, "1").late.mocks.len(), 1);
    assert_eq!(of(&outcome, "2").record.mocks.len(), 1);
    assert_eq!(error_code(&outcome, "gone"), "root_unreadable");
}

/// Expects a late call of one test.
struct Expecting(&'static str);

impl Observer for Expecting {
    fn late_calls(&self, outcome: &TestOutcome, late: &TestRecord) -> Option<Duration> {
        let lacks = outcome.test.trace_id == self.0 && late.mocks.is_empty();
        lacks.then_some(if self.0 == "never" {
            Duration::from_millis(100)
        } else {
            DEADLINE
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_behind_the_last_response_are_waited_for_until_they_come_or_their_time_is_over() {
    let begin = Instant::now();
    for (expected, came) in [("late", 1), ("never", 0)] {
        let project = Project::new().with("never", "/echo").with("late", "/late");
        let outcome = run_tests(
            Arc::new(project.plan()),
            Arc::new(Recorded::default()),
            Arc::new(Expecting(expected)),
            Cancel::default(),
        )
        .await;
        assert_eq!(of(&outcome, expected).late.mocks.len(), came);
    }
    assert!(begin.elapsed() < DEADLINE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coverage_is_that_of_the_start_and_of_each_test() {
    let project = Project::new().with("1", "/echo").with("2", "/echo");
    let mut plan = project.plan();
    plan.coverage = true;
    plan.concurrency = 4;
    let outcome = run(plan).await;
    let echo: Value = serde_json::from_str(&body(&outcome, "1")).unwrap();
    assert_eq!(echo["env"]["TUSK_COVERAGE"], "true");
    assert_eq!(
        outcome.coverage.as_ref().unwrap().to_lcov("/app/"),
        "TN:\nSF:a.py\nDA:3,2\nLF:1\nLH:1\nend_of_record\n"
    );
    let of_test = of(&outcome, "2").coverage.as_ref().unwrap();
    assert_eq!(of_test.files()["/app/a.py"].lines[&3], 1);
    assert!(has_notice(&outcome, "concurrency_forced"));
}

/// What is said about coverage in a run of two tests.
async fn notices_of_coverage(variables: &[(&str, &str)]) -> Vec<String> {
    let project = Project::new().with("1", "/echo").with("2", "/echo");
    let mut plan = project.plan();
    plan.coverage = true;
    for (name, value) in variables {
        plan = with_variable(plan, name, value);
    }
    let outcome = run(plan).await;
    assert!(outcome.tests.iter().all(|test| test.response.is_ok()));
    assert!(outcome.coverage.as_ref().unwrap().files().is_empty());
    let notices = outcome.notices.into_iter();
    notices
        .filter(|notice| notice.code == "coverage_failed")
        .map(|notice| notice.message)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_coverage_is_told_once_what_to_install() {
    let python = notices_of_coverage(&[("COVERAGE", "none")]).await;
    assert_eq!(python.len(), 1, "{python:?}");
    assert!(python[0].contains("`pip install coverage`"), "{python:?}");

    // It would never answer, neither at the start nor after each test.
    let node = [
        ("COVERAGE", "silent"),
        ("RUNTIME", "1"),
        ("SDK_VERSION", "0.1.27"),
    ];
    assert_eq!(
        notices_of_coverage(&node).await,
        ["the service gives no coverage: its Node SDK 0.1.27 cannot, 0.1.28 is the first that can"]
    );

    let node = notices_of_coverage(&[("COVERAGE", "none"), ("RUNTIME", "1")]).await;
    assert!(node[0].contains("NODE_V8_COVERAGE"), "{node:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hurried_run_kills_the_service_and_its_stop_command() {
    let project = Project::new().with("1", "/echo").with("2", "/slow");
    let mut plan = project.plan();
    plan.service.stop_command = Some("touch stopping; sleep 600".to_owned());
    let port = plan.service.port;
    let cancel = Cancel::default();
    let noted = Arc::new(Noted {
        cancel_at: Some(("1".to_owned(), cancel.clone())),
        ..Default::default()
    });
    let stopping = project.directory.path().join("stopping");
    let hurrying = tokio::spawn(async move {
        sdk::until("the stop command", || stopping.exists()).await;
        cancel.hurry();
    });
    let ran = run_tests(
        Arc::new(plan),
        Arc::new(Recorded::default()),
        Arc::clone(&noted) as Arc<dyn Observer>,
        noted.cancel_at.as_ref().unwrap().1.clone(),
    );
    // The stop command alone would be given 10 s.
    let outcome = tokio::time::timeout(Duration::from_secs(9), ran).await;
    let outcome = outcome.expect("the run ends at once");
    hurrying.await.unwrap();
    assert!(outcome.cancelled);
    assert_eq!(outcome.tests.len(), 1);
    sdk::until("the end of the service", || {
        std::net::TcpStream::connect(("127.0.0.1", port)).is_err()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_run_over_tcp_is_the_same() {
    let project = Project::new().with("1", "/call?one");
    let mut plan = project.plan();
    plan.listen = Listen::Tcp(([127, 0, 0, 1], 0).into());
    let outcome = run(plan).await;
    assert_eq!(body(&outcome, "1"), "[true]");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_is_run_from_its_files_with_its_environment_and_its_answers() {
    let project = Project::new();
    let folder = project.directory.path().join("traces");
    std::fs::create_dir(&folder).unwrap();
    let id = "0af7651916cd43dd8448eb211c80319c";
    let time = json!({"seconds": 1_795_227_890, "nanos": 5});
    let lines = [
        json!({"traceId": id, "spanId": "00000000000000c1", "packageName": "http", "name": "one", "kind": 3,
            "packageType": 1, "inputValue": {"url": "one"}, "outputValue": {"statusCode": 200},
            "timestamp": time, "environment": "staging"}),
        json!({"traceId": id, "spanId": "00000000000000a1", "packageName": "flask", "name": "GET /call", "kind": 2,
            "packageType": 1, "isRootSpan": true, "inputValue": {"method": "GET", "target": "/call?one,other"},
            "outputValue": {"statusCode": 200}, "timestamp": time, "environment": "staging"}),
    ];
    let text = lines
        .iter()
        .map(|line| format!("{line}\n"))
        .collect::<String>();
    std::fs::write(folder.join("a.jsonl"), text).unwrap();
    let snapshot = |number: u32, seconds: u32, environment: Value, region: &str| {
        json!({"traceId": format!("{number:032x}"), "spanId": format!("{number:016x}"), "name": "ENV_VARS_SNAPSHOT",
            "packageName": "os.environ", "kind": 1, "isPreAppStart": true, "inputValue": {},
            "outputValue": {"ENV_VARS": {"REGION": region, "COUNT": 3}}, "environment": environment,
            "timestamp": {"seconds": seconds, "nanos": 0}})
        .to_string()
    };
    std::fs::write(
        folder.join("b.jsonl"),
        snapshot(2, 20, json!("staging"), "new"),
    )
    .unwrap();
    std::fs::write(
        folder.join("c.jsonl"),
        snapshot(3, 10, json!("staging"), "old"),
    )
    .unwrap();
    std::fs::write(folder.join("d.jsonl"), snapshot(4, 10, Value::Null, "none")).unwrap();

    let recording = Arc::new(Recording::load(&LoadOptions::new([&folder]), &|_| {}).unwrap());
    let mut plan = project.plan();
    plan.tests = planned_tests(&recording, |_| true);
    plan.roots = Arc::clone(&recording) as Arc<dyn Roots>;
    plan.environments = recorded_environments(&recording).unwrap();
    let region = |name: &str| {
        plan.environments[name]
            .clone()
            .into_iter()
            .collect::<Vec<_>>()
    };
    assert_eq!(region("staging"), [("REGION".to_owned(), "new".to_owned())]);
    assert_eq!(
        region("default"),
        [("REGION".to_owned(), "none".to_owned())]
    );
    assert_eq!(plan.tests.len(), 1);

    let matcher = Arc::new(Matcher::new(recording, MatchOptions::default()));
    let outcome = run_tests(
        Arc::new(plan),
        Arc::clone(&matcher) as Arc<dyn Answering>,
        Arc::new(Unobserved),
        Cancel::default(),
    )
    .await;
    assert_eq!(body(&outcome, id), "[true, false]");
    let mocks = &of(&outcome, id).record.mocks;
    assert_eq!(mocks[0].answer.matched_span_id, "00000000000000c1");
    assert!(mocks[0].matched.as_ref().unwrap().found.is_some());
    assert_eq!(mocks[1].answer.error_code, "mock_not_found");
    assert_eq!(
        mocks[1].answer.error,
        format!("no recorded call answers \"other\" of the package \"http\" in the test {id}")
    );
    assert!(matcher.unused(id).is_empty());
    let boot = &outcome.environments[0].outside.mocks[0];
    assert!(
        boot.answer.error.ends_with("outside of tests"),
        "{}",
        boot.answer.error
    );
}

fn in_sandbox(mode: SandboxMode, allow_ports: Vec<u16>) -> SandboxPlan {
    SandboxPlan {
        mode,
        allow_ports,
        ..SandboxPlan::off()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_in_a_sandbox_reaches_the_mock_server_over_tcp() {
    let project = Project::new().with("a", "/call?one,miss");
    let mut plan = project.plan();
    plan.listen = Listen::Tcp(([127, 0, 0, 1], 0).into());
    plan.sandbox = in_sandbox(SandboxMode::Strict, Vec::new());
    let outcome = run(plan).await;
    match Sandbox::support() {
        Ok(()) => {
            assert_eq!(body(&outcome, "a"), "[true, false]");
            assert_eq!(outcome.notices, []);
        }
        Err(_) => {
            let error = outcome.environments[0].error.as_ref().unwrap();
            assert_eq!(error.code(), "no_sandbox");
            assert_eq!(error_code(&outcome, "a"), "not_run");
        }
    }
}

/// A plan for a service that needs another server to come up.
fn needs_another_port(project: &Project, port: u16) -> RunPlan {
    let mut plan = project.plan();
    plan.service.command = format!(
        "python3 -c \"import socket; socket.create_connection(('127.0.0.1', {port}))\" && {}",
        plan.service.command
    );
    plan
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_does_not_come_up_in_its_sandbox_is_started_once_more_without() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let project = Project::new()
        .with("a", "/echo")
        .in_environment("one")
        .with("b", "/echo")
        .in_environment("two");
    let mut plan = needs_another_port(&project, port);
    plan.sandbox = in_sandbox(SandboxMode::Auto, Vec::new());
    let outcome = run(plan).await;
    for id in ["a", "b"] {
        assert_eq!(of(&outcome, id).response.as_ref().unwrap().status, 200);
    }
    let codes: Vec<&str> = outcome.notices.iter().map(|notice| notice.code).collect();
    match Sandbox::support() {
        Ok(()) => {
            assert_eq!(codes, ["sandbox_given_up"]);
            assert_eq!(
                outcome.sandbox_given_up.as_deref(),
                Some("it ended with exit status: 1")
            );
            assert_eq!(
                outcome.notices[0].message,
                "the service did not come up in its sandbox (it ended with exit status: 1), and is started again without"
            );
        }
        Err(_) => assert_eq!(codes, ["no_sandbox"]),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_lacks_a_recorded_answer_at_its_start_is_not_let_out_of_its_sandbox() {
    let project = Project::new().with("a", "/echo");
    let mut plan = project.plan();
    plan.service.command = "echo x >> tries; exec python3 -c 'import service, sys; service.Sdk.start(); service.mock(\"\", \"miss\"); sys.exit(\"no answer\")'".to_owned();
    plan.sandbox = in_sandbox(SandboxMode::Auto, Vec::new());
    let outcome = run(plan).await;
    let error = outcome.environments[0].error.as_ref().unwrap();
    assert_eq!(error.code(), "boot_call_unanswered");
    let text = error.to_string();
    assert!(
        text.starts_with("boot call miss has no recorded answer: `drift record"),
        "{text}"
    );
    assert!(text.ends_with("its last output:\n  no answer"), "{text}");
    assert!(!has_notice(&outcome, "sandbox_given_up"));
    assert_eq!(outcome.sandbox_given_up, None);
    let tries = std::fs::read_to_string(project.directory.path().join("tries")).unwrap();
    assert_eq!(tries, "x\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_required_sandbox_is_not_given_up_and_its_ports_can_be_more() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let project = Project::new().with("a", "/echo");
    for (allowed, code) in [(vec![port], None), (Vec::new(), Some("service_exited"))] {
        let mut plan = needs_another_port(&project, port);
        plan.sandbox = in_sandbox(SandboxMode::Strict, allowed);
        let outcome = run(plan).await;
        let expected = match Sandbox::support() {
            Ok(()) => code,
            Err(_) => Some("no_sandbox"),
        };
        let error = outcome.environments[0].error.as_ref();
        assert_eq!(error.map(|error| error.code()), expected);
    }
}
