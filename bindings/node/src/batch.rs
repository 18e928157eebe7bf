//! Export requests: `buildExportSpansRequestBytes` and `processSpans`.

use crate::failure::{Failure, Report};
use crate::js::{Js, Kind, POOLED_BYTES, Value};
use crate::operation::Operation;
use crate::read::{InPlace, Source, Unfit, boolean, check_names, integer64, option_string, string};
use crate::span::{OwnedSpan, SpanHandles, Unread};
use drift_rust_core::{
    BatchOptions, BatchSpan, ExportError, ExportHeader, ExportRequest, ProcessedBatch, SpanError,
    build_export_spans_request_bytes, process_spans, with_batch,
};
use std::borrow::Cow;
use std::cell::OnceCell;
use std::num::NonZero;
use std::sync::LazyLock;

/// The four strings of an export request, read.
#[derive(Default)]
pub(crate) struct Header {
    observable_service_id: String,
    environment: String,
    sdk_version: String,
    sdk_instance_id: String,
}

impl Header {
    fn core(&self) -> ExportHeader<'_> {
        ExportHeader {
            observable_service_id: &self.observable_service_id,
            environment: &self.environment,
            sdk_version: &self.sdk_version,
            sdk_instance_id: &self.sdk_instance_id,
        }
    }
}

/// The elements of an array, up to the first after which `goes_on` says no;
/// its getters have run.
fn elements<'s>(
    js: &mut Js<'s>,
    name: &str,
    array: Value<'s>,
    goes_on: impl Fn(&Js<'s>, Value<'s>) -> bool,
) -> Result<Vec<Value<'s>>, Failure> {
    if !js.is_array(array)? {
        let kind = js.kind(array).name();
        return Err(Report::argument(name, &format!("expected an array, not {kind}")).into());
    }
    let length = js.array_length(array)?;
    /// A length says little of a sparse array.
    const MOST_EXPECTED: u32 = 1 << 12;
    let mut elements = Vec::with_capacity(length.min(MOST_EXPECTED) as usize);
    for index in 0..length {
        let element = js.element(array, index)?;
        elements.push(element);
        if !goes_on(js, element) {
            break;
        }
    }
    Ok(elements)
}

/// `buildExportSpansRequestBytes`.
pub(crate) struct BuildExport;

/// Its arguments, with the spans still handles.
pub(crate) struct BuildExportHandles<'s> {
    header: Header,
    spans: Vec<Value<'s>>,
}

impl<'s> BuildExportHandles<'s> {
    pub(crate) fn read(
        js: &mut Js<'s>,
        header: [Value<'s>; 4],
        spans: Value<'s>,
    ) -> Result<Self, Failure> {
        let text = |name: &str, value| string(js, value).map_err(|unfit| unfit.of_argument(name));
        let [
            observable_service_id,
            environment,
            sdk_version,
            sdk_instance_id,
        ] = header;
        let header = Header {
            observable_service_id: text("observableServiceId", observable_service_id)?,
            environment: text("environment", environment)?,
            sdk_version: text("sdkVersion", sdk_version)?,
            sdk_instance_id: text("sdkInstanceId", sdk_instance_id)?,
        };
        Ok(BuildExportHandles {
            header,
            // What is no object is refused below with its index; what follows
            // it need not be fetched, however long (or sparse) the array is.
            spans: elements(js, "spans", spans, |js, span| js.kind(span) == Kind::Object)?,
        })
    }

    /// Reads the bytes; no JavaScript runs from here on.
    pub(crate) fn resolve<'a>(
        self,
        source: &impl Source<'s, 'a>,
    ) -> Result<BuildExportInput<'a>, Failure> {
        let spans = self.spans.iter().enumerate().map(|(index, span)| {
            source.bytes(*span).map_err(|unfit| match unfit {
                Unfit::Failure(failure) => failure,
                Unfit::Reason(reason) => {
                    let mut report = Report::argument(&format!("span {index}"), &reason);
                    report.index = Some(index);
                    report.into()
                }
            })
        });
        Ok(BuildExportInput {
            spans: spans.collect::<Result<_, Failure>>()?,
            header: self.header,
        })
    }
}

/// The arguments, read.
pub(crate) struct BuildExportInput<'a> {
    header: Header,
    spans: Vec<Cow<'a, [u8]>>,
}

