//! `drift record`, `traces`, `replay`, `explain` and `serve` on small real services
//! without an SDK, and secrets in what all commands show; the published SDKs are in
//! `tests/e2e`.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails with where and why"
)]

mod support;

use std::io::{BufRead as _, Read as _};
use std::path::Path;
use std::process::{Command, Stdio};
use support::{
    Project, Ran, SERVICE, at_home_in, first_line, interrupt, signal, span, text, wait_for,
};

#[test]
fn traces_lists_what_is_recorded_in_the_order_it_happened() {
    let project = Project::new();
    let ran = project.drift(&["traces"]);
    let listed = &ran.output;
    let (orders, products) = (listed.find("GET /orders"), listed.find("GET /products/1"));
    assert!(orders.is_some() && orders < products, "{listed}");
    assert!(
        listed.contains("200") && listed.contains("1.5 ms"),
        "{listed}"
    );
    assert_eq!(ran.code, 0);
}

#[test]
fn traces_as_json_is_what_the_published_list_prints() {
    let project = Project::new();
    let ran = project.drift(&["list", "--json", "--filter", "path=^/orders$"]);
    let listed: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(listed["count"], 1);
    let test = &listed["tests"][0];
    assert_eq!(test["id"], "a".repeat(32));
    assert_eq!(test["type"], "HTTP");
    assert_eq!(test["method"], "GET");
    assert_eq!(test["path"], "/orders");
    assert_eq!(test["status"], 200);
    assert_eq!(test["file_name"], "a.jsonl");
}

#[test]
fn a_broken_line_is_named_and_the_rest_is_used() {
    let project = Project::new();
    let file = project.path().join(".tusk/traces/a.jsonl");
    let mut lines = std::fs::read_to_string(&file).unwrap();
    lines.push_str("{\"traceId\":\n");
    std::fs::write(&file, lines).unwrap();
    let ran = project.drift(&["traces"]);
    let said = &ran.errors;
    assert!(said.contains("a.jsonl:2"), "{said}");
    assert!(ran.output.contains("GET /orders"));
}

#[test]
fn one_file_that_is_broken_all_over_does_not_hide_what_is_wrong_with_another() {
    let project = Project::new();
    let traces = project.path().join(".tusk/traces");
    std::fs::write(traces.join("b0.jsonl"), "{\n".repeat(50)).unwrap();
    std::fs::write(traces.join("b1.jsonl"), "[]\n").unwrap();
    let said = project.drift(&["traces"]).errors;
    assert!(
        said.contains("b0.jsonl:1:") && said.contains("b1.jsonl:1:"),
        "{said}"
    );
    assert!(said.contains("12 problems more"), "{said}");
    let said = project
        .drift(&["traces", "--trace-dir", ".tusk/traces/b0.jsonl"])
        .errors;
    assert!(said.contains("the first problem: "), "{said}");
    assert!(said.contains("b0.jsonl:1:"), "{said}");
}

#[test]
fn a_folder_without_traces_says_how_to_record_some() {
    let project = Project::new();
    std::fs::remove_dir_all(project.path().join(".tusk/traces")).unwrap();
    let ran = project.drift(&["replay"]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("drift record"), "{}", ran.errors);
}

#[test]
fn an_unchanged_service_replays_green() {
    let project = Project::new();
    let ran = project.drift(&["replay"]);
    let said = &ran.output;
    assert_eq!(ran.code, 0, "{said}{}", ran.errors);
    assert!(said.contains("2 tests: 2 passed"), "{said}");
    assert!(!said.contains('\x1b'), "a pipe gets no colours");
    assert!(!project.accepts(), "the service is stopped");
}

#[test]
fn a_changed_value_is_shown_by_path_in_every_form_and_exits_1() {
    let project = Project::new();
    let arguments = [
        "replay",
        "--json",
        "--junit",
        "out/junit.xml",
        "--report",
        "out/report.html",
        "--save-results",
        "json",
    ];
    let ran = Ran::of(project.command(&arguments).env("VERSION", "2"));
    assert_eq!(ran.code, 1, "{}", ran.errors);
    let results: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(results["totals"]["deviated"], 2);
    let deviation = &results["tests"][0]["deviations"][0];
    assert_eq!(deviation["code"], "BODY_CHANGED");
    assert_eq!(deviation["path"], "$.version");
    let junit = std::fs::read_to_string(project.path().join("out/junit.xml")).unwrap();
    assert!(
        junit.contains("failures=\"2\"") && junit.contains("$.version"),
        "{junit}"
    );
    let page = std::fs::read_to_string(project.path().join("out/report.html")).unwrap();
    assert!(page.contains("$.version"));
    let runs = std::fs::read_dir(project.path().join(".tusk/results")).unwrap();
    let saved = runs.last().unwrap().unwrap().path().join("results.json");
    let saved: serde_json::Value = serde_json::from_slice(&std::fs::read(saved).unwrap()).unwrap();
    assert_eq!(saved["trace_test_results"][0]["test_success"], false);
}

