//! `drift diff` of two traces; of two JSON files it is in `core_commands`.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails with where and why"
)]

mod support;

use support::{Project, span};

#[test]
fn diff_of_two_traces_shows_their_answers_by_path() {
    let project = Project::new();
    let ran = project.drift(&["diff", "aaaa", "bbbb", "--json"]);
    assert_eq!(ran.code, 1, "{}", ran.errors);
    let pairs: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(pairs[0]["output"][0]["left"], "/orders");
    let found: Vec<&str> = pairs[0]["output"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["path"].as_str().unwrap())
        .collect();
    assert_eq!(found, ["$.body.path"]);
    let ran = project.drift(&["diff", ".tusk/traces/a.jsonl", ".tusk/traces/a.jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
}

#[test]
fn diff_takes_any_beginning_of_an_id_and_a_trace_beside_a_file() {
    let project = Project::new();
    let ran = project.drift(&["diff", "a", "b"]);
    assert_eq!(ran.code, 1, "{}", ran.errors);
    let ran = project.drift(&["diff", "a", ".tusk/traces/a.jsonl"]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let said = project.refused(&["diff", "a", ".tusk/config.yaml"]);
    assert!(said.contains("a is a trace and"), "{said}");
}

#[test]
fn diff_says_which_lines_of_a_trace_it_could_not_read() {
    let project = Project::new();
    let half = project.path().join("half.jsonl");
    let whole = std::fs::read_to_string(project.path().join(".tusk/traces/a.jsonl")).unwrap();
    std::fs::write(&half, whole + "{\"traceId\":").unwrap();
    let ran = project.drift(&["diff", "a", "half.jsonl"]);
    let said = &ran.errors;
    assert_eq!(ran.code, 0, "{said}");
    assert!(said.contains("half.jsonl:2"), "{said}");
}

/// A trace with these spans of pg and pg-pool, `{name} {id} {parent} {row}` each.
fn trace_of_pools(project: &Project, trace: char, spans: &[&str]) {
    let mut lines = span(trace, 1, "/users", "[]") + "\n";
    for line in spans {
        let words: Vec<&str> = line.split(' ').collect();
        let (name, id, parent, row) = (words[0], words[1], words[2], words[3]);
        let (package, operation) = name.split_once('.').unwrap();
        let client = if package == "pg" { "client" } else { "pool" };
        let input = format!(
            r#"{{"text":"SELECT name FROM users WHERE id = $1","values":[{row}],"clientType":"{client}"}}"#
        );
        let trace_id = String::from(trace).repeat(32);
        lines.push_str(&format!(
            r#"{{"traceId":"{trace_id}","spanId":"{id:0>16}","parentSpanId":"{parent:0>16}","name":"{name}","packageName":"{package}","submoduleName":"{operation}","packageType":2,"kind":3,"timestamp":{{"seconds":{id},"nanos":0}},"status":{{"code":1}},"inputValue":{input},"outputValue":{{"rows":[]}}}}"#
        ));
        lines.push('\n');
    }
    let file = project.path().join(format!(".tusk/traces/{trace}.jsonl"));
    std::fs::write(file, lines).unwrap();
}

#[test]
fn diff_leaves_out_a_query_that_another_request_gave_its_connection_to() {
    let project = Project::new();
    trace_of_pools(&project, 'c', &["pg-pool.connect 2 1 0", "pg.query 3 1 7"]);
    trace_of_pools(&project, 'd', &["pg-pool.connect 2 1 0"]);
    // Alone, the query of the one may be the program's own.
    let ran = project.drift(&["diff", "c", "d"]);
    assert_eq!(ran.code, 1, "{}", ran.output);
    assert!(ran.output.contains("- pg "), "{}", ran.output);
    // It is the one that this request's pool waits with.
    trace_of_pools(&project, 'e', &["pg-pool.query 2 1 7"]);
    let ran = project.drift(&["diff", "c", "d"]);
    assert_eq!(ran.code, 0, "{}", ran.output);
    // A file says nothing of other traces.
    let ran = project.drift(&["diff", ".tusk/traces/c.jsonl", "d"]);
    assert_eq!(ran.code, 1, "{}", ran.output);
}

#[test]
fn long_values_that_differ_late_are_shown_around_the_difference() {
    let project = Project::new();
    for (name, end) in [("old.json", "old"), ("new.json", "new")] {
        let value = format!("{{\"a\":\"{}{end}\"}}", "é".repeat(5_000));
        std::fs::write(project.path().join(name), value).unwrap();
    }
    let ran = project.drift(&["diff", "old.json", "new.json"]);
    assert_eq!(ran.code, 1, "{}", ran.errors);
    for shown in ["$.a  …é", "éold\" → …é", "énew\"\n"] {
        assert!(ran.output.contains(shown), "{shown}: {}", ran.output);
    }
}
