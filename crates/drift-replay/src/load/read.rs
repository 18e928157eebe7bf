//! Reads all files with some threads, and lays what they found into one
//! recording whose order depends on the files alone.
//!
//! A unit of work is a small file or a piece of a large one; a line belongs to
//! the piece in which it starts.

use super::error::{LineError, LoadError, Problem};
use super::files::{self, FoundFile, Packing, UnpackFault};
use super::line::{ENV_VARS_SNAPSHOT, Line, in_line};
use super::{
    Entry, LoadOptions, LoadProgress, NO_START, Recording, SourceFile, SpanIndex, Trace, flags,
};
use crate::forms::{Form, FormError, FormKey, FormReader, Forms, hex_number, is_lower_hex};
use crate::span::SpanKind;
use crate::wording::count;
use foldhash::{HashMap, HashSet};
use memchr::memchr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tusk_drift_schemas::tusk::drift::core::v1::StatusCode;

/// Bytes of a piece: large enough that opening a file is nothing beside
/// reading it, small enough that two threads share one file of 50 MB evenly.
const PIECE_BYTES: u64 = 4 << 20;
/// How far a piece reads on at a time to end its last line.
const READ_ON_BYTES: u64 = 256 << 10;
/// Problems of one file that are kept; the rest is counted.
const KEPT_PROBLEMS: usize = 20;

/// What some editors and shells put before the first line of a text in UTF-8.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A piece of a file.
#[derive(Clone, Copy, Debug)]
struct Unit {
    file: usize,
    start: u64,
    /// `None`: to the end of the file, wherever that is by now.
    end: Option<u64>,
}

/// A span as a unit found it.
struct Raw {
    keys: [u128; Form::COUNT],
    span_id: u64,
    offset: u64,
    start_unix_nanos: i64,
    length: u32,
    line: u32,
    trace: u32,
    package: u32,
    kind: SpanKind,
    flags: u8,
}

/// A trace as a unit saw it.
struct RawTrace {
    trace_id: String,
    root_environment: Option<Option<String>>,
    environment: Option<String>,
}

#[derive(Default)]
struct UnitResult {
    spans: Vec<Raw>,
    traces: Vec<RawTrace>,
    packages: Vec<String>,
    problems: Vec<(Option<u64>, &'static str, String)>,
    more_problems: usize,
    lines: u64,
    bytes: u64,
    unpacked: Option<Box<[u8]>>,
}

pub(super) fn read(
    found: Vec<FoundFile>,
    options: &LoadOptions,
    problems: Vec<Problem>,
    progress: &(dyn Fn(LoadProgress) + Sync),
) -> Result<Recording, LoadError> {
    let units = plan(&found);
    let total_bytes = found.iter().map(|file| file.length).sum();
    let next = AtomicUsize::new(0);
    let bytes_done = AtomicU64::new(0);
    let spans_done = AtomicU64::new(0);
    let results: Mutex<Vec<(usize, UnitResult)>> = Mutex::new(Vec::new());
    let work = || {
        let mut reader = UnitReader {
            forms: FormReader::default(),
            max_line_bytes: options.max_line_bytes.min(u32::MAX as usize),
            max_unpacked_bytes: options.max_unpacked_bytes,
            buffer: Vec::new(),
        };
        let mut own = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(unit) = units.get(number) else { break };
            let Some(file) = found.get(unit.file) else {
                break;
            };
            let result = reader.read(file, *unit);
            let size = unit.end.unwrap_or(file.length).saturating_sub(unit.start);
            let bytes = bytes_done.fetch_add(size, Ordering::Relaxed) + size;
            let count = result.spans.len() as u64;
            let spans = spans_done.fetch_add(count, Ordering::Relaxed) + count;
            own.push((number, result));
            progress(LoadProgress {
                files: found.len(),
                bytes: total_bytes,
                bytes_done: bytes,
                spans,
            });
        }
        results
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .append(&mut own);
    };
    let threads = options
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
        .clamp(1, units.len().max(1));
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_unstable_by_key(|(number, _)| *number);
    let results = results
        .into_iter()
        .filter_map(|(number, result)| units.get(number).map(|unit| (unit.file, result)))
        .collect();
    lay_out(found, results, problems)
}

