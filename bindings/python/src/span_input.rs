//! The members of a span, from arguments or from a dict, to the core's input.

use crate::containers;
use crate::errors;
use crate::native::{self, NativeFault};
use crate::text::{self, Text};
use drift_rust_core::{
    Document, MergesSource, SchemaMerges, SpanError, SpanFields, SpanInput, ValueOptions,
    ValueSource,
};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// A member at fault.
pub(crate) struct Refused {
    /// What a batch reports.
    pub(crate) error: SpanError,
    /// What to raise.
    pub(crate) raised: PyErr,
}

/// Why a member was not read.
pub(crate) enum MemberFault {
    /// The member is at fault.
    Refused(Box<Refused>),
    /// The interpreter is: no memory, or the user pressed Ctrl-C.
    Interpreter(PyErr),
}

impl From<MemberFault> for PyErr {
    fn from(fault: MemberFault) -> PyErr {
        match fault {
            MemberFault::Refused(refused) => refused.raised,
            MemberFault::Interpreter(error) => error,
        }
    }
}

impl From<PyErr> for MemberFault {
    fn from(error: PyErr) -> Self {
        MemberFault::Interpreter(error)
    }
}

/// A member of the wrong type, or one that should not be there.
pub(crate) fn refused(py: Python<'_>, field: &str, reason: String) -> MemberFault {
    let error = SpanError::InvalidArgument {
        field: field.to_owned(),
        reason,
    };
    let raised = errors::to_python(py, &error);
    MemberFault::Refused(Box::new(Refused { error, raised }))
}

fn unexpected(field: &str, wanted: &str, object: &Bound<'_, PyAny>) -> MemberFault {
    let found = errors::type_name(object);
    refused(
        object.py(),
        field,
        format!("expected {wanted}, not {found}"),
    )
}

/// A string member.
pub(crate) fn string<'py>(
    field: &str,
    object: &Bound<'py, PyAny>,
) -> Result<Text<'py>, MemberFault> {
    match object.cast::<PyString>() {
        Ok(string) => Ok(Text::of_string(string)?),
        Err(_) => Err(unexpected(field, "str", object)),
    }
}

/// An integer member; what does not fit is an `OverflowError`, as published.
pub(crate) fn integer<'py, T>(field: &str, object: &Bound<'py, PyAny>) -> Result<T, MemberFault>
where
    T: for<'a> FromPyObject<'a, 'py, Error = PyErr>,
{
    object.extract::<T>().map_err(|raised| {
        let py = object.py();
        if raised.is_instance_of::<PyTypeError>(py) {
            return unexpected(field, "int", object);
        }
        if !errors::is_about_value(py, &raised) {
            return MemberFault::Interpreter(raised);
        }
        let reason = if raised.is_instance_of::<PyOverflowError>(py) {
            "the integer does not fit the field".to_owned()
        } else {
            format!("__index__ raised {raised}")
        };
        let error = SpanError::InvalidArgument {
            field: field.to_owned(),
            reason,
        };
        MemberFault::Refused(Box::new(Refused { error, raised }))
    })
}

/// A Boolean member: `bool`, or numpy's.
pub(crate) fn boolean(field: &str, object: &Bound<'_, PyAny>) -> Result<bool, MemberFault> {
    object
        .extract()
        .map_err(|_| unexpected(field, "bool", object))
}

/// A native value as the document of a member.
pub(crate) fn document(
    field: &'static str,
    object: &Bound<'_, PyAny>,
    options: ValueOptions,
    size_bytes: &mut usize,
) -> Result<Document<'static>, MemberFault> {
    match native::document(object, options) {
        Ok(native) => {
            *size_bytes += native.size_bytes;
            Ok(native.document)
        }
        Err(NativeFault::Interpreter(error)) => Err(MemberFault::Interpreter(error)),
        Err(NativeFault::Value(fault)) => {
            let py = object.py();
            let error = SpanError::Build {
                field,
                source: fault.error,
            };
            let raised = errors::to_python(py, &error);
            raised.set_cause(py, fault.cause);
            Err(MemberFault::Refused(Box::new(Refused { error, raised })))
        }
    }
}

/// The plain fields of a span, each with what keeps its text alive.
#[derive(Default)]
pub(crate) struct Fields<'py> {
    pub(crate) trace_id: Option<Text<'py>>,
    pub(crate) span_id: Option<Text<'py>>,
    pub(crate) parent_span_id: Option<Text<'py>>,
    pub(crate) name: Option<Text<'py>>,
    pub(crate) package_name: Option<Text<'py>>,
    pub(crate) instrumentation_name: Option<Text<'py>>,
    pub(crate) submodule_name: Option<Text<'py>>,
    pub(crate) package_type: i32,
    pub(crate) environment: Option<Text<'py>>,
    pub(crate) kind: i32,
    pub(crate) status_code: i32,
    pub(crate) status_message: Option<Text<'py>>,
    pub(crate) is_pre_app_start: bool,
    pub(crate) is_root_span: bool,
    pub(crate) timestamp_seconds: i64,
    pub(crate) timestamp_nanos: i32,
    pub(crate) duration_seconds: i64,
    pub(crate) duration_nanos: i32,
}