/// Runs a program on a kernel that has no Landlock, as far as the program can see.
#[cfg(target_os = "linux")]
const WITHOUT_LANDLOCK: &str = r#"
import ctypes, os, sys
class Rule(ctypes.Structure):
    _fields_ = [("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte), ("k", ctypes.c_uint)]
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("rules", ctypes.POINTER(Rule))]
# The system call 444, landlock_create_ruleset, gives ENOSYS; every other one is allowed.
rules = (Rule * 4)(Rule(0x20, 0, 0, 0), Rule(0x15, 0, 1, 444), Rule(0x06, 0, 0, 0x50026), Rule(0x06, 0, 0, 0x7FFF0000))
program = Program(4, rules)
prctl = ctypes.CDLL(None).prctl
zero = ctypes.c_ulong(0)
assert prctl(38, ctypes.c_ulong(1), zero, zero, zero) == 0
assert prctl(22, ctypes.c_ulong(2), ctypes.byref(program), zero, zero) == 0
os.execv(sys.argv[1], sys.argv[1:])
"#;

#[cfg(target_os = "linux")]
#[test]
fn a_kernel_without_landlock_is_told_where_a_sandbox_is_required_and_replays_without_where_not() {
    let project = Project::new();
    for (mode, code, said) in [
        (
            "strict",
            2,
            "the sandbox is required (strict); `--sandbox-mode auto` and `off` replay without it: this system cannot confine a service: that takes Linux 6.7",
        ),
        ("auto", 0, "notice: the service runs without a sandbox: "),
        ("off", 0, ""),
    ] {
        let mut command = Command::new("python3");
        command
            .args(["-c", WITHOUT_LANDLOCK, env!("CARGO_BIN_EXE_drift")])
            .args(["replay", "--sandbox-mode", mode])
            .current_dir(project.path())
            .env("HOME", project.path());
        let ran = Ran::of(&mut command);
        let errors = &ran.errors;
        assert_eq!(ran.code, code, "{mode}: {errors}");
        assert!(errors.contains(said), "{mode}: {errors}");
        assert_eq!(errors.contains("sandbox"), mode != "off", "{errors}");
    }
}

/// Whether the kernel of this test confines, as `drift` says.
fn has_sandbox(project: &Project) -> bool {
    let ran = project.drift(&["replay", "--sandbox-mode", "strict"]);
    let errors = &ran.errors;
    let confined = format!("; sandbox: TCP to port {} only", project.port);
    let is_confined = errors.contains(&confined);
    let expected = if is_confined { 0 } else { 2 };
    assert_eq!(ran.code, expected, "{errors}");
    assert!(
        is_confined || errors.contains("the sandbox is required"),
        "{errors}"
    );
    is_confined
}

#[test]
fn a_file_of_the_published_sandbox_opens_its_local_ports_and_its_other_keys_are_named() {
    let project = Project::new();
    let other = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let other = other.local_addr().unwrap().port();
    let fence = format!(
        r#"{{
  // the database
  "network": {{"allowLocalOutbound": true, "allowLocalOutboundPorts": [{other}]}},
  "command": {{"deny": ["git push"]}},
}}"#
    );
    std::fs::write(project.path().join("fence.json"), fence).unwrap();
    let ran = project.drift(&["replay", "--sandbox-config", "fence.json"]);
    let errors = &ran.errors;
    assert_eq!(ran.code, 0, "{errors}");
    assert!(errors.contains("fence.json: not applied here"), "{errors}");
    assert!(errors.contains(": command"), "{errors}");
    if has_sandbox(&project) {
        let (first, second) = (other.min(project.port), other.max(project.port));
        let ports = format!("sandbox: TCP to ports {first} and {second} only");
        assert!(errors.contains(&ports), "{errors}");
    } else {
        assert!(errors.contains("runs without a sandbox"), "{errors}");
    }
    let ran = project.drift(&["replay", "--sandbox-config", "none.json"]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("none.json"), "{}", ran.errors);
}