fn plan(found: &[FoundFile]) -> Vec<Unit> {
    let mut units = Vec::new();
    for (file, found) in found.iter().enumerate() {
        let mut start = 0;
        if found.packing == Packing::Plain {
            while found.length.saturating_sub(start) > PIECE_BYTES {
                units.push(Unit {
                    file,
                    start,
                    end: Some(start + PIECE_BYTES),
                });
                start += PIECE_BYTES;
            }
        }
        units.push(Unit {
            file,
            start,
            end: None,
        });
    }
    units
}

/// The number of a span identifier: its 16 hex digits, or a digest of another text.
pub(super) fn span_number(span_id: &str) -> u64 {
    if span_id.len() == 16 && is_lower_hex(span_id.as_bytes()) {
        return hex_number(span_id.as_bytes());
    }
    FormKey::of_text(span_id).number() as u64
}

struct UnitReader {
    forms: FormReader,
    max_line_bytes: usize,
    max_unpacked_bytes: u64,
    /// Of one unit after the other: fresh memory costs more than reading into it.
    buffer: Vec<u8>,
}

impl UnitReader {
    fn read(&mut self, file: &FoundFile, unit: Unit) -> UnitResult {
        let mut result = UnitResult::default();
        if file.packing == Packing::Plain {
            let mut bytes = std::mem::take(&mut self.buffer);
            match read_unit(file, unit, self.max_line_bytes as u64, &mut bytes) {
                Ok(()) => {
                    if unit.start == 0 && bytes.is_empty() {
                        result.problem(None, "empty_file", "is empty".to_owned());
                    }
                    self.lines(&bytes, unit, &mut result);
                }
                Err(error) => result.problem(
                    None,
                    "unreadable",
                    format!("cannot be read, and is left out: {error}"),
                ),
            }
            self.buffer = bytes;
        } else {
            match files::unpack(file, self.max_unpacked_bytes) {
                Ok((bytes, fault)) => {
                    self.lines(&bytes, unit, &mut result);
                    match fault {
                        Some(UnpackFault::Damaged(fault)) => result.problem(
                            None,
                            "invalid_compression",
                            format!("is damaged, and is read up to there: {fault}"),
                        ),
                        Some(UnpackFault::TooLarge) => result.problem(
                            None,
                            "unpacked_too_large",
                            format!(
                                "has more than {} bytes unpacked, and is read up to there",
                                self.max_unpacked_bytes
                            ),
                        ),
                        None => {}
                    }
                    result.unpacked = Some(bytes.into_boxed_slice());
                }
                Err(error) => result.problem(
                    None,
                    "unreadable",
                    format!("cannot be read, and is left out: {error}"),
                ),
            }
        }
        result.spans.shrink_to_fit();
        result
    }

