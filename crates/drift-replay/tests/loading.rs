//! What a user relies on when a recording is loaded.

mod support;

use drift_replay::load::{LoadError, LoadOptions, Recording, parse_line};
use drift_replay::{SpanIndex, SpanKind};
use std::io::Write as _;
use std::path::Path;
use support::{Directory, line, trace_id};

fn load(path: &Path) -> Result<Recording, LoadError> {
    Recording::load(&LoadOptions::new([path]), &|_| {})
}

fn problems(recording: &Recording) -> Vec<(&'static str, Option<u64>)> {
    recording
        .problems()
        .iter()
        .map(|problem| (problem.code, problem.line))
        .collect()
}

fn names(recording: &Recording) -> Vec<String> {
    recording
        .traces()
        .iter()
        .flat_map(|trace| trace.spans())
        .map(|span| recording.span(span).expect("the span reads again").name)
        .collect()
}

fn gzip(text: &str, level: flate2::Compression) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), level);
    gzip.write_all(text.as_bytes()).expect("memory takes bytes");
    gzip.finish().expect("memory takes bytes")
}

#[test]
fn files_are_found_in_all_directories_below_and_in_lexical_order() {
    let directory = Directory::new("order");
    directory.write("b.jsonl", line(2, 1, ""));
    directory.write("a/z.jsonl", line(1, 1, ""));
    directory.write("c/d/e.jsonl", line(3, 1, ""));
    directory.write("notes.txt", "not a trace");
    let recording = directory.load();
    let ids: Vec<&str> = recording
        .traces()
        .iter()
        .map(|trace| trace.trace_id.as_str())
        .collect();
    assert_eq!(ids, [trace_id(1), trace_id(2), trace_id(3)]);
    assert!(recording.problems().is_empty());
}

#[test]
fn a_file_that_is_named_twice_is_read_once() {
    let directory = Directory::new("named-twice");
    let file = directory.write("a.jsonl", line(1, 1, ""));
    let paths = [directory.path().to_owned(), file];
    let recording =
        Recording::load(&LoadOptions::new(paths), &|_| {}).expect("the recording loads");
    assert_eq!(recording.span_count(), 1);
    assert!(recording.problems().is_empty());
}

#[cfg(unix)]
#[test]
fn a_link_back_to_a_directory_does_not_walk_forever() {
    let directory = Directory::new("link");
    directory.write("a/a.jsonl", line(1, 1, ""));
    std::os::unix::fs::symlink(directory.path(), directory.path().join("a/back"))
        .expect("a link can be made");
    assert_eq!(directory.load().span_count(), 1);
}

