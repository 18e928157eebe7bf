//! Requests with the answer that is right for each, by the rules of
//! `docs/matching.md`: `matching/cases` has them, one file per library, and
//! `matching/recordings` what the published SDKs wrote of the service that they
//! are about. Prints a table of wrong accepts and wrong rejects per file.

#![allow(
    clippy::indexing_slicing,
    reason = "a case file without a member that every line has fails the test"
)]
#![allow(
    clippy::print_stdout,
    reason = "the table is the report of this test, shown with --nocapture"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use drift_replay::guard::Guard;
use drift_replay::load::{LoadOptions, Recording};
use drift_replay::{MatchOptions, Matcher, MockRequest};
use prost_types::value::Kind;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tusk_drift_schemas::tusk::drift::core::v1::{GetMockRequest, JsonSchema, Span};

/// One file of cases.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFile {
    /// What the file is about, for its readers.
    about: String,
    /// The directory below `recordings`.
    recording: String,
    /// The start of the identifier of the trace that is replayed.
    test: String,
    /// Names for spans, each with the start of its identifier.
    calls: BTreeMap<String, String>,
    cases: Vec<Case>,
}

/// One case: a request with its answer, or several in a row.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    title: String,
    /// Another trace than the file's; null outside any test.
    #[serde(default, deserialize_with = "present")]
    test: Option<Option<String>>,
    #[serde(default)]
    requests: Vec<Request>,
    like: Option<String>,
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    raw: bool,
    #[serde(default)]
    span: Map<String, Value>,
    #[serde(default)]
    hashes: Hashes,
    #[serde(default)]
    spelling: Option<String>,
    #[serde(default)]
    schema: Option<String>,
    #[serde(default)]
    answer: Option<String>,
    #[serde(default)]
    because: Option<String>,
}

/// One request: a recorded call with changes.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// The recorded call that it is like.
    like: String,
    /// Members of its input by their path, null to leave one out. A `body` is
    /// given as text and sent as base64, unless `raw`.
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    raw: bool,
    /// Members of the span itself.
    #[serde(default)]
    span: Map<String, Value>,
    #[serde(default)]
    hashes: Hashes,
    /// `node` or `python`: how the schema's members are named; as recorded by default.
    #[serde(default)]
    spelling: Option<String>,
    /// `absent` for a request without a schema.
    #[serde(default)]
    schema: Option<String>,
    /// The call that must answer; null when none may.
    answer: Option<String>,
    /// The part in which the guards of request and recorded call differ.
    #[serde(default)]
    because: Option<String>,
}

/// The hashes that the SDK sends.
#[derive(Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
enum Hashes {
    #[default]
    AsSdk,
    Absent,
    Wrong,
}

/// Tells an absent member from one that is null.
fn present<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<String>>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Case {
    fn requests(&self) -> Vec<Request> {
        match &self.like {
            None => self.requests.clone(),
            Some(like) => vec![Request {
                like: like.clone(),
                set: self.set.clone(),
                raw: self.raw,
                span: self.span.clone(),
                hashes: self.hashes,
                spelling: self.spelling.clone(),
                schema: self.schema.clone(),
                answer: self.answer.clone(),
                because: self.because.clone(),
            }],
        }
    }
}

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/matching")
        .join(name)
}

/// A recording, and its lines as they are.
struct Recorded {
    recording: Arc<Recording>,
    lines: Vec<Value>,
}

impl Recorded {
    fn load(name: &str) -> Recorded {
        let path = directory("recordings").join(name);
        let recording =
            Recording::load(&LoadOptions::new([&path]), &|_| {}).expect("the recording loads");
        assert!(
            recording.problems().is_empty(),
            "{:?}",
            recording.problems()
        );
        let mut lines = Vec::new();
        for file in std::fs::read_dir(&path).expect("the recording is there") {
            let file = file.expect("the recording can be listed").path();
            let text = std::fs::read_to_string(file).expect("the recording can be read");
            for line in text.lines() {
                lines.push(serde_json::from_str(line).expect("a line is JSON"));
            }
        }
        Recorded {
            recording: Arc::new(recording),
            lines,
        }
    }

    fn line(&self, id: &str) -> &Value {
        let found: Vec<&Value> = self
            .lines
            .iter()
            .filter(|line| {
                line["spanId"]
                    .as_str()
                    .is_some_and(|span| span.starts_with(id))
            })
            .collect();
        assert_eq!(found.len(), 1, "spans whose identifier starts with {id}");
        found.first().expect("there is one")
    }

