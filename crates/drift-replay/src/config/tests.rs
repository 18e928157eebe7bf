//! What a user relies on when a configuration is read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may end by a panic"
)]

use super::*;
use crate::rules::{Forms, Rule};
use std::fs;

fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::parse(
        text,
        Path::new("/project/.tusk/config.yaml"),
        Path::new("/project/sub"),
        &|_| None,
    )
}

/// `line: message` of each problem.
fn problems(text: &str) -> Vec<String> {
    match parse(text) {
        Ok(_) => Vec::new(),
        Err(ConfigError::Invalid { problems, .. }) => problems
            .iter()
            .map(|one| format!("{}: {}", one.line, one.message))
            .collect(),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn every_key_of_the_published_program_is_read() {
    let config = parse(
        r#"
service:
  id: 3f1c
  name: orders
  port: 8080
  start:
    command: "python app.py"
  stop:
    command: pkill app
  readiness_check:
    command: curl -fsS localhost:8080/health
    timeout: 1m30s
    interval: 500ms
  communication:
    type: tcp
    tcp_port: 9100
test_execution:
  concurrency: 4
  timeout: 10s
comparison:
  ignore_fields: [Id, "$.meta.at"]
  ignore_patterns: ['^req-']
  ignore_uuids: false
  ignore_timestamps: true
  ignore_dates: no
  ignore_epoch_timestamps: false
  ignore_jwt_fields: false
recording:
  sampling_rate: 0.1
  sampling: {mode: fixed, base_rate: 0.5, min_rate: 0.01, log_transitions: true}
  export_spans: false
  enable_env_var_recording: true
  exclude_paths: ["^/health"]
replay:
  sandbox: {mode: off, config_path: fence.json, allow_ports: [5432, 6379]}
traces: {dir: recorded}
results: {dir: /abs/results}
coverage: {enabled: true, include: ["src/**"], exclude: ["**/*.test.js"], strip_path_prefix: /app}
transforms:
  http: [{matcher: {direction: inbound}, action: {type: redact}}]
tusk_api: {url: "https://api.example", auth: {token: x}, default_branch: main}
x-ours: anything
"#,
    )
    .unwrap();
    let service = &config.service;
    assert_eq!(service.id.as_deref(), Some("3f1c"));
    assert_eq!(service.name.as_deref(), Some("orders"));
    assert_eq!(service.port, 8080);
    assert_eq!(service.start_command.as_deref(), Some("python app.py"));
    assert_eq!(service.stop_command.as_deref(), Some("pkill app"));
    let ready = &service.readiness_check;
    let command = "curl -fsS localhost:8080/health";
    assert_eq!(ready.command.as_deref(), Some(command));
    assert_eq!(ready.timeout, Some(Duration::from_secs(90)));
    assert_eq!(ready.interval, Some(Duration::from_millis(500)));
    assert_eq!(service.communication, CommunicationKind::Tcp);
    assert_eq!(service.tcp_port, 9100);
    assert_eq!(config.test_execution.concurrency, 4);
    assert_eq!(config.test_execution.timeout, Duration::from_secs(10));
    assert_eq!(config.comparison.ignore_fields, ["id"]);
    assert_eq!(config.comparison.rules.len(), 1);
    assert_eq!(config.comparison.ignore_patterns.len(), 1);
    assert_eq!(
        config.comparison.forms,
        Forms {
            uuids: false,
            timestamps: true,
            dates: false,
            epochs: false,
            jwts: false,
        }
    );
    assert_eq!(config.recording.sampling_rate, Some(0.5));
    assert_eq!(config.recording.exclude_paths, ["^/health"]);
    assert_eq!(config.traces_dir, Path::new("/project/recorded"));
    assert_eq!(config.results_dir, Path::new("/abs/results"));
    assert!(config.coverage.enabled);
    assert_eq!(config.coverage.strip_path_prefix.as_deref(), Some("/app"));
    assert_eq!(
        config.sandbox,
        SandboxConfig {
            mode: SandboxMode::Off,
            allow_ports: vec![5432, 6379],
            config_path: Some("/project/fence.json".into()),
        }
    );
    assert_eq!(config.notices, []);
}

#[test]
fn defaults_are_the_published_ones() {
    for text in ["", "{}", "service:\n", "# nothing\n"] {
        let config = parse(text).unwrap();
        assert_eq!(config.service, ServiceConfig::default());
        assert_eq!((config.service.port, config.service.tcp_port), (3000, 9001));
        assert_eq!(config.test_execution.concurrency, 1);
        assert_eq!(config.test_execution.timeout, Duration::from_secs(30));
        assert_eq!(config.comparison.forms, Forms::default());
        assert_eq!(config.traces_dir, Path::new("/project/.tusk/traces"));
        assert_eq!(config.results_dir, Path::new("/project/.tusk/results"));
        let outbound = &config.outbound;
        assert!(outbound.missing && outbound.new && outbound.order && outbound.more_often);
        assert!(config.redaction.enabled);
    }
}

#[test]
fn our_own_keys_are_read() {
    let config = parse(
        r"
comparison:
  headers: [ETag, Date]
  header_names: false
  ignore_headers: [X-Request-Id]
  rules:
    - path: $.items[*].price
      tolerance: 0.01
      relative_tolerance: 0.001
    - {path: $..at, ignore: true}
    - {header: etag, regex: '^W/'}
    - {path: $.tags, unordered: true, request: '^GET '}
    - {path: $.user, presence: true, ignore: false}
outbound:
  order: false
  changed: true
  ignore:
    - package: redis
    - {package: https, name: metrics}
redaction:
  headers: [x-internal]
  keys: [iban]
  patterns: ['CUST-[0-9]+']
  sql_parameters: true
",
    )
    .unwrap();
    let headers = &config.comparison.headers;
    assert_eq!(headers.compared, ["etag", "date"]);
    assert!(!headers.names);
    assert!(headers.ignored.contains(&"x-request-id".to_owned()));
    assert!(!headers.ignored.contains(&"date".to_owned()));
    let rules: Vec<String> = config.comparison.rules.iter().map(Rule::describe).collect();
    assert_eq!(
        rules,
        [
            "$.items[*].price: tolerance 0.01, relative 0.001 (line 7)",
            "$..at: ignore (line 10)",
            "header etag: regex ^W/ (line 11)",
            "$.tags: unordered (line 12)",
            "$.user: presence (line 13)",
        ]
    );
    assert!(!config.outbound.order && config.outbound.changed);
    assert_eq!(config.outbound.ignore.len(), 2);
    assert_eq!(config.redaction.keys, ["iban"]);
    assert!(config.redaction.sql_parameters);
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_the_nearest_known_one() {
    assert_eq!(
        problems("service:\n  port: 1\ncomparision:\n  ignore_uuids: true\n"),
        ["3: unknown key `comparision`; did you mean `comparison`?"]
    );
    assert_eq!(
        problems("comparison:\n  ignore_uuid: true\n  ignoreFields: [a]\n"),
        [
            "2: unknown key `comparison.ignore_uuid`; did you mean `comparison.ignore_uuids`?",
            "3: unknown key `comparison.ignoreFields`; did you mean `comparison.ignore_fields`?",
        ]
    );
    assert_eq!(
        problems("traces:\n  banana: x\n"),
        ["2: unknown key `traces.banana`; known here: dir"]
    );
}

#[test]
fn a_readiness_check_without_a_command_keeps_its_times() {
    for command in ["", "    command: ''\n"] {
        let text =
            format!("service:\n  readiness_check:\n{command}    timeout: 1m\n    interval: 5s\n");
        assert_eq!(
            parse(&text).unwrap().service.readiness_check,
            ReadinessCheck {
                command: None,
                timeout: Some(Duration::from_secs(60)),
                interval: Some(Duration::from_secs(5)),
            }
        );
    }
}

#[test]
fn an_empty_start_command_is_named_and_an_empty_stop_command_is_none() {
    for empty in ["''", "'  '", "\"\\n\""] {
        assert_eq!(
            problems(&format!("service:\n  start:\n    command: {empty}\n")),
            [
                "3: service.start.command: expected the command that starts the service, found an empty text"
            ]
        );
    }
    let config = parse("service: {stop: {command: ''}, start: {command: }}").unwrap();
    assert_eq!(config.service, ServiceConfig::default());
}

#[test]
fn a_key_that_is_there_twice_is_named_with_both_of_its_lines() {
    for (text, expected) in [
        (
            "service:\n  port: 1\n  name: a\n  port: 2\n",
            "4: key `service.port` is there twice, first in line 2; keep one of them",
        ),
        (
            "service: {}\ntraces: {}\n\nservice: {}\n",
            "4: key `service` is there twice, first in line 1; keep one of them",
        ),
        (
            "comparison:\n  rules:\n    - path: $.a\n      ignore: true\n      path: $.b\n",
            "5: key `comparison.rules.path` is there twice, first in line 3; keep one of them",
        ),
    ] {
        assert_eq!(problems(text), [expected]);
    }
    let twice_but_apart = "comparison:\n  rules:\n    - {path: $.a, ignore: true}\n    - {path: $.b, ignore: true}\nx-a: &a {b: 1}\nx-c: {b: *a, a: [b, b], d: {b: 1}}\n";
    assert_eq!(problems(twice_but_apart), Vec::<String>::new());
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_key() {
    let config = parse("\u{feff}service:\n  port: 8080\n").unwrap();
    assert_eq!(config.service.port, 8080);
    assert_eq!(
        problems("\u{feff}servce: {}\n"),
        ["1: unknown key `servce`; did you mean `service`?"]
    );
}

#[test]
fn keys_of_blocks_that_the_sdks_own_are_only_mentioned() {
    let config = parse("recording:\n  sampling_rat: 0.5\n  future: 1\n").unwrap();
    let keys: Vec<(u64, &str)> = config
        .notices
        .iter()
        .map(|notice| (notice.line, notice.key.as_str()))
        .collect();
    assert_eq!(
        keys,
        [(2, "recording.sampling_rat"), (3, "recording.future")]
    );
}

#[test]
fn all_problems_are_named_at_once_with_what_was_expected() {
    let found = problems(
        "service:\n  port: high\n  start: python app.py\ntest_execution:\n  timeout: 30\n  concurrency: 0\ncomparison:\n  ignore_uuids: maybe\n  ignore_patterns: ['(']\n  rules:\n    - path: items\n      ignore: true\n    - path: $.a\n    - {path: $.a, ignore: true, presence: true}\n    - {ignore: true}\n    - {path: $.a, tolerance: -1}\n    - {path: $.a, regex: '['}\n",
    );
    let expected = [
        "2: service.port: expected a whole number from 1 to 65535, found `high`",
        "3: service.start: expected a block of keys, found `python app.py`",
        "5: test_execution.timeout: expected a duration such as 30s, 1m30s or 500ms, found `30`",
        "6: test_execution.concurrency: expected a whole number from 1 to 1024, found `0`",
        "8: comparison.ignore_uuids: expected true or false, found `maybe`",
        "9: comparison.ignore_patterns: `(` is not a regular expression: unclosed group",
        "11: comparison.rules.path: `items` is not a JSONPath (RFC 9535) at byte 0: ",
        "13: comparison.rules: a rule says one of ignore, regex, tolerance (or relative_tolerance), unordered, presence; this one says 0",
        "14: comparison.rules: a rule says one of ignore, regex, tolerance (or relative_tolerance), unordered, presence; this one says 2",
        "15: comparison.rules: a rule needs a `path` (JSONPath) or a `header`, one of them",
        "16: comparison.rules.tolerance: a tolerance must be 0 or more, not -1",
        "17: comparison.rules.regex: `[` is not a regular expression: unclosed character class",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found}\n{expected}");
    }
}

#[test]
fn a_merge_key_is_said_not_to_be_read_and_a_whole_number_is_one_however_it_is_spelt() {
    let found = problems("base: &b {port: 3000}\nservice:\n  <<: *b\n");
    assert!(
        found
            .iter()
            .any(|one| one.contains("merge keys are not read")),
        "{found:#?}"
    );
    let config = parse("service: {port: 3e3}\n").expect("it is right");
    assert_eq!(config.service.port, 3000);
    let found = problems("comparison: {rules: [{path: $.a, relative_tolerance: -1}]}\n");
    assert!(
        found
            .iter()
            .any(|one| one.contains("comparison.rules.relative_tolerance: a tolerance")),
        "{found:#?}"
    );
}

#[test]
fn a_rule_that_is_no_block_or_has_a_misspelt_key_is_one_problem() {
    let found = problems(
        "comparison:\n  rules:\n    - $.id\n    - [path, $.id]\n    -\n    - {paht: $.id, ignore: true}\n    - {path: $.id, ignroe: true}\noutbound:\n  ignore:\n    - redis\n    - {pakage: redis}\n",
    );
    let block = "expected a block of keys, such as";
    assert_eq!(
        found,
        [
            format!("3: comparison.rules: {block} `{{path: $.id, ignore: true}}`, found `$.id`"),
            format!("4: comparison.rules: {block} `{{path: $.id, ignore: true}}`, found a list"),
            format!("5: comparison.rules: {block} `{{path: $.id, ignore: true}}`, found nothing"),
            "6: unknown key `comparison.rules.paht`; did you mean `comparison.rules.path`?"
                .to_owned(),
            "7: unknown key `comparison.rules.ignroe`; did you mean `comparison.rules.ignore`?"
                .to_owned(),
            format!("10: outbound.ignore: {block} `{{package: redis}}`, found `redis`"),
            "11: unknown key `outbound.ignore.pakage`; did you mean `outbound.ignore.package`?"
                .to_owned(),
        ]
    );
}

#[test]
fn what_is_not_yaml_is_named_with_its_place() {
    for text in [
        "service: [1, 2\n",
        "service:\n\tport: 1\n",
        "a: b: c\n",
        "service: {}\nservice: {}\n",
        "service: *nowhere\n",
        "--- {}\n--- {}\n",
        "- a\n- b\n",
        "just text\n",
    ] {
        let error = parse(text).unwrap_err();
        assert_eq!(error.code(), "config_invalid", "{text:?}");
        let first = error.to_string();
        assert!(
            first.starts_with("/project/.tusk/config.yaml:"),
            "{text:?}: {first}"
        );
    }
}

#[test]
fn deep_and_exploding_texts_are_refused_without_a_crash() {
    let bomb = "a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\n";
    let mut lines = String::new();
    for depth in 0..3_000 {
        lines.push_str(&" ".repeat(depth.min(3_500)));
        lines.push_str("a:\n");
        if lines.len() > 900_000 {
            break;
        }
    }
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "[\n".repeat(100_000),
        lines,
        bomb.to_owned(),
    ] {
        assert_eq!(parse(&text).unwrap_err().code(), "config_invalid");
    }
}

#[test]
fn durations_are_read_as_go_writes_them() {
    let nanos = |text: &str| parse_duration(text).map(|found| found.as_nanos());
    for (text, expected) in [
        ("30s", Some(30_000_000_000)),
        ("1m30s", Some(90_000_000_000)),
        ("500ms", Some(500_000_000)),
        ("1.5h", Some(5_400_000_000_000)),
        (".5s", Some(500_000_000)),
        ("1h0m0.000000001s", Some(3_600_000_000_001)),
        ("2us", Some(2_000)),
        ("2µs", Some(2_000)),
        ("7ns", Some(7)),
        ("0", Some(0)),
        ("", None),
        ("30", None),
        ("s", None),
        ("-1s", None),
        ("1 s", None),
        ("1d", None),
        ("1.2.3s", None),
        (".s", None),
        ("99999999999999999999h", None),
    ] {
        assert_eq!(nanos(text), expected, "{text}");
    }
}

#[test]
fn the_environment_overrides_the_directories() {
    let config = Config::parse(
        "traces: {dir: a}\nresults: {dir: b}\n",
        Path::new("/project/tusk.yaml"),
        Path::new("/project/sub"),
        &|name| match name {
            "TUSK_TRACES_DIR" => Some("elsewhere".to_owned()),
            "TUSK_RESULTS_DIR" => Some("/elsewhere/results".to_owned()),
            _ => None,
        },
    )
    .unwrap();
    assert_eq!(config.traces_dir, Path::new("/project/sub/elsewhere"));
    assert_eq!(config.results_dir, Path::new("/elsewhere/results"));
}

/// A directory of this test that goes when the test ends.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Directory {
        let path = std::env::temp_dir().join(format!("drift-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Directory(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.0.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        file
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_configuration_is_found_upward_and_then_at_home() {
    let root = Directory::new("config-find");
    let deep = root.0.join("project/a/b");
    fs::create_dir_all(&deep).unwrap();
    let home = root.0.join("home");
    let at_home = root.write("home/.tusk/config.yml", "service: {port: 1}\n");
    let discover = || Config::discover(&deep, Some(&home), &|_| None).unwrap();

    assert_eq!(Config::find(&deep, Some(&home)), Some(at_home));
    let config = discover();
    assert_eq!(config.service.port, 1);
    assert_eq!(config.traces_dir, deep.join(".tusk/traces"));

    root.write("project/tusk.yml", "service: {port: 2}\n");
    let config = discover();
    assert_eq!(config.service.port, 2);
    assert_eq!(config.traces_dir, root.0.join("project/.tusk/traces"));

    root.write("project/.tusk/config.yaml", "service: {port: 3}\n");
    assert_eq!(discover().service.port, 3);
    root.write("project/a/tusk.yaml", "service: {port: 4}\n");
    assert_eq!(discover().service.port, 4);
}

#[test]
fn no_configuration_at_all_is_fine_and_an_unreadable_one_is_named() {
    let root = Directory::new("config-none");
    let config = Config::discover(&root.0, None, &|_| None).unwrap();
    assert_eq!((config.file, config.service.port), (None, 3000));
    let missing = root.0.join("no.yaml");
    let error = Config::load(&missing, &root.0, &|_| None).unwrap_err();
    assert_eq!(error.code(), "config_unreadable");
    let large = root.write("large.yaml", &"#".repeat(MAX_CONFIG_BYTES + 1));
    let error = Config::load(&large, &root.0, &|_| None).unwrap_err();
    assert_eq!(error.code(), "config_too_large");
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_configuration_or_an_error_with_a_place(
        text in r"([a-z_]{0,9}[:\-\[\]{}#&*!|>'%@` \n\t,0-9]{0,4}){0,40}",
    ) {
        if let Err(ConfigError::Invalid { problems, .. }) = parse(&text) {
            proptest::prop_assert!(!problems.is_empty());
        }
    }

    #[test]
    fn known_keys_with_any_values_are_read_or_refused(
        keys in proptest::collection::vec(
            (0usize..6, "(true|[0-9]{1,4}|[a-z]{1,4}|\\[[a-z, ]{0,5}\\]|\\{[a-z]{1,3}: [0-9]\\}|'[^']{0,9}')"),
            0..5,
        ),
    ) {
        let names = ["service", "comparison", "outbound", "redaction", "traces", "coverage"];
        let text: String = keys
            .iter()
            .enumerate()
            .filter(|(at, (name, _))| !keys[..*at].iter().any(|(other, _)| other == name))
            .map(|(_, (name, value))| format!("{}: {value}\n", names[*name]))
            .collect();
        let _ = parse(&text);
    }
}

#[test]
fn a_pattern_of_coverage_that_is_none_is_named_with_its_place() {
    assert_eq!(
        problems("coverage:\n  include: ['src/[']\n  exclude:\n    - ok\n    - 'a{'\n"),
        [
            "2: coverage.include: `src/[` is not a glob pattern: unclosed character class; missing ']'",
            "5: coverage.exclude: `a{` is not a glob pattern: unclosed alternate group; missing '}' (maybe escape '{' with '[{]'?)",
        ]
    );
}

#[test]
fn no_time_at_all_is_no_duration() {
    assert_eq!(
        problems("test_execution:\n  timeout: 0s\n"),
        ["2: test_execution.timeout: expected a duration such as 30s, 1m30s or 500ms, found `0s`"]
    );
}
