//! The calls on spans and batches of spans.

use crate::border::{available_threads, detached, guarded};
use crate::span_input::{
    Fields, MemberFault, Refused, SpanMembers, boolean, document, integer, refused, string,
};
use crate::{errors, output, text};
use drift_rust_core as core;
use drift_rust_core::{
    BatchOptions, BatchSpan, Document, ExportError, ExportHeader, ExportRequest, Schema,
    SpanContents, StructSource, ValueOptions,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyDict, PyList, PyMemoryView, PyString, PyTuple};

/// The value of a Struct member: its bytes, or the document, or nothing.
struct StructMember<'py> {
    document: Option<Document<'static>>,
    bytes: Option<Bound<'py, PyBytes>>,
}

impl<'py> StructMember<'py> {
    fn read(
        field: &'static str,
        value: &Bound<'py, PyAny>,
        bytes: Option<(&str, &Bound<'py, PyAny>)>,
        size_bytes: &mut usize,
    ) -> Result<StructMember<'py>, MemberFault> {
        let document = if value.is_none() {
            None
        } else {
            Some(document(field, value, ValueOptions::default(), size_bytes)?)
        };
        let bytes = match bytes {
            None => None,
            Some((_, object)) if object.is_none() => None,
            Some((field, object)) => match object.cast::<PyBytes>() {
                Ok(bytes) => Some(bytes.clone()),
                Err(_) => {
                    let found = errors::type_name(object);
                    let reason = format!("expected bytes or None, not {found}");
                    return Err(refused(object.py(), field, reason));
                }
            },
        };
        *size_bytes += bytes.as_ref().map_or(0, |bytes| bytes.as_bytes().len());
        Ok(StructMember { document, bytes })
    }

    fn as_core(&self) -> StructSource<'_> {
        match (&self.bytes, &self.document) {
            (Some(bytes), _) => StructSource::Bytes(bytes.as_bytes()),
            (None, Some(document)) => StructSource::Document(document),
            (None, None) => StructSource::Empty,
        }
    }
}

