//! How `drift record`, `replay` and `serve` begin and end: services of all kinds,
//! signals, exit codes, and command lines that cannot work.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails with where and why"
)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use support::{Project, Ran, first_line, interrupt, signal, span, wait_for};

#[test]
fn a_time_to_be_ready_holds_for_the_port_too_and_is_said_in_seconds() {
    let project = Project::new();
    let config = format!(
        "service:\n  port: {}\n  start:\n    command: sleep 600\n  readiness_check:\n    timeout: 300ms\n",
        project.port
    );
    std::fs::write(project.path().join(".tusk/config.yaml"), config).unwrap();
    let said = project.refused(&["replay"]);
    assert!(said.contains("not ready after 0.3 s"), "{said}");
    assert!(said.contains("it printed nothing"), "{said}");
}

#[test]
fn a_start_command_that_is_not_there_is_tried_once_and_named_once() {
    for start in ["no-such-program $PORT", "./service.py $PORT"] {
        let project = Project::new();
        project.configure(&format!("echo x >> tries; exec {start}"));
        let said = project.refused(&["replay"]);
        let tries = std::fs::read_to_string(project.path().join("tries")).unwrap();
        assert_eq!(tries, "x\n", "{said}");
        assert!(!said.contains("started again"), "{said}");
        assert_eq!(
            said.matches("before the service was ready").count(),
            1,
            "{said}"
        );
    }
}

#[test]
fn a_service_that_forks_and_never_connects_is_replayed_with_a_notice_and_stopped() {
    let project = Project::new();
    project.configure("python3 service.py $PORT & exit 0");
    let ran = project.drift(&["replay"]);
    let said = &ran.errors;
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("no SDK connected within 10 s"), "{said}");
    assert!(!project.accepts());
}

#[test]
fn a_service_that_ignores_sigterm_is_killed_at_the_end_of_a_replay() {
    let project = Project::new();
    let ran = Ran::of(project.command(&["replay"]).env("STUBBORN", "1"));
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(!project.accepts());
}

#[test]
fn a_second_ctrl_c_kills_the_service_of_a_replay_and_its_stop_command() {
    let project = Project::new();
    project.hang();
    let config = format!(
        "service:\n  port: {0}\n  start:\n    command: exec python3 service.py {0}\n  stop:\n    command: touch stopping; sleep 5; touch stopped\n",
        project.port
    );
    std::fs::write(project.path().join(".tusk/config.yaml"), config).unwrap();
    let mut child = project.start(&["replay"]);
    let (first, mut output) = first_line(&mut child);
    assert!(first.contains("GET /orders"), "{first}");
    interrupt(&child);
    wait_for("the stop command", || {
        project.path().join("stopping").exists()
    });
    interrupt(&child);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.contains("1 passed, 1 not run"), "{rest}");
    wait_for("the service to be gone", || !project.accepts());
    assert!(!project.path().join("stopped").exists());
}

#[test]
fn a_second_ctrl_c_kills_a_recorded_service_without_asking_it() {
    let project = Project::new();
    let script = "trap 'touch asked' TERM; echo ready; while :; do sleep 0.01; done";
    let mut child = project.start(&["record", "--settle", "600", "--", "sh", "-c", script]);
    let (ready, _output) = first_line(&mut child);
    assert_eq!(ready, "ready\n");
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    interrupt(&child);
    assert!(said.any(|line| line.unwrap().contains("Ctrl-C again does not wait")));
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(!project.path().join("asked").exists());
}

#[test]
fn a_service_does_not_outlive_a_drift_that_was_killed() {
    let project = Project::new();
    project.hang();
    for arguments in [
        vec!["replay"],
        vec!["record", "--", "python3", "service.py", "PORT"],
    ] {
        let port = project.port.to_string();
        let arguments: Vec<&str> = arguments
            .into_iter()
            .map(|word| if word == "PORT" { &port } else { word })
            .collect();
        let mut child = project.start(&arguments);
        wait_for("the service", || project.accepts());
        child.kill().unwrap();
        child.wait().unwrap();
        wait_for("the end of the service", || !project.accepts());
    }
}

#[test]
fn sigterm_ends_record_replay_and_serve_in_order_with_143() {
    let project = Project::new();
    let port = project.port.to_string();
    let record = [
        "record",
        "--settle",
        "0",
        "--",
        "python3",
        "service.py",
        &port,
    ];
    let mut child = project.start(&record);
    wait_for("the recorded service", || project.accepts());
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!project.accepts());

    let mut child = project.start(&["serve"]);
    let (_mode, _output) = first_line(&mut child);
    let socket = project.path().join(".tusk/.s");
    assert!(socket.exists());
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!socket.exists());

    let mut child = project.start(&["replay"]);
    wait_for("the replayed service", || project.accepts());
    signal(&child, "-TERM");
    assert_eq!(child.wait().unwrap().code(), Some(143));
    assert!(!project.accepts());
}