impl Fields<'_> {
    pub(crate) fn as_core(&self) -> SpanFields<'_> {
        fn text<'a>(text: &'a Option<Text<'_>>) -> &'a str {
            text.as_ref().map_or("", Text::as_str)
        }
        SpanFields {
            trace_id: text(&self.trace_id),
            span_id: text(&self.span_id),
            parent_span_id: text(&self.parent_span_id),
            name: text(&self.name),
            package_name: text(&self.package_name),
            instrumentation_name: text(&self.instrumentation_name),
            submodule_name: text(&self.submodule_name),
            package_type: self.package_type,
            environment: self.environment.as_ref().map(Text::as_str),
            kind: self.kind,
            status_code: self.status_code,
            status_message: text(&self.status_message),
            is_pre_app_start: self.is_pre_app_start,
            is_root_span: self.is_root_span,
            timestamp_seconds: self.timestamp_seconds,
            timestamp_nanos: self.timestamp_nanos,
            duration_seconds: self.duration_seconds,
            duration_nanos: self.duration_nanos,
        }
    }
}

/// A payload or the metadata of a span.
#[derive(Default)]
enum ValueMember<'py> {
    #[default]
    Absent,
    Json(Text<'py>),
    Native(Document<'static>),
}

impl ValueMember<'_> {
    fn take_as_core(&mut self) -> ValueSource<'_> {
        match self {
            ValueMember::Absent => ValueSource::Absent,
            ValueMember::Json(text) => ValueSource::Json(text.as_json()),
            ValueMember::Native(_) => match std::mem::take(self) {
                ValueMember::Native(document) => ValueSource::Document(document),
                ValueMember::Absent | ValueMember::Json(_) => ValueSource::Absent,
            },
        }
    }
}

/// The merges of a payload.
#[derive(Default)]
enum MergesMember<'py> {
    #[default]
    Absent,
    Json(Text<'py>),
    Native(SchemaMerges),
}

impl MergesMember<'_> {
    fn take_as_core(&mut self) -> MergesSource<'_> {
        match self {
            MergesMember::Absent => MergesSource::Absent,
            MergesMember::Json(text) => MergesSource::Json(text.as_json()),
            MergesMember::Native(merges) => MergesSource::Read(Ok(std::mem::take(merges))),
        }
    }
}

/// A span given as a dict.
#[derive(Default)]
pub(crate) struct SpanMembers<'py> {
    fields: Fields<'py>,
    input: ValueMember<'py>,
    input_merges: MergesMember<'py>,
    output: ValueMember<'py>,
    output_merges: MergesMember<'py>,
    metadata: ValueMember<'py>,
    size_bytes: usize,
}