/// tusk.drift.core.v1.Span bytes of a span whose payloads were processed before.
///
/// Strings are not checked; package_type is 0 to 11, kind 0 to 5, status_code
/// 0 to 2; seconds are any 64-bit, nanos any 32-bit integer. environment,
/// metadata, values and Struct bytes may be None. Schemas are dicts of the form
/// that process_export_payload_pyobject returns. Struct bytes win over the
/// value beside them. The bytes are the same from call to call.
///
/// Raises DriftError with the code invalid_enum or invalid_protobuf,
/// DriftTypeError for a value of another type, OverflowError for an integer
/// that does not fit; .path names the argument.
///
/// >>> build_span_proto_bytes_pyobject("a", "b", "", "GET /", "http", "", "", 1, None, 2,
/// ...     {}, {}, "", "", "", "", 1, "", False, True, 0, 0, 0, 0, None, None, None, None, None)[:6]
/// b'\n\x01a\x12\x01b'
#[pyfunction]
#[allow(
    clippy::too_many_arguments,
    reason = "the published signature, which stays as it is"
)]
pub(crate) fn build_span_proto_bytes_pyobject<'py>(
    py: Python<'py>,
    trace_id: &Bound<'py, PyAny>,
    span_id: &Bound<'py, PyAny>,
    parent_span_id: &Bound<'py, PyAny>,
    name: &Bound<'py, PyAny>,
    package_name: &Bound<'py, PyAny>,
    instrumentation_name: &Bound<'py, PyAny>,
    submodule_name: &Bound<'py, PyAny>,
    package_type: &Bound<'py, PyAny>,
    environment: &Bound<'py, PyAny>,
    kind: &Bound<'py, PyAny>,
    input_schema: &Bound<'py, PyAny>,
    output_schema: &Bound<'py, PyAny>,
    input_schema_hash: &Bound<'py, PyAny>,
    output_schema_hash: &Bound<'py, PyAny>,
    input_value_hash: &Bound<'py, PyAny>,
    output_value_hash: &Bound<'py, PyAny>,
    status_code: &Bound<'py, PyAny>,
    status_message: &Bound<'py, PyAny>,
    is_pre_app_start: &Bound<'py, PyAny>,
    is_root_span: &Bound<'py, PyAny>,
    timestamp_seconds: &Bound<'py, PyAny>,
    timestamp_nanos: &Bound<'py, PyAny>,
    duration_seconds: &Bound<'py, PyAny>,
    duration_nanos: &Bound<'py, PyAny>,
    metadata: &Bound<'py, PyAny>,
    input_value: &Bound<'py, PyAny>,
    output_value: &Bound<'py, PyAny>,
    input_value_proto_struct_bytes: &Bound<'py, PyAny>,
    output_value_proto_struct_bytes: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    guarded(py, || {
        let mut size_bytes = 0;
        let fields = Fields {
            trace_id: Some(string("trace_id", trace_id)?),
            span_id: Some(string("span_id", span_id)?),
            parent_span_id: Some(string("parent_span_id", parent_span_id)?),
            name: Some(string("name", name)?),
            package_name: Some(string("package_name", package_name)?),
            instrumentation_name: Some(string("instrumentation_name", instrumentation_name)?),
            submodule_name: Some(string("submodule_name", submodule_name)?),
            package_type: integer("package_type", package_type)?,
            environment: if environment.is_none() {
                None
            } else {
                Some(string("environment", environment)?)
            },
            kind: integer("kind", kind)?,
            status_code: integer("status_code", status_code)?,
            status_message: Some(string("status_message", status_message)?),
            is_pre_app_start: boolean("is_pre_app_start", is_pre_app_start)?,
            is_root_span: boolean("is_root_span", is_root_span)?,
            timestamp_seconds: integer("timestamp_seconds", timestamp_seconds)?,
            timestamp_nanos: integer("timestamp_nanos", timestamp_nanos)?,
            duration_seconds: integer("duration_seconds", duration_seconds)?,
            duration_nanos: integer("duration_nanos", duration_nanos)?,
        };
        let input_schema_hash = string("input_schema_hash", input_schema_hash)?;
        let output_schema_hash = string("output_schema_hash", output_schema_hash)?;
        let input_value_hash = string("input_value_hash", input_value_hash)?;
        let output_value_hash = string("output_value_hash", output_value_hash)?;
        let options = ValueOptions::for_schema();
        let input_schema = document("input_schema", input_schema, options, &mut size_bytes)?;
        let output_schema = document("output_schema", output_schema, options, &mut size_bytes)?;
        let metadata = StructMember::read("metadata", metadata, None, &mut size_bytes)?;
        let input_value = StructMember::read(
            "input_value",
            input_value,
            Some((
                "input_value_proto_struct_bytes",
                input_value_proto_struct_bytes,
            )),
            &mut size_bytes,
        )?;
        let output_value = StructMember::read(
            "output_value",
            output_value,
            Some((
                "output_value_proto_struct_bytes",
                output_value_proto_struct_bytes,
            )),
            &mut size_bytes,
        )?;

        let fields = fields.as_core();
        let hashes = (
            input_schema_hash.as_str(),
            output_schema_hash.as_str(),
            input_value_hash.as_str(),
            output_value_hash.as_str(),
        );
        let metadata = metadata.as_core();
        let input_value = input_value.as_core();
        let output_value = output_value.as_core();
        let bytes = detached(py, size_bytes, || {
            let input_schema = Schema::from_document(&input_schema);
            let output_schema = Schema::from_document(&output_schema);
            core::build_span_proto_bytes(
                &fields,
                &SpanContents {
                    input_schema: Some(&input_schema),
                    output_schema: Some(&output_schema),
                    input_schema_hash: hashes.0,
                    output_schema_hash: hashes.1,
                    input_value_hash: hashes.2,
                    output_value_hash: hashes.3,
                    metadata,
                    input_value,
                    output_value,
                },
            )
        })
        .map_err(|error| errors::to_python(py, &error))?;
        Ok(PyBytes::new(py, &bytes))
    })
}

