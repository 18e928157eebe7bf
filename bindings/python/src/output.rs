//! What comes of a payload as Python objects: documents as new dicts and lists,
//! texts, bytes. Schemas are in `schema_output.rs`.

use crate::containers::{new_dict, new_list, set};
use crate::errors;
use crate::integer;
use crate::text::{self, Text};
use drift_rust_core::{EncodedBytes, PieceWriter, ProcessedPayload, Value};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyFloat, PyInt, PyString, PyTuple};
use std::mem::MaybeUninit;

/// Keys that were turned into Python strings lately. A payload repeats its keys
/// from row to row, and its schema has them all again; a string made once also
/// keeps its hash.
pub(crate) struct Keys<'d, 'py> {
    slots: [Option<(&'d str, Bound<'py, PyString>)>; KEY_SLOTS],
}

/// Few enough to be cleared in no time for a small payload.
const KEY_SLOTS: usize = 64;

impl<'d, 'py> Keys<'d, 'py> {
    pub(crate) fn new() -> Keys<'d, 'py> {
        Keys {
            slots: [const { None }; KEY_SLOTS],
        }
    }

    pub(crate) fn get(&mut self, py: Python<'py>, key: &'d str) -> Bound<'py, PyString> {
        let bytes = key.as_bytes();
        let mix = |byte: Option<&u8>| byte.map_or(0, |byte| usize::from(*byte));
        let place = (bytes.len()
            + 7 * mix(bytes.first())
            + 31 * mix(bytes.last())
            + 17 * mix(bytes.get(bytes.len() / 2)))
            % KEY_SLOTS;
        match self.slots.get_mut(place) {
            Some(Some((known, object))) if *known == key => object.clone(),
            Some(slot) => {
                let object = PyString::new(py, key);
                *slot = Some((key, object.clone()));
                object
            }
            None => PyString::new(py, key),
        }
    }
}

/// A value as a new Python object.
pub(crate) fn value<'d, 'py>(
    py: Python<'py>,
    keys: &mut Keys<'d, 'py>,
    value: Value<'d>,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, value).to_owned().into_any(),
        Value::Int(value) => PyInt::new(py, value).into_any(),
        Value::BigInt(digits) => integer::from_digits(py, digits)?,
        Value::Float(value) => PyFloat::new(py, value).into_any(),
        Value::Str(value) => text::new_string(py, value)?.into_any(),
        Value::Array(items) => {
            let length = items.len();
            let list = new_list(py, length)?;
            for (index, item) in items.iter().enumerate() {
                let item = self::value(py, keys, item)?;
                // SAFETY: the list is new and has so many empty places; the call
                // takes the reference over.
                unsafe {
                    ffi::PyList_SetItem(list.as_ptr(), index as ffi::Py_ssize_t, item.into_ptr());
                }
            }
            list
        }
        Value::Object(members) => {
            let dict = new_dict(py)?;
            for (key, member) in members.iter() {
                let member = self::value(py, keys, member)?;
                set(&dict, &keys.get(py, key), &member)?;
            }
            dict
        }
    })
}

/// A new bytes object of bytes that are not needed any more.
pub(crate) fn bytes_of(py: Python<'_>, bytes: EncodedBytes) -> PyResult<Bound<'_, PyBytes>> {
    if bytes.len() < EncodedBytes::MOVED_FROM {
        return Ok(PyBytes::new(py, &bytes));
    }
    bytes_filled(py, bytes.len(), |writer| bytes.move_to(writer))
}

/// A new bytes object of a length, filled in place: unlike `PyBytes::new_with`
/// it is not set to zero first.
pub(crate) fn bytes_filled<'py>(
    py: Python<'py>,
    length: usize,
    fill: impl FnOnce(&mut PieceWriter<'_>),
) -> PyResult<Bound<'py, PyBytes>> {
    // SAFETY: without a source the call gives a new object of that length whose
    // contents are not set, or null with an exception set (a length beyond
    // `Py_ssize_t` is negative there, which it refuses).
    let bytes = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyBytes_FromStringAndSize(std::ptr::null(), length as ffi::Py_ssize_t),
        )
    }?
    .cast_into::<PyBytes>()?;
    // SAFETY: the object holds `length` bytes from this address on; it is new,
    // so nothing else refers to it, and `MaybeUninit` reads none of them. An
    // object of no bytes is shared, and nothing is written to it.
    let free = unsafe {
        let start = ffi::PyBytes_AsString(bytes.as_ptr());
        std::slice::from_raw_parts_mut(start.cast::<MaybeUninit<u8>>(), length)
    };
    let mut writer = PieceWriter::new(free);
    fill(&mut writer);
    if !writer.is_complete() {
        return Err(errors::internal(
            py,
            "bytes of another length than measured",
        ));
    }
    Ok(bytes)
}

/// What became of a payload, as the tuple of the text form; `given` is the
/// text that it was read from.
pub(crate) fn processed_text<'py>(
    py: Python<'py>,
    given: Text<'py>,
    mut processed: ProcessedPayload,
) -> PyResult<Bound<'py, PyTuple>> {
    // Of a large payload all that was copied is freed before the next is made.
    let (normalized_json, decoded_json) = processed.take_texts();
    let normalized = given.same_or_new(py, normalized_json)?;
    let decoded = match decoded_json {
        None => normalized.clone(),
        Some(decoded_json) => text::string_of(py, decoded_json)?,
    };
    PyTuple::new(
        py,
        [
            normalized.into_any(),
            decoded.into_any(),
            PyString::new(py, &processed.decoded_value_hash).into_any(),
            text::string_of(py, processed.decoded_schema_json)?.into_any(),
            PyString::new(py, &processed.decoded_schema_hash).into_any(),
            bytes_of(py, processed.protobuf_struct_bytes)?.into_any(),
        ],
    )
}
