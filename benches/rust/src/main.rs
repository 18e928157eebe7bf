//! Times calls of the core on request, and their limit beside them.
//!
//! Reads one JSON request a line and answers with nanoseconds a call, one
//! number for each part asked for; the twin of `benches/worker.py`.
//! `benches/run.py` starts it. `drift-bench-worker memory FILE` is the twin of
//! `benches/memory_child.py`.

use drift_benches::{Call, Corpus, Entry, Part, spend};
use drift_rust_core::{
    BatchOptions, BatchSpan, Document, ExportHeader, MergesSource, SpanInput, ValueOptions,
    ValueSource, deterministic_hash, normalize_and_hash, normalize_json, process_export_payload,
    process_span, process_spans,
};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead as _, Write as _};
use std::num::NonZero;
use std::path::PathBuf;
use std::thread::available_parallelism;
use std::time::Instant;

type Answer = Result<Value, Box<dyn Error>>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = match (arguments.next(), arguments.next()) {
        (Some(word), Some(file)) if word == "memory" => return print_memory(&file),
        (Some(folder), None) => PathBuf::from(folder),
        _ => return Err("give a folder of payloads, or `memory` and a file".into()),
    };
    let mut worker = Worker {
        folder,
        name: String::new(),
        corpus: None,
        next: 0,
    };
    let mut output = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let request: Value = serde_json::from_str(&line?)?;
        writeln!(output, "{}", worker.answer(&request)?)?;
        output.flush()?;
    }
    Ok(())
}

struct Worker {
    folder: PathBuf,
    /// The payload of `corpus`.
    name: String,
    corpus: Option<Corpus>,
    /// The document that the next call takes.
    next: usize,
}

impl Worker {
    fn answer(&mut self, request: &Value) -> Answer {
        let text = |member: &str| request.get(member).and_then(Value::as_str).unwrap_or("");
        let payload = text("payload");
        if self.corpus.is_none() || self.name != payload {
            self.corpus = Some(Corpus::read(&self.folder, payload)?);
            payload.clone_into(&mut self.name);
        }
        let corpus = self.corpus.as_ref().ok_or("no payload")?;
        let calls = request.get("calls").and_then(Value::as_u64).unwrap_or(1);
        let calls = usize::try_from(calls)?;
        let mut round = Round {
            corpus,
            calls,
            next: &mut self.next,
        };
        let mut answer = Map::new();
        let parts = request.get("parts").and_then(Value::as_array);
        for part in parts.ok_or("no parts")?.iter().filter_map(Value::as_str) {
            let nanoseconds = round.time(text("call"), part)?;
            answer.insert(part.to_owned(), json!(nanoseconds));
        }
        Ok(Value::Object(answer))
    }
}

struct Round<'a> {
    corpus: &'a Corpus,
    calls: usize,
    next: &'a mut usize,
}

