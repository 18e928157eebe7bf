//! What can be wrong with a recording: as a whole, in a file, in a line.

use crate::wording::count;
use std::path::PathBuf;
use std::sync::Arc;

/// Why a recording, or one span of it, could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A path that was asked for is not there. The caller's fault.
    #[error("{path}: no such file or directory")]
    NotFound {
        /// As it was given.
        path: PathBuf,
    },
    /// A path or a file cannot be read. The environment's fault; retrying helps
    /// when the environment was mended.
    #[error("{path}: cannot be read")]
    Unreadable {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// No path held a trace file. The caller's fault.
    #[error(
        "no trace files in {paths}: looked for *.jsonl, *.jsonl.gz and *.jsonl.zst in all directories below"
    )]
    NoTraceFiles {
        /// The paths, separated by commas.
        paths: String,
    },
    /// There are trace files, and no span in any of them. The data's fault.
    #[error("{} and not one span in {}{}",
        count(*.files, "trace file"),
        if *.files == 1 { "it" } else { "them" },
        first_problem(.first))]
    NoSpans {
        /// How many files were read.
        files: usize,
        /// The first thing that was wrong with them.
        first: Option<Box<Problem>>,
    },
    /// More than 4,294,967,295 spans.
    #[error("more spans than can be numbered ({limit})", limit = u32::MAX)]
    TooManySpans,
    /// A file is no longer what it was when it was loaded. Load again.
    #[error("{path}:{line}: the file has changed since it was loaded; load it again")]
    Changed {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
    },
    /// A number of a span that this recording does not have. The caller's fault.
    #[error("there is no span {index} in this recording of {spans}")]
    NoSuchSpan {
        /// The number.
        index: u32,
        /// How many there are.
        spans: usize,
    },
}

fn first_problem(first: &Option<Box<Problem>>) -> String {
    match first {
        Some(problem) => format!("; the first problem: {problem}"),
        None => String::new(),
    }
}

impl LoadError {
    /// The permanent code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            LoadError::NotFound { .. } => "not_found",
            LoadError::Unreadable { .. } => "unreadable",
            LoadError::NoTraceFiles { .. } => "no_trace_files",
            LoadError::NoSpans { .. } => "no_spans",
            LoadError::TooManySpans => "too_many_spans",
            LoadError::Changed { .. } => "file_changed",
            LoadError::NoSuchSpan { .. } => "no_such_span",
        }
    }
}

/// What is wrong with one line. The data's fault; the line is skipped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// The line ends before its object does: the recorder was stopped, or is
    /// still writing.
    #[error(
        "the line is cut off after {}; the recorder was stopped while it wrote, or is writing still",
        count(*.length, "byte")
    )]
    Truncated {
        /// Bytes of the line.
        length: usize,
    },
    /// Bytes that are not UTF-8.
    #[error("not utf-8 at byte {offset} of the line")]
    InvalidUtf8 {
        /// In bytes, from the start of the line.
        offset: usize,
    },
    /// Not JSON, or JSON that is no object.
    #[error("not a JSON object: {reason} at byte {offset} of the line")]
    InvalidJson {
        /// In bytes, from the start of the line.
        offset: usize,
        /// What was wrong there.
        reason: String,
    },
    /// An object of another tool: nothing that a span has.
    #[error("a JSON object without traceId and spanId: not a span of a recording")]
    NotASpan,
    /// A span without one of the two identifiers.
    #[error("{field} is missing or empty")]
    Missing {
        /// `traceId` or `spanId`.
        field: &'static str,
    },
    /// A member that is there with another type.
    #[error("{field} must be {expected}, and is {found}")]
    WrongType {
        /// The member, with its path.
        field: String,
        /// What it must be.
        expected: &'static str,
        /// What it is, shortened.
        found: String,
    },
    /// Longer than [`LoadOptions::max_line_bytes`](crate::load::LoadOptions::max_line_bytes).
    #[error("the line is longer than {limit} bytes")]
    TooLong {
        /// The limit in bytes.
        limit: usize,
    },
}

impl LineError {
    /// The permanent code of the error.
    pub fn code(&self) -> &'static str {
        match self {
            LineError::Truncated { .. } => "truncated_line",
            LineError::InvalidUtf8 { .. } => "invalid_utf8",
            LineError::InvalidJson { .. } => "invalid_json",
            LineError::NotASpan => "not_a_span",
            LineError::Missing { .. } => "missing_field",
            LineError::WrongType { .. } => "wrong_type",
            LineError::TooLong { .. } => "line_too_long",
        }
    }
}

/// Something in a recording that was skipped or repaired; the rest was loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: Arc<PathBuf>,
    /// The line, from 1; `None` when it is about the whole file.
    pub line: Option<u64>,
    /// A permanent code: those of [`LineError::code`], and `unreadable`,
    /// `invalid_compression`, `unpacked_too_large`, `duplicate_span`, `empty_file`, `more_problems`.
    pub code: &'static str,
    /// For people: what is wrong, and what was done about it.
    pub message: String,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}
