//! Loads a recording: finds its files, reads each line once, and keeps of a
//! span its place and the digests of its input. Whole spans are read again
//! from their files when they are asked for.
//!
//! Leaves out how an answer is chosen (`index`, `matcher`).

mod blocks;
mod error;
mod files;
mod line;
mod open_files;
mod read;
pub(crate) mod skim;
mod time;

pub use error::{LineError, LoadError, Problem};
pub(crate) use line::ENV_VARS_SNAPSHOT;
pub(crate) use read::{BYTE_ORDER_MARK, scope, scoped};
pub(crate) use time::NANOS_PER_SECOND;
pub use time::format_rfc3339_micros;

use crate::forms::{Form, FormKey};
use crate::span::{Place, Span, SpanKind};
use drift_rust_core::{Document, MAX_DEPTH_LIMIT, Payload, SchemaMerges, ValueOptions};
use foldhash::HashMap;
use line::Line;
use open_files::OpenFiles;
use std::path::PathBuf;
use std::sync::Arc;

/// The number of a span in its recording: traces in the order of their first
/// files, the spans of a trace in the order of their start times.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanIndex(pub u32);

/// What to load, and how.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// Directories, which are searched with all below them, and files.
    pub paths: Vec<PathBuf>,
    /// Threads to read with; as many as there are processors by default.
    pub threads: Option<usize>,
    /// A longer line is reported and skipped. 64 MiB by default.
    pub max_line_bytes: usize,
    /// A compressed file is read up to so many bytes of what is in it, and the
    /// rest reported. 4 GiB by default.
    pub max_unpacked_bytes: u64,
}

impl Default for LoadOptions {
    fn default() -> Self {
        LoadOptions {
            paths: Vec::new(),
            threads: None,
            max_line_bytes: 64 << 20,
            max_unpacked_bytes: 4 << 30,
        }
    }
}

impl LoadOptions {
    /// The defaults for these paths.
    pub fn new(paths: impl IntoIterator<Item = impl Into<PathBuf>>) -> LoadOptions {
        LoadOptions {
            paths: paths.into_iter().map(Into::into).collect(),
            ..LoadOptions::default()
        }
    }
}

/// How far loading has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadProgress {
    /// Trace files.
    pub files: usize,
    /// Bytes of them, as they are on disk.
    pub bytes: u64,
    /// Bytes that were read.
    pub bytes_done: u64,
    /// Spans found so far.
    pub spans: u64,
}

/// All spans of one trace identifier.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// 32 lower-case hex digits, as recorded.
    pub trace_id: String,
    /// The file of the root span, else the first one with a span of it.
    pub file: Arc<PathBuf>,
    /// The request that the trace is about: the first root span of the file.
    /// Traces without one (before the start, or whose root was not recorded)
    /// answer requests, and are no tests.
    pub root: Option<SpanIndex>,
    /// Of the root span, else of the first span that has one.
    pub environment: Option<String>,
    /// When its root began, else its first span.
    pub start_unix_nanos: Option<i128>,
    first: u32,
    count: u32,
}

impl Trace {
    /// Its spans in recorded order: by start time (spans without one first),
    /// then as they stand in the files.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = SpanIndex> + DoubleEndedIterator + use<> {
        let first = self.first;
        (0..self.count).map(move |place| SpanIndex(first + place))
    }

    /// The number of its spans.
    pub fn span_count(&self) -> usize {
        self.count as usize
    }

    pub(crate) fn range(&self) -> std::ops::Range<u32> {
        self.first..self.first + self.count
    }
}

/// What is kept of a span.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    /// The 16 hex digits as a number; of another spelling a digest.
    pub(crate) span_id: u64,
    pub(crate) offset: u64,
    /// [`NO_START`] when there is none.
    pub(crate) start_unix_nanos: i64,
    pub(crate) length: u32,
    pub(crate) line: u32,
    pub(crate) file: u32,
    pub(crate) trace: u32,
    /// Its place among [`Recording::packages`].
    pub(crate) package: u32,
    pub(crate) kind: SpanKind,
    pub(crate) flags: u8,
}

/// Sorts before every time.
pub(crate) const NO_START: i64 = i64::MIN;

pub(crate) mod flags {
    pub(crate) const ROOT: u8 = 1;
    pub(crate) const PRE_APP_START: u8 = 2;
    pub(crate) const ENVIRONMENT_SNAPSHOT: u8 = 4;
    pub(crate) const FAILED: u8 = 8;
}

impl Entry {
    pub(crate) fn is_root(&self) -> bool {
        self.flags & flags::ROOT != 0
    }

    pub(crate) fn is_pre_app_start(&self) -> bool {
        self.flags & flags::PRE_APP_START != 0
    }

    /// Whether its status says that it failed.
    pub(crate) fn has_failed(&self) -> bool {
        self.flags & flags::FAILED != 0
    }

    /// Whether the span can answer a request: the inbound ones and the
    /// snapshot of the environment cannot.
    pub(crate) fn is_candidate(&self) -> bool {
        self.flags & (flags::ROOT | flags::ENVIRONMENT_SNAPSHOT) == 0
            && self.kind != SpanKind::Server
    }
}