impl<'py> SpanMembers<'py> {
    /// Reads a dict; `None` for an optional member is its absence, but for
    /// native values, where it is a value.
    pub(crate) fn read(span: &Bound<'py, PyDict>) -> Result<SpanMembers<'py>, MemberFault> {
        let py = span.py();
        let mut members = SpanMembers::default();
        // A copy, since reading a member may run code that changes the dict.
        let held = containers::members_of(span);
        let (pairs, _) = held.as_chunks::<2>();
        for [key, value] in pairs {
            let Ok(key) = key.cast::<PyString>() else {
                let found = errors::type_name(key);
                return Err(refused(
                    py,
                    "span",
                    format!("keys must be str, not {found}"),
                ));
            };
            members.set(Text::of_string(key)?.as_str(), value)?;
        }
        Ok(members)
    }

    fn set(&mut self, field: &str, value: &Bound<'py, PyAny>) -> Result<(), MemberFault> {
        let fields = &mut self.fields;
        let options = ValueOptions::default();
        match field {
            "input_value" => {
                let document = document("input_value", value, options, &mut self.size_bytes)?;
                let member = ValueMember::Native(document);
                return put_once(value.py(), &mut self.input, field, member);
            }
            "output_value" => {
                let document = document("output_value", value, options, &mut self.size_bytes)?;
                let member = ValueMember::Native(document);
                return put_once(value.py(), &mut self.output, field, member);
            }
            "metadata" => {
                let document = document("metadata", value, options, &mut self.size_bytes)?;
                let member = ValueMember::Native(document);
                return put_once(value.py(), &mut self.metadata, field, member);
            }
            _ if value.is_none() && is_member(field) => return Ok(()),
            "trace_id" => fields.trace_id = Some(string(field, value)?),
            "span_id" => fields.span_id = Some(string(field, value)?),
            "parent_span_id" => fields.parent_span_id = Some(string(field, value)?),
            "name" => fields.name = Some(string(field, value)?),
            "package_name" => fields.package_name = Some(string(field, value)?),
            "instrumentation_name" => fields.instrumentation_name = Some(string(field, value)?),
            "submodule_name" => fields.submodule_name = Some(string(field, value)?),
            "package_type" => fields.package_type = integer(field, value)?,
            "environment" => fields.environment = Some(string(field, value)?),
            "kind" => fields.kind = integer(field, value)?,
            "status_code" => fields.status_code = integer(field, value)?,
            "status_message" => fields.status_message = Some(string(field, value)?),
            "is_pre_app_start" => fields.is_pre_app_start = boolean(field, value)?,
            "is_root_span" => fields.is_root_span = boolean(field, value)?,
            "timestamp_seconds" => fields.timestamp_seconds = integer(field, value)?,
            "timestamp_nanos" => fields.timestamp_nanos = integer(field, value)?,
            "duration_seconds" => fields.duration_seconds = integer(field, value)?,
            "duration_nanos" => fields.duration_nanos = integer(field, value)?,
            "input_json" => {
                let member = ValueMember::Json(self.json(field, value)?);
                return put_once(value.py(), &mut self.input, field, member);
            }
            "output_json" => {
                let member = ValueMember::Json(self.json(field, value)?);
                return put_once(value.py(), &mut self.output, field, member);
            }
            "metadata_json" => {
                let member = ValueMember::Json(self.json(field, value)?);
                return put_once(value.py(), &mut self.metadata, field, member);
            }
            "input_merges" => self.input_merges = merges("input_merges", value)?,
            "output_merges" => self.output_merges = merges("output_merges", value)?,
            _ => {
                let reason = "is not a member of a span".to_owned();
                return Err(refused(value.py(), field, reason));
            }
        }
        Ok(())
    }

    fn json(&mut self, field: &str, value: &Bound<'py, PyAny>) -> Result<Text<'py>, MemberFault> {
        let text = json_text(field, value)?;
        self.size_bytes += text.len();
        Ok(text)
    }

    /// The bytes of payload, to decide by whether the work is long.
    pub(crate) fn size_bytes(&self) -> usize {
        self.size_bytes
    }

    /// The core's input; moves the native values out.
    pub(crate) fn take_as_core(&mut self) -> SpanInput<'_> {
        SpanInput {
            fields: self.fields.as_core(),
            input: self.input.take_as_core(),
            input_merges: self.input_merges.take_as_core(),
            output: self.output.take_as_core(),
            output_merges: self.output_merges.take_as_core(),
            metadata: self.metadata.take_as_core(),
        }
    }
}

/// The members whose value may be `None` for absent.
fn is_member(field: &str) -> bool {
    matches!(
        field,
        "trace_id"
            | "span_id"
            | "parent_span_id"
            | "name"
            | "package_name"
            | "instrumentation_name"
            | "submodule_name"
            | "package_type"
            | "environment"
            | "kind"
            | "status_code"
            | "status_message"
            | "is_pre_app_start"
            | "is_root_span"
            | "timestamp_seconds"
            | "timestamp_nanos"
            | "duration_seconds"
            | "duration_nanos"
            | "input_json"
            | "output_json"
            | "metadata_json"
            | "input_merges"
            | "output_merges"
    )
}

fn put_once<'py>(
    py: Python<'_>,
    slot: &mut ValueMember<'py>,
    field: &str,
    member: ValueMember<'py>,
) -> Result<(), MemberFault> {
    if !matches!(slot, ValueMember::Absent) {
        let reason = "give the value either as JSON text or as a native value".to_owned();
        return Err(refused(py, field, reason));
    }
    *slot = member;
    Ok(())
}

/// A JSON text member; a wrong type is reported like that of any other member.
fn json_text<'py>(field: &str, value: &Bound<'py, PyAny>) -> Result<Text<'py>, MemberFault> {
    text::json(field, value).map_err(|raised| {
        let py = value.py();
        if !raised.is_instance_of::<PyTypeError>(py) {
            return MemberFault::Interpreter(raised);
        }
        unexpected(field, "str, bytes, bytearray or memoryview of bytes", value)
    })
}

fn merges<'py>(
    field: &'static str,
    value: &Bound<'py, PyAny>,
) -> Result<MergesMember<'py>, MemberFault> {
    let is_text = value.is_instance_of::<PyString>()
        || value.is_instance_of::<pyo3::types::PyBytes>()
        || value.is_instance_of::<pyo3::types::PyByteArray>()
        || value.is_instance_of::<pyo3::types::PyMemoryView>();
    if is_text {
        return Ok(MergesMember::Json(json_text(field, value)?));
    }
    match native::merges(value)? {
        Ok(merges) => Ok(MergesMember::Native(merges)),
        Err(fault) => {
            let py = value.py();
            let error = SpanError::Merges {
                field,
                source: fault.error.clone(),
            };
            let raised = fault.into_python_as_part_of(py, &error);
            Err(MemberFault::Refused(Box::new(Refused { error, raised })))
        }
    }
}