#[test]
fn record_goes_on_when_its_command_ends_well_and_leaves_the_service_running() {
    let project = Project::new();
    let line = span('c', 1_795_227_890, "/new", "{}");
    std::fs::write(project.path().join("line"), line + "\n").unwrap();
    let script = "(sleep 1; cat line > .tusk/traces/c.jsonl; sleep 600) & exit 0";
    let ran = project.drift(&[
        "record", "--settle", "0", "--traces", "1", "--", "sh", "-c", script,
    ]);
    let said = &ran.errors;
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("1 trace, 1 span"), "{said}");
    assert!(!said.contains("ended by itself"), "{said}");
}

#[test]
fn record_takes_its_command_with_and_without_two_dashes() {
    let project = Project::new();
    for arguments in [
        [
            "record",
            "--quiet",
            "--",
            "sh",
            "-c",
            "echo --quiet $0",
            "--for",
        ],
        [
            "record",
            "--quiet",
            "sh",
            "-c",
            "echo --quiet $0",
            "--for",
            "--",
        ],
    ] {
        let ran = project.drift(&arguments);
        assert_eq!(ran.output, "--quiet --for\n", "{}", ran.errors);
    }
    let said = project.refused(&["record", "--fro", "60", "--", "true"]);
    assert!(said.contains("unexpected argument '--fro'"), "{said}");
}

#[test]
fn record_says_where_the_sdk_wrote_when_another_folder_was_watched() {
    let project = Project::new();
    let new = span('c', 1_795_227_910, "/new", "{}");
    std::fs::write(project.path().join("new"), new + "\n").unwrap();
    // As an SDK does it, which takes the folder from the configuration.
    let sdk = "cp new .tusk/traces/new.jsonl";
    let record = ["record", "--trace-dir", "mine", "--", "sh", "-c", sdk];
    let ran = project.drift(&record);
    let said = &ran.errors;
    assert!(said.contains("nothing was recorded in mine"), "{said}");
    assert!(
        said.contains(".tusk/traces: the folder of --trace-dir"),
        "{said}"
    );
    assert!(said.contains("set traces.dir"), "{said}");
    let sdk = "mkdir -p mine; cp new mine/new.jsonl";
    let ran = project.drift(&["record", "--trace-dir", "mine", "--", "sh", "-c", sdk]);
    let said = &ran.errors;
    assert!(said.contains("1 trace"), "{said}");
    let next = "next: drift traces --trace-dir mine, drift replay --trace-dir mine";
    assert!(said.contains(next), "{said}");
    let ran = project.drift(&["record", "--trace-dir", "none", "--", "true"]);
    let said = &ran.errors;
    assert!(said.contains("does the service initialise"), "{said}");
}

#[test]
fn record_refuses_at_once_a_folder_that_cannot_be() {
    let project = Project::new();
    for folder in ["service.py", "service.py/traces"] {
        let command = ["record", "--trace-dir", folder, "--", "touch", "started"];
        let said = project.refused(&command);
        let expected = format!("no traces can be in {folder}: ");
        assert!(said.contains(&expected), "{said}");
        assert!(said.to_lowercase().contains("not a directory"), "{said}");
        assert!(!project.path().join("started").exists());
    }
    let command = ["record", "--trace-dir", "new/traces", "--", "true"];
    assert_eq!(project.drift(&command).code, 0);
    assert!(!project.path().join("new").exists());
}

#[test]
fn record_says_what_to_do_with_a_command_in_one_pair_of_quotes() {
    let project = Project::new();
    let said = project.refused(&["record", "python3 service.py"]);
    assert!(
        said.contains("leave out the quotes (`drift record -- python3 service.py`)"),
        "{said}"
    );
    assert!(said.contains("sh -c"), "{said}");
}

#[test]
fn record_names_a_line_that_its_command_left_half_written() {
    let project = Project::new();
    let line = span('c', 1_795_227_890, "/new", "{}");
    std::fs::write(project.path().join("line"), &line[..line.len() - 9]).unwrap();
    let ran = project.drift(&["record", "--", "cp", "line", ".tusk/traces/c.jsonl"]);
    let said = &ran.errors;
    assert!(
        said.contains("c.jsonl:1: the line is cut off after"),
        "{said}"
    );
}

#[test]
fn a_recording_whose_every_request_is_cut_off_does_not_pass() {
    let project = Project::new();
    for trace in ['a', 'b'] {
        let file = project.path().join(format!(".tusk/traces/{trace}.jsonl"));
        let root = std::fs::read_to_string(&file).unwrap();
        let call = span(trace, 1, "/call", "{}");
        let call = call.replace("\"isRootSpan\":true", "\"isRootSpan\":false");
        let cut = format!("{call}\n{}", &root[..root.len() - 9]);
        std::fs::write(file, cut).unwrap();
    }
    let said = project.refused(&["replay"]);
    assert!(
        said.contains("a.jsonl:2: the line is cut off after"),
        "{said}"
    );
    assert!(said.contains("holds no test"), "{said}");
    assert!(
        said.contains("no request to the service is in the recording, only 2 calls of it"),
        "{said}"
    );
}

