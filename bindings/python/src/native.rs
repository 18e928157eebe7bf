//! Python values into documents, and at the same time into new containers.
//!
//! Only the interpreter's own accessors are used, never a method that a
//! subclass may override. Code of others runs in three places alone, all in
//! [`Reader::other`]: the `__bool__` of a numpy Boolean, `__index__` and
//! `__float__`.
//!
//! So a value is read in one of two ways ([`Way`]). As long as none of those
//! three is met, nothing but this module runs: containers are read where they
//! are, through borrowed references, and a key is known again by its address.
//! At the first object that has to be asked, reading starts once more, and now
//! takes references to all that a container holds before looking at any of it.

use crate::containers::{Items, Members, is_exactly, push_members};
use crate::errors::{self, HostClass};
use crate::integer;
use crate::rebuilt::Rebuilder;
use crate::symbols::{self, CollectionPause};
use crate::text::{self, StringReader, Text};
use drift_rust_core::{
    BuildError, Document, DocumentBuilder, Fault, KeyStep, MergesError, SchemaMerges, ValueOptions,
};
use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString};
use std::ptr::NonNull;

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
    /// The value as new containers, sorted, around the objects it was made of;
    /// `None` unless it was asked for, and where it has to be made of the document.
    pub(crate) rebuilt: Option<Bound<'py, PyAny>>,
}

/// The document of a value.
pub(crate) fn document<'py>(
    value: &Bound<'py, PyAny>,
    options: ValueOptions,
) -> Result<Native<'py>, NativeFault> {
    let in_place = Reader::new(value.py(), Way::InPlace, options).read(value);
    match in_place {
        Ok(native) => Ok(native),
        Err(Stop::Fault(fault)) => Err(fault),
        Err(Stop::AsksObjects) => held(value, options, None),
    }
}

/// The same, and the value once more as new containers.
pub(crate) fn document_and_rebuilt<'py>(
    value: &Bound<'py, PyAny>,
    options: ValueOptions,
) -> Result<Native<'py>, NativeFault> {
    let py = value.py();
    // Making containers could start the garbage collector, and that the
    // finalizers of others.
    if let Some(_pause) = CollectionPause::start(py) {
        let mut reader = Reader::new(py, Way::InPlace, options);
        reader.rebuilder = Some(Rebuilder::new(py, Way::InPlace));
        match reader.read(value) {
            Ok(native) => return Ok(native),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::AsksObjects) => {}
        }
    }
    held(value, options, Some(Rebuilder::new(py, Way::Held)))
}

fn held<'py>(
    value: &Bound<'py, PyAny>,
    options: ValueOptions,
    rebuilder: Option<Rebuilder<'py>>,
) -> Result<Native<'py>, NativeFault> {
    let mut reader = Reader::new(value.py(), Way::Held, options);
    reader.rebuilder = rebuilder;
    reader.read(value).map_err(Stop::into_fault)
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
    let builder = SchemaMerges::document_builder();
    let mut reader = Reader::with_builder(value.py(), Way::Held, builder);
    let built = reader.merges(value).and_then(|()| reader.finish(value));
    match built.map_err(Stop::into_fault) {
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

/// How containers are read, see the head of this file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// Where they are, while nothing else runs.
    InPlace,
    /// From references to all that they hold.
    Held,
}

/// Why reading stopped.
enum Stop {
    Fault(NativeFault),
    /// An object has to be asked for its value, or about its type for an
    /// error: not while containers are read in place.
    AsksObjects,
}

impl Stop {
    fn into_fault(self) -> NativeFault {
        match self {
            Stop::Fault(fault) => fault,
            // `Way::Held` never stops for this.
            Stop::AsksObjects => NativeFault::Value(Box::new(ValueFault {
                error: BuildError::Internal {
                    path: "$".to_owned(),
                    reason: "reading stopped for an object that it can ask",
                },
                cause: None,
            })),
        }
    }
}

impl<F: Into<NativeFault>> From<F> for Stop {
    fn from(fault: F) -> Self {
        Stop::Fault(fault.into())
    }
}

/// Keys by their address, for the time of one reading.
///
/// Rows repeat their keys as the same objects, which the interpreter interned
/// or the JSON parser kept. Only used in place, where every container keeps
/// what it holds: an address stays that of one string.
struct KnownKeys {
    slots: [Option<KnownKey>; KNOWN_KEYS],
}