    /// Takes the lines of a unit. Its bytes begin with the one before it, but
    /// at the start of a file.
    fn lines(&mut self, bytes: &[u8], unit: Unit, result: &mut UnitResult) {
        let base = unit.start.saturating_sub(1);
        let mut at = match unit.start {
            0 if bytes.starts_with(BYTE_ORDER_MARK) => BYTE_ORDER_MARK.len(),
            0 => 0,
            _ => match memchr(b'\n', bytes) {
                Some(newline) => newline + 1,
                None => return,
            },
        };
        let mut traces: HashMap<String, u32> = HashMap::default();
        let mut packages: HashMap<String, u32> = HashMap::default();
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let offset = base + at as u64;
            if unit.end.is_some_and(|end| offset >= end) {
                break;
            }
            let length = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = rest.get(..length).unwrap_or_default();
            at += length + 1;
            result.lines += 1;
            result.bytes += length as u64 + 1;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let number = result.lines;
            let read = if length > self.max_line_bytes {
                Err(LineError::TooLong {
                    limit: self.max_line_bytes,
                })
            } else {
                self.line(line, result, &mut traces, &mut packages)
            };
            match read {
                Ok(mut raw) => {
                    raw.offset = offset;
                    raw.line = u32::try_from(number).unwrap_or(u32::MAX);
                    raw.length = length as u32;
                    result.spans.push(raw);
                }
                Err(error) => result.problem(
                    Some(number),
                    error.code(),
                    format!("{error}; the line is skipped"),
                ),
            }
        }
    }

    fn line(
        &mut self,
        bytes: &[u8],
        result: &mut UnitResult,
        traces: &mut HashMap<String, u32>,
        packages: &mut HashMap<String, u32>,
    ) -> Result<Raw, LineError> {
        let line = Line::read(bytes)?;
        line.check_unmatched_values()?;
        if let Some(part) = line.output_schema {
            // A schema that came before was read then.
            if !self.forms.knows_schema(part.text) {
                line.check_output_schema()?;
                self.forms.keep_schema(part.text);
            }
        }
        let forms = if line.is_root_span || line.name == ENV_VARS_SNAPSHOT {
            // What is never asked for needs no forms.
            line.check_input()?;
            Ok(Forms::default())
        } else {
            self.forms.forms(
                line.input_value.map(|part| part.text),
                line.input_schema.map(|part| part.text),
                &line.input_value_hash,
                &line.input_schema_hash,
            )
        };
        let forms = forms.map_err(|error| {
            let (part, error) = match &error {
                FormError::Value(error) => (line.input_value, error),
                FormError::Schema(error) => (line.input_schema, error),
                FormError::Internal(reason) => {
                    return LineError::InvalidJson {
                        offset: 0,
                        reason: reason.clone(),
                    };
                }
            };
            match part {
                Some(part) => in_line(part, error),
                None => LineError::InvalidJson {
                    offset: 0,
                    reason: error.to_string(),
                },
            }
        })?;
        let trace = match traces.get(line.trace_id.as_ref()) {
            Some(number) => *number,
            None => {
                let number = result.traces.len() as u32;
                traces.insert(line.trace_id.to_string(), number);
                result.traces.push(RawTrace {
                    trace_id: line.trace_id.to_string(),
                    root_environment: None,
                    environment: None,
                });
                number
            }
        };
        if let Some(trace) = result.traces.get_mut(trace as usize) {
            let environment = || line.environment.as_ref().map(|text| text.to_string());
            if line.is_root_span && trace.root_environment.is_none() {
                trace.root_environment = Some(environment());
            }
            if trace.environment.is_none() {
                trace.environment = environment();
            }
        }
        let package = match packages.get(line.package_name.as_ref()) {
            Some(number) => *number,
            None => {
                let number = result.packages.len() as u32;
                packages.insert(line.package_name.to_string(), number);
                result.packages.push(line.package_name.to_string());
                number
            }
        };
        let mut keys = [0; Form::COUNT];
        for (slot, form) in keys.iter_mut().zip(Form::ALL) {
            *slot = forms.key(form).map_or(0, FormKey::number);
        }
        let snapshot = line.name == ENV_VARS_SNAPSHOT;
        let mut bits = 0;
        for (set, bit) in [
            (line.is_root_span, flags::ROOT),
            (line.is_pre_app_start, flags::PRE_APP_START),
            (snapshot, flags::ENVIRONMENT_SNAPSHOT),
            (line.status_code == StatusCode::Error as i32, flags::FAILED),
        ] {
            if set {
                bits |= bit;
            }
        }
        Ok(Raw {
            keys,
            span_id: span_number(&line.span_id),
            offset: 0,
            start_unix_nanos: match line.start_unix_nanos {
                Some(nanos) => {
                    i64::try_from(nanos).unwrap_or(if nanos < 0 { NO_START + 1 } else { i64::MAX })
                }
                None => NO_START,
            },
            length: 0,
            line: 0,
            trace,
            package,
            kind: if snapshot {
                SpanKind::Internal
            } else {
                SpanKind::from_number(line.kind)
            },
            flags: bits,
        })
    }
}

