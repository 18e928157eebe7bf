//! Python values into documents.
//!
//! Only the interpreter's own accessors are used, never a method that a
//! subclass may override. Code of others runs in three places alone, all in
//! [`Converter::other`]: the `__bool__` of a numpy Boolean, `__index__` and
//! `__float__`.

use crate::errors::{self, HostClass};
use crate::integer;
use crate::text;
use drift_rust_core::{
    BuildError, Document, DocumentBuilder, Fault, MergesError, SchemaMerges, ValueOptions,
};
use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

/// What is wrong with a native value.
pub(crate) struct ValueFault {
    pub(crate) error: BuildError,
    /// What code of the value raised.
    pub(crate) cause: Option<PyErr>,
}

/// Why a native value was not converted.
pub(crate) enum NativeFault {
    /// The value is at fault.
    Value(Box<ValueFault>),
    /// The interpreter is: no memory, or the user pressed Ctrl-C.
    Interpreter(PyErr),
}

impl From<BuildError> for NativeFault {
    fn from(error: BuildError) -> Self {
        NativeFault::Value(Box::new(ValueFault { error, cause: None }))
    }
}

impl From<PyErr> for NativeFault {
    fn from(error: PyErr) -> Self {
        NativeFault::Interpreter(error)
    }
}

impl NativeFault {
    /// The exception to raise.
    pub(crate) fn into_python(self, py: Python<'_>) -> PyErr {
        match self {
            NativeFault::Interpreter(error) => error,
            NativeFault::Value(fault) => {
                let raised = errors::to_python(py, &fault.error);
                raised.set_cause(py, fault.cause);
                raised
            }
        }
    }
}

/// A document and about how many bytes of JSON it is.
pub(crate) struct Native<'py> {
    pub(crate) document: Document<'static>,
    pub(crate) size_bytes: usize,
    /// What the containers held, each from its mark on: keys and values by
    /// turns, or items. Empty unless it was asked for, and where a string was changed.
    pub(crate) originals: Vec<Bound<'py, PyAny>>,
}

/// The document of a value.
pub(crate) fn document<'py>(
    value: &Bound<'py, PyAny>,
    options: ValueOptions,
) -> Result<Native<'py>, NativeFault> {
    let mut converter = Converter::new(value.py(), options);
    converter.value(value)?;
    converter.finish()
}

/// The same, and keeps the objects that the value is made of.
pub(crate) fn document_and_originals<'py>(
    value: &Bound<'py, PyAny>,
    options: ValueOptions,
) -> Result<Native<'py>, NativeFault> {
    let mut converter = Converter::new(value.py(), options);
    converter.keep_originals = true;
    converter.value(value)?;
    converter.finish()
}

/// Why native merges were refused, and what to raise for it.
pub(crate) struct MergesFault {
    pub(crate) error: MergesError,
    class: HostClass,
    cause: Option<PyErr>,
}

impl MergesFault {
    /// The exception to raise.
    pub(crate) fn into_python(self, py: Python<'_>) -> PyErr {
        let error = self.error.clone();
        self.into_python_as_part_of(py, &error)
    }

    /// The exception to raise when a larger error holds this one.
    pub(crate) fn into_python_as_part_of(self, py: Python<'_>, error: &dyn Fault) -> PyErr {
        let raised = errors::to_python_as(py, error, self.class);
        raised.set_cause(py, self.cause);
        raised
    }
}

/// Reads native merges: `None`, or a dict of dicts. The outer result is the
/// interpreter's.
pub(crate) fn merges(value: &Bound<'_, PyAny>) -> PyResult<Result<SchemaMerges, Box<MergesFault>>> {
    if value.is_none() {
        return Ok(Ok(SchemaMerges::none()));
    }
    let mut converter = Converter::with_builder(value.py(), SchemaMerges::document_builder());
    let built = converter.merges(value).and_then(|()| converter.finish());
    match built {
        Ok(native) => Ok(
            SchemaMerges::from_document(&native.document).map_err(|error| {
                Box::new(MergesFault {
                    error,
                    class: HostClass::Value,
                    cause: None,
                })
            }),
        ),
        Err(NativeFault::Interpreter(error)) => Err(error),
        // What JSON has no form for the published package refuses with
        // TypeError; the contract wants a ValueError with this code. It is both.
        Err(NativeFault::Value(fault)) => Ok(Err(Box::new(MergesFault {
            class: match &fault.error {
                BuildError::UnsupportedType { .. } | BuildError::InvalidKey { .. } => {
                    HostClass::ValueAndType
                }
                BuildError::DepthExceeded { .. }
                | BuildError::Cycle { .. }
                | BuildError::NumberOutOfRange { .. }
                | BuildError::DuplicateKey { .. }
                | BuildError::Internal { .. } => HostClass::Value,
            },
            error: MergesError::InvalidMerges {
                path: fault.error.path().unwrap_or_else(|| "$".to_owned()),
                reason: fault.error.to_string(),
                offset: None,
            },
            cause: fault.cause,
        }))),
    }
}