/// A file of a recording; its unpacked bytes when it was compressed.
#[derive(Debug)]
struct SourceFile {
    path: Arc<PathBuf>,
    unpacked: Option<Box<[u8]>>,
}

/// A recording in memory: where every span is, and what it can be found by.
#[derive(Debug)]
pub struct Recording {
    files: Vec<SourceFile>,
    open_files: OpenFiles,
    traces: Vec<Trace>,
    /// Traces by identifier.
    trace_numbers: HashMap<String, u32>,
    entries: Vec<Entry>,
    /// By form, then by span; 0 for none.
    keys: [Vec<u128>; Form::COUNT],
    packages: Vec<String>,
    problems: Vec<Problem>,
    bytes: u64,
}

/// Why a trace cannot be found by the beginning of its identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FindError {
    /// No trace begins so. The caller's fault.
    #[error("no trace has an id that begins with {prefix:?}")]
    NotFound {
        /// As given.
        prefix: String,
    },
    /// More than one does. The caller's fault: give more digits.
    #[error("{count} traces have an id that begins with {prefix:?}, {examples}; give more of it")]
    Ambiguous {
        /// As given.
        prefix: String,
        /// How many.
        count: usize,
        /// The first of them.
        examples: String,
    },
}

impl FindError {
    /// The permanent code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            FindError::NotFound { .. } => "trace_not_found",
            FindError::Ambiguous { .. } => "trace_ambiguous",
        }
    }
}

/// Reads one line of a trace file, or any span in that form.
///
/// The kind is as written, but for the snapshot of the environment; the repair
/// of kinds needs the rest of the file, and happens when a recording is loaded.
///
/// # Errors
/// [`LineError`]: what is wrong with the line.
///
/// ```
/// let span = drift_replay::load::parse_line(
///     br#"{"traceId":"0af7651916cd43dd8448eb211c80319c","spanId":"b7ad6b7169203331","kind":"CLIENT"}"#,
/// )?;
/// assert_eq!(span.kind, drift_replay::SpanKind::Client);
/// assert!(drift_replay::load::parse_line(b"{\"traceId\":\"0a").is_err());
/// # Ok::<(), drift_replay::load::LineError>(())
/// ```
pub fn parse_line(line: &[u8]) -> Result<Span, LineError> {
    let line = Line::read(line)?;
    line.check_input()?;
    line.check_unmatched_values()?;
    line.check_output_schema()?;
    Ok(line.to_span())
}

impl Recording {
    /// Loads all trace files of the paths.
    ///
    /// What is wrong with a line or a file is one of the [`problems`](Self::problems),
    /// and the rest is loaded. `progress` is called from the reading threads.
    ///
    /// # Errors
    /// [`LoadError`]: a path that is not there, no trace file, or no span in any.
    pub fn load(
        options: &LoadOptions,
        progress: &(dyn Fn(LoadProgress) + Sync),
    ) -> Result<Recording, LoadError> {
        let mut problems = Vec::new();
        let found = files::find(&options.paths, &mut problems)?;
        if found.is_empty() {
            if let Some(problem) = problems.into_iter().next() {
                return Err(LoadError::Unreadable {
                    path: problem.file.as_ref().clone(),
                    source: std::io::Error::other(problem.message),
                });
            }
            let paths: Vec<String> = options
                .paths
                .iter()
                .map(|path| path.display().to_string())
                .collect();
            return Err(LoadError::NoTraceFiles {
                paths: paths.join(", "),
            });
        }
        read::read(found, options, problems, progress)
    }

    /// The traces, in the lexical order of their files.
    pub fn traces(&self) -> &[Trace] {
        &self.traces
    }

    /// The number of all spans.
    pub fn span_count(&self) -> usize {
        self.entries.len()
    }

    /// Bytes of trace lines that were read, unpacked.
    pub fn byte_count(&self) -> u64 {
        self.bytes
    }

    /// What was skipped or repaired.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// The trace of an identifier.
    pub fn trace(&self, trace_id: &str) -> Option<&Trace> {
        self.trace_number(trace_id)
            .and_then(|number| self.traces.get(number as usize))
    }

    pub(crate) fn trace_number(&self, trace_id: &str) -> Option<u32> {
        self.trace_numbers.get(trace_id).copied()
    }

    /// The trace of a span.
    pub fn trace_of(&self, span: SpanIndex) -> Option<&Trace> {
        self.traces.get(self.entry(span)?.trace as usize)
    }

    /// The one trace whose identifier begins so.
    ///
    /// # Errors
    /// [`FindError`] when there is none or more than one.
    pub fn find_trace(&self, id_prefix: &str) -> Result<&Trace, FindError> {
        if let Some(trace) = self.trace(id_prefix) {
            return Ok(trace);
        }
        let mut matching: Vec<&Trace> = self
            .traces
            .iter()
            .filter(|trace| !id_prefix.is_empty() && trace.trace_id.starts_with(id_prefix))
            .collect();
        match matching.as_slice() {
            [] => Err(FindError::NotFound {
                prefix: id_prefix.to_owned(),
            }),
            [trace] => Ok(trace),
            _ => {
                let count = matching.len();
                matching.truncate(3);
                let ids: Vec<&str> = matching
                    .iter()
                    .map(|trace| trace.trace_id.as_str())
                    .collect();
                Err(FindError::Ambiguous {
                    prefix: id_prefix.to_owned(),
                    count,
                    examples: ids.join(", "),
                })
            }
        }
    }