    /// The span of a line, its kind repaired.
    fn span(&self, line: &Value) -> drift_replay::Span {
        let id = line["spanId"].as_str();
        let traces = self.recording.traces().iter();
        let mut spans = traces
            .flat_map(|trace| trace.spans())
            .filter_map(|index| self.recording.span(index).ok());
        spans
            .find(|span| Some(span.span_id.as_str()) == id)
            .expect("every line is a span")
    }

    /// The whole identifier; one that was not recorded is filled up.
    fn trace_id(&self, start: &str) -> String {
        let trace = self
            .recording
            .traces()
            .iter()
            .find(|trace| trace.trace_id.starts_with(start));
        trace.map_or_else(
            || format!("{start:0<32}"),
            |trace| trace.trace_id.to_string(),
        )
    }
}

/// Sets a member by its path, or takes it away.
fn set(value: &mut Value, path: &str, new: &Value) {
    let (first, rest) = match path.split_once('.') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    let slot = match value {
        Value::Object(members) => {
            if rest.is_none() && new.is_null() {
                assert!(members.remove(first).is_some(), "there is no {first}");
                return;
            }
            members.entry(first).or_insert(Value::Null)
        }
        Value::Array(items) => {
            let position: usize = first.parse().expect("a position");
            items.get_mut(position).expect("there is such an item")
        }
        _ => panic_on_path(path),
    };
    match rest {
        Some(rest) => set(slot, rest, new),
        None => *slot = new.clone(),
    }
}

#[allow(clippy::panic, reason = "a case file with a wrong path fails the test")]
fn panic_on_path(path: &str) -> ! {
    panic!("nothing is at {path}")
}

/// A request as the SDK that recorded `like` would send it.
fn message(like: &Value, request: &Request, test_id: &str) -> GetMockRequest {
    let mut line = like.clone();
    for (path, new) in &request.set {
        if path == "body" && !request.raw {
            let text = new.as_str().expect("a body is given as text");
            set(
                &mut line["inputValue"],
                "body",
                &json!(STANDARD.encode(text)),
            );
            if line["inputValue"].get("bodySize").is_some() {
                set(&mut line["inputValue"], "bodySize", &json!(text.len()));
            }
        } else {
            set(&mut line["inputValue"], path, new);
        }
    }
    for (name, new) in &request.span {
        line[name] = new.clone();
    }
    let is_node =
        like["inputSchema"].to_string().contains("matchImportance") || like.get("isUsed").is_none();
    let as_node = request
        .spelling
        .as_deref()
        .map_or(is_node, |name| name == "node");
    if !request.set.is_empty() || as_node != is_node {
        let (schema, schema_hash, value_hash) = schema_of(&line, as_node);
        line["inputSchema"] = schema;
        line["inputSchemaHash"] = json!(schema_hash);
        line["inputValueHash"] = json!(value_hash);
    }
    for name in ["inputSchemaHash", "inputValueHash"] {
        match request.hashes {
            Hashes::AsSdk => {}
            Hashes::Absent => line[name] = json!(""),
            Hashes::Wrong => line[name] = json!("5eed".repeat(16)),
        }
    }
    if request.schema.as_deref() == Some("absent") {
        line["inputSchema"] = Value::Null;
        line["inputSchemaHash"] = json!("");
    }
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| {
        let number = line[name].as_i64().unwrap_or_default();
        i32::try_from(number).expect("an enum is small")
    };
    GetMockRequest {
        request_id: "1".to_owned(),
        test_id: test_id.to_owned(),
        outbound_span: Some(Span {
            trace_id: test_id.to_owned(),
            span_id: "feed".repeat(4),
            name: text("name"),
            package_name: text("packageName"),
            instrumentation_name: text("instrumentationName"),
            submodule_name: text("submoduleName"),
            package_type: number("packageType"),
            kind: number("kind"),
            is_pre_app_start: line["isPreAppStart"] == true,
            input_value: structure(&line["inputValue"]),
            input_schema: json_schema(&line["inputSchema"]),
            input_value_hash: text("inputValueHash"),
            input_schema_hash: text("inputSchemaHash"),
            ..Span::default()
        }),
        ..GetMockRequest::default()
    }
}