/// tusk.drift.backend.v1.ExportSpansRequest bytes: four strings and the spans'
/// bytes, laid in as they are.
///
/// spans: a list of bytes, of any number. Of each span the top-level fields
/// are checked for being complete.
///
/// Raises DriftError with the code invalid_protobuf and .index at the first
/// bad span, DriftTypeError if spans is not a list of bytes.
///
/// >>> build_export_spans_request_bytes_pyobject("id", "test", "1", "me", [b""]).hex()
/// '0a0269641204746573741a013122026d652a00'
#[pyfunction]
pub(crate) fn build_export_spans_request_bytes_pyobject<'py>(
    py: Python<'py>,
    observable_service_id: &Bound<'py, PyAny>,
    environment: &Bound<'py, PyAny>,
    sdk_version: &Bound<'py, PyAny>,
    sdk_instance_id: &Bound<'py, PyAny>,
    spans: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    guarded(py, || {
        let observable_service_id = text::string("observable_service_id", observable_service_id)?;
        let environment = text::string("environment", environment)?;
        let sdk_version = text::string("sdk_version", sdk_version)?;
        let sdk_instance_id = text::string("sdk_instance_id", sdk_instance_id)?;
        let Ok(list) = spans.cast::<PyList>() else {
            return Err(text::expected("spans", "a list of bytes", spans));
        };
        let mut held = Vec::with_capacity(list.len());
        for span in list.iter() {
            match span.cast_into::<PyBytes>() {
                Ok(bytes) => held.push(bytes),
                Err(error) => {
                    return Err(text::expected(
                        "spans",
                        "a list of bytes",
                        &error.into_inner(),
                    ));
                }
            }
        }
        let spans: Vec<&[u8]> = held.iter().map(|span| span.as_bytes()).collect();
        let size_bytes = spans.iter().map(|span| span.len()).sum();
        let header = ExportHeader {
            observable_service_id: observable_service_id.as_str(),
            environment: environment.as_str(),
            sdk_version: sdk_version.as_str(),
            sdk_instance_id: sdk_instance_id.as_str(),
        };
        let request =
            ExportRequest::check(&header, &spans).map_err(|error| errors::to_python(py, &error))?;
        output::bytes_filled(py, request.len(), |writer| {
            detached(py, size_bytes, || {
                request.for_each_piece(|piece| writer.put(piece));
            });
        })
    })
}

/// What process_span made of a span. The texts become Python strings when they
/// are asked for.
#[pyclass(frozen, module = "drift_core")]
pub(crate) struct ProcessedSpan {
    span: core::ProcessedSpan,
}

#[pymethods]
impl ProcessedSpan {
    /// tusk.drift.core.v1.Span, encoded.
    #[getter]
    fn span_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &self.span.span_bytes)
    }
    /// The hash of the decoded input, 64 characters of hex.
    #[getter]
    fn input_value_hash(&self) -> &str {
        &self.span.input.value_hash
    }
    /// The hash of the decoded output, 64 characters of hex.
    #[getter]
    fn output_value_hash(&self) -> &str {
        &self.span.output.value_hash
    }
    /// The hash of the input's schema, 64 characters of hex.
    #[getter]
    fn input_schema_hash(&self) -> &str {
        &self.span.input.schema_hash
    }
    /// The hash of the output's schema, 64 characters of hex.
    #[getter]
    fn output_schema_hash(&self) -> &str {
        &self.span.output.schema_hash
    }
    /// The schema of the decoded input, as JSON text.
    #[getter]
    fn input_schema_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        text::new_string(py, &self.span.input.schema_json)
    }
    /// The schema of the decoded output, as JSON text.
    #[getter]
    fn output_schema_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        text::new_string(py, &self.span.output.schema_json)
    }
    /// The canonical form of the input.
    #[getter]
    fn input_normalized_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        text::new_string(py, &self.span.input.normalized_json)
    }
    /// The canonical form of the output.
    #[getter]
    fn output_normalized_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyString>> {
        text::new_string(py, &self.span.output.normalized_json)
    }
    /// Nested messages below an export request that holds the span, the span
    /// itself being 1. Many receivers refuse a whole request beyond 100.
    #[getter]
    fn message_depth(&self) -> usize {
        self.span.message_depth
    }

    fn __repr__(&self) -> String {
        format!(
            "<ProcessedSpan of {} bytes, input {}, output {}>",
            self.span.span_bytes.len(),
            self.span.input.value_hash,
            self.span.output.value_hash
        )
    }
}

