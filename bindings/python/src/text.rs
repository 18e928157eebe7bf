//! Strings and texts of Python as UTF-8.
//!
//! A surrogate code point, which only a Python string can hold, is replaced
//! on the way; the core says by what.

use crate::errors;
use crate::symbols;
use drift_rust_core::{JsonText, replace_surrogates};
use pyo3::exceptions::PyUnicodeEncodeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyByteArray, PyBytes, PyMemoryView, PyString};

/// The UTF-8 of a Python string, or the bytes of a bytes object.
pub(crate) enum Text<'py> {
    /// UTF-8 inside the interpreter: of the string itself, or cached by it.
    InString {
        start: *const u8,
        length: usize,
        /// Keeps the UTF-8 alive.
        _owner: Bound<'py, PyAny>,
    },
    /// UTF-8 that the interpreter encoded for us.
    Encoded(Bound<'py, PyBytes>),
    /// A string that held surrogates, with the offset of the first.
    Replaced(String, Option<usize>),
    /// Bytes, read in place.
    Bytes(Bound<'py, PyBytes>),
}

impl<'py> Text<'py> {
    /// The text of a string object; overridden methods of subclasses are not called.
    pub(crate) fn of_string(object: &Bound<'py, PyString>) -> PyResult<Text<'py>> {
        let py = object.py();
        let encoded = match symbols::as_utf8_and_size(py) {
            Some(as_utf8_and_size) => {
                let mut length: ffi::Py_ssize_t = 0;
                // SAFETY: the object is a str and the interpreter lock is held.
                let start = unsafe { as_utf8_and_size(object.as_ptr(), &raw mut length) };
                if !start.is_null() {
                    return Ok(Text::InString {
                        start: start.cast(),
                        length: usize::try_from(length).unwrap_or(0),
                        _owner: object.clone().into_any(),
                    });
                }
                Err(PyErr::fetch(py))
            }
            None => {
                // SAFETY: the object is a str; the call gives a new reference to
                // a bytes object, or null with an exception set.
                unsafe {
                    Bound::from_owned_ptr_or_err(py, ffi::PyUnicode_AsUTF8String(object.as_ptr()))
                }
            }
        };
        match encoded {
            Ok(bytes) => Ok(Text::Encoded(bytes.cast_into::<PyBytes>()?)),
            Err(error) if error.is_instance_of::<PyUnicodeEncodeError>(py) => {
                let (text, first) = without_surrogates(object)?;
                Ok(Text::Replaced(text, first))
            }
            Err(error) => Err(error),
        }
    }

    /// The bytes: UTF-8 unless they came from a bytes object.
    fn bytes(&self) -> &[u8] {
        match self {
            // SAFETY: the interpreter gave start and length of the UTF-8 form of
            // `_owner`, which lives as long as this value, and strings do not change.
            Text::InString { start, length, .. } => unsafe {
                std::slice::from_raw_parts(*start, *length)
            },
            Text::Encoded(bytes) | Text::Bytes(bytes) => bytes.as_bytes(),
            Text::Replaced(text, _) => text.as_bytes(),
        }
    }

    /// The string.
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Text::Replaced(text, _) => text,
            // SAFETY: both were made by the interpreter's own UTF-8 encoder,
            // which refuses surrogates.
            Text::InString { .. } | Text::Encoded(_) => unsafe {
                std::str::from_utf8_unchecked(self.bytes())
            },
            // Strings only are asked for; bytes go through `as_json`.
            Text::Bytes(bytes) => std::str::from_utf8(bytes.as_bytes()).unwrap_or_default(),
        }
    }

    /// The text for a parser.
    pub(crate) fn as_json(&self) -> JsonText<'_> {
        match self {
            Text::InString { .. } | Text::Encoded(_) => self.as_str().into(),
            Text::Replaced(text, first) => JsonText::from(text).with_replaced_surrogate(*first),
            Text::Bytes(bytes) => bytes.as_bytes().into(),
        }
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes().len()
    }

    /// Whether a surrogate was replaced.
    pub(crate) fn is_replaced(&self) -> bool {
        matches!(self, Text::Replaced(..))
    }
}