impl BuildExport {
    /// The request, written where JavaScript has it. The spans' bytes are used
    /// in place, and nothing else holds them.
    pub(crate) fn call<'s>(
        js: &mut Js<'s>,
        handles: BuildExportHandles<'s>,
    ) -> Result<Value<'s>, Failure> {
        let input = handles.resolve(&InPlace(js))?;
        let header = input.header.core();
        let request = ExportRequest::check(&header, &input.spans)?;
        if request.len() < POOLED_BYTES {
            // Taking memory from Node's pool runs JavaScript.
            let bytes = request.to_vec();
            drop(input);
            return js.buffer(&bytes);
        }
        js.buffer_filled(request.len(), |writer| {
            request.for_each_piece(|piece| writer.put(piece));
        })
    }
}

impl Operation for BuildExport {
    type Input<'a> = BuildExportInput<'a>;
    type Output = Vec<u8>;

    fn compute(input: &BuildExportInput<'_>) -> Result<Vec<u8>, Report> {
        build_export_spans_request_bytes(&input.header.core(), &input.spans)
            .map_err(|error| Report::of(&error))
    }

    fn convert<'s>(js: &mut Js<'s>, output: Vec<u8>) -> Result<Value<'s>, Failure> {
        js.buffer_of(output.into())
    }
}

/// How many threads can run at once. Asked for once: the answer takes reading
/// files of the system.
fn available_threads() -> usize {
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    *THREADS
}

/// `processSpans`.
pub(crate) struct ProcessSpans;

/// One span of the list: what of it could be read without reading buffers.
enum Entry<'s> {
    Input(SpanHandles<'s>),
    Encoded(Value<'s>),
    Refused(SpanError),
}

/// What is asked for of a batch.
struct Wishes {
    header: Header,
    options: BatchOptions,
    strict: bool,
}

impl Wishes {
    fn read<'s>(js: &mut Js<'s>, options: Value<'s>) -> Result<Self, Failure> {
        let mut wishes = Wishes {
            header: Header::default(),
            options: BatchOptions {
                threads: available_threads(),
                ..BatchOptions::default()
            },
            strict: false,
        };
        match js.kind(options) {
            Kind::Undefined | Kind::Null => {}
            Kind::Object => wishes.read_members(js, options)?,
            kind => {
                let reason = format!("expected an object, not {}", kind.name());
                return Err(Report::argument("options", &reason).into());
            }
        }
        Ok(wishes)
    }

    fn read_members<'s>(&mut self, js: &mut Js<'s>, options: Value<'s>) -> Result<(), Failure> {
        const NAMES: [&std::ffi::CStr; 6] = [
            c"observableServiceId",
            c"environment",
            c"sdkVersion",
            c"sdkInstanceId",
            c"maxMessageDepth",
            c"strict",
        ];
        check_names(js, options, &NAMES).map_err(|unfit| unfit.of_argument("options"))?;
        let mut text = |name| option_string(js, options, name).map(Option::unwrap_or_default);
        self.header = Header {
            observable_service_id: text(c"observableServiceId")?,
            environment: text(c"environment")?,
            sdk_version: text(c"sdkVersion")?,
            sdk_instance_id: text(c"sdkInstanceId")?,
        };
        let limit = js.member(options, c"maxMessageDepth")?;
        if !matches!(js.kind(limit), Kind::Undefined | Kind::Null) {
            let limit = integer64(js, limit).and_then(|limit| {
                usize::try_from(limit).map_err(|_| Unfit::Reason(format!("{limit} is below 0")))
            });
            let limit = limit.map_err(|unfit| unfit.of_argument("maxMessageDepth"))?;
            self.options.max_message_depth = Some(limit);
        }
        let strict = js.member(options, c"strict")?;
        if !matches!(js.kind(strict), Kind::Undefined | Kind::Null) {
            self.strict = boolean(js, strict).map_err(|unfit| unfit.of_argument("strict"))?;
        }
        Ok(())
    }

    /// The first error, where it is the end of the batch.
    fn refuse(&self, errors: &[ExportError]) -> Result<(), Report> {
        match errors.first() {
            Some(error) if self.strict => Err(Report::of(error)),
            _ => Ok(()),
        }
    }
}

/// Its arguments, with texts and spans still handles.
pub(crate) struct ProcessSpansHandles<'s> {
    wishes: Wishes,
    spans: Vec<Entry<'s>>,
}

impl<'s> ProcessSpansHandles<'s> {
    pub(crate) fn read(
        js: &mut Js<'s>,
        spans: Value<'s>,
        options: Value<'s>,
    ) -> Result<Self, Failure> {
        let wishes = Wishes::read(js, options)?;
        let spans = elements(js, "spans", spans, |_, _| true)?;
        let spans = spans.into_iter().map(|span| read_entry(js, span));
        Ok(ProcessSpansHandles {
            spans: spans.collect::<Result<_, Failure>>()?,
            wishes,
        })
    }