#[derive(Clone, Copy)]
struct KnownKey {
    address: NonNull<ffi::PyObject>,
    step: KeyStep,
    length: usize,
}

/// Enough for the shapes of a payload, few enough to be cleared in no time.
const KNOWN_KEYS: usize = 64;

impl KnownKeys {
    #[inline]
    fn slot(&mut self, key: *mut ffi::PyObject, keys_so_far: u32) -> &mut Option<KnownKey> {
        let mixed =
            (key.addr() as u64 ^ u64::from(keys_so_far) << 40).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let place = (mixed >> 58) as usize;
        #[allow(clippy::indexing_slicing, reason = "six bits name one of 64 slots")]
        &mut self.slots[place % KNOWN_KEYS]
    }
}

struct Reader<'py> {
    py: Python<'py>,
    way: Way,
    builder: DocumentBuilder,
    as_utf8: Option<symbols::AsUtf8AndSize>,
    strings: StringReader,
    known_keys: KnownKeys,
    /// The open containers, outermost first, to find cycles by. Their
    /// addresses stay theirs: whoever holds them lies in `held`, or stays as it
    /// is while we are in it, or is the caller.
    open: Vec<*mut ffi::PyObject>,
    /// With [`Way::Held`] strong references to what the open containers held
    /// when they were opened. Code of others may change a container while we
    /// are in it; this copy stays as it was, and alive.
    held: Vec<Bound<'py, PyAny>>,
    /// Makes the new containers, if they are asked for.
    rebuilder: Option<Rebuilder<'py>>,
    size_bytes: usize,
}