/// What kind of value an object is, by its type alone.
enum Shape {
    String,
    Int,
    Float,
    Bool,
    None,
    Dict,
    List,
    Tuple,
    Other,
}

fn shape_of(object: &Bound<'_, PyAny>) -> Shape {
    // SAFETY: reading an object's type and comparing addresses of the
    // interpreter's static types; the object is alive.
    unsafe {
        let class = ffi::Py_TYPE(object.as_ptr());
        // The exact types first, by address: in the stable ABI the flags of a
        // type cost a call.
        if class == &raw mut ffi::PyUnicode_Type {
            return Shape::String;
        }
        if class == &raw mut ffi::PyLong_Type {
            return Shape::Int;
        }
        if class == &raw mut ffi::PyFloat_Type {
            return Shape::Float;
        }
        if class == &raw mut ffi::PyDict_Type {
            return Shape::Dict;
        }
        if class == &raw mut ffi::PyList_Type {
            return Shape::List;
        }
        if class == &raw mut ffi::PyBool_Type {
            return Shape::Bool;
        }
        if object.is_none() {
            return Shape::None;
        }
        let flags = ffi::PyType_GetFlags(class);
        if flags & ffi::Py_TPFLAGS_UNICODE_SUBCLASS != 0 {
            Shape::String
        } else if flags & ffi::Py_TPFLAGS_LONG_SUBCLASS != 0 {
            Shape::Int
        } else if flags & ffi::Py_TPFLAGS_DICT_SUBCLASS != 0 {
            Shape::Dict
        } else if flags & ffi::Py_TPFLAGS_LIST_SUBCLASS != 0 {
            Shape::List
        } else if flags & ffi::Py_TPFLAGS_TUPLE_SUBCLASS != 0 {
            Shape::Tuple
        } else if ffi::PyType_IsSubtype(class, &raw mut ffi::PyFloat_Type) != 0 {
            Shape::Float
        } else {
            Shape::Other
        }
    }
}

struct Converter<'py> {
    py: Python<'py>,
    builder: DocumentBuilder,
    /// The open containers, outermost first, to find cycles by. Their
    /// addresses stay theirs: whoever holds them lies in `held`, or is the caller.
    open: Vec<*mut ffi::PyObject>,
    /// Strong references to what the open containers held when they were
    /// opened. Code of others may change a container while we are in it; this
    /// copy stays as it was, and alive.
    held: Vec<Bound<'py, PyAny>>,
    /// Leaves what containers held in `held` when they close.
    keep_originals: bool,
    /// A surrogate was replaced in some string.
    replaced: bool,
    size_bytes: usize,
}