/// Calls `work` with the text of a string object, without taking a reference to
/// it; `None` when it has a surrogate, or there is no memory. Nothing runs
/// after that but what the caller does.
#[inline]
pub(crate) fn with_plain_str<R>(
    as_utf8: Option<symbols::AsUtf8AndSize>,
    object: &Bound<'_, PyString>,
    work: impl FnOnce(&str) -> R,
) -> Option<R> {
    let Some(as_utf8_and_size) = as_utf8 else {
        // SAFETY: the object is a str; the call gives a new reference to a
        // bytes object, or null with an exception set.
        let encoded = unsafe {
            Bound::from_owned_ptr_or_opt(object.py(), ffi::PyUnicode_AsUTF8String(object.as_ptr()))
        };
        let Some(bytes) = encoded else {
            clear_error(object.py());
            return None;
        };
        let bytes = bytes.cast::<PyBytes>().ok()?;
        return std::str::from_utf8(bytes.as_bytes()).ok().map(work);
    };
    let mut length: ffi::Py_ssize_t = 0;
    // SAFETY: the object is a str and the interpreter lock is held.
    let start = unsafe { as_utf8_and_size(object.as_ptr(), &raw mut length) };
    if start.is_null() {
        clear_error(object.py());
        return None;
    }
    // SAFETY: start and length of the string's UTF-8 form, made by the
    // interpreter's encoder, which refuses surrogates; the caller's reference
    // keeps it alive, and strings do not change.
    let text = unsafe {
        std::str::from_utf8_unchecked(std::slice::from_raw_parts(
            start.cast(),
            usize::try_from(length).unwrap_or(0),
        ))
    };
    Some(work(text))
}

#[cold]
fn clear_error(_py: Python<'_>) {
    // SAFETY: the interpreter lock is held.
    unsafe { ffi::PyErr_Clear() }
}

/// The text of a string that holds surrogates, and the offset of the first.
fn without_surrogates(object: &Bound<'_, PyString>) -> PyResult<(String, Option<usize>)> {
    let py = object.py();
    // SAFETY: the object is a str, the names are terminated C strings; the call
    // gives a new reference to a bytes object, or null with an exception set.
    let bytes = unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyUnicode_AsEncodedString(
                object.as_ptr(),
                c"utf-8".as_ptr(),
                c"surrogatepass".as_ptr(),
            ),
        )
    }?
    .cast_into::<PyBytes>()?;
    replace_surrogates(bytes.as_bytes().to_vec()).map_err(|error| errors::to_python(py, &error))
}

/// A string argument.
pub(crate) fn string<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Text<'py>> {
    match object.cast::<PyString>() {
        Ok(string) => Text::of_string(string),
        Err(_) => Err(expected(name, "str", object)),
    }
}

/// A JSON text argument: `str`, or UTF-8 as `bytes`, `bytearray` or `memoryview`.
pub(crate) fn json<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Text<'py>> {
    match object.cast::<PyString>() {
        Ok(string) => Text::of_string(string),
        Err(_) => Ok(Text::Bytes(bytes_like(
            name,
            "str, bytes, bytearray or memoryview",
            object,
        )?)),
    }
}

/// A bytes argument: `bytes` as it is, `bytearray` and `memoryview` copied,
/// because other threads may write to them while we read.
pub(crate) fn bytes<'py>(name: &str, object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyBytes>> {
    bytes_like(name, "bytes, bytearray or memoryview", object)
}

fn bytes_like<'py>(
    name: &str,
    wanted: &str,
    object: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    let py = object.py();
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(bytes.clone());
    }
    if let Ok(view) = object.cast::<PyMemoryView>()
        && !is_contiguous_bytes(view).unwrap_or(false)
    {
        return Err(errors::wrong_type(
            py,
            &format!("argument '{name}': the memoryview must be contiguous bytes"),
        ));
    }
    if object.is_instance_of::<PyByteArray>() || object.is_instance_of::<PyMemoryView>() {
        // SAFETY: the object has the buffer protocol; the call copies it into a
        // new bytes object, or gives null with an exception set.
        let copy =
            unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyBytes_FromObject(object.as_ptr())) }?;
        return Ok(copy.cast_into::<PyBytes>()?);
    }
    Err(expected(name, wanted, object))
}

/// A memoryview cannot be subclassed, so its attributes are its own. A
/// released one raises here.
fn is_contiguous_bytes(view: &Bound<'_, PyMemoryView>) -> PyResult<bool> {
    Ok(view.getattr("c_contiguous")?.extract::<bool>()?
        && view.getattr("itemsize")?.extract::<usize>()? == 1)
}

/// The error of an argument of the wrong type.
pub(crate) fn expected(name: &str, wanted: &str, object: &Bound<'_, PyAny>) -> PyErr {
    errors::wrong_type(
        object.py(),
        &format!(
            "argument '{name}': expected {wanted}, not {}",
            errors::type_name(object)
        ),
    )
}
