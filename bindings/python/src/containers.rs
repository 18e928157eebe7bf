//! What a dict, a list or a tuple holds, read through borrowed references; and
//! the few calls that new ones are made by.
//!
//! Only the interpreter's own accessors are used, never a method that a
//! subclass may override.

use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

/// The members of a dict, by borrowed references: good until the next code of
/// others runs.
pub(crate) struct Members<'a, 'py> {
    dict: &'a Bound<'py, PyAny>,
    position: ffi::Py_ssize_t,
}

impl<'a, 'py> Members<'a, 'py> {
    /// Of a dict or an instance of a subclass.
    #[inline]
    pub(crate) fn of(dict: &'a Bound<'py, PyAny>) -> Members<'a, 'py> {
        Members { dict, position: 0 }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<(Borrowed<'a, 'py, PyAny>, Borrowed<'a, 'py, PyAny>)> {
        let mut key = std::ptr::null_mut();
        let mut value = std::ptr::null_mut();
        // SAFETY: only made of dicts, and this reads the table of the dict
        // itself, also of a subclass. Who made it runs no code of others between
        // this call and the last use of what it gives, so the dict keeps both alive.
        unsafe {
            if ffi::PyDict_Next(
                self.dict.as_ptr(),
                &raw mut self.position,
                &raw mut key,
                &raw mut value,
            ) == 0
            {
                return None;
            }
            let py = self.dict.py();
            Some((Borrowed::from_ptr(py, key), Borrowed::from_ptr(py, value)))
        }
    }
}

/// The items of a list or tuple, likewise.
pub(crate) struct Items<'a, 'py> {
    sequence: &'a Bound<'py, PyAny>,
    is_list: bool,
    index: ffi::Py_ssize_t,
    length: ffi::Py_ssize_t,
}

impl<'a, 'py> Items<'a, 'py> {
    /// Of a list, a tuple or an instance of a subclass of one.
    pub(crate) fn of(sequence: &'a Bound<'py, PyAny>) -> Items<'a, 'py> {
        let pointer = sequence.as_ptr();
        // SAFETY: the object is one of these, whose own items are counted.
        let (is_list, length) = unsafe {
            if ffi::PyList_Check(pointer) != 0 {
                (true, ffi::PyList_Size(pointer))
            } else {
                (false, ffi::PyTuple_Size(pointer))
            }
        };
        Items {
            sequence,
            is_list,
            index: 0,
            length,
        }
    }

    #[inline]
    pub(crate) fn next(&mut self) -> Option<Borrowed<'a, 'py, PyAny>> {
        if self.index >= self.length {
            return None;
        }
        let pointer = self.sequence.as_ptr();
        // SAFETY: the index is below the length, which holds as long as no code
        // of others runs; the sequence keeps the item alive likewise.
        unsafe {
            let item = if self.is_list {
                ffi::PyList_GetItem(pointer, self.index)
            } else {
                ffi::PyTuple_GetItem(pointer, self.index)
            };
            self.index += 1;
            Some(Borrowed::from_ptr(self.sequence.py(), item))
        }
    }
}

/// Takes references to the keys and values of a dict, by turns.
pub(crate) fn push_members<'py>(held: &mut Vec<Bound<'py, PyAny>>, dict: &Bound<'py, PyAny>) {
    let mut members = Members::of(dict);
    while let Some((key, value)) = members.next() {
        held.push(key.to_owned());
        held.push(value.to_owned());
    }
}

/// The keys and values of a dict as they are now, by turns.
pub(crate) fn members_of<'py>(dict: &Bound<'py, PyDict>) -> Vec<Bound<'py, PyAny>> {
    let mut held = Vec::with_capacity(2 * dict.len());
    push_members(&mut held, dict.as_any());
    held
}

/// Whether an object is an instance of a class itself, of no subclass.
#[inline]
pub(crate) fn is_exactly(object: &Bound<'_, PyAny>, class: *mut ffi::PyTypeObject) -> bool {
    // SAFETY: reads the type of a living object and compares addresses of the
    // interpreter's static types.
    unsafe { std::ptr::eq(ffi::Py_TYPE(object.as_ptr()), class) }
}

/// A new dict.
#[inline]
pub(crate) fn new_dict(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: gives a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyDict_New()) }
}

/// A new list whose places are to be filled.
pub(crate) fn new_list(py: Python<'_>, length: usize) -> PyResult<Bound<'_, PyAny>> {
    // SAFETY: gives a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(py, ffi::PyList_New(length as ffi::Py_ssize_t)) }
}

/// A copy of an exact dict.
#[inline]
pub(crate) fn copy_of<'py>(dict: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the object is a dict; the call gives a new reference, or null
    // with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(dict.py(), ffi::PyDict_Copy(dict.as_ptr())) }
}

/// Gives a key of an exact dict a value.
#[inline]
pub(crate) fn set<K, T>(
    dict: &Bound<'_, PyAny>,
    key: &Bound<'_, K>,
    value: &Bound<'_, T>,
) -> PyResult<()> {
    // SAFETY: all three are alive; the call takes references of its own.
    let result = unsafe { ffi::PyDict_SetItem(dict.as_ptr(), key.as_ptr(), value.as_ptr()) };
    match result {
        0 => Ok(()),
        _ => Err(PyErr::fetch(dict.py())),
    }
}