/// A whole span in one call: both payloads processed, and the span encoded.
///
/// span: a dict with any of these members. Strings: trace_id, span_id,
/// parent_span_id, name, package_name, instrumentation_name, submodule_name,
/// environment, status_message. Integers: package_type (0 to 11), kind (0 to
/// 5), status_code (0 to 2), timestamp_seconds, timestamp_nanos,
/// duration_seconds, duration_nanos. Booleans: is_pre_app_start, is_root_span.
/// Values: input_json, output_json and metadata_json as JSON text (str or
/// UTF-8 bytes), or input_value, output_value and metadata as Python values.
/// Merges: input_merges and output_merges, as a dict or JSON text. A payload
/// that is not given is an empty object.
///
/// Returns a ProcessedSpan.
///
/// Raises DriftError or DriftTypeError with .code and .path, the path of the
/// member at fault ("$.input_value.rows[3]"); OverflowError for an integer that
/// does not fit.
///
/// >>> span = process_span({"name": "GET /", "input_json": '{"q": 1}'})
/// >>> span.input_normalized_json, span.message_depth
/// ('{"q":1}', 4)
#[pyfunction]
pub(crate) fn process_span(py: Python<'_>, span: &Bound<'_, PyAny>) -> PyResult<ProcessedSpan> {
    guarded(py, || {
        let Ok(span) = span.cast::<PyDict>() else {
            return Err(text::expected("span", "a dict", span));
        };
        let mut members = SpanMembers::read(span)?;
        let size_bytes = members.size_bytes();
        let input = members.take_as_core();
        let span = detached(py, size_bytes, || core::process_span(&input))
            .map_err(|error| errors::to_python(py, &error))?;
        Ok(ProcessedSpan { span })
    })
}

/// What process_spans made of a batch.
#[pyclass(frozen, get_all, module = "drift_core")]
pub(crate) struct ProcessedBatch {
    /// tusk.drift.backend.v1.ExportSpansRequest with the good spans, in order.
    request_bytes: Py<PyBytes>,
    /// One entry per span given: its nested messages below the request, None
    /// for a span that could not be measured.
    message_depths: Py<PyList>,
    /// One dict per bad span, by ascending index: index, code, path, offset, message.
    errors: Py<PyList>,
}

#[pymethods]
impl ProcessedBatch {
    fn __repr__(&self, py: Python<'_>) -> String {
        format!(
            "<ProcessedBatch of {} bytes, {} spans given, {} left out>",
            self.request_bytes.as_bytes(py).len(),
            self.message_depths.bind(py).len(),
            self.errors.bind(py).len()
        )
    }
}