impl<'py> Converter<'py> {
    fn new(py: Python<'py>, options: ValueOptions) -> Converter<'py> {
        Converter::with_builder(py, DocumentBuilder::new(options))
    }

    fn with_builder(py: Python<'py>, builder: DocumentBuilder) -> Converter<'py> {
        Converter {
            py,
            builder,
            open: Vec::new(),
            held: Vec::new(),
            keep_originals: false,
            replaced: false,
            size_bytes: 0,
        }
    }

    fn finish(self) -> Result<Native<'py>, NativeFault> {
        Ok(Native {
            document: self.builder.finish()?,
            size_bytes: self.size_bytes,
            originals: if self.keep_originals && !self.replaced {
                self.held
            } else {
                Vec::new()
            },
        })
    }

    fn value(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        self.size_bytes += 4;
        match shape_of(object) {
            Shape::String => {
                // SAFETY: the object is a str or of a subclass.
                let string = unsafe { object.cast_unchecked::<PyString>() };
                self.size_bytes += text::with_str(string, |text, replaced| {
                    self.builder.string(text);
                    self.replaced |= replaced;
                    text.len()
                })?;
            }
            Shape::Int => self.int(object)?,
            // SAFETY: the object is a float or of a subclass, whose value is
            // read from the object itself; this cannot fail.
            Shape::Float => self
                .builder
                .float(unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) }),
            // SAFETY: compares with the address of the static `True`.
            Shape::Bool => self
                .builder
                .bool(unsafe { object.as_ptr() == ffi::Py_True() }),
            Shape::None => self.builder.null(),
            Shape::Dict => self.dict(object)?,
            Shape::List | Shape::Tuple => self.sequence(object)?,
            Shape::Other => self.other(object)?,
        }
        Ok(())
    }

    fn int(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        let mut overflow = 0;
        // SAFETY: the object is an int or of a subclass, so the digits are read
        // from the object itself and no exception is set.
        let value =
            unsafe { ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &raw mut overflow) };
        if overflow == 0 {
            self.builder.int(value);
        } else {
            let digits = integer::digits(object)?;
            self.size_bytes += digits.len();
            self.builder.big_int(&digits);
        }
        Ok(())
    }

    /// One of the objects in `held`, without taking another reference to it.
    fn held_at(&self, place: usize) -> Option<Borrowed<'py, 'py, PyAny>> {
        let object = self.held.get(place)?;
        // SAFETY: the object lives until `leave` takes it out of `held`, or
        // until the converter goes, which comes after the last use of what this gives; only the vector around
        // the references moves in between.
        Some(unsafe { Borrowed::from_ptr(self.py, object.as_ptr()) })
    }

    /// Refuses a container that is open already.
    fn enter(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        if self.open.contains(&object.as_ptr()) {
            return Err(BuildError::Cycle {
                path: self.builder.path(),
                type_name: errors::type_name(object),
            }
            .into());
        }
        self.open.push(object.as_ptr());
        Ok(())
    }

    fn leave(&mut self, held_before: usize) {
        self.builder.end();
        self.open.pop();
        if !self.keep_originals {
            self.held.truncate(held_before);
        }
    }

    fn dict(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        self.enter(object)?;
        self.builder.begin_object_marked(self.held.len())?;
        let start = self.held.len();
        let end = self.hold_members(object);
        for place in (start..end).step_by(2) {
            let (Some(key), Some(value)) = (self.held_at(place), self.held_at(place + 1)) else {
                break;
            };
            self.key(&key)?;
            self.value(&value)?;
        }
        self.leave(start);
        Ok(())
    }

    /// Takes references to the keys and values of a dict; gives the end of them in `held`.
    fn hold_members(&mut self, dict: &Bound<'py, PyAny>) -> usize {
        // SAFETY: only called with a dict or an instance of a subclass.
        let dict = unsafe { dict.cast_unchecked::<PyDict>() };
        push_members(&mut self.held, dict);
        self.held.len()
    }

    fn sequence(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        self.enter(object)?;
        self.builder.begin_array_marked(self.held.len())?;
        let start = self.held.len();
        let end = self.hold_items(object);
        for place in start..end {
            let Some(item) = self.held_at(place) else {
                break;
            };
            self.value(&item)?;
        }
        self.leave(start);
        Ok(())
    }

    /// Takes references to the items of a list or tuple; gives the end of them in `held`.
    fn hold_items(&mut self, sequence: &Bound<'py, PyAny>) -> usize {
        let pointer = sequence.as_ptr();
        // SAFETY: the object is a list, a tuple, or of a subclass of one, whose
        // own items are read; no code runs in between, so the length holds, and
        // the borrowed references are made strong at once.
        unsafe {
            if ffi::PyList_Check(pointer) != 0 {
                for index in 0..ffi::PyList_Size(pointer) {
                    let item = ffi::PyList_GetItem(pointer, index);
                    self.held.push(Bound::from_borrowed_ptr(self.py, item));
                }
            } else {
                for index in 0..ffi::PyTuple_Size(pointer) {
                    let item = ffi::PyTuple_GetItem(pointer, index);
                    self.held.push(Bound::from_borrowed_ptr(self.py, item));
                }
            }
        }
        self.held.len()
    }

    fn key(&mut self, key: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        let Ok(string) = key.cast::<PyString>() else {
            return Err(BuildError::InvalidKey {
                path: self.builder.path(),
                type_name: errors::type_name(key),
            }
            .into());
        };
        self.size_bytes += text::with_str(string, |text, replaced| {
            self.builder.key(text);
            self.replaced |= replaced;
            text.len()
        })?;
        Ok(())
    }

    /// Any other object: a numpy Boolean, `__index__`, `__float__`, or nothing of ours.
    fn other(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        let mut cause = None;
        if is_numpy_bool(object) {
            match self.about_value(object.is_truthy())? {
                Ok(value) => {
                    self.builder.bool(value);
                    return Ok(());
                }
                Err(error) => cause = Some(error),
            }
        }
        // SAFETY: asks the type for its `__index__` slot.
        if unsafe { ffi::PyIndex_Check(object.as_ptr()) } != 0 {
            // SAFETY: gives a new reference to an int, or null with an exception set.
            let index = unsafe {
                Bound::from_owned_ptr_or_err(self.py, ffi::PyNumber_Index(object.as_ptr()))
            };
            match self.about_value(index)? {
                Ok(index) => return self.int(&index),
                Err(error) => cause = Some(error),
            }
        }
        // As published, a failing `__index__` leaves the word to `__float__`:
        // that is how a numpy array without dimensions is a number.
        if object.get_type().hasattr("__float__").unwrap_or(false) {
            // SAFETY: any object may be asked; -1 may come with an exception set.
            let value = unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) };
            let raised = PyErr::take(self.py);
            match self.about_value(raised.map_or(Ok(value), Err))? {
                Ok(value) => {
                    self.builder.float(value);
                    return Ok(());
                }
                Err(error) => cause = Some(error),
            }
        }
        let error = BuildError::UnsupportedType {
            path: self.builder.path(),
            type_name: errors::type_name(object),
        };
        Err(NativeFault::Value(Box::new(ValueFault { error, cause })))
    }

    /// Lets exceptions through that are not about the value.
    fn about_value<T>(&self, result: PyResult<T>) -> Result<PyResult<T>, NativeFault> {
        match result {
            Err(error) if !errors::is_about_value(self.py, &error) => {
                Err(NativeFault::Interpreter(error))
            }
            result => Ok(result),
        }
    }

    /// Merges: as any value, but members of an entry that have no meaning are
    /// not looked at.
    fn merges(&mut self, object: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        if !matches!(shape_of(object), Shape::Dict) {
            return self.value(object);
        }
        self.enter(object)?;
        self.builder.begin_object()?;
        let start = self.held.len();
        let end = self.hold_members(object);
        for place in (start..end).step_by(2) {
            let (Some(key), Some(entry)) = (self.held_at(place), self.held_at(place + 1)) else {
                break;
            };
            self.key(&key)?;
            self.merges_entry(&entry)?;
        }
        self.leave(start);
        Ok(())
    }

    fn merges_entry(&mut self, entry: &Bound<'py, PyAny>) -> Result<(), NativeFault> {
        if !matches!(shape_of(entry), Shape::Dict) {
            return self.value(entry);
        }
        self.enter(entry)?;
        self.builder.begin_object()?;
        let start = self.held.len();
        let end = self.hold_members(entry);
        for place in (start..end).step_by(2) {
            let (Some(name), Some(value)) = (self.held_at(place), self.held_at(place + 1)) else {
                break;
            };
            let has_meaning = match name.cast::<PyString>() {
                Ok(name) => text::with_str(&name, |name, _| SchemaMerges::reads_member(name))?,
                // `key` refuses it.
                Err(_) => true,
            };
            if has_meaning {
                self.key(&name)?;
                self.value(&value)?;
            }
        }
        self.leave(start);
        Ok(())
    }
}

