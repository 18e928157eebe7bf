//! A batch of spans: shared out over threads while it is still being read.

use crate::error::ExportError;
use crate::process::{BatchOptions, BatchSpan, ProcessedBatch, ValueSource, process_span};
use crate::proto::EncodedBytes;
use crate::proto::check::check_span;
use crate::proto::export::{ExportHeader, ExportRequest};
use crate::proto::span::measure;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Scope, ScopedJoinHandle};

/// Payload bytes that are worth a thread.
const BYTES_PER_THREAD: usize = 64 * 1024;

/// Payload bytes that are handed to the threads at once, so that taking spans
/// costs little beside the work on them.
const BYTES_PER_PORTION: usize = 16 * 1024;

type SpanResult<'a> = Result<(SpanBytes<'a>, usize), ExportError>;

/// Spans by their place in the batch.
type Portion<'s, 'a> = Vec<(usize, &'s BatchSpan<'a>)>;

/// What waits for a thread.
#[derive(Default)]
struct Waiting<'s, 'a> {
    portions: VecDeque<Portion<'s, 'a>>,
    /// Threads that wait for a portion.
    idle: usize,
    /// Nothing comes any more.
    closed: bool,
}

#[derive(Default)]
struct Queue<'s, 'a> {
    waiting: Mutex<Waiting<'s, 'a>>,
    changed: Condvar,
}

impl<'s, 'a> Queue<'s, 'a> {
    /// A thread that panics does so while it works, not while it holds this.
    fn lock(&self) -> MutexGuard<'_, Waiting<'s, 'a>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, portion: Portion<'s, 'a>) {
        let mut waiting = self.lock();
        waiting.portions.push_back(portion);
        if waiting.idle > 0 {
            self.changed.notify_one();
        }
    }

    /// Closes the queue; `forget` takes out what is still in it.
    fn close(&self, forget: bool) {
        let mut waiting = self.lock();
        waiting.closed = true;
        if forget {
            waiting.portions.clear();
        }
        self.changed.notify_all();
    }

    /// The next portion; waits for one until the queue is closed.
    fn take(&self) -> Option<Portion<'s, 'a>> {
        let mut waiting = self.lock();
        loop {
            if let Some(portion) = waiting.portions.pop_front() {
                return Some(portion);
            }
            if waiting.closed {
                return None;
            }
            waiting.idle += 1;
            waiting = self
                .changed
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
            waiting.idle -= 1;
        }
    }

    fn work(&self, options: BatchOptions) -> Vec<(usize, SpanResult<'a>)> {
        let mut done = Vec::new();
        while let Some(portion) = self.take() {
            for (index, span) in portion {
                done.push((index, process_one(index, span, options)));
            }
        }
        done
    }
}

/// A batch that is being read: other threads work on what was added, while the
/// thread that has the batch adds more.
///
/// Dropped before it was finished, it waits for the spans that are being worked
/// on and leaves out the others.
pub struct Batch<'scope, 'env, 's, 'a> {
    scope: &'scope Scope<'scope, 'env>,
    queue: &'scope Queue<'s, 'a>,
    options: BatchOptions,
    helpers: Vec<ScopedJoinHandle<'scope, Vec<(usize, SpanResult<'a>)>>>,
    portion: Portion<'s, 'a>,
    portion_bytes: usize,
    count: usize,
    size_bytes: usize,
}

/// Reads a batch and works on it at the same time: `read` adds the spans and
/// finishes the batch.
///
/// The calling thread runs `read` alone, so a binding can hold its host's lock
/// while it adds spans and give it away to finish.
///
/// ```
/// use drift_rust_core::{BatchOptions, BatchSpan, ExportHeader, SpanInput, with_batch};
/// let spans = [BatchSpan::Input(Box::new(SpanInput::default())), BatchSpan::Encoded(b"\x07")];
/// let processed = with_batch(BatchOptions::default(), |mut batch| {
///     spans.iter().for_each(|span| batch.add(span));
///     batch.finish()
/// });
/// assert_eq!(processed.message_depths, [Some(2), None]);
/// assert!(processed.request(&ExportHeader::default()).len() > 0);
/// ```
pub fn with_batch<'s, 'a: 's, R>(
    options: BatchOptions,
    read: impl for<'scope, 'env> FnOnce(Batch<'scope, 'env, 's, 'a>) -> R,
) -> R {
    let queue = Queue::default();
    thread::scope(|scope| {
        read(Batch {
            scope,
            queue: &queue,
            options,
            helpers: Vec::new(),
            portion: Vec::new(),
            portion_bytes: 0,
            count: 0,
            size_bytes: 0,
        })
    })
}

impl<'s, 'a> Batch<'_, '_, 's, 'a> {
    /// Adds the next span.
    pub fn add(&mut self, span: &'s BatchSpan<'a>) {
        let size_bytes = payload_bytes(span);
        self.portion.push((self.count, span));
        self.count += 1;
        self.portion_bytes += size_bytes;
        self.size_bytes += size_bytes;
        if self.portion_bytes >= BYTES_PER_PORTION {
            self.hand_out();
        }
    }