/// One span of a batch, held alive.
enum Given<'py> {
    /// Its turn has not come.
    Unread,
    Members(Box<SpanMembers<'py>>),
    Encoded(Bound<'py, PyBytes>),
    Refused(Box<Refused>),
}

impl<'py> Given<'py> {
    fn read(span: &Bound<'py, PyAny>) -> PyResult<Given<'py>> {
        let is_bytes = span.is_instance_of::<PyBytes>()
            || span.is_instance_of::<PyByteArray>()
            || span.is_instance_of::<PyMemoryView>();
        let read = if is_bytes {
            return Ok(Given::Encoded(text::bytes("spans", span)?));
        } else if let Ok(dict) = span.cast::<PyDict>() {
            SpanMembers::read(dict)
        } else {
            let found = errors::type_name(span);
            let reason = format!("expected a dict or bytes, not {found}");
            Err(refused(span.py(), "span", reason))
        };
        match read {
            Ok(members) => Ok(Given::Members(Box::new(members))),
            Err(MemberFault::Refused(refused)) => Ok(Given::Refused(refused)),
            Err(MemberFault::Interpreter(error)) => Err(error),
        }
    }

    fn size_bytes(&self) -> usize {
        match self {
            Given::Members(members) => members.size_bytes(),
            Given::Encoded(bytes) => bytes.as_bytes().len(),
            Given::Unread | Given::Refused(_) => 0,
        }
    }

    fn take_as_core(&mut self) -> BatchSpan<'_> {
        match self {
            Given::Members(members) => BatchSpan::Input(Box::new(members.take_as_core())),
            Given::Encoded(bytes) => BatchSpan::Encoded(bytes.as_bytes()),
            Given::Unread => BatchSpan::Encoded(&[]),
            Given::Refused(refused) => BatchSpan::Refused(refused.error.clone()),
        }
    }
}

fn max_message_depth_option(given: Option<&Bound<'_, PyAny>>) -> PyResult<Option<usize>> {
    let Some(object) = given.filter(|object| !object.is_none()) else {
        return Ok(None);
    };
    let limit: i64 = integer("max_message_depth", object)?;
    match usize::try_from(limit) {
        Ok(limit) => Ok(Some(limit)),
        Err(_) => Err(errors::wrong_value(
            object.py(),
            &format!("argument 'max_message_depth': {limit} is less than 0"),
        )),
    }
}

/// A whole batch in one call: spans in, export request bytes out.
///
/// spans: a list or tuple of dicts as for process_span, and of span bytes,
/// which are checked and laid in as they are.
/// observable_service_id, environment, sdk_version, sdk_instance_id: the four
/// strings of the request.
/// max_message_depth: spans with more nested messages are reported and left
/// out; many receivers refuse a whole request beyond 100.
/// strict: raise the first error instead of leaving the span out.
///
/// Returns a ProcessedBatch: request_bytes, message_depths, errors.
///
/// Raises DriftTypeError if spans is no list, and with strict what process_span
/// raises, with .index.
///
/// >>> batch = process_spans([{"input_json": "{"}, {"name": "good"}], environment="test")
/// >>> batch.errors[0]["index"], batch.errors[0]["code"], batch.errors[0]["path"]
/// (0, 'invalid_json', '$.input_json')
/// >>> batch.message_depths
/// [None, 2]
#[pyfunction]
#[pyo3(
    signature = (
        spans, *, observable_service_id=None, environment=None, sdk_version=None,
        sdk_instance_id=None, max_message_depth=None, strict=None
    ),
    text_signature = "(spans, *, observable_service_id='', environment='', sdk_version='', sdk_instance_id='', max_message_depth=None, strict=False)"
)]
#[allow(
    clippy::too_many_arguments,
    reason = "keyword arguments, each of which a caller reads by its name"
)]
pub(crate) fn process_spans<'py>(
    py: Python<'py>,
    spans: &Bound<'py, PyAny>,
    observable_service_id: Option<&Bound<'py, PyAny>>,
    environment: Option<&Bound<'py, PyAny>>,
    sdk_version: Option<&Bound<'py, PyAny>>,
    sdk_instance_id: Option<&Bound<'py, PyAny>>,
    max_message_depth: Option<&Bound<'py, PyAny>>,
    strict: Option<&Bound<'py, PyAny>>,
) -> PyResult<ProcessedBatch> {
    guarded(py, || {
        let optional = |name: &str, given: Option<&Bound<'py, PyAny>>| match given {
            Some(object) => string(name, object),
            None => string(name, PyString::new(py, "").as_any()),
        };
        let observable_service_id = optional("observable_service_id", observable_service_id)?;
        let environment = optional("environment", environment)?;
        let sdk_version = optional("sdk_version", sdk_version)?;
        let sdk_instance_id = optional("sdk_instance_id", sdk_instance_id)?;
        let options = BatchOptions {
            max_message_depth: max_message_depth_option(max_message_depth)?,
            threads: available_threads(),
        };
        let strict = strict.map_or(Ok(false), |strict| boolean("strict", strict))?;

        // A copy, since reading a span may run code that changes the list.
        let spans = if let Ok(list) = spans.cast::<PyList>() {
            list.to_tuple()
        } else if let Ok(tuple) = spans.cast::<PyTuple>() {
            tuple.clone()
        } else {
            return Err(text::expected("spans", "a list of dicts and bytes", spans));
        };
        let header = ExportHeader {
            observable_service_id: observable_service_id.as_str(),
            environment: environment.as_str(),
            sdk_version: sdk_version.as_str(),
            sdk_instance_id: sdk_instance_id.as_str(),
        };
        // All places are there before the first span is read: other threads
        // work on those that were, while the lock is held to read the next.
        let mut given: Vec<Given<'py>> = Vec::with_capacity(spans.len());
        given.resize_with(spans.len(), || Given::Unread);
        let mut inputs: Vec<BatchSpan<'_>> = Vec::with_capacity(spans.len());
        inputs.resize_with(spans.len(), || BatchSpan::Encoded(&[]));
        let processed = core::with_batch(options, |mut batch| {
            let mut size_bytes = 0;
            let places = given.iter_mut().zip(&mut inputs);
            for (span, (given, input)) in spans.iter().zip(places) {
                match Given::read(&span) {
                    Ok(read) => *given = read,
                    Err(error) => {
                        // Waits for the spans that are being worked on.
                        detached(py, size_bytes, || drop(batch));
                        return Err(error);
                    }
                }
                size_bytes += given.size_bytes();
                *input = given.take_as_core();
                batch.add(input);
            }
            Ok(detached(py, size_bytes, || batch.finish()))
        })?;
        drop(inputs);
        if strict && let Some(error) = processed.errors.first() {
            return Err(raise_strictly(py, error, given));
        }
        converted_batch(py, &header, &processed)
    })
}