/// Takes references to the keys and values of a dict, by turns.
fn push_members<'py>(held: &mut Vec<Bound<'py, PyAny>>, dict: &Bound<'py, PyDict>) {
    let py = dict.py();
    let mut position: ffi::Py_ssize_t = 0;
    let mut key = std::ptr::null_mut();
    let mut value = std::ptr::null_mut();
    // SAFETY: this reads the table of the dict itself, also of a subclass; no
    // code runs between the steps, so the table does not change, and the
    // borrowed references are made strong at once.
    unsafe {
        while ffi::PyDict_Next(
            dict.as_ptr(),
            &raw mut position,
            &raw mut key,
            &raw mut value,
        ) != 0
        {
            held.push(Bound::from_borrowed_ptr(py, key));
            held.push(Bound::from_borrowed_ptr(py, value));
        }
    }
}

/// The members of a dict as they are now.
pub(crate) fn members_of<'py>(
    dict: &Bound<'py, PyDict>,
) -> Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)> {
    let mut held = Vec::new();
    push_members(&mut held, dict);
    let (pairs, _) = held.as_chunks::<2>();
    pairs
        .iter()
        .map(|[key, value]| (key.clone(), value.clone()))
        .collect()
}

/// numpy's Boolean, `numpy.bool_` before version 2 and `numpy.bool` since, has
/// neither `__index__` nor a class of Python above it; numpy need not be loaded.
fn is_numpy_bool(object: &Bound<'_, PyAny>) -> bool {
    let class = object.get_type();
    class.module().is_ok_and(|module| module == "numpy")
        && class
            .name()
            .is_ok_and(|name| name == "bool_" || name == "bool")
}
