//! What `drift replay` says and ends with when the service cannot be run to the end:
//! it dies again and again, or something else has its port.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails with where and why"
)]

mod support;

use support::{Project, Ran, SERVICE, span};

/// A service that kills itself at each request of this number since its start.
fn dying_at(request: usize) -> Project {
    let project = Project::new();
    let dying = SERVICE.replace(
        "        body = json",
        &format!(
            "        Handler.seen = getattr(Handler, 'seen', 0) + 1\n        if Handler.seen == {request}: os.write(1, b'out of memory\\n'); os.kill(os.getpid(), 9)\n        body = json"
        ),
    );
    std::fs::write(project.path().join("service.py"), dying).unwrap();
    project
}

/// As many recorded requests as there are hexadecimal digits.
fn with_sixteen_tests(project: Project) -> Project {
    for trace in "0123456789cdef".chars() {
        let body = r#"{"version": "1", "path": "/orders"}"#;
        let line = span(trace, 1_795_227_890, "/orders", body) + "\n";
        let file = project.path().join(format!(".tusk/traces/{trace}.jsonl"));
        std::fs::write(file, line).unwrap();
    }
    project
}

#[test]
fn a_service_that_is_given_up_does_not_pass_and_the_reason_is_said_everywhere() {
    let project = with_sixteen_tests(dying_at(2));
    let ran = project.drift(&["replay", "--junit", "j.xml"]);
    let said = format!("{}{}", ran.output, ran.errors);
    assert_eq!(ran.code, 2, "{said}");
    let reason = "the service was lost 11 times, and is not started again";
    let error = format!("error: environment test: {reason}; its last output:\n  out of memory");
    assert!(ran.errors.contains(&error), "{said}");
    let last = ran.output.lines().last().unwrap_or_default();
    assert_eq!(last, format!("5 tests not run: {reason}"), "{said}");
    assert!(
        ran.output.contains("16 tests: 11 passed, 5 not run"),
        "{said}"
    );

    let junit = std::fs::read_to_string(project.path().join("j.xml")).unwrap();
    assert!(junit.contains(r#"errors="5" skipped="0""#), "{junit}");
    let of_test = format!(r#"<error message="not run: {reason}"/>"#);
    assert_eq!(junit.matches(&of_test).count(), 5, "{junit}");
    assert!(junit.contains("<system-err>environment test: "), "{junit}");

    let ran = project.drift(&["replay", "--json"]);
    assert_eq!(ran.code, 2, "{}", ran.errors);
    let json: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(json["service_lost"], 11);
    let error = json["errors"][0].as_str().unwrap_or_default();
    assert!(error.contains(reason), "{error}");
    assert_eq!(json["tests"][15]["error"], reason);
}

#[test]
fn a_quiet_run_that_is_given_up_names_no_test_that_was_not_run() {
    let project = with_sixteen_tests(dying_at(2));
    let ran = project.drift(&["replay", "--quiet"]);
    assert!(!ran.output.contains("GET "), "{}", ran.output);
    assert!(ran.output.contains("5 tests not run: "), "{}", ran.output);
}

#[test]
fn a_deviation_counts_more_than_tests_that_were_not_run() {
    let project = with_sixteen_tests(dying_at(2));
    let body = r#"{"version": "1", "path": "/elsewhere"}"#;
    let line = span('0', 1_795_227_890, "/orders", body) + "\n";
    std::fs::write(project.path().join(".tusk/traces/0.jsonl"), line).unwrap();
    assert_eq!(project.drift(&["replay"]).code, 1);
}

#[test]
fn the_summary_says_how_often_a_service_was_lost_whose_tests_passed_again() {
    let project = dying_at(2);
    let ran = project.drift(&["replay"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let last = ran.output.lines().last().unwrap_or_default();
    assert_eq!(last, "the service was lost once", "{}", ran.output);
    assert!(ran.output.contains("2 tests: 2 passed"), "{}", ran.output);
}

#[test]
fn the_summary_of_a_run_without_its_sandbox_says_how_to_require_one() {
    if drift_replay::service::Sandbox::support().is_err() {
        return;
    }
    let project = Project::new();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = server.local_addr().unwrap().port();
    project.configure(&format!(
        "python3 -c \"import socket; socket.create_connection(('127.0.0.1', {other}))\" && exec python3 service.py $PORT"
    ));
    let ran = project.drift(&["replay", "--quiet"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let last = ran.output.lines().last().unwrap_or_default();
    assert_eq!(
        last,
        "the service ran without its sandbox, in which it did not come up (it ended with exit status: 1); --sandbox-mode strict requires it"
    );
}

/// A port is held by whom Linux shows.
#[cfg(target_os = "linux")]
#[test]
fn two_replays_at_once_do_not_test_the_service_of_each_other_nor_share_a_log() {
    let project = Project::new();
    // Both look at the port before either service has come to it.
    project.configure("echo up; touch up-$$; while test $(ls | grep -c up-) -lt 2; do sleep 0.02; done; exec python3 service.py $PORT");
    let arguments = ["replay", "--quiet", "--enable-service-logs"];
    let first = project.start(&arguments);
    let second = project.start(&arguments);
    let ran = [first, second].map(|run| Ran::from(run.wait_with_output().unwrap()));
    let mut codes = ran.each_ref().map(|ran| ran.code);
    codes.sort_unstable();
    let said = ran.map(|ran| ran.errors).concat();
    assert_eq!(codes, [0, 2], "{said}");
    assert!(said.contains("which another `drift` has started"), "{said}");
    let logs = std::fs::read_dir(project.path().join(".tusk/logs")).unwrap();
    assert_eq!(logs.count(), 2);
}