    fn hand_out(&mut self) {
        self.portion_bytes = 0;
        self.queue.put(std::mem::take(&mut self.portion));
        let threads = self.helpers.len() + 1;
        if threads < self.options.threads && self.size_bytes / BYTES_PER_THREAD > threads {
            let (queue, options) = (self.queue, self.options);
            let work = move || queue.work(options);
            match thread::Builder::new().spawn_scoped(self.scope, work) {
                Ok(helper) => self.helpers.push(helper),
                // A thread that the system refuses is one less to help.
                Err(_) => self.options.threads = threads,
            }
        }
    }

    /// Works on what is left and waits for the other threads.
    pub fn finish(mut self) -> ProcessedSpans<'a> {
        self.hand_out();
        self.queue.close(false);
        let mut done = self.queue.work(self.options);
        for helper in std::mem::take(&mut self.helpers) {
            match helper.join() {
                Ok(more) => done.extend(more),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        done.sort_unstable_by_key(|(index, _)| *index);
        ProcessedSpans::of(done)
    }
}

impl Drop for Batch<'_, '_, '_, '_> {
    fn drop(&mut self) {
        self.queue.close(true);
        for helper in std::mem::take(&mut self.helpers) {
            // Its results are not wanted any more, nor is its panic.
            drop(helper.join());
        }
    }
}

/// What became of the spans of a batch.
pub struct ProcessedSpans<'a> {
    good: Vec<SpanBytes<'a>>,
    /// One entry per span given: its nested messages, `None` for a bad span.
    pub message_depths: Vec<Option<usize>>,
    /// The bad spans, by ascending index; the request is without them.
    pub errors: Vec<ExportError>,
}

impl<'a> ProcessedSpans<'a> {
    fn of(done: Vec<(usize, SpanResult<'a>)>) -> ProcessedSpans<'a> {
        let mut processed = ProcessedSpans {
            good: Vec::with_capacity(done.len()),
            message_depths: Vec::with_capacity(done.len()),
            errors: Vec::new(),
        };
        for (_, result) in done {
            match result {
                Ok((bytes, depth)) => {
                    processed.good.push(bytes);
                    processed.message_depths.push(Some(depth));
                }
                Err(error) => {
                    processed.message_depths.push(match &error {
                        ExportError::MessageDepth { message_depth, .. } => Some(*message_depth),
                        ExportError::Protobuf { .. } | ExportError::Span { .. } => None,
                    });
                    processed.errors.push(error);
                }
            }
        }
        processed
    }

    /// The export request with the good spans, in order, not yet written.
    pub fn request<'r>(
        &'r self,
        header: &'r ExportHeader<'r>,
    ) -> ExportRequest<'r, impl AsRef<[u8]> + Sync + use<'a>> {
        ExportRequest::known_good(header, &self.good)
    }

    /// The same, written, with the rest.
    pub(crate) fn into_batch(self, header: &ExportHeader<'_>) -> ProcessedBatch {
        ProcessedBatch {
            request_bytes: self.request(header).to_vec(),
            message_depths: self.message_depths,
            errors: self.errors,
        }
    }
}

/// About how many bytes are to be read for a span.
fn payload_bytes(span: &BatchSpan<'_>) -> usize {
    let size = |source: &ValueSource<'_>| match source {
        ValueSource::Json(text) => text.len(),
        ValueSource::Document(document) => document.size_hint(),
        ValueSource::Absent | ValueSource::Refused(_) => 0,
    };
    match span {
        BatchSpan::Input(input) => size(&input.input) + size(&input.output) + size(&input.metadata),
        BatchSpan::Encoded(_) | BatchSpan::Refused(_) => 0,
    }
}

enum SpanBytes<'a> {
    Own(Vec<u8>),
    OwnLarge(EncodedBytes),
    Given(&'a [u8]),
}

impl AsRef<[u8]> for SpanBytes<'_> {
    fn as_ref(&self) -> &[u8] {
        match self {
            SpanBytes::Own(bytes) => bytes,
            SpanBytes::OwnLarge(bytes) => bytes,
            SpanBytes::Given(bytes) => bytes,
        }
    }
}

/// A span of at most so many bytes moves out of the buffer that it was written
/// in: the next span finds that in the processor's cache, where a new one for
/// each span is set to zero first, and twice as large as what is in it.
const MOVED_BYTES: usize = 64 * 1024;

fn process_one<'a>(index: usize, span: &BatchSpan<'a>, options: BatchOptions) -> SpanResult<'a> {
    let (bytes, message_depth) = match span {
        BatchSpan::Input(input) => {
            let span = process_span(input).map_err(|source| ExportError::Span { index, source })?;
            let bytes = if span.span_bytes.len() <= MOVED_BYTES {
                SpanBytes::Own(span.span_bytes.to_vec())
            } else {
                SpanBytes::OwnLarge(span.span_bytes)
            };
            (bytes, span.message_depth)
        }
        BatchSpan::Encoded(bytes) => {
            check_span(bytes).map_err(|source| ExportError::Protobuf { index, source })?;
            (SpanBytes::Given(bytes), measure(bytes))
        }
        BatchSpan::Refused(source) => {
            return Err(ExportError::Span {
                index,
                source: source.clone(),
            });
        }
    };
    match options.max_message_depth {
        Some(limit) if message_depth > limit => Err(ExportError::MessageDepth {
            index,
            message_depth,
            limit,
        }),
        _ => Ok((bytes, message_depth)),
    }
}