impl Round<'_> {
    /// Nanoseconds a call of one part: `call` itself, or a part of its limit.
    fn time(&mut self, call: &str, part: &str) -> Result<f64, Box<dyn Error>> {
        let merges = self.corpus.merges.as_deref();
        // Steps of the core, for the profile.
        if part == "document" {
            return self.run(|entry| {
                black_box(Document::parse(
                    entry.text.as_str(),
                    ValueOptions::default(),
                )?);
                Ok(())
            });
        }
        if part == "canonical" {
            return self.run(|entry| {
                black_box(normalize_json(entry.text.as_str())?);
                Ok(())
            });
        }
        if part != "call" {
            let limit = Call::from_name(call).ok_or("a call without a limit")?;
            let part = match part {
                "limit" => Part::Whole,
                "parse" => Part::Parse,
                "hash" => Part::Hash,
                "write" => Part::Write,
                _ => return Err(format!("unknown part {part}").into()),
            };
            return self.run(|entry| {
                spend(limit, part, entry);
                Ok(())
            });
        }
        match call {
            "process_export_payload" => self.run(|entry| {
                black_box(process_export_payload(entry.text.as_str(), merges)?);
                Ok(())
            }),
            "normalize_and_hash" => self.run(|entry| {
                black_box(normalize_and_hash(entry.text.as_str())?);
                Ok(())
            }),
            "deterministic_hash" => self.run(|entry| {
                black_box(deterministic_hash(entry.text.as_str())?);
                Ok(())
            }),
            "process_span" => self.run(|entry| {
                black_box(process_span(&span(entry, merges))?);
                Ok(())
            }),
            "process_spans" => {
                let entries = self.corpus.entries.iter().cycle().take(BATCH);
                let spans: Vec<_> = entries
                    .map(|entry| BatchSpan::Input(Box::new(span(entry, merges))))
                    .collect();
                self.run(|_| {
                    let options = BatchOptions {
                        threads: available_parallelism().map_or(1, NonZero::get),
                        ..BatchOptions::default()
                    };
                    let batch = process_spans(&ExportHeader::default(), black_box(&spans), options);
                    match black_box(batch).errors.is_empty() {
                        true => Ok(()),
                        false => Err("a span of the batch was refused".into()),
                    }
                })
            }
            _ => Err(format!("unknown call {call}").into()),
        }
    }

    /// One untimed call, since another process ran meanwhile, then all.
    fn run(
        &mut self,
        mut call: impl FnMut(&Entry) -> Result<(), Box<dyn Error>>,
    ) -> Result<f64, Box<dyn Error>> {
        let mut entries = self.corpus.entries.iter().cycle().skip(*self.next);
        *self.next = (*self.next + self.calls + 1) % self.corpus.entries.len();
        let first = entries.next().ok_or("no documents")?;
        call(first)?;
        let start = Instant::now();
        for entry in entries.take(self.calls) {
            call(entry)?;
        }
        let nanoseconds = start.elapsed().as_nanos();
        #[allow(clippy::cast_precision_loss, reason = "a round lasts less than a day")]
        Ok(nanoseconds as f64 / self.calls as f64)
    }
}

/// Spans of a batch.
const BATCH: usize = 512;

/// A span with the document as its response.
fn span<'a>(entry: &'a Entry, merges: Option<&'a str>) -> SpanInput<'a> {
    let mut span = SpanInput::default();
    span.fields.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
    span.fields.span_id = "00f067aa0ba902b7";
    span.fields.name = "GET /api/v1/orders";
    span.input = ValueSource::Json(REQUEST.into());
    span.output = ValueSource::Json(entry.text.as_str().into());
    if let Some(merges) = merges {
        span.output_merges = MergesSource::Json(merges.into());
    }
    span
}

const REQUEST: &str =
    r#"{"method":"GET","url":"/api/v1/orders","headers":{"Accept":"application/json"}}"#;

/// Prints what one `process_export_payload` on a file takes: bytes of the
/// argument, of the outputs, and the peak beyond what was there before the call.
fn print_memory(file: &str) -> Result<(), Box<dyn Error>> {
    // What the first call sets up is not what the payload costs.
    process_export_payload(r#"{"a":[1]}"#, None::<&str>)?;
    let text = std::fs::read_to_string(file)?;
    let before = status("VmRSS")?;
    std::fs::write("/proc/self/clear_refs", "5")?;
    let processed = process_export_payload(text.as_str(), None::<&str>)?;
    let peak = status("VmHWM")?.saturating_sub(before);
    let outputs = processed.normalized_json.len()
        + processed.decoded_schema_json.len()
        + processed.protobuf_struct_bytes.len();
    let made = json!({ "argument": text.len(), "outputs": outputs, "peak": peak });
    writeln!(std::io::stdout(), "{made}")?;
    Ok(())
}

/// A field of the process's status, in bytes.
fn status(field: &str) -> Result<u64, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let mut lines = status.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines
        .find(|(name, _)| *name == field)
        .ok_or("a field is missing")?;
    let kilobytes = value.trim().trim_end_matches(" kB");
    Ok(kilobytes.parse::<u64>()? * 1024)
}
