//! A value once more, as new containers with sorted keys around the objects
//! that it was made of.
//!
//! A container is made when the one that it stands for closes, the innermost
//! first. What is asked of the core is the order of the members.

use crate::containers::{copy_of, is_exactly, new_dict, set};
use crate::native::Way;
use drift_rust_core::MemberOrder;
use pyo3::Borrowed;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyFloat;

/// A value that waits for its container to close.
///
/// Without `made` it is an object of the value that is being read. That is
/// alive until then: its container keeps it, either as it stands, while nothing
/// but the reader runs, or in the reader's own references ([`Way`]).
struct Waiting<'py> {
    /// The key of a member, an exact str, kept alive likewise or in `kept`;
    /// null for an item.
    key: *mut ffi::PyObject,
    value: *mut ffi::PyObject,
    /// The value, when it is a new object.
    made: Option<Bound<'py, PyAny>>,
}

/// Makes the new containers.
pub(crate) struct Rebuilder<'py> {
    py: Python<'py>,
    way: Way,
    waiting: Vec<Waiting<'py>>,
    /// Keys that were made in place of instances of subclasses.
    kept: Vec<Bound<'py, PyAny>>,
    /// The first dict that was made for an order of members: a copy of it has
    /// the keys in their places and is only given its own values.
    samples: [Option<(u32, Bound<'py, PyAny>)>; SAMPLES],
}

/// Enough for the shapes of a payload, few enough to be cleared in no time.
const SAMPLES: usize = 16;

impl<'py> Rebuilder<'py> {
    pub(crate) fn new(py: Python<'py>, way: Way) -> Rebuilder<'py> {
        Rebuilder {
            py,
            way,
            waiting: Vec::new(),
            kept: Vec::new(),
            samples: [const { None }; SAMPLES],
        }
    }

    /// The outermost value; `object` is what was read.
    pub(crate) fn finish(mut self, object: &Bound<'py, PyAny>) -> Option<Bound<'py, PyAny>> {
        let root = self.waiting.pop()?;
        Some(root.made.unwrap_or_else(|| object.clone()))
    }

    /// How many values wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A value that is handed back as the object it is.
    #[inline]
    pub(crate) fn same(&mut self, object: &Bound<'py, PyAny>) {
        self.waiting.push(Waiting {
            key: std::ptr::null_mut(),
            value: object.as_ptr(),
            made: None,
        });
    }

    /// A value that is a new object.
    pub(crate) fn made(&mut self, object: Bound<'py, PyAny>) {
        self.waiting.push(Waiting {
            key: std::ptr::null_mut(),
            value: object.as_ptr(),
            made: Some(object),
        });
    }

    /// Says that the last value, if it is this object, is a new one.
    pub(crate) fn was_made(&mut self, object: Bound<'py, PyAny>) {
        if let Some(last) = self.waiting.last_mut()
            && last.made.is_none()
        {
            last.made = Some(object);
        }
    }

    /// A string, which is not handed back as an instance of a subclass.
    #[inline]
    pub(crate) fn string(&mut self, object: &Bound<'py, PyAny>) -> PyResult<()> {
        if is_exactly(object, &raw mut ffi::PyUnicode_Type) {
            self.same(object);
        } else {
            self.made(exact_string(object)?);
        }
        Ok(())
    }

    /// An integer, likewise; `make` gives it as an exact int.
    #[inline]
    pub(crate) fn int(
        &mut self,
        object: &Bound<'py, PyAny>,
        make: impl FnOnce() -> PyResult<Bound<'py, PyAny>>,
    ) -> PyResult<()> {
        if is_exactly(object, &raw mut ffi::PyLong_Type) {
            self.same(object);
        } else {
            self.made(make()?);
        }
        Ok(())
    }

    /// A double, which is `None` unless it is finite.
    #[inline]
    pub(crate) fn float(&mut self, object: &Bound<'py, PyAny>, value: f64) {
        if !value.is_finite() {
            self.made(self.py.None().into_bound(self.py));
        } else if is_exactly(object, &raw mut ffi::PyFloat_Type) {
            self.same(object);
        } else {
            self.made(PyFloat::new(self.py, value).into_any());
        }
    }

    /// Says the key of the last value.
    #[inline]
    pub(crate) fn name(&mut self, key: &Bound<'py, PyAny>) -> PyResult<()> {
        let exact = if is_exactly(key, &raw mut ffi::PyUnicode_Type) {
            key.as_ptr()
        } else {
            let exact = exact_string(key)?;
            let pointer = exact.as_ptr();
            self.kept.push(exact);
            pointer
        };
        if let Some(last) = self.waiting.last_mut() {
            last.key = exact;
        }
        Ok(())
    }

    /// Closes a dict whose members are those that wait from `first` on.
    pub(crate) fn object(
        &mut self,
        object: &Bound<'py, PyAny>,
        first: usize,
        order: MemberOrder,
        places: impl Iterator<Item = usize>,
    ) -> PyResult<()> {
        let members = self.waiting.get(first..).unwrap_or_default();
        let is_sorted = order.in_order()
            // Otherwise it may have changed since it was read.
            && self.way == Way::InPlace
            && is_exactly(object, &raw mut ffi::PyDict_Type)
            // Otherwise keys may have been replaced.
            && self.kept.is_empty();
        let dict = if is_sorted {
            let copy = copy_of(object)?;
            for member in members.iter().filter(|member| member.made.is_some()) {
                set_member(&copy, member)?;
            }
            copy
        } else {
            let number = order.number();
            let sample = number
                .map(|number| number as usize % SAMPLES)
                .and_then(|place| self.samples.get_mut(place));
            let known = match &sample {
                Some(Some((known, dict))) if Some(*known) == number => Some(dict),
                _ => None,
            };
            let dict = match known {
                Some(dict) => copy_of(dict)?,
                None => new_dict(self.py)?,
            };
            for place in places {
                if let Some(member) = members.get(place) {
                    set_member(&dict, member)?;
                }
            }
            if known.is_none()
                && let (Some(slot), Some(number)) = (sample, number)
            {
                *slot = Some((number, dict.clone()));
            }
            dict
        };
        self.waiting.truncate(first);
        self.made(dict);
        Ok(())
    }

    /// Closes a list or tuple whose items are those that wait from `first` on.
    pub(crate) fn array(&mut self, object: &Bound<'py, PyAny>, first: usize) -> PyResult<()> {
        let length = self.waiting.len().saturating_sub(first);
        let made = |item: &Waiting<'py>| item.made.is_some();
        let items = self.waiting.get(first..).unwrap_or_default();
        let mostly_same = items.iter().filter(|item| made(item)).count() <= length / 2;
        // SAFETY: the first asks for the type of a living object; the others
        // give new references, or null with an exception set. The slice of a
        // list, also of one of a subclass, is an exact list of its own items.
        let (list, is_copied) = unsafe {
            let pointer = object.as_ptr();
            let is_copied =
                mostly_same && self.way == Way::InPlace && ffi::PyList_Check(pointer) != 0;
            let list = if is_copied {
                ffi::PyList_GetSlice(pointer, 0, length as ffi::Py_ssize_t)
            } else {
                ffi::PyList_New(length as ffi::Py_ssize_t)
            };
            (Bound::from_owned_ptr_or_err(self.py, list)?, is_copied)
        };
        for (index, item) in self
            .waiting
            .drain(first.min(self.waiting.len())..)
            .enumerate()
        {
            let value = match item.made {
                Some(made) => made,
                None if is_copied => continue,
                // SAFETY: alive until its container closes, which is now.
                None => unsafe { Bound::from_borrowed_ptr(self.py, item.value) },
            };
            // SAFETY: the list is new and has this place; the call takes the
            // reference over and gives back that of what stood there.
            unsafe {
                ffi::PyList_SetItem(list.as_ptr(), index as ffi::Py_ssize_t, value.into_ptr());
            }
        }
        self.made(list);
        Ok(())
    }
}

/// The exact str of an instance of a subclass.
fn exact_string<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    // SAFETY: the object is an instance of a subclass of str, whose characters
    // are copied; the call gives a new reference, or null with an exception set.
    unsafe { Bound::from_owned_ptr_or_err(object.py(), ffi::PyUnicode_FromObject(object.as_ptr())) }
}

#[inline]
fn set_member(dict: &Bound<'_, PyAny>, member: &Waiting<'_>) -> PyResult<()> {
    let py = dict.py();
    // SAFETY: key and value wait for this very container to close, so they are alive.
    let (key, value) = unsafe {
        (
            Borrowed::from_ptr(py, member.key),
            Borrowed::from_ptr(py, member.value),
        )
    };
    set(dict, &key, &value)
}
