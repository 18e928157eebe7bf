//! `drift hash`, `drift inspect` and `drift diff`, as a user runs them.
#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on fails with where and why"
)]

mod support;

use std::io::{ErrorKind, Write as _};
use std::process::Stdio;
use support::Ran;

/// Runs `drift` in a folder of its own; `$DIR` in an argument is that folder.
fn drift(arguments: &[&str], input: &[u8], files: &[(&str, &[u8])]) -> Ran {
    let folder = tempfile::tempdir().unwrap();
    for (name, contents) in files {
        std::fs::write(folder.path().join(name), contents).unwrap();
    }
    let mut child = support::drift(arguments, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    match child.stdin.take().unwrap().write_all(input) {
        // Wrong use is refused before the input is read.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
    Ran::from(child.wait_with_output().unwrap())
}

// `printf '{"a":"é","b":1}' | sha256sum`.
const HASH: &str = "aa58fba8483623bed37c1b02edfccbdd9a53123837c20bfa4cb4049993a2872e";

#[test]
fn hash_prints_the_canonical_form_and_what_sha256sum_says_of_it() {
    let ran = drift(&["hash"], br#"{"b": 1, "a": "\u00e9"}"#, &[]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    assert!(
        ran.output.contains(r#"canonical    {"a":"é","b":1}"#),
        "{}",
        ran.output
    );
    assert!(ran.output.contains(HASH), "{}", ran.output);
}

#[test]
fn hash_decodes_by_merges_first() {
    let arguments = [
        "hash",
        "--canonical",
        "--merges",
        r#"{"body":{"encoding":1,"decoded_type":1}}"#,
    ];
    let ran = drift(&arguments, br#"{"body":"eyJhIjogMX0="}"#, &[]);
    assert_eq!(
        (ran.code, ran.output.as_str()),
        (0, "{\"body\":{\"a\":1}}\n")
    );
}

#[test]
fn hash_keeps_every_digit_in_its_json() {
    let ran = drift(&["hash", "--json"], b"12345678901234567890123", &[]);
    let value: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(value["canonical"], "12345678901234567890123");
}

#[test]
fn hash_names_the_file_and_the_offset_of_a_fault() {
    let ran = drift(&["hash", "order.json"], b"", &[("order.json", b"[1,")]);
    assert_eq!(ran.code, 2);
    assert!(ran.errors.contains("order.json"), "{}", ran.errors);
    assert!(ran.errors.contains('3'), "{}", ran.errors);
    assert_eq!(ran.output, "");
}

#[test]
fn hash_of_a_file_that_is_not_there_is_wrong_use() {
    let ran = drift(&["hash", "absent.json"], b"", &[]);
    assert_eq!(ran.code, 2);
    assert!(
        ran.errors.contains("cannot read absent.json"),
        "{}",
        ran.errors
    );
}

#[test]
fn inspect_reads_a_span_back_by_what_is_in_it() {
    // Field 1, the trace id, and field 4, the name.
    let ran = drift(
        &["inspect", "--hex", "--compact"],
        b"0a026162 2203474554",
        &[],
    );
    let value: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(
        (ran.code, &value["traceId"], &value["name"]),
        (0, &"ab".into(), &"GET".into())
    );
}

#[test]
fn inspect_says_why_bytes_are_none_of_the_messages() {
    let ran = drift(&["inspect", "page.html"], b"", &[("page.html", b"<html>")]);
    assert_eq!(ran.code, 2);
    for part in ["page.html", "as span", "as struct", "--as"] {
        assert!(ran.errors.contains(part), "{part}: {}", ran.errors);
    }
}

#[test]
fn inspect_refuses_text_that_is_not_hexadecimal() {
    let ran = drift(&["inspect", "--hex"], b"0a0", &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("odd number"),
        "{}",
        ran.errors
    );
    let ran = drift(&["inspect", "--hex"], b"0a zz", &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("byte 3"),
        "{}",
        ran.errors
    );
}

#[test]
fn diff_shows_what_changed_by_path_and_exits_1() {
    let files: [(&str, &[u8]); 2] = [
        (
            "a.json",
            br#"{"id":9007199254740993,"old":true,"same":[1,2]}"#,
        ),
        (
            "b.json",
            br#"{"same":[1,2],"id":9007199254740992,"new":null}"#,
        ),
    ];
    let ran = drift(&["diff", "a.json", "b.json"], b"", &files);
    assert_eq!(
        (ran.code, ran.output.as_str()),
        (
            1,
            "~ $.id  9007199254740993 → 9007199254740992\n+ $.new  null\n- $.old  true\n"
        )
    );
    assert!(ran.errors.contains("3 differences"), "{}", ran.errors);
}

#[test]
fn diff_of_the_same_value_written_otherwise_is_equal() {
    let ran = drift(
        &["diff", "a.json", "-"],
        b"{\"b\": [ ], \"a\": 1}",
        &[("a.json", br#"{"a":1,"b":[]}"#)],
    );
    assert_eq!((ran.code, ran.output.as_str()), (0, ""));
}

#[test]
fn diff_takes_standard_input_once() {
    let ran = drift(&["diff", "-", "-"], b"{}", &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("one side only"),
        "{}",
        ran.errors
    );
}

#[test]
fn a_pipe_gets_no_colours() {
    let ran = drift(&["diff", "a.json", "-"], b"2", &[("a.json", b"1")]);
    assert!(!ran.output.contains('\x1b') && !ran.errors.contains('\x1b'));
}

#[test]
fn a_wrong_option_is_wrong_use_and_names_it() {
    let ran = drift(&["hash", "--canonicl"], b"", &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("--canonical"),
        "{}",
        ran.errors
    );
}

#[test]
fn what_belongs_to_the_cloud_of_the_published_program_is_said_to_be_left_out() {
    for arguments in [
        &["run", "--print", "--ci", "--branch", "main"][..],
        &["run", "-c"],
        &["run", "--commit-sha=9af0"],
        &["list", "--cloud"],
    ] {
        let ran = drift(arguments, b"", &[]);
        assert!(
            ran.code == 2
                && ran.errors.contains("Tusk cloud")
                && ran.errors.contains("leave it out"),
            "{arguments:?}: {}",
            ran.errors
        );
    }
}

#[test]
fn print_and_debug_of_the_published_program_are_taken() {
    let ran = drift(&["run", "--print", "--debug"], b"", &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("drift record"),
        "{}",
        ran.errors
    );
}

#[test]
fn diff_as_json_has_values_with_every_digit_and_only_the_sides_that_there_are() {
    let files: [(&str, &[u8]); 2] = [
        ("a.json", br#"{"id":12345678901234567890,"gone":null}"#),
        (
            "b.json",
            br#"{"id":12345678901234567891,"new":{"b":1,"a":2}}"#,
        ),
    ];
    let ran = drift(&["diff", "--json", "a.json", "b.json"], b"", &files);
    assert_eq!(ran.code, 1, "{}", ran.errors);
    assert!(
        ran.output.contains(r#""left": 12345678901234567890,"#),
        "{}",
        ran.output
    );
    let list: serde_json::Value = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(list[0]["path"], "$.gone");
    assert_eq!(list[0].get("left"), Some(&serde_json::Value::Null));
    assert_eq!(list[0].get("right"), None);
    assert_eq!(list[2]["right"]["a"], 2);
    let ran = drift(&["diff", "--json", "a.json", "a.json"], b"", &files);
    assert_eq!((ran.code, ran.output.trim()), (0, "[]"));
}

#[test]
fn diff_says_of_a_side_that_is_no_json_which_one_it_is_and_what_can_be_compared() {
    let trace = br#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"GET /"}
{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203332","name":"GET /"}"#;
    let files: [(&str, &[u8]); 4] = [
        ("a.json", b"{}"),
        ("notes.txt", b"some text"),
        ("empty.json", b""),
        ("trace.txt", trace),
    ];
    for (arguments, parts) in [
        (
            ["a.json", "notes.txt"],
            ["notes.txt is not JSON", "*.jsonl"],
        ),
        (
            ["empty.json", "a.json"],
            ["empty.json is not JSON", "*.jsonl"],
        ),
        (
            ["a.json", "trace.txt"],
            ["trace.txt is a trace file", ".jsonl"],
        ),
        (["a.json", "."], [". is a folder", "--trace-dir"]),
        (
            ["a.json", "absent.json"],
            ["no file absent.json", "trace's id"],
        ),
    ] {
        let ran = drift(&["diff", arguments[0], arguments[1]], b"", &files);
        assert_eq!(ran.code, 2, "{arguments:?}: {}", ran.errors);
        for part in parts {
            assert!(ran.errors.contains(part), "{arguments:?}: {}", ran.errors);
        }
    }
}

#[test]
fn hash_refuses_a_member_of_merges_that_says_nothing_and_names_the_one_that_was_meant() {
    let merges = r#"{"body":{"encoding":1,"decodedType":1}}"#;
    let ran = drift(&["hash", "--merges", merges], br#"{"body":"e30="}"#, &[]);
    assert_eq!((ran.code, ran.output.as_str()), (2, ""));
    for part in [
        "`decodedType` of `body`",
        "did you mean `decoded_type`?",
        "match_importance",
    ] {
        assert!(ran.errors.contains(part), "{part}: {}", ran.errors);
    }
}

#[test]
fn hash_mentions_merges_of_a_member_that_the_value_does_not_have() {
    let ran = drift(
        &["hash", "--merges", r#"{"bodi":{"encoding":1}}"#],
        br#"{"body":"e30="}"#,
        &[],
    );
    assert_eq!(ran.code, 0, "{}", ran.errors);
    for part in ["no member `bodi`", "did you mean `body`?"] {
        assert!(ran.errors.contains(part), "{part}: {}", ran.errors);
    }
}

#[test]
fn inspect_says_what_bytes_are_when_they_are_no_message() {
    let line = br#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","name":"GET /"}"#;
    let cases: [(&[u8], &str); 8] = [
        (br#"{"a": [1, 2]}"#, "drift hash"),
        (b"\n  [1]\n", "drift hash"),
        (line, "drift traces --trace-dir"),
        (b"0a026162\n2203474554\n", "--hex"),
        (b"CgJhYiIDR0VU", "base64"),
        (b"\x1f\x8b\x08\x00\x00", "compressed"),
        (b"", "no bytes"),
        (b"\xff\xff\xff\xff", "neither a span"),
    ];
    for (input, part) in cases {
        let ran = drift(&["inspect"], input, &[]);
        assert_eq!((ran.code, ran.output.as_str()), (2, ""), "{part}");
        assert!(ran.errors.contains(part), "{part}: {}", ran.errors);
    }
    let ran = drift(&["inspect", "--as", "span"], br#"{"a": 1}"#, &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("drift hash"),
        "{}",
        ran.errors
    );
}

#[test]
fn inspect_reads_a_struct_back() {
    // {"a": "hi"}: field 1 of both is a message with a text.
    let hex = b"0a09 0a0161 1204 1a02 6869";
    let ran = drift(&["inspect", "--hex", "--compact"], hex, &[]);
    assert_eq!(
        (ran.code, ran.output.as_str()),
        (0, "{\"a\":\"hi\"}\n"),
        "{}",
        ran.errors
    );
}

#[test]
fn a_command_of_the_cloud_is_answered_with_the_one_for_files() {
    let ran = drift(&["query", "spans"], b"", &[]);
    assert!(
        ran.code == 2 && ran.errors.contains("Tusk cloud") && ran.errors.contains("drift traces"),
        "{}",
        ran.errors
    );
}

#[test]
fn learning_refuses_what_it_would_not_write() {
    for option in [
        &["--json"][..],
        &["--report", "r.html"],
        &["--junit", "j.xml"],
        &["--save-results", "agent"],
        &["--coverage-output", "c.lcov"],
    ] {
        for arguments in [
            [&["replay", "--learn", "2"], option].concat(),
            [&["replay"], option, &["--learn", "2"]].concat(),
        ] {
            let ran = drift(&arguments, b"", &[]);
            assert!(
                ran.code == 2 && ran.errors.contains("--learn") && ran.errors.contains(option[0]),
                "{arguments:?}: {}",
                ran.errors
            );
        }
    }
}

#[test]
fn recording_no_trace_at_all_is_wrong_use() {
    let ran = drift(&["record", "--traces", "0", "--", "true"], b"", &[]);
    assert_eq!(ran.code, 2);
    let said = "give 1 or more, or leave --traces out to record until Ctrl-C";
    assert!(ran.errors.contains(said), "{}", ran.errors);
}

#[test]
fn standard_output_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a"), "1").unwrap();
    std::fs::write(folder.path().join("b"), "2").unwrap();
    for arguments in [&["hash", "a"][..], &["diff", "a", "b"]] {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let ended = support::drift(arguments, folder.path())
            .stdout(full)
            .output()
            .unwrap();
        let errors = support::text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{errors}");
        let said = "error: standard output cannot be written: No space left on device";
        assert!(errors.contains(said), "{arguments:?}: {errors}");
    }
}

#[test]
fn an_empty_id_is_wrong_use() {
    for arguments in [
        &["replay", "--trace-id", ""][..],
        &["traces", "show", ""],
        &["explain", "9af0", ""],
    ] {
        let ran = drift(arguments, b"", &[]);
        assert!(
            ran.code == 2 && ran.errors.contains("a value is required"),
            "{arguments:?}: {}",
            ran.errors
        );
    }
}

#[test]
fn diff_of_arrays_shows_an_element_that_came_or_went_and_not_all_behind_it() {
    let files: [(&str, &[u8]); 2] = [
        (
            "a.json",
            br#"{"items":[{"id":1},{"id":2},{"id":3}],"same":[1,2]}"#,
        ),
        (
            "b.json",
            br#"{"items":[{"id":0},{"id":1},{"id":3}, {"id":4}],"same":[1,3]}"#,
        ),
    ];
    let ran = drift(&["diff", "a.json", "b.json"], b"", &files);
    assert_eq!(
        (ran.code, ran.output.as_str()),
        (
            1,
            "+ $.items[0]  {\"id\":0}\n- $.items[1]  {\"id\":2}\n+ $.items[3]  {\"id\":4}\n~ $.same[1]  2 → 3\n"
        )
    );
    // All are listed, however many.
    let (zeros, ones) = (vec!["0"; 1_500].join(","), vec!["1"; 1_500].join(","));
    let (zeros, ones) = (format!("[{zeros}]"), format!("[{ones}]"));
    let files: [(&str, &[u8]); 2] = [("a.json", zeros.as_bytes()), ("b.json", ones.as_bytes())];
    let ran = drift(&["diff", "a.json", "b.json"], b"", &files);
    assert!(ran.errors.contains("1,500 differences"), "{}", ran.errors);
}

#[test]
fn a_byte_order_mark_before_json_is_read_over_wherever_json_is_read() {
    let mark = b"\xef\xbb\xbf";
    let marked = |text: &str| [mark.as_slice(), text.as_bytes()].concat();
    let value = r#"{"b": 1, "a": "\u00e9"}"#;
    for arguments in [["hash", "a.json"], ["hash", "-"]] {
        let ran = drift(&arguments, &marked(value), &[("a.json", &marked(value))]);
        assert_eq!(ran.code, 0, "{}", ran.errors);
        assert!(ran.output.contains(HASH), "{}", ran.output);
    }
    let files: [(&str, &[u8]); 2] = [("a.json", &marked(value)), ("b.json", value.as_bytes())];
    let ran = drift(&["diff", "a.json", "b.json"], b"", &files);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    let ran = drift(&["diff", "-", "b.json"], &marked(value), &files);
    assert_eq!(ran.code, 0, "{}", ran.errors);
    // The place of a fault is the one in the file.
    let ran = drift(&["hash"], &marked("[1,"), &[]);
    assert!(ran.code == 2 && ran.errors.contains('6'), "{}", ran.errors);
    let ran = drift(&["inspect", "a.json"], b"", &files);
    assert!(ran.errors.contains("this is JSON text"), "{}", ran.errors);
    let hex = marked("0a026162 2203474554");
    let ran = drift(&["inspect", "--hex", "--compact"], &hex, &[]);
    assert_eq!(ran.code, 0, "{}", ran.errors);
}
