//! Recordings made for a test.

#![allow(dead_code, reason = "each test binary uses a part")]

pub(crate) mod levels;

use drift_replay::load::{LoadOptions, Recording};
use drift_replay::{Answer, MatchOptions, Matcher, MockRequest, Span, SpanKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tusk_drift_schemas::tusk::drift::core::v1 as contract;

static DIRECTORIES: AtomicU32 = AtomicU32::new(0);

/// A directory that is removed at the end of its test.
pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new(name: &str) -> Directory {
        let number = DIRECTORIES.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).expect("the target directory can be written");
        Directory(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a directory"))
            .expect("the target directory can be written");
        std::fs::write(&path, contents).expect("the target directory can be written");
        path
    }

    pub(crate) fn load(&self) -> Recording {
        Recording::load(&LoadOptions::new([self.path()]), &|_| {}).expect("the recording loads")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn trace_id(number: u8) -> String {
    format!("{number:032x}")
}

/// A line with what a span must have, and more members.
pub(crate) fn line(trace: u8, span: u32, members: &str) -> String {
    let separator = if members.is_empty() { "" } else { "," };
    format!(
        "{{\"traceId\":\"{}\",\"spanId\":\"{span:016x}\"{separator}{members}}}\n",
        trace_id(trace)
    )
}

/// A call as it is recorded and as it is asked for again.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) package: &'static str,
    pub(crate) kind: SpanKind,
    pub(crate) package_type: i32,
    pub(crate) input: Option<String>,
    pub(crate) schema: Option<String>,
    pub(crate) value_hash: String,
    pub(crate) schema_hash: String,
    pub(crate) is_pre_app_start: bool,
    pub(crate) is_root: bool,
    pub(crate) start_seconds: i64,
}

impl Call {
    /// A call through a package, its hashes as an SDK would write them.
    pub(crate) fn new(package: &'static str, input: &str, schema: &str) -> Call {
        let merges = merges_of(schema);
        let payload = drift_rust_core::process_export_payload(input, Some(merges.as_str()))
            .expect("the input of a test is JSON");
        Call {
            package,
            kind: SpanKind::Client,
            package_type: 0,
            input: Some(input.to_owned()),
            schema: Some(schema.to_owned()),
            value_hash: payload.decoded_value_hash,
            schema_hash: payload.decoded_schema_hash,
            is_pre_app_start: false,
            is_root: false,
            start_seconds: 1,
        }
    }

    /// An HTTP request: headers without importance, a body that is base64 of JSON.
    pub(crate) fn http(method: &str, path: &str, headers: &str, body: &str) -> Call {
        use base64::Engine as _;
        let body = base64::engine::general_purpose::STANDARD.encode(body);
        let input = format!(
            "{{\"method\":\"{method}\",\"protocol\":\"http\",\"hostname\":\"api\",\"port\":80,\
             \"path\":\"{path}\",\"headers\":{headers},\"body\":\"{body}\"}}"
        );
        Call {
            package_type: 1,
            ..Call::new("http", &input, HTTP_SCHEMA)
        }
    }

    /// A statement of psycopg2: its parameters are without importance.
    pub(crate) fn sql(query: &str, parameters: &str) -> Call {
        let input = format!("{{\"query\":\"{query}\",\"parameters\":{parameters}}}");
        Call {
            package_type: 4,
            ..Call::new("psycopg2", &input, SQL_SCHEMA)
        }
    }

    /// Without the hashes that an SDK writes: only our own ones can be equal.
    pub(crate) fn unhashed(self) -> Call {
        Call {
            value_hash: String::new(),
            schema_hash: String::new(),
            ..self
        }
    }

    pub(crate) fn at(self, start_seconds: i64) -> Call {
        Call {
            start_seconds,
            ..self
        }
    }

    pub(crate) fn before_start(self) -> Call {
        Call {
            is_pre_app_start: true,
            ..self
        }
    }

    /// The line of a trace file.
    pub(crate) fn line(&self, trace: u8, span: u32) -> String {
        let member = |name: &str, text: &Option<String>| match text {
            Some(text) => format!(",\"{name}\":{text}"),
            None => String::new(),
        };
        line(
            trace,
            span,
            &format!(
                "\"name\":\"call\",\"packageName\":\"{}\",\"kind\":{},\"packageType\":{},\
                 \"inputValueHash\":\"{}\",\"inputSchemaHash\":\"{}\",\"isPreAppStart\":{},\
                 \"isRootSpan\":{},\"timestamp\":{{\"seconds\":{},\"nanos\":0}},\
                 \"outputValue\":{{\"answer\":{span}}}{}{}",
                self.package,
                self.kind.number(),
                self.package_type,
                self.value_hash,
                self.schema_hash,
                self.is_pre_app_start,
                self.is_root,
                self.start_seconds,
                member("inputValue", &self.input),
                member("inputSchema", &self.schema),
            ),
        )
    }

    /// What an SDK sends to ask for it.
    pub(crate) fn message(&self, request_id: &str, test: Option<u8>) -> contract::GetMockRequest {
        let input = self
            .input
            .as_deref()
            .expect("a call of a test has an input");
        let input = drift_rust_core::object_to_protobuf_struct_bytes(input)
            .expect("the input of a test is an object");
        contract::GetMockRequest {
            request_id: request_id.to_owned(),
            test_id: test.map(trace_id).unwrap_or_default(),
            outbound_span: Some(contract::Span {
                name: "call".to_owned(),
                package_name: self.package.to_owned(),
                kind: contract::SpanKind::Client.into(),
                package_type: self.package_type,
                is_pre_app_start: self.is_pre_app_start,
                input_value: prost::Message::decode(&input[..]).ok(),
                input_value_hash: self.value_hash.clone(),
                input_schema_hash: self.schema_hash.clone(),
                ..Default::default()
            }),
            ..Default::default()
        }
    }

    /// The request for it.
    pub(crate) fn request(&self, test: Option<u8>) -> MockRequest {
        MockRequest {
            test_id: test.map(trace_id),
            span: Span {
                name: "call".to_owned(),
                package_name: self.package.to_owned(),
                kind: self.kind,
                package_type: self.package_type,
                input_value: self.input.clone(),
                input_schema: self.schema.clone(),
                input_value_hash: self.value_hash.clone(),
                input_schema_hash: self.schema_hash.clone(),
                is_pre_app_start: self.is_pre_app_start,
                ..Span::default()
            },
        }
    }
}

/// As the Python SDK spells it.
pub(crate) const HTTP_SCHEMA: &str = r#"{"type":6,"properties":{"headers":{"type":6,"properties":{},"match_importance":0.0},"body":{"type":6,"properties":{},"encoding":1,"decoded_type":1}}}"#;

pub(crate) const SQL_SCHEMA: &str = r#"{"type":6,"properties":{"query":{"type":2,"properties":{}},"parameters":{"type":7,"properties":{},"match_importance":0.0}}}"#;

/// The merges that an SDK gives for a schema: what its top-level members carry.
fn merges_of(schema: &str) -> String {
    let schema: serde_json::Value = serde_json::from_str(schema).expect("a schema is JSON");
    let mut merges = serde_json::Map::new();
    for (name, property) in schema
        .get("properties")
        .and_then(serde_json::Value::as_object)
        .into_iter()
        .flatten()
    {
        let mut merge = serde_json::Map::new();
        for (own, spellings) in [
            ("encoding", ["encoding", "encoding"]),
            ("decoded_type", ["decoded_type", "decodedType"]),
            ("match_importance", ["match_importance", "matchImportance"]),
        ] {
            if let Some(value) = spellings.iter().find_map(|name| property.get(name)) {
                merge.insert(own.to_owned(), value.clone());
            }
        }
        merges.insert(name.clone(), merge.into());
    }
    serde_json::Value::Object(merges).to_string()
}

/// A recording of calls: by trace, in the order of their lines, spans numbered
/// from 1 through all traces.
pub(crate) fn matcher_of(name: &str, traces: &[(u8, Vec<Call>)]) -> (Directory, Matcher) {
    matcher_with(name, traces, MatchOptions::default())
}

pub(crate) fn matcher_with(
    name: &str,
    traces: &[(u8, Vec<Call>)],
    options: MatchOptions,
) -> (Directory, Matcher) {
    let directory = Directory::new(name);
    let mut span = 0;
    for (trace, calls) in traces {
        let lines: String = calls
            .iter()
            .map(|call| {
                span += 1;
                call.line(*trace, span)
            })
            .collect();
        directory.write(&format!("{trace:03}.jsonl"), lines);
    }
    let recording = directory.load();
    assert_eq!(recording.problems(), []);
    let matcher = Matcher::new(Arc::new(recording), options);
    (directory, matcher)
}

/// The number that a recorded span was written with.
pub(crate) fn number_of(matcher: &Matcher, answer: &Answer) -> Option<u32> {
    let found = answer.found.as_ref()?;
    let span = matcher
        .recording()
        .span(found.span)
        .expect("the span reads again");
    u32::from_str_radix(&span.span_id, 16).ok()
}