impl UnitResult {
    fn problem(&mut self, line: Option<u64>, code: &'static str, message: String) {
        if self.problems.len() < KEPT_PROBLEMS {
            self.problems.push((line, code, message));
        } else {
            self.more_problems += 1;
        }
    }
}

/// Reads a unit: from the byte before it to the end of the line that is open
/// at its end.
fn read_unit(
    file: &FoundFile,
    unit: Unit,
    max_line_bytes: u64,
    bytes: &mut Vec<u8>,
) -> io::Result<()> {
    bytes.clear();
    let mut open = File::open(file.path.as_path())?;
    let start = unit.start.saturating_sub(1);
    if start > 0 {
        open.seek(SeekFrom::Start(start))?;
    }
    let Some(end) = unit.end else {
        bytes.reserve(file.length.saturating_sub(start) as usize + 1);
        open.read_to_end(bytes)?;
        return Ok(());
    };
    bytes.reserve((end - start) as usize);
    (&open).take(end - start).read_to_end(bytes)?;
    let starts_a_line = unit.start == 0 || memchr(b'\n', bytes).is_some();
    let limit = bytes.len() as u64 + max_line_bytes + 1;
    let mut searched = bytes.len().saturating_sub(1);
    while starts_a_line
        && memchr(b'\n', bytes.get(searched..).unwrap_or_default()).is_none()
        && (bytes.len() as u64) < limit
    {
        searched = bytes.len();
        let read = (&open).take(READ_ON_BYTES).read_to_end(bytes)?;
        if read == 0 {
            break;
        }
    }
    Ok(())
}

/// A digest that keeps the forms of one package and kind apart from all others.
pub(crate) fn scope(package: &str, kind: SpanKind) -> u128 {
    FormKey::of_text(&format!("{package}\n{}", kind.number())).number()
}

/// A form within a scope; absent stays absent.
pub(crate) fn scoped(key: u128, scope: u128) -> u128 {
    match key {
        0 => 0,
        key => (key ^ scope).max(1),
    }
}

/// What is known of a file as a whole.
#[derive(Clone, Copy, Default)]
struct FileKinds {
    has_root: bool,
    has_root_of_another_kind: bool,
}

impl FileKinds {
    /// The kind of a span in this file.
    ///
    /// npm 0.1.27 writes the numbers of OpenTelemetry (SERVER 1, CLIENT 2): a
    /// file whose root is no SERVER has kinds that mean nothing, and the root
    /// is the one inbound span. Files without a root have no such witness; but
    /// as an inbound span is a root in every SDK, a SERVER there is a CLIENT.
    fn repair(self, raw: &Raw) -> SpanKind {
        if raw.flags & flags::ENVIRONMENT_SNAPSHOT != 0 {
            return SpanKind::Internal;
        }
        let is_root = raw.flags & flags::ROOT != 0;
        if self.has_root_of_another_kind {
            return if is_root {
                SpanKind::Server
            } else {
                SpanKind::Client
            };
        }
        match raw.kind {
            SpanKind::Server if !self.has_root => SpanKind::Client,
            kind => kind,
        }
    }
}