    pub(crate) fn entry(&self, span: SpanIndex) -> Option<&Entry> {
        self.entries.get(span.0 as usize)
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The keys of a form, by span.
    pub(crate) fn keys(&self, form: Form) -> &[u128] {
        self.keys.get(form.position()).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn key(&self, form: Form, span: SpanIndex) -> Option<FormKey> {
        FormKey::from_number(self.keys(form).get(span.0 as usize).copied()?)
    }

    pub(crate) fn packages(&self) -> &[String] {
        &self.packages
    }

    /// Whether a span is one that an SDK asks for: no inbound request, and not
    /// the snapshot of the environment.
    pub fn is_outbound(&self, span: SpanIndex) -> bool {
        self.entry(span).is_some_and(Entry::is_candidate)
    }

    /// Where a span stands.
    pub fn place(&self, span: SpanIndex) -> Option<Place> {
        let entry = self.entry(span)?;
        let file = self.files.get(entry.file as usize)?;
        Some(Place {
            file: Arc::clone(&file.path),
            line: u64::from(entry.line),
        })
    }

    /// Reads a span, whole, from its file.
    ///
    /// # Errors
    /// [`LoadError::Changed`] or [`LoadError::Unreadable`] when the file is no
    /// longer what it was.
    pub fn span(&self, span: SpanIndex) -> Result<Span, LoadError> {
        self.with_line(span, |line, entry, path| {
            let mut whole = line.to_span();
            whole.kind = entry.kind;
            whole.place = Some(Place {
                file: Arc::clone(path),
                line: u64::from(entry.line),
            });
            whole
        })
    }

    /// Reads the line of a span again.
    fn with_line<T>(
        &self,
        span: SpanIndex,
        read: impl FnOnce(&Line<'_>, &Entry, &Arc<PathBuf>) -> T,
    ) -> Result<T, LoadError> {
        let nowhere = || LoadError::NoSuchSpan {
            index: span.0,
            spans: self.entries.len(),
        };
        let entry = self.entry(span).ok_or_else(nowhere)?;
        let file = self.files.get(entry.file as usize).ok_or_else(nowhere)?;
        let changed = || LoadError::Changed {
            path: file.path.as_ref().clone(),
            line: u64::from(entry.line),
        };
        let own;
        let bytes = match &file.unpacked {
            Some(bytes) => {
                let start = usize::try_from(entry.offset).map_err(|_| changed())?;
                bytes
                    .get(start..start + entry.length as usize)
                    .ok_or_else(changed)?
            }
            None => {
                own = self
                    .open_files
                    .read(entry.file, &file.path, entry.offset, entry.length as usize)
                    .map_err(|source| LoadError::Unreadable {
                        path: file.path.as_ref().clone(),
                        source,
                    })?;
                own.as_slice()
            }
        };
        let line = Line::read(bytes).map_err(|_| changed())?;
        if read::span_number(&line.span_id) != entry.span_id {
            return Err(changed());
        }
        Ok(read(&line, entry, &file.path))
    }

    /// What an SDK is given for a recorded span: `{response: {response:
    /// {status, headers, body}, timestamp}}`, where `body` is the recorded
    /// output unchanged. The timestamp has six digits of a second, and is left
    /// out when the span has none, for an SDK sets its clock by it.
    ///
    /// # Errors
    /// As [`span`](Self::span).
    pub fn response_data(&self, span: SpanIndex) -> Result<ResponseData, LoadError> {
        self.with_line(span, |line, entry, path| {
            let output = line.output_value.map_or("{}", |part| part.text);
            let mut json = String::with_capacity(output.len() + 96);
            json.push_str("{\"response\":{\"response\":{\"body\":");
            json.push_str(output);
            json.push('}');
            if let Some(time) = line.start_unix_nanos.and_then(format_rfc3339_micros) {
                json.push_str(",\"timestamp\":\"");
                json.push_str(&time);
                json.push('"');
            }
            json.push_str("}}");
            // The recorded value may have as many levels as the core reads, and is
            // three levels down here.
            let options = ValueOptions::default().with_max_depth(MAX_DEPTH_LIMIT);
            let document = Document::parse(&json, options).map_err(|_| LoadError::Changed {
                path: path.as_ref().clone(),
                line: u64::from(entry.line),
            })?;
            let payload = Payload::new(document, &SchemaMerges::none());
            Ok(ResponseData {
                span_id: line.span_id.to_string(),
                struct_bytes: payload.struct_bytes().into_vec(),
            })
        })?
    }
}

/// What an SDK is given for a recorded span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseData {
    /// The span's identifier.
    pub span_id: String,
    /// `response_data` of the protocol: `google.protobuf.Struct`, encoded.
    pub struct_bytes: Vec<u8>,
}