/// Schema, its hash and the value's, with the marks that the SDK gave the
/// members of the recorded call.
fn schema_of(line: &Value, as_node: bool) -> (Value, String, String) {
    let mut merges = Map::new();
    let marks = line["inputSchema"]["properties"]
        .as_object()
        .expect("a schema of an object");
    for (name, schema) in marks {
        let mut mark = Map::new();
        for (name, spellings) in [
            ("encoding", ["encoding", "encoding"]),
            ("decoded_type", ["decoded_type", "decodedType"]),
            ("match_importance", ["match_importance", "matchImportance"]),
        ] {
            if let Some(value) = spellings.iter().find_map(|spelling| schema.get(*spelling)) {
                mark.insert(name.to_owned(), value.clone());
            }
        }
        if !mark.is_empty() && line["inputValue"].get(name).is_some() {
            merges.insert(name.clone(), Value::Object(mark));
        }
    }
    let merges = Value::Object(merges);
    let payload = drift_rust_core::process_export_payload_value(&line["inputValue"], Some(&merges))
        .expect("a small input with known marks");
    let mut schema = payload.decoded_schema.to_string();
    if as_node {
        schema = schema
            .replace("\"decoded_type\":", "\"decodedType\":")
            .replace("\"match_importance\":", "\"matchImportance\":");
    }
    let hash = drift_rust_core::deterministic_hash(&schema).expect("a schema is JSON");
    (
        serde_json::from_str(&schema).expect("a schema is JSON"),
        hash,
        payload.decoded_value_hash,
    )
}

fn structure(value: &Value) -> Option<prost_types::Struct> {
    let members = value.as_object()?;
    let fields = members
        .iter()
        .map(|(name, value)| (name.clone(), wire_value(value)))
        .collect();
    Some(prost_types::Struct { fields })
}

fn wire_value(value: &Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(value) => Kind::BoolValue(*value),
        Value::Number(value) => Kind::NumberValue(value.as_f64().expect("a number is a double")),
        Value::String(value) => Kind::StringValue(value.clone()),
        Value::Array(values) => Kind::ListValue(prost_types::ListValue {
            values: values.iter().map(wire_value).collect(),
        }),
        Value::Object(_) => Kind::StructValue(structure(value).expect("it is an object")),
    };
    prost_types::Value { kind: Some(kind) }
}

fn json_schema(value: &Value) -> Option<JsonSchema> {
    let members = value.as_object()?;
    let number = |names: [&str; 2]| names.iter().find_map(|name| members.get(*name)?.as_f64());
    let small = |names: [&str; 2]| number(names).map(|number| number as i32);
    Some(JsonSchema {
        r#type: small(["type", "type"]).unwrap_or_default(),
        properties: members
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(name, schema)| Some((name.clone(), json_schema(schema)?)))
            .collect(),
        items: members.get("items").and_then(json_schema).map(Box::new),
        encoding: small(["encoding", "encoding"]),
        decoded_type: small(["decodedType", "decoded_type"]),
        match_importance: number(["matchImportance", "match_importance"]),
    })
}

/// What came of the requests of one file.
#[derive(Default)]
struct Tally {
    cases: usize,
    requests: usize,
    refusals: usize,
    wrong_accepts: usize,
    wrong_rejects: usize,
    wrong_reasons: usize,
    faults: Vec<String>,
}

fn evaluate(file: &CaseFile, recorded: &Recorded) -> Tally {
    let mut tally = Tally::default();
    let id_of = |name: &str| {
        let id = file.calls.get(name);
        recorded.line(id.expect("a call that the file names"))
    };
    for case in &file.cases {
        tally.cases += 1;
        let matcher = Matcher::new(Arc::clone(&recorded.recording), MatchOptions::default());
        let test = case.test.clone().unwrap_or_else(|| Some(file.test.clone()));
        let test_id = test.map_or_else(String::new, |start| recorded.trace_id(&start));
        matcher.begin_test(&test_id);
        for (position, request) in case.requests().iter().enumerate() {
            tally.requests += 1;
            let like = id_of(&request.like);
            let message = message(like, request, &test_id);
            let request_span = MockRequest::from_message(&message).expect("a whole request");
            let answer = matcher.answer(&request_span);
            let expected = request.answer.as_deref().map(|name| {
                let id = id_of(name)["spanId"].as_str();
                id.expect("a span has an identifier").to_owned()
            });
            let actual = answer.found.as_ref().map(|found| {
                let span = recorded.recording.span(found.span);
                span.expect("a found span can be read").span_id
            });
            tally.refusals += usize::from(expected.is_none());
            if expected != actual {
                match actual {
                    Some(_) => tally.wrong_accepts += 1,
                    None => tally.wrong_rejects += 1,
                }
                tally.faults.push(format!(
                    "{}, request {}: expected {expected:?}, answered by {actual:?}\n  {:?}",
                    case.title,
                    position + 1,
                    answer.explanation.steps
                ));
            }
            if let Some(part) = &request.because {
                let guard = Guard::of(&recorded.span(like));
                let mismatch = guard.compatible(&Guard::of(&request_span.span));
                let actual = mismatch.map_err(|mismatch| mismatch.part.code());
                if actual != Err(part.as_str()) {
                    tally.wrong_reasons += 1;
                    tally.faults.push(format!(
                        "{}: expected to be refused for {part}, is {actual:?}",
                        case.title
                    ));
                }
            }
        }
    }
    tally
}