#[test]
fn results_for_an_agent_are_an_index_and_a_page_for_each_deviating_test() {
    let project = Project::new();
    // Only one of the two requests is answered otherwise.
    let changed = SERVICE.replace(
        r#"os.environ.get("VERSION", "1")"#,
        r#"("2" if "orders" in self.path else "1")"#,
    );
    std::fs::write(project.path().join("service.py"), changed).unwrap();
    let arguments = ["replay", "--save-results", "agent", "--results-dir", "out"];
    let ran = project.drift(&arguments);
    let errors = &ran.errors;
    assert_eq!(ran.code, 1, "{errors}");
    let mut runs = std::fs::read_dir(project.path().join("out")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    let page_name = format!("deviation-{}.md", "a".repeat(32));
    let mut names: Vec<String> = std::fs::read_dir(&run)
        .unwrap()
        .map(|entry| text(entry.unwrap().file_name().as_encoded_bytes()))
        .collect();
    names.sort();
    assert_eq!(names, [page_name.as_str(), "index.md"]);
    let index = std::fs::read_to_string(run.join("index.md")).unwrap();
    assert!(
        index.contains(&format!("[`GET /orders`]({page_name})")),
        "{index}"
    );
    let page = std::fs::read_to_string(run.join(&page_name)).unwrap();
    for part in [
        "- **BODY_CHANGED** body `$.version`\n  - recorded: `\"1\"`\n  - now: `\"2\"`\n",
        "```http\nGET /orders\nx-td-trace-id: ",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(errors.matches("index.md").count(), 1, "{errors}");
    assert!(!errors.contains(&page_name), "{errors}");
    // What the page says is what brings the test back.
    let again = page
        .lines()
        .find_map(|line| line.strip_prefix("drift replay "))
        .unwrap();
    let again: Vec<&str> = std::iter::once("replay").chain(again.split(' ')).collect();
    let ran = project.drift(&again);
    assert_eq!(ran.code, 1);
    let said = &ran.output;
    assert!(said.contains("1 test: 0 passed, 1 deviated"), "{said}");
}

#[test]
fn the_command_on_the_page_of_an_agent_repeats_the_run_whatever_ids_and_paths_are() {
    let project = Project::new();
    let (traces, config) = ("it's recorded", "my config.yaml");
    let tusk = project.path().join(".tusk");
    std::fs::rename(tusk.join("traces"), project.path().join(traces)).unwrap();
    std::fs::rename(tusk.join("config.yaml"), project.path().join(config)).unwrap();
    let file = project.path().join(traces).join("a.jsonl");
    let recorded = std::fs::read_to_string(&file).unwrap();
    let recorded = recorded
        .replace(&"a".repeat(32), "$(touch pwned); echo")
        .replace("/orders", "/orders?name=é");
    std::fs::write(&file, recorded).unwrap();
    let place = [
        "--trace-dir",
        traces,
        "--config",
        config,
        "--sandbox-mode",
        "off",
    ];
    let mut arguments = vec!["replay", "--save-results", "agent", "--results-dir", "out"];
    arguments.extend(place);
    let ran = Ran::of(project.command(&arguments).env("VERSION", "2"));
    assert_eq!(ran.code, 1, "{}", ran.errors);
    let run = std::fs::read_dir(project.path().join("out")).unwrap();
    let run = run.last().unwrap().unwrap().path();
    let page = run.join("deviation-__touch_pwned___echo.md");
    let page = std::fs::read_to_string(page).unwrap();
    assert!(
        page.contains("```http\nGET /orders?name=%C3%A9\n"),
        "{page}"
    );
    let (_, commands) = page.split_once("```sh\n").unwrap();
    let (commands, _) = commands.split_once("\n```").unwrap();
    assert!(commands.contains(" --sandbox-mode off "), "{commands}");
    let folder = Path::new(env!("CARGO_BIN_EXE_drift")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", commands]).env("PATH", path);
    at_home_in(project.path(), &mut shell);
    let ran = Ran::of(&mut shell);
    let said = &ran.output;
    assert_eq!(ran.code, 0, "{said}{}", ran.errors);
    assert!(said.contains("1 test: 0 passed, 1 deviated"), "{said}");
    assert!(!project.path().join("pwned").exists());
}

#[test]
fn the_published_form_on_standard_output_is_one_object_a_test() {
    let project = Project::new();
    let ran = project.drift(&["run", "--print", "--output-format", "json"]);
    let objects: Vec<serde_json::Value> = serde_json::Deserializer::from_str(&ran.output)
        .into_iter()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0]["test_id"], "a".repeat(32));
    assert_eq!(objects[0]["passed"], true);
}

#[test]
fn what_the_published_program_takes_before_its_commands_is_taken_there() {
    let project = Project::new();
    let config = ".tusk/config.yaml";
    for line in [
        &["--debug", "run"][..],
        &["--config", config, "run"],
        &["--config=.tusk/config.yaml", "--debug", "replay", "-q"],
        &["run", "--debug", "-q"],
        &["--debug", "list", "--enable-service-logs"],
        &["--debug", "--config", config, "traces", "show", "a"],
    ] {
        let ran = project.drift(line);
        assert_eq!(ran.code, 0, "{line:?}: {}", ran.errors);
    }
    let said = project.refused(&["--config", "none.yaml", "run"]);
    assert!(said.contains("none.yaml"), "{said}");
    let said = project.refused(&["--debug", "hash", "--debug"]);
    assert!(said.contains("--debug"), "{said}");
}

#[test]
fn a_port_in_use_is_named_and_exits_2() {
    let project = Project::new();
    let _holder = std::net::TcpListener::bind(("127.0.0.1", project.port)).unwrap();
    let said = project.refused(&["replay"]);
    assert!(said.contains(&format!("port {}", project.port)), "{said}");
}

#[test]
fn a_start_command_that_fails_shows_its_output_and_exits_2() {
    let project = Project::new();
    project.configure("echo no such database; exit 3");
    let said = project.refused(&["replay"]);
    assert!(said.contains("no such database"), "{said}");
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_the_nearest_known_one() {
    let project = Project::new();
    std::fs::write(
        project.path().join(".tusk/config.yaml"),
        "service:\n  prot: 3000\n  start:\n    command: x\n",
    )
    .unwrap();
    let said = project.refused(&["replay"]);
    for part in ["config.yaml", ":2", "prot", "port"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn without_a_start_command_the_key_to_set_is_named() {
    let project = Project::new();
    std::fs::write(
        project.path().join(".tusk/config.yaml"),
        "service:\n  port: 3000\n",
    )
    .unwrap();
    let ran = project.drift(&["replay"]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.errors.contains("service.start.command"),
        "{}",
        ran.errors
    );
}

#[test]
fn ctrl_c_stops_the_service_prints_what_was_done_and_exits_130() {
    let project = Project::new();
    project.hang();
    let mut child = project.start(&["replay"]);
    let (first, mut output) = first_line(&mut child);
    assert!(first.contains("GET /orders"), "{first}");
    interrupt(&child);
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(rest.contains("1 passed, 1 not run"), "{rest}");
    wait_for("the service to be gone", || !project.accepts());
}

#[test]
fn record_shows_a_trace_that_arrives_and_waits_for_the_files_before_it_stops_the_service() {
    let project = Project::new();
    std::fs::remove_dir_all(project.path().join(".tusk/traces")).unwrap();
    // What an SDK does: it writes some time after the request.
    let line = span('c', 1_795_227_890, "/new", "{}");
    std::fs::write(project.path().join("line"), line + "\n").unwrap();
    let script = "test $TUSK_DRIFT_MODE = RECORD && mkdir -p .tusk/traces && echo ready && sleep 1 && cat line > .tusk/traces/c.jsonl; sleep 600";
    let mut child = project.start(&["record", "--settle", "2", "--", "sh", "-c", script]);
    let (ready, _output) = first_line(&mut child);
    assert_eq!(ready, "ready\n");
    interrupt(&child);
    let ended = Ran::from(child.wait_with_output().unwrap());
    let said = &ended.errors;
    assert_eq!(ended.code, 130, "{said}");
    assert!(said.contains("recorded GET /new → 200"), "{said}");
    assert!(said.contains("1 trace, 1 span"), "{said}");
}

#[test]
fn record_kills_a_service_that_ignores_sigterm() {
    let project = Project::new();
    let line = span('c', 1_795_227_890, "/new", "{}");
    std::fs::write(project.path().join("line"), line + "\n").unwrap();
    // Its trace says that it ignores the signal by now.
    let script = "trap '' TERM; echo $$ > stubborn; cat line > .tusk/traces/c.jsonl; while :; do sleep 1; done";
    let ran = project.drift(&[
        "record", "--settle", "0", "--traces", "1", "--", "sh", "-c", script,
    ]);
    let said = &ran.errors;
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("was killed"), "{said}");
    assert!(has_ended(&project.path().join("stubborn")));
}

/// Whether the process whose number is in a file has ended; one that only waits to
/// be reaped has.
fn has_ended(file: &Path) -> bool {
    let number = std::fs::read_to_string(file).unwrap();
    let state = Command::new("ps")
        .args(["-o", "stat=", "-p", number.trim()])
        .output()
        .unwrap();
    matches!(text(&state.stdout).trim().chars().next(), None | Some('Z'))
}

#[cfg(target_os = "linux")]
#[test]
fn record_ends_a_daemon_that_left_the_process_group() {
    let project = Project::new();
    let script = "setsid sh -c 'echo $$ > daemon; exec sleep 600' & exit 0";
    let child = project.start(&["record", "--settle", "0", "--", "sh", "-c", script]);
    let daemon = project.path().join("daemon");
    wait_for("the daemon", || {
        std::fs::read_to_string(&daemon).is_ok_and(|number| number.ends_with('\n'))
    });
    interrupt(&child);
    let ended = Ran::from(child.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}", ended.errors);
    assert!(has_ended(&daemon));
}

#[test]
fn record_passes_the_end_of_the_command_on_and_says_that_nothing_came() {
    let project = Project::new();
    let ran = project.drift(&["record", "--", "sh", "-c", "exit 7"]);
    let said = &ran.errors;
    assert_eq!(ran.code, 7, "{said}");
    assert!(
        said.contains("exit code 7") && said.contains("nothing was recorded"),
        "{said}"
    );
}

#[test]
fn record_of_a_command_that_is_not_there_names_it() {
    let project = Project::new();
    let ran = project.drift(&["record", "--", "no-such-program"]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("no-such-program"), "{}", ran.errors);
}

#[test]
fn serve_prints_the_variables_of_the_sdk_and_exits_130_on_ctrl_c() {
    let project = Project::new();
    let mut child = project.start(&["serve", "--tcp", "127.0.0.1:0"]);
    let (mode, output) = first_line(&mut child);
    let mut lines = vec![mode.trim_end().to_owned()];
    lines.extend(output.lines().take(2).map(Result::unwrap));
    assert_eq!(lines[0], "TUSK_DRIFT_MODE=REPLAY");
    assert_eq!(lines[1], "TUSK_MOCK_HOST=127.0.0.1");
    let port: u16 = lines[2]
        .strip_prefix("TUSK_MOCK_PORT=")
        .unwrap()
        .parse()
        .unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    interrupt(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn explain_names_what_to_type_when_there_is_no_such_span() {
    let project = Project::new();
    let ran = project.drift(&["explain", "aaaa", "1234"]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("drift traces show"), "{}", ran.errors);
}

#[test]
fn explain_says_when_what_the_last_replay_left_is_empty_and_not_when_it_made_no_calls() {
    let project = Project::new();
    let kept = project.path().join(".tusk/last-replay.bin");
    assert_eq!(project.drift(&["replay"]).code, 0);
    for (content, is_said) in [(None, false), (Some(""), true), (Some("\u{1}x\n"), true)] {
        if let Some(content) = content {
            std::fs::write(&kept, content).unwrap();
        }
        let ran = project.drift(&["explain", "aaaa", "1234"]);
        let said = &ran.errors;
        let is_there = said.contains("last-replay.bin is not what drift replay wrote");
        assert_eq!(is_there, is_said, "{content:?}: {said}");
    }
}

/// A trace whose request and calls hold secrets, and whose calls have ids that
/// begin alike.
fn secrets(project: &Project) {
    let root = span('c', 1_795_227_910, "/login?token=hunter2", "{}").replace(
        r#""headers":{}}"#,
        r#""headers":{"authorization":"Bearer hunter2-abcdef","cookie":"sid=hunter2"},"body":"eyJwYXNzd29yZCI6Imh1bnRlcjIifQ=="}"#,
    );
    let call = |id: &str, package: &str, input: &str| {
        format!(
            r#"{{"traceId":"{}","spanId":"{id}","parentSpanId":"{}","name":"{package}.query","packageName":"{package}","submoduleName":"query","packageType":0,"kind":3,"status":{{"code":1}},"timestamp":{{"seconds":1795227910,"nanos":1000}},"duration":{{"seconds":0,"nanos":1000}},"inputValue":{input},"outputValue":{{"rows":[{{"password":"hunter2"}}]}},"inputSchema":{{"type":6,"properties":{{}}}},"outputSchema":{{"type":6,"properties":{{}}}}}}"#,
            "c".repeat(32),
            "c".repeat(16)
        )
    };
    let query = r#"{"query":"UPDATE users SET password = 'hunter2' WHERE id = 1"}"#;
    let lines = [
        root,
        call("d100000000000001", "psycopg2", query),
        call(
            "d100000000000002",
            "ioredis",
            r#"{"command":"auth","args":["hunter2"]}"#,
        ),
    ];
    std::fs::write(
        project.path().join(".tusk/traces/c.jsonl"),
        lines.join("\n") + "\n",
    )
    .unwrap();
}

#[test]
fn secrets_of_a_recording_are_not_shown_unless_that_is_switched_off() {
    let project = Project::new();
    secrets(&project);
    let commands: [&[&str]; 9] = [
        &["traces"],
        &["traces", "--json"],
        &["traces", "show", "cc"],
        &["traces", "show", "cc", "--json"],
        &["explain", "cc", "d100000000000001"],
        &["explain", "cc", "d100000000000002"],
        &["explain", "cc", "d100000000000001", "--json"],
        &["explain", "cc", "d100000000000002", "--json"],
        &["diff", "aa", "cc", "--json"],
    ];
    for arguments in commands {
        let ran = project.drift(arguments);
        let said = ran.output + &ran.errors;
        assert!(!said.contains("hunter2"), "{arguments:?}: {said}");
        assert!(!said.contains("aHVudGVyMi"), "{arguments:?}: {said}");
        assert!(said.contains("[redacted "), "{arguments:?}: {said}");
    }
    let config = project.path().join(".tusk/config.yaml");
    let text_of = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text_of + "redaction:\n  enabled: false\n").unwrap();
    for arguments in commands {
        let ran = project.drift(arguments);
        let said = &ran.output;
        assert!(said.contains("hunter2"), "{arguments:?}: {said}");
    }
}

#[test]
fn the_difference_of_two_passwords_is_shown_without_them() {
    let project = Project::new();
    let write = |trace: char, secret: &str| {
        let call = |number: u8, input: &str, output: &str| {
            format!(
                r#"{{"traceId":"{}","spanId":"{trace}10000000000000{number:02}","parentSpanId":"{}","name":"call","packageName":"redis","submoduleName":"call","packageType":0,"kind":3,"status":{{"code":1}},"timestamp":{{"seconds":1795227910,"nanos":{number}000}},"duration":{{"seconds":0,"nanos":1000}},"inputValue":{input},"outputValue":{output},"inputSchema":{{"type":6,"properties":{{}}}},"outputSchema":{{"type":6,"properties":{{}}}}}}"#,
                trace.to_string().repeat(32),
                trace.to_string().repeat(16)
            )
        };
        let command = |number: u8, command: &str, arguments: &str| {
            let input = format!(r#"{{"command":"{command}","args":[{arguments}"{secret}"]}}"#);
            call(number, &input, "{}")
        };
        // One row more in front, so that the places of the secret differ.
        let more = if trace == 'd' { r#"[7,"x"],"# } else { "" };
        let rows = format!(
            r#"{{"description":[{{"name":"id"}},{{"name":"password"}}],"rows":[{more}[1,"{secret}"]]}}"#
        );
        let lines = [
            span(trace, 1_795_227_910, "/login", "{}"),
            command(1, "AUTH", r#""app","#),
            command(2, "CONFIG", r#""SET","requirepass","#),
            command(3, "HELLO", r#""3","AUTH","app","#),
            command(4, "MIGRATE", r#""up","6379","k","0","50","AUTH","#),
            call(5, r#"{"query":"SELECT id, password FROM users"}"#, &rows),
        ];
        let file = project.path().join(format!(".tusk/traces/{trace}.jsonl"));
        std::fs::write(file, lines.join("\n") + "\n").unwrap();
    };
    write('c', "SECRETONE");
    write('d', "SECRETTWO");
    for arguments in [&["diff", "cc", "dd"][..], &["diff", "cc", "dd", "--json"]] {
        let ran = project.drift(arguments);
        let said = ran.output + &ran.errors;
        assert!(!said.contains("SECRET"), "{arguments:?}: {said}");
        assert!(said.contains("[redacted "), "{arguments:?}: {said}");
        for path in [
            "$.args[1]",
            "$.args[2]",
            "$.args[3]",
            "$.args[6]",
            "$.rows[0]",
        ] {
            assert!(said.contains(path), "{path} {arguments:?}: {said}");
        }
    }
}

#[test]
fn explain_says_that_the_recording_of_a_failed_call_holds_no_answer() {
    let project = Project::new();
    secrets(&project);
    let file = project.path().join(".tusk/traces/c.jsonl");
    let failed = std::fs::read_to_string(&file).unwrap().replace(
        r#""status":{"code":1},"#,
        r#""status":{"code":2,"message":"password=hunter2 is wrong"},"#,
    );
    std::fs::write(&file, failed).unwrap();
    let ran = project.drift(&["explain", "cc", "d100000000000001"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let note = "cannot be given a failure: it failed with password=[redacted";
    assert!(ran.output.contains(note), "{}", ran.output);
    let ran = project.drift(&["explain", "cc", "d100000000000001", "--json"]);
    let explained: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    let why = explained["found"]["no_answer"].as_str().unwrap();
    assert!(why.contains("holds no answer"), "{why}");
}

#[test]
fn explain_as_json_has_what_the_text_says() {
    let project = Project::new();
    secrets(&project);
    let ran = project.drift(&["explain", "cc", "d100000000000001", "--json"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let explained: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(explained["call"]["span_id"], "d100000000000001");
    assert_eq!(explained["call"]["origin"], "as recorded");
    let owner = serde_json::json!({"kind": "test", "trace_id": "c".repeat(32)});
    assert_eq!(explained["owner"], owner);
    let guard = explained["guard"].as_str().unwrap();
    assert!(guard.contains("users"), "{guard}");
    let last = explained["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(last["outcome"], "answers");
    assert_eq!(last["reach"], "trace");
    assert_eq!(last["candidates"], 1);
    let found = &explained["found"];
    assert_eq!(found["span_id"], "d100000000000001");
    let file = found["place"]["file"].as_str().unwrap();
    assert!(file.ends_with(".jsonl"), "{file}");
    let candidate = &explained["candidates"][0];
    assert_eq!(candidate["answers"], true);
    assert_eq!(candidate["similarity"], 1.0);
    assert_eq!(candidate["mismatch"], serde_json::Value::Null);
}

#[test]
fn explain_lists_the_calls_whose_ids_begin_alike_and_takes_none_of_them() {
    let project = Project::new();
    secrets(&project);
    let ran = project.drift(&["explain", "cc", "d1"]);
    let said = &ran.errors;
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    for part in [
        "2 spans begin with \"d1\"",
        "d100000000000001 UPDATE users",
        "d100000000000002",
        "as recorded",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn the_beginning_of_several_traces_lists_them_with_their_requests() {
    let project = Project::new();
    let again = span('a', 1_795_227_890, "/again", "{}")
        .replace(&"a".repeat(32), &format!("a0{}", "1".repeat(30)));
    std::fs::write(project.path().join(".tusk/traces/d.jsonl"), again + "\n").unwrap();
    let commands: [&[&str]; 3] = [
        &["explain", "a", "d1"],
        &["traces", "show", "a"],
        &["diff", "a", "b"],
    ];
    for arguments in commands {
        let ran = project.drift(arguments);
        let said = &ran.errors;
        assert_eq!(ran.code, 2, "{arguments:?}: {said}");
        for part in ["2 traces", "GET /orders", "GET /again"] {
            assert!(said.contains(part), "{arguments:?}: {said}");
        }
    }
}

#[test]
fn traces_without_a_request_are_counted_and_listed_on_request() {
    let project = Project::new();
    secrets(&project);
    let file = project.path().join(".tusk/traces/c.jsonl");
    let lines = std::fs::read_to_string(&file).unwrap();
    let calls: Vec<&str> = lines.lines().skip(1).collect();
    std::fs::write(&file, calls.join("\n") + "\n").unwrap();
    let ran = project.drift(&["traces"]);
    assert!(!ran.output.contains("cccccccc"));
    let said = &ran.errors;
    assert!(
        said.contains("2 traces; 1 more without a request, shown with --all"),
        "{said}"
    );
    let ran = project.drift(&["traces", "--all"]);
    let listed = &ran.output;
    assert!(
        listed.contains("no request: psycopg2 UPDATE users"),
        "{listed}"
    );
}

#[test]
fn an_id_that_no_trace_has_is_answered_with_where_to_look() {
    let project = Project::new();
    let said = project.refused(&["traces", "show", "f"]);
    assert!(
        said.contains("begins with \"f\"; `drift traces --all` lists"),
        "{said}"
    );
    let other = project.path().join("other traces");
    std::fs::rename(project.path().join(".tusk/traces"), other).unwrap();
    let place = [
        "--trace-dir",
        "other traces",
        "--config",
        ".tusk/config.yaml",
    ];
    let commands: [&[&str]; 4] = [
        &["traces", "show", "f"],
        &["explain", "f", "1"],
        &["diff", "a", "f"],
        &["replay", "--trace-id", "f"],
    ];
    for command in commands {
        let ran = project.drift(&[command, &place].concat());
        let said = &ran.errors;
        assert_eq!(ran.code, 2, "{said}");
        let list = "`drift traces --trace-dir 'other traces' --config '.tusk/config.yaml' --all`";
        assert!(said.contains(list), "{command:?}: {said}");
    }
}

#[test]
fn options_stand_before_and_behind_traces_show() {
    let project = Project::new();
    let commands: [&[&str]; 4] = [
        &[
            "traces",
            "--trace-dir",
            ".tusk/traces",
            "show",
            "aa",
            "--json",
        ],
        &["traces", "--json", "show", "aa"],
        &[
            "traces",
            "show",
            "aa",
            "--json",
            "--trace-dir",
            ".tusk/traces",
        ],
        &["list", "show", "--json", "aa"],
    ];
    for arguments in commands {
        let ran = project.drift(arguments);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        let shown: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
        assert_eq!(shown["name"], "GET /orders", "{arguments:?}");
    }
    let ran = project.drift(&["traces", "--filter", "path=x", "show", "aa"]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("--filter"), "{}", ran.errors);
}

#[test]
fn a_closed_terminal_and_a_quit_from_it_stop_the_service_too() {
    for (name, code) in [("-HUP", 129), ("-QUIT", 131)] {
        let project = Project::new();
        let port = project.port.to_string();
        let mut child = project.start(&[
            "record",
            "--settle",
            "0",
            "--",
            "python3",
            "service.py",
            &port,
        ]);
        wait_for("the service to listen", || project.accepts());
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        assert!(!project.accepts());
    }
}

#[test]
fn nothing_to_replay_is_still_json_and_files() {
    let project = Project::new();
    let ran = project.drift(&[
        "replay",
        "--filter",
        "path=nowhere",
        "--json",
        "--junit",
        "junit.xml",
    ]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let results: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(results["totals"]["tests"], 0);
    assert!(project.path().join("junit.xml").exists());
}

#[test]
fn a_trace_that_is_not_there_is_wrong_use() {
    let project = Project::new();
    for (arguments, said) in [
        (
            ["replay", "--trace-id", "ffff"],
            "an id that begins with \"ffff\"",
        ),
        (
            ["replay", "--trace-file", "other.jsonl"],
            "a file that is somewhere else is replayed with --trace-dir other.jsonl",
        ),
    ] {
        let errors = project.refused(&arguments);
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}

#[test]
fn a_trace_file_is_meant_by_its_path_and_by_a_name_only_where_one_has_it() {
    let project = Project::new();
    let traces = project.path().join(".tusk/traces");
    let recorded = std::fs::read_to_string(traces.join("a.jsonl")).unwrap();
    // Which tests there are stands in the results of a service that does not start too.
    project.configure("exit 3");
    let replays = |file: &str, trace: &str| {
        let ran = project.drift(&["replay", "--json", "--trace-file", file]);
        let results: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
        assert_eq!(results["totals"]["tests"], 1, "{file}: {results}");
        assert_eq!(results["tests"][0]["trace_id"], trace.repeat(32), "{file}");
    };
    replays("a.jsonl", "a");

    std::fs::create_dir(traces.join("later")).unwrap();
    let other = recorded.replace(&"a".repeat(16), &"c".repeat(16));
    std::fs::write(traces.join("later/a.jsonl"), other).unwrap();
    replays(".tusk/traces/a.jsonl", "a");
    replays("./.tusk/../.tusk/traces/later/a.jsonl", "c");
    let errors = project.refused(&["replay", "--trace-file", "a.jsonl"]);
    for said in [
        "2 files of the recording are called a.jsonl",
        "traces/a.jsonl\n",
        "traces/later/a.jsonl\n",
    ] {
        assert!(errors.contains(said), "{errors}");
    }

    std::fs::write(project.path().join("b.jsonl"), recorded).unwrap();
    for elsewhere in ["b.jsonl", "nowhere/b.jsonl"] {
        let errors = project.refused(&["replay", "--trace-file", elsewhere]);
        let said = format!("replayed with --trace-dir {elsewhere}");
        assert!(errors.contains(&said), "{errors}");
    }
}

#[test]
fn a_pipe_among_the_trace_files_is_left_out() {
    let project = Project::new();
    let pipe = project.path().join(".tusk/traces/pipe.jsonl");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let ran = project.drift(&["traces"]);
    assert_eq!(ran.code, 0);
    assert!(ran.errors.contains("pipe.jsonl"), "{}", ran.errors);
}

#[test]
fn secrets_in_the_output_of_a_start_that_failed_are_not_shown() {
    let project = Project::new();
    project.configure("echo DB_PASSWORD=hunter2-a postgres://u:hunter2-b@h; exit 3");
    let ran = project.drift(&["replay"]);
    let said = ran.errors + &ran.output;
    assert!(
        said.contains("postgres://u:") && !said.contains("hunter2"),
        "{said}"
    );
}

#[test]
fn whoever_stops_reading_does_not_make_deviations_a_success() {
    let project = Project::new();
    let mut child = project
        .command(&["replay"])
        .env("VERSION", "2")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}
