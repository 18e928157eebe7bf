//! One span as every part of this crate sees it: read from a trace file, or
//! received from an SDK. Values stay JSON text, so that no digit is lost.

use std::path::PathBuf;
use std::sync::Arc;

/// `SpanKind` of `tusk.drift.core.v1`, after the repair that `load` documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SpanKind {
    /// 0, or a number that the contract does not know.
    #[default]
    Unspecified,
    /// 1: work inside the service, and the snapshot of its environment.
    Internal,
    /// 2: a request that the service answered; the root of a trace.
    Server,
    /// 3: a call that the service made.
    Client,
    /// 4: a message that it sent.
    Producer,
    /// 5: a message that it received.
    Consumer,
}

impl SpanKind {
    /// The kind of a number of the contract.
    pub fn from_number(number: i32) -> SpanKind {
        match number {
            1 => SpanKind::Internal,
            2 => SpanKind::Server,
            3 => SpanKind::Client,
            4 => SpanKind::Producer,
            5 => SpanKind::Consumer,
            _ => SpanKind::Unspecified,
        }
    }

    /// The number in the contract.
    pub fn number(self) -> i32 {
        match self {
            SpanKind::Unspecified => 0,
            SpanKind::Internal => 1,
            SpanKind::Server => 2,
            SpanKind::Client => 3,
            SpanKind::Producer => 4,
            SpanKind::Consumer => 5,
        }
    }
}

/// Where a span stands: its file, and its line counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The trace file.
    pub file: Arc<PathBuf>,
    /// The line, from 1.
    pub line: u64,
}

/// One span, whole.
///
/// `input_value`, `output_value`, `metadata` and the schemas are JSON texts as
/// they were recorded (or, of a live span, made from its messages); absent ones
/// are `None`. The schemas keep the spelling of the SDK that wrote them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Span {
    /// 32 lower-case hex digits.
    pub trace_id: String,
    /// 16 lower-case hex digits.
    pub span_id: String,
    /// 16 lower-case hex digits; empty at the root.
    pub parent_span_id: String,
    /// For people: `GET /orders`, a query's name.
    pub name: String,
    /// The instrumented library: `flask`, `https`, `fetch`, `psycopg2`, `pg`.
    pub package_name: String,
    /// Which instrumentation recorded it.
    pub instrumentation_name: String,
    /// The operation: `POST`, `query`.
    pub submodule_name: String,
    /// `PackageType` of the contract, 0 when unspecified.
    pub package_type: i32,
    /// After the repair of kinds.
    pub kind: SpanKind,
    /// `StatusCode` of the contract: 1 OK, 2 ERROR, 0 unspecified.
    pub status_code: i32,
    /// Of the status.
    pub status_message: String,
    /// When it began, nanoseconds since the Unix epoch.
    pub start_unix_nanos: Option<i128>,
    /// How long it took.
    pub duration_nanos: Option<u64>,
    /// Whether it happened before the service said that it was ready.
    pub is_pre_app_start: bool,
    /// Whether it is the request that its trace is about.
    pub is_root_span: bool,
    /// The `env` that the SDK was initialised with.
    pub environment: Option<String>,
    /// What went in.
    pub input_value: Option<String>,
    /// What came out.
    pub output_value: Option<String>,
    /// The schema of the decoded input.
    pub input_schema: Option<String>,
    /// The schema of the decoded output.
    pub output_schema: Option<String>,
    /// As recorded or received; empty when there was none.
    pub input_value_hash: String,
    /// As recorded or received; empty when there was none.
    pub input_schema_hash: String,
    /// As recorded or received; empty when there was none.
    pub output_value_hash: String,
    /// As recorded or received; empty when there was none.
    pub output_schema_hash: String,
    /// `metadata`, `transformMetadata`: JSON text.
    pub metadata: Option<String>,
    /// The call stack, where the SDK recorded one.
    pub stack_trace: String,
    /// Where it was read; `None` for a live one.
    pub place: Option<Place>,
}