#[test]
fn every_labelled_request_gets_the_answer_that_is_right_for_it() {
    let recordings: BTreeMap<&str, Recorded> = ["node", "python"]
        .into_iter()
        .map(|name| (name, Recorded::load(name)))
        .collect();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(directory("cases"))
        .expect("the cases are there")
        .map(|entry| entry.expect("the cases can be listed").path())
        .collect();
    paths.sort();
    println!(
        "| cases | labelled | requests | of them to refuse | wrong accepts | wrong rejects | wrong reasons |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut total = Tally::default();
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("the cases can be read");
        let file: CaseFile = serde_json::from_str(&text).expect("the cases have the known form");
        assert!(!file.about.is_empty());
        let recorded = recordings.get(file.recording.as_str());
        let tally = evaluate(&file, recorded.expect("a recording that is there"));
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        println!(
            "| {name} | {} | {} | {} | {} | {} | {} |",
            tally.cases,
            tally.requests,
            tally.refusals,
            tally.wrong_accepts,
            tally.wrong_rejects,
            tally.wrong_reasons
        );
        for fault in tally.faults {
            total.faults.push(format!("{name}: {fault}"));
        }
        total.cases += tally.cases;
        total.requests += tally.requests;
        total.refusals += tally.refusals;
        total.wrong_accepts += tally.wrong_accepts;
        total.wrong_rejects += tally.wrong_rejects;
        total.wrong_reasons += tally.wrong_reasons;
    }
    println!(
        "| all | {} | {} | {} | {} | {} | {} |",
        total.cases,
        total.requests,
        total.refusals,
        total.wrong_accepts,
        total.wrong_rejects,
        total.wrong_reasons
    );
    // The page has the count, so that no file can be lost unseen.
    let page = include_str!("../../../docs/matching.md");
    for text in [
        format!(
            "{} labelled cases with {} requests",
            total.cases, total.requests
        ),
        format!("{} requests must be refused", total.refusals),
    ] {
        assert!(
            page.contains(&text),
            "docs/matching.md does not say: {text}"
        );
    }
    assert!(total.faults.is_empty(), "{}", total.faults.join("\n"));
}

/// A change of a recorded call after which nothing recorded may answer.
type Breakage = fn(&mut Value) -> Option<()>;

/// Appends to a text member of the input.
fn append(line: &mut Value, member: &str, suffix: &str) -> Option<()> {
    let slot = line.get_mut("inputValue")?.get_mut(member)?;
    *slot = json!(format!("{}{suffix}", slot.as_str()?));
    Some(())
}

/// Changes the statement, wherever the library has it.
fn change_statement(line: &mut Value, change: impl Fn(&str) -> String) -> Option<()> {
    let input = line.get_mut("inputValue")?.as_object_mut()?;
    let member = ["query", "text", "sql"].into_iter().find(|name| {
        let text = input.get(*name).and_then(Value::as_str);
        text.is_some_and(|text| text.contains(" FROM ") || text.contains(" INTO "))
    })?;
    let slot = input.get_mut(member)?;
    let changed = change(slot.as_str()?);
    if *slot == changed {
        return None;
    }
    *slot = json!(changed);
    Some(())
}