fn lay_out(
    found: Vec<FoundFile>,
    mut results: Vec<(usize, UnitResult)>,
    mut problems: Vec<Problem>,
) -> Result<Recording, LoadError> {
    let total: usize = results.iter().map(|(_, result)| result.spans.len()).sum();
    if u32::try_from(total).is_err() {
        return Err(LoadError::TooManySpans);
    }
    let mut files: Vec<SourceFile> = found
        .iter()
        .map(|file| SourceFile {
            path: Arc::clone(&file.path),
            unpacked: None,
        })
        .collect();
    let mut kinds = vec![FileKinds::default(); files.len()];
    let mut lines_before = vec![0_u64; files.len()];
    let mut file_problems = vec![(0_usize, 0_usize); files.len()];
    let mut last_skipped = vec![None; files.len()];
    let mut bytes = 0;
    for (file, result) in &mut results {
        let Some(kinds) = kinds.get_mut(*file) else {
            continue;
        };
        for raw in &result.spans {
            if raw.flags & flags::ROOT != 0 {
                kinds.has_root = true;
                kinds.has_root_of_another_kind |= raw.kind != SpanKind::Server;
            }
        }
        let Some(before) = lines_before.get_mut(*file) else {
            continue;
        };
        for raw in &mut result.spans {
            raw.line = u32::try_from(u64::from(raw.line) + *before).unwrap_or(u32::MAX);
        }
        let (Some(source), Some((kept, more))) =
            (files.get_mut(*file), file_problems.get_mut(*file))
        else {
            continue;
        };
        for (line, code, message) in result.problems.drain(..) {
            if *kept < KEPT_PROBLEMS {
                *kept += 1;
                if let (Some(_), Some(last)) = (line, last_skipped.get_mut(*file)) {
                    *last = Some(problems.len());
                }
                problems.push(Problem {
                    file: Arc::clone(&source.path),
                    line: line.map(|line| line + *before),
                    code,
                    message,
                });
            } else {
                *more += 1;
            }
        }
        *more += result.more_problems;
        *before += result.lines;
        bytes += result.bytes;
        source.unpacked = result.unpacked.take();
    }
    // Without the request that it is about, a trace is no test, and nobody would miss it.
    for (kinds, skipped) in kinds.iter().zip(last_skipped) {
        let problem = skipped.and_then(|place: usize| problems.get_mut(place));
        if let (false, Some(problem)) = (kinds.has_root, problem) {
            problem
                .message
                .push_str(", and no request to the service is left in this file: it holds no test");
        }
    }
    let mut layout = Layout::default();
    for (place, (file, result)) in results.iter().enumerate() {
        layout.take(place, *file, result);
    }
    let (order, duplicates) = layout.order(&results, total);
    for (place, number) in duplicates {
        let Some((file, raw)) = results
            .get(place as usize)
            .and_then(|(file, result)| Some((*file, result.spans.get(number as usize)?)))
        else {
            continue;
        };
        let (Some(source), Some((kept, more))) = (files.get(file), file_problems.get_mut(file))
        else {
            continue;
        };
        if *kept < KEPT_PROBLEMS {
            *kept += 1;
            problems.push(Problem {
                file: Arc::clone(&source.path),
                line: Some(u64::from(raw.line)),
                code: "duplicate_span",
                message: "a span with this traceId and spanId came before; the line is skipped"
                    .to_owned(),
            });
        } else {
            *more += 1;
        }
    }
    for (source, (_, more)) in files.iter().zip(&file_problems) {
        if *more > 0 {
            problems.push(Problem {
                file: Arc::clone(&source.path),
                line: None,
                code: "more_problems",
                message: format!("has {} like these", count(*more, "more problem")),
            });
        }
    }
    // What is said of a whole file comes first, and how many more there are last.
    problems.sort_by(|left, right| {
        let rank = |problem: &Problem| (problem.code == "more_problems", problem.line);
        left.file
            .cmp(&right.file)
            .then_with(|| rank(left).cmp(&rank(right)))
    });
    if order.is_empty() {
        return Err(LoadError::NoSpans {
            files: files.len(),
            first: problems.into_iter().next().map(Box::new),
        });
    }
    Ok(layout.finish(&results, &kinds, &order, files, problems, bytes))
}

/// Traces and packages of all units, numbered together.
#[derive(Default)]
struct Layout {
    traces: Vec<GlobalTrace>,
    trace_numbers: HashMap<String, u32>,
    packages: Vec<String>,
    package_numbers: HashMap<String, u32>,
    /// By unit: the global number of each of its traces.
    unit_traces: Vec<Vec<u32>>,
    unit_packages: Vec<Vec<u32>>,
}

struct GlobalTrace {
    trace_id: String,
    first_file: usize,
    root_environment: Option<Option<String>>,
    environment: Option<String>,
    count: u32,
}