    /// Reads texts and bytes; no JavaScript runs from here on.
    pub(crate) fn resolve<'a>(
        self,
        source: &impl Source<'s, 'a>,
    ) -> Result<ProcessSpansInput<'a>, Failure> {
        let spans = self.spans.into_iter().map(|entry| entry.resolve(source));
        Ok(ProcessSpansInput {
            spans: spans.collect::<Result<_, Failure>>()?,
            wishes: self.wishes,
        })
    }
}

impl<'s> Entry<'s> {
    /// Reads texts and bytes, where that is not done.
    fn resolve<'a>(self, source: &impl Source<'s, 'a>) -> Result<BatchEntry<'a>, Failure> {
        Ok(match self {
            Entry::Input(handles) => match handles.resolve(source) {
                Ok(span) => BatchEntry::Input(span),
                Err(Unread::Member(error)) => BatchEntry::Refused(error),
                Err(Unread::Failure(failure)) => return Err(failure),
            },
            Entry::Encoded(value) => match source.bytes(value) {
                Ok(bytes) => BatchEntry::Encoded(bytes),
                Err(unfit) => return Err(unfit.of_argument("spans")),
            },
            Entry::Refused(error) => BatchEntry::Refused(error),
        })
    }

    /// What holds no bytes of buffers.
    fn complete(self) -> Result<BatchEntry<'static>, Entry<'s>> {
        match self {
            Entry::Input(SpanHandles::Read(span)) => Ok(BatchEntry::Input(span)),
            Entry::Refused(error) => Ok(BatchEntry::Refused(error)),
            Entry::Input(SpanHandles::Handles(_)) | Entry::Encoded(_) => Err(self),
        }
    }
}

/// A span that cannot be read is one bad span, not the end of the batch.
fn read_entry<'s>(js: &mut Js<'s>, span: Value<'s>) -> Result<Entry<'s>, Failure> {
    let refused = |reason: String| {
        Entry::Refused(SpanError::InvalidArgument {
            field: "span".to_owned(),
            reason,
        })
    };
    if js.bytes(span)?.is_some() {
        return Ok(Entry::Encoded(span));
    }
    match js.kind(span) {
        Kind::Object | Kind::Function => {}
        kind => {
            return Ok(refused(format!(
                "expected an object, Buffer or Uint8Array, not {}",
                kind.name()
            )));
        }
    }
    match SpanHandles::read(js, span) {
        Ok(handles) => Ok(Entry::Input(handles)),
        Err(Unread::Member(error)) => Ok(Entry::Refused(error)),
        Err(Unread::Failure(Failure::Pending)) => {
            js.caught(Failure::Pending)?;
            Ok(refused("reading a member threw an exception".to_owned()))
        }
        Err(Unread::Failure(failure)) => Err(failure),
    }
}

/// The arguments, read.
pub(crate) struct ProcessSpansInput<'a> {
    wishes: Wishes,
    spans: Vec<BatchEntry<'a>>,
}

enum BatchEntry<'a> {
    Input(Box<OwnedSpan<'a>>),
    Encoded(Cow<'a, [u8]>),
    Refused(SpanError),
}

impl BatchEntry<'_> {
    fn core(&self) -> BatchSpan<'_> {
        match self {
            BatchEntry::Input(span) => BatchSpan::Input(Box::new(span.input())),
            BatchEntry::Encoded(bytes) => BatchSpan::Encoded(bytes),
            BatchEntry::Refused(error) => BatchSpan::Refused(error.clone()),
        }
    }
}

impl ProcessSpans {
    /// The batch, worked on while it is read; the request is written where
    /// JavaScript has it.
    pub(crate) fn call<'s>(
        js: &mut Js<'s>,
        spans: Value<'s>,
        options: Value<'s>,
    ) -> Result<Value<'s>, Failure> {
        let wishes = Wishes::read(js, options)?;
        let spans = elements(js, "spans", spans, |_, _| true)?;
        let (request, depths, errors) = {
            // The spans as they are read, and as the core takes them.
            let entries: Vec<OnceCell<BatchEntry<'_>>> = cells(spans.len());
            let inputs: Vec<OnceCell<BatchSpan<'_>>> = cells(spans.len());
            let places = spans.into_iter().zip(&entries).zip(&inputs);
            read_and_process(&mut *js, &wishes, places)?
        };
        let request = match request {
            Request::Written(buffer) => buffer,
            Request::Small(bytes) => js.buffer(&bytes)?,
        };
        batch_object(js, request, &depths, &errors)
    }
}

