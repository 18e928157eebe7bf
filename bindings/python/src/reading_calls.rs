//! The calls that read encoded messages back and compare.

use crate::border::{detached, guarded};
use crate::{errors, text};
use drift_rust_core as core;
use drift_rust_core::{DiffError, Difference, Fault, ProtobufError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString};

fn read<'py>(
    argument: &str,
    object: &Bound<'py, PyAny>,
    work: fn(&[u8]) -> Result<String, ProtobufError>,
) -> PyResult<Bound<'py, PyString>> {
    let py = object.py();
    guarded(py, || {
        let bytes = text::bytes(argument, object)?;
        let message = bytes.as_bytes();
        let json = detached(py, message.len(), || work(message))
            .map_err(|error| errors::to_python(py, &error))?;
        text::string_of(py, json)
    })
}

/// An encoded span as the JSON text of a trace line, with sorted keys.
///
/// span_bytes: tusk.drift.core.v1.Span as bytes.
///
/// Keys, enums and times are those of the SDKs' trace files; schemas have
/// snake case members. Struct bytes hold doubles only, so a number that is an
/// integer is printed as one.
///
/// Raises DriftError with the code invalid_protobuf and an offset.
///
/// >>> '"traceId":"a"' in span_to_json(b"\x0a\x01a")
/// True
#[pyfunction]
pub(crate) fn span_to_json<'py>(span_bytes: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    read("span_bytes", span_bytes, core::span_to_json)
}

/// An encoded export request as JSON text, its spans as in span_to_json.
///
/// request_bytes: tusk.drift.backend.v1.ExportSpansRequest as bytes.
///
/// Raises DriftError with the code invalid_protobuf and an offset.
///
/// >>> export_request_to_json(b"")
/// '{"environment":"","observableServiceId":"","sdkInstanceId":"","sdkVersion":"","spans":[]}'
#[pyfunction]
pub(crate) fn export_request_to_json<'py>(
    request_bytes: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyString>> {
    read("request_bytes", request_bytes, core::export_request_to_json)
}

/// google.protobuf.Struct bytes as JSON text with sorted keys.
///
/// struct_bytes: the bytes, of any depth that this package writes.
///
/// Raises DriftError with the code invalid_protobuf and an offset, also for
/// NaN and infinities, which JSON has no form for.
///
/// >>> struct_to_json(bytes.fromhex("0a070a016112020800"))
/// '{"a":null}'
#[pyfunction]
pub(crate) fn struct_to_json<'py>(
    struct_bytes: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyString>> {
    read("struct_bytes", struct_bytes, core::struct_to_json)
}

fn differences<'py>(
    py: Python<'py>,
    found: Result<Vec<Difference>, impl Fault>,
) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    for difference in found.map_err(|error| errors::to_python(py, &error))? {
        let item = PyDict::new(py);
        item.set_item(intern!(py, "kind"), difference.kind.as_str())?;
        item.set_item(intern!(py, "path"), difference.path)?;
        item.set_item(intern!(py, "left"), difference.left)?;
        item.set_item(intern!(py, "right"), difference.right)?;
        list.append(item)?;
    }
    Ok(list)
}

/// The differences between two JSON texts, as a list of dicts.
///
/// left, right: JSON texts, as str or as UTF-8 bytes.
///
/// Each difference has a kind ("added", "removed" or "changed", seen from left
/// to right), a path ("$.rows[3].when"), and the canonical JSON of both sides,
/// None where there is none. Arrays are compared by index.
///
/// Raises what normalize_json raises; the message names the side.
///
/// >>> diff_json('{"a": 1}', '{"a": 1.0}')
/// [{'kind': 'changed', 'path': '$.a', 'left': '1', 'right': '1.0'}]
#[pyfunction]
pub(crate) fn diff_json<'py>(
    py: Python<'py>,
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    guarded(py, || {
        let left = text::json("left", left)?;
        let right = text::json("right", right)?;
        let (left, right) = (left.as_json(), right.as_json());
        let found = detached(py, left.len() + right.len(), || {
            core::diff_json(left, right)
        });
        differences(py, found)
    })
}

fn diff_messages<'py>(
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
    work: impl FnOnce(&[u8], &[u8]) -> Result<Vec<Difference>, DiffError> + Send,
) -> PyResult<Bound<'py, PyList>> {
    let py = left.py();
    guarded(py, || {
        let left = text::bytes("left", left)?;
        let right = text::bytes("right", right)?;
        let (left, right) = (left.as_bytes(), right.as_bytes());
        let found = detached(py, left.len() + right.len(), || work(left, right));
        differences(py, found)
    })
}

/// The differences between two encoded spans, as those of span_to_json's texts.
///
/// left, right: tusk.drift.core.v1.Span as bytes. The order of map entries on
/// the wire is no difference.
///
/// Raises DriftError with the code invalid_protobuf; the message names the side.
///
/// >>> diff_spans(b"\x0a\x01a", b"\x0a\x01b")
/// [{'kind': 'changed', 'path': '$.traceId', 'left': '"a"', 'right': '"b"'}]
#[pyfunction]
pub(crate) fn diff_spans<'py>(
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    diff_messages(left, right, core::diff_spans)
}

/// The differences between two encoded export requests, spans by index.
///
/// left, right: tusk.drift.backend.v1.ExportSpansRequest as bytes.
///
/// Raises DriftError with the code invalid_protobuf; the message names the side.
///
/// >>> diff_export_requests(b"", b"\x12\x04test")
/// [{'kind': 'changed', 'path': '$.environment', 'left': '""', 'right': '"test"'}]
#[pyfunction]
pub(crate) fn diff_export_requests<'py>(
    left: &Bound<'py, PyAny>,
    right: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    diff_messages(left, right, core::diff_export_requests)
}
