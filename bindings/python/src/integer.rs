//! Integers beyond 64 bits, as decimal digits.
//!
//! The interpreter's own conversions are not used: they refuse more digits
//! than `sys.set_int_max_str_digits` allows, 4,300 by default.

use crate::errors;
use num_bigint::BigInt;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyInt, PyType};

/// The decimal digits of an int or an instance of a subclass of it.
pub(crate) fn digits(object: &Bound<'_, PyAny>) -> PyResult<String> {
    static BIT_LENGTH: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    static TO_BYTES: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = object.py();
    // Called unbound, so that a subclass cannot override them.
    let method = |cell: &'static PyOnceLock<Py<PyAny>>, name: &str| {
        cell.get_or_try_init(py, || {
            PyType::new::<PyInt>(py).getattr(name).map(Bound::unbind)
        })
    };
    let bits: usize = method(&BIT_LENGTH, "bit_length")?
        .bind(py)
        .call1((object,))?
        .extract()?;
    let options = PyDict::new(py);
    options.set_item("signed", true)?;
    let bytes = method(&TO_BYTES, "to_bytes")?
        .bind(py)
        .call((object, bits / 8 + 1, "little"), Some(&options))?
        .cast_into::<PyBytes>()?;
    Ok(BigInt::from_signed_bytes_le(bytes.as_bytes()).to_string())
}

/// The lowest limit that `sys.set_int_max_str_digits` accepts: so many digits
/// the interpreter always reads.
const ALWAYS_READ_DIGITS: usize = 640;

/// The int of decimal digits with an optional sign.
pub(crate) fn from_digits<'py>(py: Python<'py>, digits: &str) -> PyResult<Bound<'py, PyAny>> {
    if digits.len() <= ALWAYS_READ_DIGITS {
        return parse(py, digits, 10);
    }
    match digits.parse::<BigInt>() {
        // The limit does not hold for bases that are powers of two.
        Ok(value) => parse(py, &value.to_str_radix(16), 16),
        Err(_) => Err(errors::internal(
            py,
            "an integer that is not decimal digits",
        )),
    }
}

fn parse<'py>(py: Python<'py>, digits: &str, base: i32) -> PyResult<Bound<'py, PyAny>> {
    let mut text = Vec::with_capacity(digits.len() + 1);
    text.extend_from_slice(digits.as_bytes());
    text.push(0);
    // SAFETY: the text is terminated, and the end is not asked for; the call
    // gives a new reference, or null with an exception set.
    unsafe {
        Bound::from_owned_ptr_or_err(
            py,
            ffi::PyLong_FromString(text.as_ptr().cast(), std::ptr::null_mut(), base),
        )
    }
}