/// Where a raw span lies: its unit, and its place there.
type RawPlace = (u32, u32);

impl Layout {
    fn take(&mut self, place: usize, file: usize, result: &UnitResult) {
        let mut traces = Vec::with_capacity(result.traces.len());
        for raw in &result.traces {
            let next = self.traces.len() as u32;
            let number = *self
                .trace_numbers
                .entry(raw.trace_id.clone())
                .or_insert(next);
            if number == next {
                self.traces.push(GlobalTrace {
                    trace_id: raw.trace_id.clone(),
                    first_file: file,
                    root_environment: None,
                    environment: None,
                    count: 0,
                });
            }
            if let Some(trace) = self.traces.get_mut(number as usize) {
                if trace.root_environment.is_none() {
                    trace.root_environment.clone_from(&raw.root_environment);
                }
                if trace.environment.is_none() {
                    trace.environment.clone_from(&raw.environment);
                }
            }
            traces.push(number);
        }
        debug_assert_eq!(self.unit_traces.len(), place);
        self.unit_traces.push(traces);
        let mut packages = Vec::with_capacity(result.packages.len());
        for package in &result.packages {
            let next = self.packages.len() as u32;
            let number = *self.package_numbers.entry(package.clone()).or_insert(next);
            if number == next {
                self.packages.push(package.clone());
            }
            packages.push(number);
        }
        self.unit_packages.push(packages);
    }

    fn global_trace(&self, unit: usize, raw: &Raw) -> u32 {
        self.unit_traces
            .get(unit)
            .and_then(|traces| traces.get(raw.trace as usize).copied())
            .unwrap_or(0)
    }