fn cells<T>(count: usize) -> Vec<OnceCell<T>> {
    std::iter::repeat_with(OnceCell::new).take(count).collect()
}

/// The request of a batch.
enum Request<'s> {
    Written(Value<'s>),
    /// Taking memory from Node's pool runs JavaScript, so it waits until no
    /// bytes are borrowed.
    Small(Vec<u8>),
}

type Processed<'s> = (Request<'s>, Vec<Option<usize>>, Vec<ExportError>);

/// Reads the spans and hands each to the core's threads at once, up to the
/// first that holds buffers: from there on they are read when all getters have
/// run.
fn read_and_process<'s, 'a>(
    js: &'a mut Js<'s>,
    wishes: &Wishes,
    places: impl Iterator<
        Item = (
            (Value<'s>, &'a OnceCell<BatchEntry<'a>>),
            &'a OnceCell<BatchSpan<'a>>,
        ),
    >,
) -> Result<Processed<'s>, Failure> {
    with_batch(wishes.options, |mut batch| {
        let mut waiting = Vec::new();
        for ((span, entry), input) in places {
            match (read_entry(js, span)?.complete(), waiting.is_empty()) {
                (Ok(read), true) => {
                    let read = entry.get_or_init(|| read);
                    batch.add(input.get_or_init(|| read.core()));
                }
                (read, _) => waiting.push((read, entry, input)),
            }
        }
        let js: &'a Js<'s> = js;
        for (read, entry, input) in waiting {
            let read = match read {
                Ok(read) => read,
                Err(unread) => unread.resolve(&InPlace(js))?,
            };
            let read = entry.get_or_init(|| read);
            batch.add(input.get_or_init(|| read.core()));
        }
        let processed = batch.finish();
        wishes.refuse(&processed.errors)?;
        let header = wishes.header.core();
        let request = processed.request(&header);
        let request = if request.len() < POOLED_BYTES {
            Request::Small(request.to_vec())
        } else {
            Request::Written(js.buffer_filled(request.len(), |writer| {
                request.for_each_piece(|piece| writer.put(piece));
            })?)
        };
        Ok((request, processed.message_depths, processed.errors))
    })
}

impl Operation for ProcessSpans {
    type Input<'a> = ProcessSpansInput<'a>;
    type Output = ProcessedBatch;

    fn compute(input: &ProcessSpansInput<'_>) -> Result<ProcessedBatch, Report> {
        let spans: Vec<_> = input.spans.iter().map(BatchEntry::core).collect();
        let wishes = &input.wishes;
        let batch = process_spans(&wishes.header.core(), &spans, wishes.options);
        wishes.refuse(&batch.errors)?;
        Ok(batch)
    }

    fn convert<'s>(js: &mut Js<'s>, batch: ProcessedBatch) -> Result<Value<'s>, Failure> {
        let request = js.buffer_of(batch.request_bytes.into())?;
        batch_object(js, request, &batch.message_depths, &batch.errors)
    }
}

/// What `processSpans` gives back.
fn batch_object<'s>(
    js: &Js<'s>,
    request: Value<'s>,
    depths: &[Option<usize>],
    errors: &[ExportError],
) -> Result<Value<'s>, Failure> {
    let depths = depths.iter().map(|depth| optional_number(js, *depth));
    let depths = depths.collect::<Result<Vec<_>, Failure>>()?;
    let errors = errors.iter().map(|error| {
        let report = Report::of(error);
        js.object([
            (c"index", optional_number(js, report.index)?),
            (c"code", js.string(report.code.as_str())?),
            (
                c"path",
                match &report.path {
                    Some(path) => js.string(path)?,
                    None => js.null()?,
                },
            ),
            (c"offset", optional_number(js, report.offset)?),
            (c"message", js.string(&report.message)?),
        ])
    });
    let errors = errors.collect::<Result<Vec<_>, Failure>>()?;
    js.object([
        (c"requestBytes", request),
        (c"messageDepths", js.array(&depths)?),
        (c"errors", js.array(&errors)?),
    ])
}

fn optional_number<'s>(js: &Js<'s>, number: Option<usize>) -> Result<Value<'s>, Failure> {
    match number {
        Some(number) => js.number(number as f64),
        None => js.null(),
    }
}