#[test]
fn a_results_folder_without_results_to_save_is_wrong_use() {
    let project = Project::new();
    let nowhere = ["--filter", "path=nowhere"];
    for arguments in [
        ["replay", "--results-dir", "out", "--quiet"],
        ["replay", "--quiet", "--results-dir", "out"],
    ] {
        let said = project.refused(&arguments);
        assert!(said.contains("--save-results"), "{said}");
    }
    for (at, arguments) in [
        ["--results-dir", "out", "--save-results", "json"],
        ["--save-results", "json", "--results-dir", "out"],
    ]
    .iter()
    .enumerate()
    {
        let ran = project.drift(&[&["replay"], &nowhere[..], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.errors);
        let runs = std::fs::read_dir(project.path().join("out")).unwrap();
        assert_eq!(runs.count(), at + 1);
    }
}

#[test]
fn files_are_not_written_to_standard_output_nor_to_a_file_named_dash() {
    let project = Project::new();
    for flag in ["--report", "--junit", "--coverage-output"] {
        let said = project.refused(&["replay", flag, "-"]);
        assert!(
            said.contains(flag) && said.contains("name a file"),
            "{said}"
        );
        assert!(!project.path().join("-").exists());
    }
}

#[test]
fn serve_takes_a_name_of_this_machine_and_opens_to_the_network_by_address_alone() {
    let project = Project::new();
    let mut child = project.start(&["serve", "--tcp", "localhost:0"]);
    let (_mode, mut output) = first_line(&mut child);
    let mut host = String::new();
    output.read_line(&mut host).unwrap();
    assert_eq!(host, "TUSK_MOCK_HOST=127.0.0.1\n");
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));

    // The system reads this as the address of all interfaces.
    let said = project.refused(&["serve", "--tcp", "0:9001"]);
    assert!(said.contains("--tcp 0.0.0.0:9001"), "{said}");
    for wrong in ["localhost", "9001", ":9001", "localhost:http"] {
        let said = project.refused(&["serve", "--tcp", wrong]);
        assert!(said.contains(&format!("--tcp {wrong}: ")), "{said}");
    }
}

#[test]
fn a_cause_is_said_once() {
    let project = Project::new();
    let said = project.refused(&["traces", "--trace-dir", "nowhere"]);
    assert_eq!(
        said,
        "error: nowhere: no such file or directory; record with `drift record -- COMMAND`, or name a recording with --trace-dir\n"
    );
    std::fs::create_dir(project.path().join("other")).unwrap();
    std::fs::write(project.path().join("other/log.jsonl"), "{\"level\":1}\n").unwrap();
    let said = project.refused(&["traces", "--trace-dir", "other"]);
    assert!(
        said.starts_with("error: 1 trace file and not one span in it; the first problem: "),
        "{said}"
    );
    assert_eq!(said.matches("log.jsonl").count(), 1, "{said}");
}

#[test]
fn a_result_that_cannot_be_written_is_refused_before_the_service_is_started() {
    let project = Project::new();
    project.configure("touch started; exec python3 service.py $PORT");
    let refusals = [
        ("--report", "", "--report names no file"),
        ("--junit", ".tusk", "--junit: .tusk is a folder"),
        ("--report", "service.py/r.html", "service.py/r.html"),
        ("--coverage-output", "/proc/x.lcov", "/proc/x.lcov"),
    ];
    for (option, path, expected) in refusals {
        let said = project.refused(&["replay", option, path]);
        assert!(said.contains(expected), "{said}");
    }
    let said = project.refused(&[
        "replay",
        "--save-results",
        "json",
        "--results-dir",
        "service.py",
    ]);
    assert!(said.contains("--results-dir"), "{said}");
    assert!(!project.path().join("started").exists());
}

#[test]
fn a_result_replaces_what_was_there_as_a_whole_and_leaves_nothing_beside_it() {
    let project = Project::new();
    let folder = project.path().join("results");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("r.html"), "before").unwrap();
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(folder.join("r.html"), private).unwrap();
    std::os::unix::fs::symlink("r.html", folder.join("latest.html")).unwrap();
    let ran = project.drift(&[
        "replay",
        "--report",
        "results/latest.html",
        "--junit",
        "/dev/null",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let page = std::fs::read_to_string(folder.join("r.html")).unwrap();
    assert!(page.contains("</html>"), "{page}");
    let mut names: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["latest.html", "r.html"]);
    let found = std::fs::metadata(folder.join("r.html")).unwrap();
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_run_that_starts_no_service_leaves_no_log_of_one() {
    let project = Project::new();
    let ran = project.drift(&[
        "replay",
        "--enable-service-logs",
        "--filter",
        "path=nothing",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let logs = std::fs::read_dir(project.path().join(".tusk/logs")).unwrap();
    assert_eq!(logs.count(), 0);
}