    /// All spans in the order of the recording, and those left out because
    /// their identifiers came before.
    fn order(
        &mut self,
        results: &[(usize, UnitResult)],
        total: usize,
    ) -> (Vec<RawPlace>, Vec<RawPlace>) {
        let mut starts = vec![0_u32; self.traces.len() + 1];
        for (unit, (_, result)) in results.iter().enumerate() {
            for raw in &result.spans {
                let trace = self.global_trace(unit, raw) as usize;
                if let Some(count) = starts.get_mut(trace + 1) {
                    *count += 1;
                }
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let mut places = vec![(0_u32, 0_u32); total];
        let mut filled = starts.clone();
        for (unit, (_, result)) in results.iter().enumerate() {
            for (number, raw) in result.spans.iter().enumerate() {
                let trace = self.global_trace(unit, raw) as usize;
                let Some(slot) = filled.get_mut(trace) else {
                    continue;
                };
                if let Some(place) = places.get_mut(*slot as usize) {
                    *place = (unit as u32, number as u32);
                }
                *slot += 1;
            }
        }
        let raw_at = |place: RawPlace| {
            results
                .get(place.0 as usize)
                .and_then(|(_, result)| result.spans.get(place.1 as usize))
        };
        let mut order = Vec::with_capacity(total);
        let mut duplicates = Vec::new();
        let mut seen = HashSet::default();
        for (number, trace) in self.traces.iter_mut().enumerate() {
            let (Some(start), Some(end)) = (starts.get(number), starts.get(number + 1)) else {
                continue;
            };
            let first = order.len();
            seen.clear();
            let own = places
                .get(*start as usize..*end as usize)
                .unwrap_or_default();
            for place in own {
                let Some(raw) = raw_at(*place) else { continue };
                if seen.insert(raw.span_id) {
                    order.push(*place);
                } else {
                    duplicates.push(*place);
                }
            }
            // The sort is stable: equal times stay in the order of the files.
            if let Some(own) = order.get_mut(first..) {
                own.sort_by_key(|place| {
                    raw_at(*place).map_or(NO_START, |raw| raw.start_unix_nanos)
                });
            }
            trace.count = (order.len() - first) as u32;
        }
        (order, duplicates)
    }

    /// Lays the keys of some forms out in the order of the recording; `take` is
    /// given the entries in that order.
    fn keys_of(
        &self,
        results: &[(usize, UnitResult)],
        kinds: &[FileKinds],
        order: &[RawPlace],
        forms: &[Form],
        keys: &mut [Vec<u128>],
        mut take: impl FnMut(Entry),
    ) {
        let mut scopes: HashMap<(u32, SpanKind), u128> = HashMap::default();
        for keys in keys.iter_mut() {
            keys.reserve_exact(order.len());
        }
        for place in order {
            let unit = place.0 as usize;
            let Some((file, result)) = results.get(unit) else {
                continue;
            };
            let Some(raw) = result.spans.get(place.1 as usize) else {
                continue;
            };
            let kind = kinds.get(*file).copied().unwrap_or_default().repair(raw);
            let package = self
                .unit_packages
                .get(unit)
                .and_then(|packages| packages.get(raw.package as usize).copied())
                .unwrap_or(0);
            let scope = *scopes.entry((package, kind)).or_insert_with(|| {
                let name = self.packages.get(package as usize);
                scope(name.map_or("", String::as_str), kind)
            });
            for (keys, form) in keys.iter_mut().zip(forms) {
                let key = raw.keys.get(form.position()).copied().unwrap_or(0);
                keys.push(scoped(key, scope));
            }
            take(Entry {
                span_id: raw.span_id,
                offset: raw.offset,
                start_unix_nanos: raw.start_unix_nanos,
                length: raw.length,
                line: raw.line,
                file: *file as u32,
                trace: self.global_trace(unit, raw),
                package,
                kind,
                flags: raw.flags,
            });
        }
    }

    fn finish(
        self,
        results: &[(usize, UnitResult)],
        kinds: &[FileKinds],
        order: &[RawPlace],
        files: Vec<SourceFile>,
        problems: Vec<Problem>,
        bytes: u64,
    ) -> Recording {
        // The keys of a million spans are 100 MB of fresh memory: half of the work
        // here, so another thread takes some of the forms.
        let (ours, theirs) = Form::ALL.split_at(Form::COUNT / 2 - 1);
        let mut entries = Vec::with_capacity(order.len());
        let mut keys: [Vec<u128>; Form::COUNT] = Default::default();
        let (our_keys, their_keys) = keys.split_at_mut(ours.len());
        std::thread::scope(|threads| {
            threads.spawn(|| self.keys_of(results, kinds, order, theirs, their_keys, |_| ()));
            self.keys_of(results, kinds, order, ours, our_keys, |entry| {
                entries.push(entry);
            });
        });
        let mut first = 0;
        let traces = self
            .traces
            .into_iter()
            .map(|trace| {
                let range = first as usize..first as usize + trace.count as usize;
                let own: &[Entry] = entries.get(range).unwrap_or_default();
                // The first root as the files stand, not by time.
                let root = (first..)
                    .zip(own)
                    .filter(|(_, entry)| entry.is_root())
                    .min_by_key(|(_, entry)| (entry.file, entry.offset));
                let start = match root {
                    Some((_, entry)) => Some(entry.start_unix_nanos),
                    None => own
                        .iter()
                        .map(|entry| entry.start_unix_nanos)
                        .find(|start| *start != NO_START),
                };
                let file = root.map_or(trace.first_file, |(_, entry)| entry.file as usize);
                let trace = Trace {
                    trace_id: trace.trace_id,
                    file: files
                        .get(file)
                        .map(|file| Arc::clone(&file.path))
                        .unwrap_or_default(),
                    root: root.map(|(number, _)| SpanIndex(number)),
                    environment: match trace.root_environment {
                        Some(Some(environment)) => Some(environment),
                        _ => trace.environment,
                    },
                    start_unix_nanos: start.filter(|start| *start != NO_START).map(i128::from),
                    first,
                    count: trace.count,
                };
                first += trace.count;
                trace
            })
            .collect();
        Recording {
            open_files: super::OpenFiles::default(),
            files,
            traces,
            trace_numbers: self.trace_numbers,
            entries,
            keys,
            packages: self.packages,
            problems,
            bytes,
        }
    }
}
