//! Errors of the core as Python exceptions.
//!
//! The exception classes are Python's (`drift_core/_errors.py`); which one an
//! error becomes is decided here.

use drift_rust_core::{ErrorCode, Fault};
use pyo3::exceptions::PyException;
use pyo3::prelude::*;

/// The exception classes of the package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HostClass {
    /// `DriftError(ValueError)`.
    Value,
    /// `DriftTypeError(TypeError)`.
    Type,
    /// `DriftMergesTypeError`, which is both of them.
    ValueAndType,
}

/// The class for a code. No wildcard: a new code must be decided upon here.
fn class_of(code: ErrorCode) -> HostClass {
    match code {
        ErrorCode::InvalidJson
        | ErrorCode::InvalidUtf8
        | ErrorCode::DepthExceeded
        | ErrorCode::NumberOutOfRange
        | ErrorCode::DuplicateKey
        | ErrorCode::LoneSurrogate
        | ErrorCode::Cycle
        | ErrorCode::InvalidMerges
        | ErrorCode::InvalidEnum
        | ErrorCode::InvalidProtobuf
        | ErrorCode::Internal => HostClass::Value,
        ErrorCode::UnsupportedType | ErrorCode::InvalidKey | ErrorCode::InvalidArgument => {
            HostClass::Type
        }
    }
}

/// An exception that was not made of an error of the core.
struct Details<'a> {
    class: HostClass,
    message: &'a str,
    code: ErrorCode,
    path: Option<&'a str>,
    offset: Option<usize>,
    index: Option<usize>,
}

fn raise(py: Python<'_>, details: &Details<'_>) -> PyErr {
    let name = match details.class {
        HostClass::Value => "DriftError",
        HostClass::Type => "DriftTypeError",
        HostClass::ValueAndType => "DriftMergesTypeError",
    };
    // Looked up each time, not kept: each sub-interpreter has classes of its own.
    let made = py
        .import("drift_core._errors")
        .and_then(|module| module.getattr(name))
        .and_then(|class| {
            class.call1((
                details.message,
                details.code.as_str(),
                details.path,
                details.offset,
                details.index,
            ))
        });
    match made {
        Ok(exception) => PyErr::from_value(exception),
        Err(error) => error,
    }
}

/// The exception of an error of the core.
pub(crate) fn to_python(py: Python<'_>, error: &dyn Fault) -> PyErr {
    to_python_as(py, error, class_of(error.code()))
}

/// The same as an exception of a given class.
pub(crate) fn to_python_as(py: Python<'_>, error: &dyn Fault, class: HostClass) -> PyErr {
    let path = error.path();
    raise(
        py,
        &Details {
            class,
            message: &error.to_string(),
            code: error.code(),
            path: path.as_deref(),
            offset: error.offset(),
            index: error.index(),
        },
    )
}

/// An argument of the wrong type.
pub(crate) fn wrong_type(py: Python<'_>, message: &str) -> PyErr {
    raise(
        py,
        &Details {
            class: HostClass::Type,
            message,
            code: ErrorCode::InvalidArgument,
            path: None,
            offset: None,
            index: None,
        },
    )
}

/// An argument of the right type with a value that has no meaning.
pub(crate) fn wrong_value(py: Python<'_>, message: &str) -> PyErr {
    raise(
        py,
        &Details {
            class: HostClass::Value,
            message,
            code: ErrorCode::InvalidArgument,
            path: None,
            offset: None,
            index: None,
        },
    )
}

/// A bug of this package.
pub(crate) fn internal(py: Python<'_>, reason: &str) -> PyErr {
    raise(
        py,
        &Details {
            class: HostClass::Value,
            message: &format!("a bug in drift_core, please report it: {reason}"),
            code: ErrorCode::Internal,
            path: None,
            offset: None,
            index: None,
        },
    )
}

/// The name of an object's type for messages, `datetime.datetime` or `set`.
pub(crate) fn type_name(object: &Bound<'_, PyAny>) -> String {
    use pyo3::types::PyTypeMethods as _;
    let class = object.get_type();
    class
        .fully_qualified_name()
        .or_else(|_| class.name())
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_else(|_| "object".to_owned())
}

/// Whether an exception may be turned into a finding about a value.
/// `KeyboardInterrupt` and `SystemExit` are addressed to the program.
pub(crate) fn is_about_value(py: Python<'_>, error: &PyErr) -> bool {
    error.is_instance_of::<PyException>(py)
}