/// The exception of the first bad span, with its index.
fn raise_strictly(py: Python<'_>, error: &ExportError, given: Vec<Given<'_>>) -> PyErr {
    let raised_before = error
        .index()
        .and_then(|index| given.into_iter().nth(index).map(|span| (index, span)));
    match raised_before {
        // What the conversion raised says more than the report of it: its own
        // class, and its cause.
        Some((index, Given::Refused(refused))) => {
            let raised = refused.raised;
            match raised.value(py).setattr(intern!(py, "index"), index) {
                Ok(()) => raised,
                Err(error) => error,
            }
        }
        _ => errors::to_python(py, error),
    }
}

fn converted_batch(
    py: Python<'_>,
    header: &ExportHeader<'_>,
    batch: &core::ProcessedSpans<'_>,
) -> PyResult<ProcessedBatch> {
    let request = batch.request(header);
    let request_bytes = output::bytes_filled(py, request.len(), |writer| {
        detached(py, request.len(), || {
            request.for_each_piece(|piece| writer.put(piece));
        });
    })?;
    let message_depths = PyList::new(py, &batch.message_depths)?;
    let errors = PyList::empty(py);
    for error in &batch.errors {
        let report = PyDict::new(py);
        report.set_item(intern!(py, "index"), error.index())?;
        report.set_item(intern!(py, "code"), error.code().as_str())?;
        report.set_item(intern!(py, "path"), error.path())?;
        report.set_item(intern!(py, "offset"), error.offset())?;
        report.set_item(intern!(py, "message"), error.to_string())?;
        errors.append(report)?;
    }
    Ok(ProcessedBatch {
        request_bytes: request_bytes.unbind(),
        message_depths: message_depths.unbind(),
        errors: errors.unbind(),
    })
}