const BREAKAGES: [(&str, Breakage); 9] = [
    ("another method", |line| {
        line["inputValue"].get("headers")?;
        line["inputValue"]["method"] = json!("TRACE");
        Some(())
    }),
    ("a longer path", |line| {
        if line["inputValue"].get("path").is_none() {
            let url = line["inputValue"]
                .get("url")?
                .as_str()?
                .replace("18777/", "18777/x/");
            line["inputValue"]["url"] = json!(url);
            return Some(());
        }
        let path = line["inputValue"]["path"].as_str()?.to_owned();
        line["inputValue"]["path"] = json!(format!("/x{path}"));
        Some(())
    }),
    ("a query key more", |line| {
        line["inputValue"].get("headers")?;
        if let Some(query) = line["inputValue"].get_mut("query") {
            query["extra"] = json!("1");
            return Some(());
        }
        let member = if line["packageName"] == "fetch" {
            "url"
        } else {
            "path"
        };
        let target = line["inputValue"].get(member)?.as_str()?;
        let separator = if target.contains('?') { '&' } else { '?' };
        append(line, member, &format!("{separator}extra=1"))
    }),
    ("another table", |line| {
        change_statement(line, |text| {
            text.replace(" users", " clients")
                .replace(" orders", " invoices")
                .replace(" settings", " flags")
        })
    }),
    ("a condition more", |line| {
        change_statement(line, |text| match text.split_once(" WHERE ") {
            Some((before, after)) => format!("{before} WHERE hidden = false AND {after}"),
            None => text.to_owned(),
        })
    }),
    ("a column more", |line| {
        change_statement(line, |text| text.replacen("SELECT ", "SELECT secret, ", 1))
    }),
    ("another key", |line| {
        let input = line.get_mut("inputValue")?;
        let (member, position) = if input.get("arguments").is_some() {
            ("arguments", 1)
        } else {
            ("args", 0)
        };
        input.get("command")?;
        let key = input.get_mut(member)?.get_mut(position)?;
        *key = json!(format!("{}:x", key.as_str()?));
        Some(())
    }),
    ("another service", |line| append(line, "service", "V2")),
    ("another rpc", |line| {
        line["inputValue"].get("service")?;
        append(line, "method", "All")
    }),
];

#[test]
fn every_recorded_call_answers_itself_and_nothing_that_asks_for_something_else() {
    let mut asked = 0;
    let mut refused = BTreeMap::new();
    for name in ["node", "python"] {
        let recorded = Recorded::load(name);
        let client = if name == "node" { 2 } else { 3 };
        let calls = recorded
            .lines
            .iter()
            .filter(|line| line["isRootSpan"] != true && line["kind"] == client);
        for line in calls {
            let before_start = line["isPreAppStart"] == true;
            let trace = line["traceId"].as_str().expect("a line has a trace");
            let test_id = if before_start { "" } else { trace };
            let ask = |changed: &Value, hashes: Hashes| {
                let matcher =
                    Matcher::new(Arc::clone(&recorded.recording), MatchOptions::default());
                let set: Map<String, Value> = if changed == line {
                    Map::new()
                } else {
                    // Whole, so that schema and hashes are made anew.
                    changed["inputValue"].as_object().expect("an input").clone()
                };
                let request = Request {
                    set,
                    raw: true,
                    hashes,
                    ..Request::default()
                };
                let message = message(changed, &request, test_id);
                let request = MockRequest::from_message(&message).expect("a whole request");
                let found = matcher.answer(&request).found?;
                Some(
                    recorded
                        .recording
                        .span(found.span)
                        .expect("a found span can be read"),
                )
            };
            for hashes in [Hashes::AsSdk, Hashes::Absent, Hashes::Wrong] {
                asked += 1;
                let answer = ask(line, hashes).expect("a recorded call is answered");
                let input: Value = serde_json::from_str(&answer.input_value.unwrap_or_default())
                    .expect("a recorded input is JSON");
                assert_eq!(input, line["inputValue"], "another call answers {line}");
            }
            for (title, change) in BREAKAGES {
                let mut changed = line.clone();
                if change(&mut changed).is_some() {
                    *refused.entry(title).or_insert(0) += 1;
                    if let Some(answer) = ask(&changed, Hashes::AsSdk) {
                        let input = answer.input_value.unwrap_or_default();
                        assert_eq!(input, "", "{title}: {} is answered", changed["inputValue"]);
                    }
                }
            }
        }
    }
    println!("{asked} requests as recorded; refused: {refused:?}");
    // Each change was tried on calls that it applies to.
    assert_eq!(refused.len(), BREAKAGES.len());
    assert!(asked > 400, "{asked}");
}