impl<'py> Reader<'py> {
    fn new(py: Python<'py>, way: Way, options: ValueOptions) -> Reader<'py> {
        Reader::with_builder(py, way, DocumentBuilder::new(options))
    }

    fn with_builder(py: Python<'py>, way: Way, builder: DocumentBuilder) -> Reader<'py> {
        Reader {
            py,
            way,
            builder,
            as_utf8: symbols::as_utf8_and_size(py),
            strings: StringReader::new(py),
            known_keys: KnownKeys {
                slots: [const { None }; KNOWN_KEYS],
            },
            open: Vec::new(),
            held: Vec::new(),
            rebuilder: None,
            size_bytes: 0,
        }
    }

    fn read(mut self, value: &Bound<'py, PyAny>) -> Result<Native<'py>, Stop> {
        self.value(value)?;
        self.finish(value)
    }

    fn finish(self, value: &Bound<'py, PyAny>) -> Result<Native<'py>, Stop> {
        Ok(Native {
            document: self.builder.finish()?,
            size_bytes: self.size_bytes,
            rebuilt: self.rebuilder.and_then(|rebuilder| rebuilder.finish(value)),
        })
    }

    fn value(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        self.size_bytes += 4;
        match shape_of(object) {
            Shape::String => self.string(object)?,
            Shape::Int => self.int(object)?,
            Shape::Float => {
                // SAFETY: the object is a float or of a subclass, whose value is
                // read from the object itself; this cannot fail.
                let value = unsafe { ffi::PyFloat_AsDouble(object.as_ptr()) };
                self.builder.float(value);
                if let Some(rebuilder) = &mut self.rebuilder {
                    rebuilder.float(object, value);
                }
            }
            Shape::Bool => {
                // SAFETY: compares with the address of the static `True`.
                let value = unsafe { object.as_ptr() == ffi::Py_True() };
                self.builder.bool(value);
                if let Some(rebuilder) = &mut self.rebuilder {
                    rebuilder.same(object);
                }
            }
            Shape::None => {
                self.builder.null();
                if let Some(rebuilder) = &mut self.rebuilder {
                    rebuilder.same(object);
                }
            }
            Shape::Dict => self.dict(object)?,
            Shape::List | Shape::Tuple => self.sequence(object)?,
            Shape::Other => self.other(object)?,
        }
        Ok(())
    }

    fn string(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        // SAFETY: the object is a str or of a subclass.
        let string = unsafe { object.cast_unchecked::<PyString>() };
        let builder = &mut self.builder;
        let read = self.strings.with(string, |text| {
            builder.string(text);
            text.len()
        });
        self.size_bytes += match read {
            Some(length) => length,
            None if self.way == Way::InPlace => return Err(Stop::AsksObjects),
            None => {
                let text = Text::of_string(string)?;
                self.builder.string(text.as_str());
                self.only_the_document_is_right(&text);
                text.len()
            }
        };
        if let Some(rebuilder) = &mut self.rebuilder {
            rebuilder.string(object)?;
        }
        Ok(())
    }

    /// New containers keep the strings as they are, surrogates too.
    fn only_the_document_is_right(&mut self, text: &Text<'py>) {
        if text.is_replaced() {
            self.rebuilder = None;
        }
    }

    fn int(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        let mut overflow = 0;
        // SAFETY: the object is an int or of a subclass, so the digits are read
        // from the object itself and no exception is set.
        let value =
            unsafe { ffi::PyLong_AsLongLongAndOverflow(object.as_ptr(), &raw mut overflow) };
        if overflow == 0 {
            self.builder.int(value);
            if let Some(rebuilder) = &mut self.rebuilder {
                rebuilder.int(object, || Ok(PyInt::new(object.py(), value).into_any()))?;
            }
        } else if self.way == Way::InPlace {
            // Asking for the digits makes a tuple and a dict, which can start
            // the garbage collector.
            return Err(Stop::AsksObjects);
        } else {
            let digits = integer::digits(object)?;
            self.size_bytes += digits.len();
            self.builder.big_int(&digits);
            if let Some(rebuilder) = &mut self.rebuilder {
                rebuilder.int(object, || integer::from_digits(object.py(), &digits))?;
            }
        }
        Ok(())
    }

    /// One of the objects in `held`, without taking another reference to it.
    fn held_at(&self, place: usize) -> Option<Borrowed<'py, 'py, PyAny>> {
        let object = self.held.get(place)?;
        // SAFETY: the object lives until `leave` takes it out of `held`, which
        // comes after the last use of what this gives; only the vector around
        // the references moves in between.
        Some(unsafe { Borrowed::from_ptr(self.py, object.as_ptr()) })
    }

    /// Refuses a container that is open already.
    fn enter(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        if self.open.contains(&object.as_ptr()) {
            if self.way == Way::InPlace {
                return Err(Stop::AsksObjects);
            }
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
        self.open.pop();
        self.held.truncate(held_before);
    }

    /// How many values wait for the container that holds them.
    fn rebuilt_so_far(&self) -> usize {
        self.rebuilder.as_ref().map_or(0, Rebuilder::waiting)
    }

    fn dict(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        self.enter(object)?;
        self.builder.begin_object()?;
        let first = self.rebuilt_so_far();
        let held_before = self.held.len();
        match self.way {
            Way::InPlace => {
                let mut members = Members::of(object);
                while let Some((key, value)) = members.next() {
                    self.member(&key, &value)?;
                }
            }
            Way::Held => {
                let end = self.hold_members(object);
                for place in (held_before..end).step_by(2) {
                    let (Some(key), Some(value)) = (self.held_at(place), self.held_at(place + 1))
                    else {
                        break;
                    };
                    self.member(&key, &value)?;
                }
            }
        }
        let order = self.builder.end_object();
        match (&mut self.rebuilder, order) {
            (Some(rebuilder), Some(order)) => {
                rebuilder.object(object, first, order, self.builder.places(order))?;
            }
            _ => self.rebuilder = None,
        }
        self.leave(held_before);
        Ok(())
    }

    #[inline]
    fn member(&mut self, key: &Bound<'py, PyAny>, value: &Bound<'py, PyAny>) -> Result<(), Stop> {
        self.key(key)?;
        self.value(value)?;
        if let Some(rebuilder) = &mut self.rebuilder {
            rebuilder.name(key)?;
        }
        Ok(())
    }

    /// Takes references to the keys and values of a dict; gives the end of them in `held`.
    fn hold_members(&mut self, dict: &Bound<'py, PyAny>) -> usize {
        push_members(&mut self.held, dict);
        self.held.len()
    }

    fn sequence(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        self.enter(object)?;
        self.builder.begin_array()?;
        let first = self.rebuilt_so_far();
        let held_before = self.held.len();
        match self.way {
            Way::InPlace => {
                let mut items = Items::of(object);
                while let Some(item) = items.next() {
                    self.value(&item)?;
                }
            }
            Way::Held => {
                let mut items = Items::of(object);
                while let Some(item) = items.next() {
                    self.held.push(item.to_owned());
                }
                for place in held_before..self.held.len() {
                    let Some(item) = self.held_at(place) else {
                        break;
                    };
                    self.value(&item)?;
                }
            }
        }
        self.builder.end();
        if let Some(rebuilder) = &mut self.rebuilder {
            rebuilder.array(object, first)?;
        }
        self.leave(held_before);
        Ok(())
    }

    #[inline]
    fn key(&mut self, key: &Bound<'py, PyAny>) -> Result<(), Stop> {
        let is_plain = is_exactly(key, &raw mut ffi::PyUnicode_Type);
        if !is_plain || self.way == Way::Held {
            return self.any_key(key);
        }
        let slot = self
            .known_keys
            .slot(key.as_ptr(), self.builder.keys_so_far());
        if let Some(known) = slot
            && known.address.as_ptr() == key.as_ptr()
            && self.builder.repeat_key(known.step)
        {
            self.size_bytes += known.length;
            return Ok(());
        }
        // SAFETY: the object is a str.
        let string = unsafe { key.cast_unchecked::<PyString>() };
        let builder = &mut self.builder;
        let read = text::with_plain_str(self.as_utf8, string, |text| {
            (builder.key_step(text), text.len())
        });
        let Some((step, length)) = read else {
            return Err(Stop::AsksObjects);
        };
        self.size_bytes += length;
        if let (Some(step), Some(address)) = (step, NonNull::new(key.as_ptr())) {
            *slot = Some(KnownKey {
                address,
                step,
                length,
            });
        }
        Ok(())
    }

    fn any_key(&mut self, key: &Bound<'py, PyAny>) -> Result<(), Stop> {
        let Ok(string) = key.cast::<PyString>() else {
            if self.way == Way::InPlace {
                return Err(Stop::AsksObjects);
            }
            return Err(BuildError::InvalidKey {
                path: self.builder.path(),
                type_name: errors::type_name(key),
            }
            .into());
        };
        let builder = &mut self.builder;
        let read = text::with_plain_str(self.as_utf8, string, |text| {
            builder.key(text);
            text.len()
        });
        self.size_bytes += match read {
            Some(length) => length,
            None if self.way == Way::InPlace => return Err(Stop::AsksObjects),
            None => {
                let text = Text::of_string(string)?;
                self.builder.key(text.as_str());
                self.only_the_document_is_right(&text);
                text.len()
            }
        };
        Ok(())
    }

    /// Any other object: a numpy Boolean, `__index__`, `__float__`, or nothing of ours.
    fn other(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
        if self.way == Way::InPlace {
            return Err(Stop::AsksObjects);
        }
        let mut cause = None;
        if is_numpy_bool(object) {
            match self.about_value(object.is_truthy())? {
                Ok(value) => {
                    self.builder.bool(value);
                    if let Some(rebuilder) = &mut self.rebuilder {
                        rebuilder.made(PyBool::new(self.py, value).to_owned().into_any());
                    }
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
                Ok(index) => {
                    self.int(&index)?;
                    if let Some(rebuilder) = &mut self.rebuilder {
                        rebuilder.was_made(index);
                    }
                    return Ok(());
                }
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
                    if let Some(rebuilder) = &mut self.rebuilder {
                        rebuilder.float(object, value);
                    }
                    return Ok(());
                }
                Err(error) => cause = Some(error),
            }
        }
        let error = BuildError::UnsupportedType {
            path: self.builder.path(),
            type_name: errors::type_name(object),
        };
        Err(NativeFault::Value(Box::new(ValueFault { error, cause })).into())
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
    fn merges(&mut self, object: &Bound<'py, PyAny>) -> Result<(), Stop> {
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
        self.builder.end();
        self.leave(start);
        Ok(())
    }

    fn merges_entry(&mut self, entry: &Bound<'py, PyAny>) -> Result<(), Stop> {
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
                Ok(name) => SchemaMerges::reads_member(Text::of_string(&name)?.as_str()),
                // `key` refuses it.
                Err(_) => true,
            };
            if has_meaning {
                self.key(&name)?;
                self.value(&value)?;
            }
        }
        self.builder.end();
        self.leave(start);
        Ok(())
    }
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