#[test]
fn gzip_and_zstd_files_load_like_plain_ones() {
    let directory = Directory::new("packed");
    let text = line(1, 1, r#""name":"in gzip""#);
    directory.write("a.jsonl.gz", gzip(&text, flate2::Compression::default()));
    let zstd = |text: String| {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    };
    // Frames one after the other, as `cat a.zst b.zst` makes them, and one to be skipped.
    let frames = [
        zstd(line(2, 1, r#""name":"in zstd""#)),
        b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc".to_vec(),
        zstd(line(2, 2, r#""name":"in the second frame""#)),
    ];
    directory.write("b.jsonl.zst", frames.concat());
    let recording = directory.load();
    assert_eq!(
        names(&recording),
        ["in gzip", "in zstd", "in the second frame"]
    );
    assert_eq!(recording.problems(), []);
}

#[test]
fn a_damaged_gzip_file_is_reported_and_read_up_to_the_damage() {
    let directory = Directory::new("damaged");
    let mut bytes = gzip(&line(1, 1, ""), flate2::Compression::none());
    bytes.truncate(bytes.len() - 8);
    directory.write("a.jsonl.gz", bytes);
    let recording = directory.load();
    assert_eq!(recording.span_count(), 1);
    assert_eq!(problems(&recording), [("invalid_compression", None)]);
}

#[test]
fn a_small_file_that_unpacks_beyond_the_limit_is_cut_there_and_reported() {
    let directory = Directory::new("bomb");
    let long = format!("\"name\":\"{}\"", "x".repeat(100_000));
    let text = [line(1, 1, ""), line(1, 2, &long)].concat();
    directory.write("a.jsonl.gz", gzip(&text, flate2::Compression::default()));
    let load_with = |max_unpacked_bytes| {
        let options = LoadOptions {
            max_unpacked_bytes,
            ..LoadOptions::new([directory.path()])
        };
        Recording::load(&options, &|_| {}).expect("the recording loads")
    };
    let whole = load_with(text.len() as u64);
    assert_eq!((whole.span_count(), whole.problems().len()), (2, 0));
    let cut = load_with(50_000);
    assert_eq!(cut.span_count(), 1);
    assert_eq!(
        problems(&cut),
        [("unpacked_too_large", None), ("truncated_line", Some(2))]
    );
}

#[test]
fn enums_are_read_as_numbers_and_as_names_and_members_in_both_spellings() {
    let cases = [
        (r#""kind":3,"packageType":1,"status":{"code":1}"#, ""),
        (
            r#""kind":"SPAN_KIND_CLIENT","packageType":"PACKAGE_TYPE_HTTP","status":{"code":"STATUS_CODE_OK"}"#,
            "",
        ),
        (
            r#""kind":"CLIENT","package_type":"http","status":{"code":"OK","message":null}"#,
            "",
        ),
        (
            r#""kind":3.0,"packageType":1.0,"submodule_name":"GET","status":{"code":"1"}"#,
            "GET",
        ),
        (
            r#""kind":3,"packageType":1,"submoduleName":"GET","status":{"code":1}"#,
            "GET",
        ),
    ];
    for (members, submodule) in cases {
        let span = parse_line(line(1, 1, members).trim_end().as_bytes()).expect(members);
        assert_eq!(
            (
                span.kind,
                span.package_type,
                span.status_code,
                span.submodule_name.as_str()
            ),
            (SpanKind::Client, 1, 1, submodule),
            "{members}"
        );
    }
}

#[test]
fn times_are_read_as_seconds_and_nanos_and_as_rfc_3339() {
    let time = Some(1_795_227_890_678_090_889);
    let cases = [
        (
            r#""timestamp":{"seconds":1795227890,"nanos":678090889}"#,
            time,
        ),
        (
            r#""timestamp":{"seconds":"1795227890","nanos":678090889}"#,
            time,
        ),
        (r#""timestamp":"2026-11-21T02:24:50.678090889Z""#, time),
        (r#""timestamp":{}"#, None),
        (r#""timestamp":null"#, None),
        (r#""name":"none""#, None),
    ];
    for (members, nanos) in cases {
        let span = parse_line(line(1, 1, members).trim_end().as_bytes()).expect(members);
        assert_eq!(span.start_unix_nanos, nanos, "{members}");
    }
}

#[test]
fn a_broken_line_is_reported_with_file_and_line_and_the_rest_is_loaded() {
    let cases: [(&[u8], &str); 11] = [
        (br#"{"traceId":"0","spanId":"#, "truncated_line"),
        (
            br#"{"traceId":"0","spanId":"1","inputValue":{"a":[1,2"#,
            "truncated_line",
        ),
        (b"{\"traceId\":\"\xff\"}", "invalid_utf8"),
        (b"[]", "invalid_json"),
        (
            br#"{"traceId":"0","spanId":"1","inputValue":{"a":}}"#,
            "invalid_json",
        ),
        (
            br#"{"traceId":"0","spanId":"1","outputValue":{"a":01}}"#,
            "invalid_json",
        ),
        (br#"{"level":"info","msg":"started"}"#, "not_a_span"),
        (br#"{"traceId":"0","packageName":"http"}"#, "missing_field"),
        (
            br#"{"traceId":"0","spanId":"1","kind":"NONSENSE"}"#,
            "wrong_type",
        ),
        (
            br#"{"traceId":"0","spanId":"1","isRootSpan":"true"}"#,
            "wrong_type",
        ),
        (br#"{"traceId":"0","spanId":1}"#, "wrong_type"),
    ];
    for (bytes, code) in cases {
        let directory = Directory::new("broken");
        let (before, after) = (line(1, 1, ""), line(1, 2, ""));
        directory.write(
            "a.jsonl",
            [before.as_bytes(), b"\n", bytes, b"\n", after.as_bytes()].concat(),
        );
        let recording = directory.load();
        let shown = String::from_utf8_lossy(bytes);
        assert_eq!(recording.span_count(), 2, "{shown}");
        assert_eq!(problems(&recording), [(code, Some(3))], "{shown}");
        let file = recording.problems().first().map(|problem| &problem.file);
        assert!(
            file.is_some_and(|file| file.ends_with("a.jsonl")),
            "{shown}"
        );
    }
}

#[test]
fn a_problem_says_what_was_expected_and_what_was_found() {
    let directory = Directory::new("wording");
    directory.write(
        "a.jsonl",
        [line(1, 1, ""), line(1, 2, r#""isRootSpan":"yes""#)].concat(),
    );
    let recording = directory.load();
    let shown: Vec<String> = recording
        .problems()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(
        shown.concat().contains(
            "a.jsonl:2: isRootSpan must be true or false, and is \"yes\"; the line is skipped"
        ),
        "{shown:?}"
    );
}

#[test]
fn a_byte_order_mark_does_not_cost_the_first_line() {
    let directory = Directory::new("mark");
    let text = |trace| format!("\u{feff}{}{}", line(trace, 1, ""), line(trace, 2, ""));
    directory.write("a.jsonl", text(1));
    directory.write("b.jsonl.gz", gzip(&text(2), flate2::Compression::fast()));
    let recording = directory.load();
    assert_eq!(problems(&recording), []);
    assert_eq!(recording.span_count(), 4);
    for index in 0..4 {
        // Read again from its place.
        assert!(recording.span(SpanIndex(index)).is_ok());
    }
}

#[test]
fn a_file_whose_request_is_cut_off_says_that_it_holds_no_test() {
    let directory = Directory::new("cut-root");
    let (call, root) = (line(1, 1, ""), line(1, 2, r#""isRootSpan":true"#));
    let cut = root.trim_end().trim_end_matches('}');
    let shown = |text: String| -> String {
        directory.write("a.jsonl", text);
        let recording = directory.load();
        let problems = recording.problems().iter();
        problems.map(ToString::to_string).collect()
    };
    let alone = shown(format!("{call}{cut}"));
    assert!(
        alone.contains("a.jsonl:2: the line is cut off after "),
        "{alone}"
    );
    assert!(alone.ends_with("it holds no test"), "{alone}");
    let beside = shown(format!("{call}{root}{cut}"));
    assert!(beside.ends_with("the line is skipped"), "{beside}");
}

#[test]
fn many_problems_of_a_file_are_counted_and_not_kept() {
    let directory = Directory::new("many");
    directory.write("a.jsonl", line(1, 1, "") + &"nonsense\n".repeat(1000));
    let recording = directory.load();
    assert_eq!(recording.problems().len(), 21);
    assert!(
        recording
            .problems()
            .iter()
            .any(|problem| problem.code == "more_problems" && problem.message.contains("980"))
    );
}

#[test]
fn the_same_span_twice_is_kept_once_and_reported() {
    let directory = Directory::new("twice");
    directory.write("a.jsonl", line(1, 1, r#""name":"first""#));
    directory.write(
        "b.jsonl",
        [line(1, 2, ""), line(1, 1, r#""name":"second""#)].concat(),
    );
    let recording = directory.load();
    assert_eq!(names(&recording), ["first", ""]);
    assert_eq!(problems(&recording), [("duplicate_span", Some(2))]);
}

#[test]
fn a_trace_in_two_files_is_one_trace_and_its_file_is_that_of_its_root() {
    let directory = Directory::new("split");
    directory.write("a.jsonl", line(1, 1, r#""timestamp":{"seconds":9}"#));
    directory.write(
        "b.jsonl",
        line(
            1,
            2,
            r#""isRootSpan":true,"kind":2,"environment":"staging","timestamp":{"seconds":5}"#,
        ),
    );
    let recording = directory.load();
    assert_eq!(recording.traces().len(), 1);
    let trace = recording.trace(&trace_id(1)).expect("it was recorded");
    assert_eq!(trace.span_count(), 2);
    assert!(trace.file.ends_with("b.jsonl"));
    assert_eq!(trace.environment.as_deref(), Some("staging"));
    assert_eq!(trace.start_unix_nanos, Some(5_000_000_000));
    // By start time: the root came first.
    assert_eq!(trace.root, trace.spans().next());
}

#[test]
fn a_trace_without_a_root_is_loaded_and_is_no_test() {
    let directory = Directory::new("orphan");
    directory.write("a.jsonl", line(1, 1, r#""kind":3"#));
    let recording = directory.load();
    let trace = recording.trace(&trace_id(1)).expect("it was recorded");
    assert_eq!((trace.root, recording.span_count()), (None, 1));
}

#[test]
fn spans_are_in_the_order_of_their_start_and_of_the_file_where_that_is_equal() {
    let directory = Directory::new("start");
    directory.write(
        "a.jsonl",
        [
            line(1, 5, r#""timestamp":{"seconds":2},"name":"fifth""#),
            line(1, 4, r#""timestamp":{"seconds":1},"name":"fourth""#),
            line(1, 3, r#""timestamp":{"seconds":2},"name":"third""#),
            line(1, 2, r#""name":"second""#),
        ]
        .concat(),
    );
    assert_eq!(
        names(&directory.load()),
        ["second", "fourth", "fifth", "third"]
    );
}

fn kinds(recording: &Recording) -> Vec<SpanKind> {
    recording
        .traces()
        .iter()
        .flat_map(|trace| trace.spans())
        .map(|span| recording.span(span).expect("the span reads again").kind)
        .collect()
}

#[test]
fn kinds_of_old_node_recorders_are_repaired() {
    let cases = [
        // npm 0.1.27: SERVER is 1, CLIENT is 2.
        (
            [
                line(1, 1, r#""kind":2"#),
                line(1, 2, r#""kind":0"#),
                line(1, 3, r#""kind":1,"isRootSpan":true"#),
            ],
            [SpanKind::Client, SpanKind::Client, SpanKind::Server],
        ),
        // The contract's numbers stay.
        (
            [
                line(1, 1, r#""kind":3"#),
                line(1, 2, r#""kind":1"#),
                line(1, 3, r#""kind":2,"isRootSpan":true"#),
            ],
            [SpanKind::Client, SpanKind::Internal, SpanKind::Server],
        ),
        // Without a root, a SERVER can only be an old CLIENT; the snapshot of
        // the environment is INTERNAL always.
        (
            [
                line(1, 1, r#""kind":2"#),
                line(1, 2, r#""kind":2,"name":"ENV_VARS_SNAPSHOT""#),
                line(1, 3, r#""kind":3"#),
            ],
            [SpanKind::Client, SpanKind::Internal, SpanKind::Client],
        ),
    ];
    for (lines, expected) in cases {
        let directory = Directory::new("kinds");
        directory.write("a.jsonl", lines.concat());
        assert_eq!(kinds(&directory.load()), expected, "{lines:?}");
    }
}

#[test]
fn only_outbound_spans_can_be_asked_for() {
    let directory = Directory::new("outbound");
    directory.write(
        "a.jsonl",
        [
            line(1, 1, r#""kind":2,"isRootSpan":true"#),
            line(1, 2, r#""kind":3"#),
            line(1, 3, r#""kind":1,"name":"ENV_VARS_SNAPSHOT""#),
        ]
        .concat(),
    );
    let recording = directory.load();
    let outbound: Vec<bool> = recording
        .traces()
        .iter()
        .flat_map(|trace| trace.spans())
        .map(|span| recording.is_outbound(span))
        .collect();
    assert_eq!(outbound, [false, true, false]);
}

#[test]
fn an_empty_directory_a_missing_one_and_one_of_another_tool_are_clear_errors() {
    let directory = Directory::new("empty");
    let error = load(directory.path()).expect_err("there is nothing in it");
    assert_eq!(error.code(), "no_trace_files");
    assert!(error.to_string().contains("*.jsonl"), "{error}");

    let error = load(&directory.path().join("nowhere")).expect_err("it is not there");
    assert_eq!(error.code(), "not_found");

    directory.write("log.jsonl", "{\"level\":\"info\"}\n{\"level\":\"warn\"}\n");
    let error = load(directory.path()).expect_err("these are no spans");
    assert_eq!(error.code(), "no_spans");
    let shown = error.to_string();
    assert!(
        shown.contains("log.jsonl:1: a JSON object without traceId and spanId"),
        "{shown}"
    );
}

#[test]
fn a_file_that_is_cut_after_loading_is_an_error_and_never_another_span() {
    let directory = Directory::new("cut");
    directory.write("a.jsonl", [line(1, 1, ""), line(1, 2, "")].concat());
    let gone = directory.write("b.jsonl", line(2, 3, ""));
    let recording = directory.load();
    let code = |place: usize| {
        let mut spans = recording.traces().iter().flat_map(|trace| trace.spans());
        recording
            .span(spans.nth(place).expect("three spans"))
            .map(|span| span.span_id)
            .map_err(|error| error.code())
    };
    directory.write("a.jsonl", line(1, 1, ""));
    assert!(code(0).is_ok());
    assert_eq!(code(1), Err("file_changed"));
    directory.write("a.jsonl", [line(1, 2, ""), line(1, 1, "")].concat());
    assert_eq!(code(0), Err("file_changed"));
    std::fs::remove_file(&gone).expect("the file is there");
    assert_eq!(code(2), Err("unreadable"));
}

#[test]
fn a_file_that_grows_after_loading_answers_as_before() {
    let directory = Directory::new("grow");
    let path = directory.write("a.jsonl", line(1, 1, r#""name":"first""#));
    let recording = directory.load();
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .expect("the file is there");
    file.write_all(line(1, 2, "").as_bytes())
        .expect("the target directory can be written");
    assert_eq!(names(&recording), ["first"]);
}

#[test]
fn a_large_file_loads_the_same_with_one_thread_and_with_many() {
    let directory = Directory::new("large");
    let mut text = String::new();
    // Lines of many lengths, so that the pieces end in all places; one is longer than a piece.
    for number in 0..30_000_u32 {
        let length = match number {
            20_000 => 9 << 20,
            number => (number * 7919 % 900) as usize,
        };
        text.push_str(&format!(
            "{{\"traceId\":\"{:032x}\",\"spanId\":\"{number:016x}\",\"name\":\"{}\"}}\n",
            number % 100,
            "x".repeat(length)
        ));
    }
    directory.write("a.jsonl", &text);
    let load_with = |threads| {
        let options = LoadOptions {
            threads: Some(threads),
            ..LoadOptions::new([directory.path()])
        };
        Recording::load(&options, &|_| {}).expect("the recording loads")
    };
    let (one, many) = (load_with(1), load_with(5));
    assert_eq!(one.span_count(), 30_000);
    assert_eq!(many.span_count(), 30_000);
    assert_eq!(one.problems(), []);
    for (left, right) in one.traces().iter().zip(many.traces()) {
        assert_eq!(left, right);
        for span in left.spans() {
            let place = one.place(span).expect("a span has a place");
            let again = one.span(span).expect("the span reads again");
            assert_eq!(again.span_id, format!("{:016x}", place.line - 1));
            assert_eq!(many.place(span), Some(place));
        }
    }
}

#[test]
fn a_line_beyond_the_limit_is_reported_and_skipped_and_one_at_the_limit_is_read() {
    let directory = Directory::new("limit");
    let long = line(1, 1, &format!("\"name\":\"{}\"", "x".repeat(6 << 20)));
    directory.write("a.jsonl", [long.clone(), line(1, 2, "")].concat());
    let load_with = |max_line_bytes| {
        let options = LoadOptions {
            max_line_bytes,
            ..LoadOptions::new([directory.path()])
        };
        Recording::load(&options, &|_| {}).expect("the recording loads")
    };
    let whole = load_with(long.len() - 1);
    assert_eq!((whole.span_count(), whole.problems().len()), (2, 0));
    let short = load_with(long.len() - 2);
    assert_eq!(short.span_count(), 1);
    assert_eq!(problems(&short), [("line_too_long", Some(1))]);
    // Far below the length of a piece that is read at once.
    let shorter = load_with(1000);
    assert_eq!(problems(&shorter), [("line_too_long", Some(1))]);
}

#[test]
fn a_trace_is_found_by_the_beginning_of_its_id() {
    let directory = Directory::new("find");
    directory.write(
        "a.jsonl",
        [
            "{\"traceId\":\"abc1\",\"spanId\":\"1\"}\n",
            "{\"traceId\":\"abc2\",\"spanId\":\"1\"}\n",
            "{\"traceId\":\"abc\",\"spanId\":\"1\"}\n",
        ]
        .concat(),
    );
    let recording = directory.load();
    let find = |prefix| {
        recording
            .find_trace(prefix)
            .map(|trace| trace.trace_id.as_str())
            .map_err(|error| error.code())
    };
    assert_eq!(find("abc2"), Ok("abc2"));
    assert_eq!(find("abc"), Ok("abc"));
    assert_eq!(find("ab"), Err("trace_ambiguous"));
    assert_eq!(find("x"), Err("trace_not_found"));
    assert_eq!(find(""), Err("trace_not_found"));
}

#[test]
fn response_data_holds_the_recorded_output_unchanged_and_a_time_the_sdks_read() {
    use prost::Message as _;
    use prost_types::Struct;
    use prost_types::value::Kind;
    let directory = Directory::new("response");
    directory.write(
        "a.jsonl",
        [
            line(
                1,
                1,
                r#""outputValue":{"statusCode":200,"body":"eyJhIjoxfQ=="},"timestamp":{"seconds":1795227890,"nanos":678090889}"#,
            ),
            line(1, 2, r#""outputValue":{"rows":[]}"#),
        ]
        .concat(),
    );
    let recording = directory.load();
    let member = |of: &Struct, name: &str| of.fields.get(name).and_then(|value| value.kind.clone());
    let structure = |kind: Option<Kind>| match kind {
        Some(Kind::StructValue(structure)) => structure,
        _ => Struct::default(),
    };
    let mut responses = recording
        .traces()
        .iter()
        .flat_map(|trace| trace.spans())
        .map(|span| {
            let data = recording.response_data(span).expect("the span reads again");
            let data = Struct::decode(&data.struct_bytes[..]).expect("it is a Struct");
            structure(member(&data, "response"))
        });
    // A span without a time comes first.
    let without_time = responses.next().expect("two spans");
    assert_eq!(member(&without_time, "timestamp"), None);
    let with_time = responses.next().expect("two spans");
    assert_eq!(
        member(&with_time, "timestamp"),
        Some(Kind::StringValue("2026-11-21T02:24:50.678090Z".to_owned()))
    );
    let body = structure(member(&structure(member(&with_time, "response")), "body"));
    assert_eq!(member(&body, "statusCode"), Some(Kind::NumberValue(200.0)));
    assert_eq!(
        member(&body, "body"),
        Some(Kind::StringValue("eyJhIjoxfQ==".to_owned()))
    );
}

#[test]
fn an_answer_as_deep_as_the_core_reads_is_given_whole() {
    let nested = |levels: usize| format!("{}1{}", "[".repeat(levels), "]".repeat(levels));
    let directory = Directory::new("deep-response");
    let deepest = nested(drift_rust_core::MAX_DEPTH);
    directory.write("a.jsonl", line(1, 1, &format!("\"outputValue\":{deepest}")));
    let recording = directory.load();
    let data = recording
        .response_data(SpanIndex(0))
        .expect("the span reads again");
    let json = drift_rust_core::struct_to_json(&data.struct_bytes).expect("it is a Struct");
    assert_eq!(
        json,
        format!("{{\"response\":{{\"response\":{{\"body\":{deepest}}}}}}}")
    );
}

#[test]
fn deeply_nested_lines_are_refused_without_overflowing_the_stack() {
    let deep = format!("{}{}", "[".repeat(500_000), "]".repeat(500_000));
    for member in ["inputValue", "outputValue", "metadata", "name", "unknown"] {
        let text = line(1, 1, &format!("\"{member}\":{deep}"));
        let read = parse_line(text.trim_end().as_bytes());
        assert_eq!(read.is_ok(), member == "unknown", "{member}");
    }
}

#[test]
fn a_member_that_is_no_object_is_shown_from_its_beginning() {
    let said = |members: &str| {
        let line = format!(r#"{{"traceId":"0a","spanId":"0b",{members}}}"#);
        let error = drift_replay::load::parse_line(line.as_bytes()).expect_err("it is broken");
        error.to_string()
    };
    let time = said(r#""timestamp":{"seconds":"x" "nanos":0}"#);
    assert!(
        time.starts_with("timestamp must be ") && time.contains(r#"{"seconds":"x" "nanos":0}"#),
        "{time}"
    );
    let status = said(r#""status":{"code":\1,"message":"x",}"#);
    assert!(status.starts_with("status must be an object"), "{status}");
}
