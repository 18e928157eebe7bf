//! Schemas as new Python dicts.

use crate::containers::{Members, copy_of, is_exactly, new_dict, set};
use crate::output::Keys;
use drift_rust_core::SchemaRef;
use pyo3::ffi;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyFloat, PyInt, PyString};

/// Makes the dicts of one schema.
pub(crate) struct SchemaMaker<'k, 'd, 'py> {
    py: Python<'py>,
    keys: &'k mut Keys<'d, 'py>,
    properties: &'py Bound<'py, PyString>,
    /// A schema of nothing but a type, by that type: most are, and a copy of a
    /// dict that has both keys takes less than to make another.
    plain: [Option<Bound<'py, PyAny>>; TYPES],
}

/// The types of the contract, 0 to 9.
const TYPES: usize = 10;

impl<'k, 'd, 'py> SchemaMaker<'k, 'd, 'py> {
    pub(crate) fn new(py: Python<'py>, keys: &'k mut Keys<'d, 'py>) -> SchemaMaker<'k, 'd, 'py> {
        SchemaMaker {
            py,
            keys,
            properties: intern!(py, "properties"),
            plain: [const { None }; TYPES],
        }
    }

    /// A schema as a new dict, its members in canonical order.
    ///
    /// `value` may be what the schema was inferred from, with sorted keys: its
    /// own keys are taken then, in a copy of the dict, where they have their
    /// places and hashes.
    pub(crate) fn make(
        &mut self,
        node: SchemaRef<'d>,
        value: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let code = node.type_code();
        let merge = (
            node.decoded_type(),
            node.encoding(),
            node.match_importance(),
        );
        let is_plain = merge == (None, None, None) && node.items().is_none();
        if is_plain && node.properties().len() == 0 {
            return self.plain(code);
        }
        let dict = new_dict(py)?;
        let (decoded_type, encoding, importance) = merge;
        if let Some(code) = decoded_type {
            set(&dict, intern!(py, "decoded_type"), &PyInt::new(py, code))?;
        }
        if let Some(code) = encoding {
            set(&dict, intern!(py, "encoding"), &PyInt::new(py, code))?;
        }
        if let Some(items) = node.items() {
            let first = value.and_then(first_item);
            let items = self.make(items, first.as_ref())?;
            set(&dict, intern!(py, "items"), &items)?;
        }
        if let Some(importance) = importance {
            let importance = PyFloat::new(py, importance);
            set(&dict, intern!(py, "match_importance"), &importance)?;
        }
        let properties = self.properties(node, value)?;
        set(&dict, self.properties, &properties)?;
        set(&dict, intern!(py, "type"), &PyInt::new(py, code))?;
        Ok(dict)
    }

    fn plain(&mut self, code: i32) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let properties = new_dict(py)?;
        let sample = usize::try_from(code)
            .ok()
            .and_then(|code| self.plain.get_mut(code));
        if let Some(Some(sample)) = &sample {
            let dict = copy_of(sample)?;
            set(&dict, self.properties, &properties)?;
            return Ok(dict);
        }
        let dict = new_dict(py)?;
        set(&dict, self.properties, &properties)?;
        set(&dict, intern!(py, "type"), &PyInt::new(py, code))?;
        if let Some(slot) = sample {
            *slot = Some(dict.clone());
        }
        Ok(dict)
    }

    fn properties(
        &mut self,
        node: SchemaRef<'d>,
        value: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = self.py;
        let count = node.properties().len();
        let guide = value.filter(|value| has_keys(value, count));
        let Some(guide) = guide else {
            let properties = new_dict(py)?;
            for (key, property) in node.properties() {
                let property = self.make(property, None)?;
                set(&properties, &self.keys.get(py, key), &property)?;
            }
            return Ok(properties);
        };
        let properties = copy_of(guide)?;
        let mut members = Members::of(guide);
        for (_, property) in node.properties() {
            let Some((key, value)) = members.next() else {
                break;
            };
            // References of our own: the value was made before the interpreter
            // lock was given away, and others can reach it through the garbage
            // collector.
            let (key, value) = (key.to_owned(), value.to_owned());
            let property = self.make(property, Some(&value))?;
            set(&properties, &key, &property)?;
        }
        Ok(properties)
    }
}

/// Whether a value is an exact dict of so many members, some at least.
fn has_keys(value: &Bound<'_, PyAny>, count: usize) -> bool {
    // SAFETY: the object is alive and a dict when its size is asked for.
    count > 0
        && is_exactly(value, &raw mut ffi::PyDict_Type)
        && unsafe { ffi::PyDict_Size(value.as_ptr()) } == count as ffi::Py_ssize_t
}

/// The first item of an exact list that has one.
fn first_item<'py>(value: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
    if !is_exactly(value, &raw mut ffi::PyList_Type) {
        return None;
    }
    // SAFETY: the object is a list, which is asked for its length first; the
    // call gives a borrowed reference then.
    unsafe {
        if ffi::PyList_Size(value.as_ptr()) <= 0 {
            return None;
        }
        let first = ffi::PyList_GetItem(value.as_ptr(), 0);
        Bound::from_borrowed_ptr_or_opt(value.py(), first)
    }
}
