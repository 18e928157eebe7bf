//! The least that reading a Python value takes, and making new containers for
//! it: a plain loop over the stable interface of Python 3.9 (and
//! `PyUnicode_AsUTF8AndSize`, which every version has, though the interface only
//! from 3.10 on).
//!
//! Every dict and list is visited and every leaf is fetched, each by one call;
//! keys are passed by. Nothing is kept, sorted, checked or written. A container
//! that is to be made is a copy of the one that there is, given its own inner
//! containers: no implementation can do with less. `benches/worker.py` loads it
//! with `ctypes.PyDLL`, which holds the interpreter lock during a call.

#![cfg(target_os = "linux")]

use std::ffi::{c_char, c_int, c_longlong, c_void};
use std::hint::black_box;
use std::ptr::null_mut;
use std::time::Instant;

type Object = *mut c_void;

/// What every object begins with.
#[repr(C)]
struct Head {
    references: isize,
    class: *const Class,
}

/// A type of the interpreter, of which only the address is used.
#[repr(C)]
struct Class {
    _opaque: [u8; 0],
}

unsafe extern "C" {
    static PyUnicode_Type: Class;
    static PyLong_Type: Class;
    static PyFloat_Type: Class;
    static PyDict_Type: Class;
    static PyList_Type: Class;

    fn PyUnicode_AsUTF8AndSize(string: Object, size: *mut isize) -> *const c_char;
    fn PyUnicode_GetLength(string: Object) -> isize;
    fn PyUnicode_AsUCS4(string: Object, buffer: *mut u32, length: isize, null: c_int) -> *mut u32;
    fn PyLong_AsLongLongAndOverflow(int: Object, overflow: *mut c_int) -> c_longlong;
    fn PyFloat_AsDouble(float: Object) -> f64;
    fn PyDict_Next(dict: Object, at: *mut isize, key: *mut Object, value: *mut Object) -> c_int;
    fn PyDict_Copy(dict: Object) -> Object;
    fn PyDict_SetItem(dict: Object, key: Object, value: Object) -> c_int;
    fn PyList_Size(list: Object) -> isize;
    fn PyList_GetItem(list: Object, index: isize) -> Object;
    fn PyList_GetSlice(list: Object, from: isize, to: isize) -> Object;
    fn PyList_New(length: isize) -> Object;
    fn PyList_SetItem(list: Object, index: isize, item: Object) -> c_int;
    fn Py_DecRef(object: Object);
}

/// How leaves are fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    /// Not at all.
    Not,
    /// Strings as UTF-8, which is in place where they are ASCII.
    Utf8,
    /// Strings as code points.
    Ucs4,
    /// Long strings as code points, short ones as UTF-8.
    Mixed,
}

/// From so many characters on a string is long.
const LONG: isize = 48;

/// Nanoseconds for each value of a list but the first, which warms up: to fetch
/// its leaves in a way (0 not at all, 1 strings as UTF-8, 2 as code points, 3 long
/// ones so) and to make and drop new containers. Negative where the interpreter
/// refused something.
///
/// # Safety
/// The interpreter lock is held; `values` is a list of at least two trees of
/// exact dicts, lists, strings, ints, floats, Booleans and `None`, which nothing
/// changes meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn drift_host_nanoseconds(values: Object, way: c_int) -> f64 {
    let mut walk = Walk {
        way: match way {
            0 => Way::Not,
            1 => Way::Utf8,
            2 => Way::Ucs4,
            _ => Way::Mixed,
        },
        code_points: Vec::new(),
        made: Vec::new(),
        sum: 0,
        is_refused: false,
    };
    // SAFETY: the caller's promises; every index is below the length.
    unsafe {
        let count = PyList_Size(values);
        walk.once(PyList_GetItem(values, 0));
        let start = Instant::now();
        for index in 1..count {
            walk.once(PyList_GetItem(values, index));
        }
        let nanoseconds = start.elapsed().as_nanos();
        black_box(walk.sum);
        match walk.is_refused {
            true => -1.0,
            #[allow(clippy::cast_precision_loss, reason = "a round lasts less than a day")]
            false => nanoseconds as f64 / (count - 1) as f64,
        }
    }
}

struct Walk {
    way: Way,
    code_points: Vec<u32>,
    /// New containers that wait for the one around them: their keys, null in a
    /// list, and their places.
    made: Vec<(Object, isize, Object)>,
    /// Of all that was fetched, so that it has to be.
    sum: u64,
    is_refused: bool,
}

impl Walk {
    /// # Safety
    /// As for [`drift_host_nanoseconds`], for one value.
    unsafe fn once(&mut self, value: Object) {
        // SAFETY: the caller's promises; a container that was made is ours to drop.
        unsafe {
            let made = self.value(value);
            if !made.is_null() {
                Py_DecRef(made);
            }
        }
    }

    /// Reads a value; gives a new container for one, null for a leaf.
    ///
    /// # Safety
    /// As for [`drift_host_nanoseconds`], for one value.
    unsafe fn value(&mut self, value: Object) -> Object {
        // SAFETY: every object begins with its head, and each call gets an object
        // of the class that it is for. Borrowed references last: nothing else
        // runs, and no call here changes what is read.
        unsafe {
            let class = (*value.cast::<Head>()).class;
            if class == &raw const PyDict_Type {
                return self.dict(value);
            }
            if class == &raw const PyList_Type {
                return self.list(value);
            }
            if self.way == Way::Not {
                return null_mut();
            }
            if class == &raw const PyUnicode_Type {
                self.string(value);
            } else if class == &raw const PyLong_Type {
                let mut overflow = 0;
                let int = PyLong_AsLongLongAndOverflow(value, &raw mut overflow);
                self.sum = self.sum.wrapping_add(int.cast_unsigned());
            } else if class == &raw const PyFloat_Type {
                self.sum = self.sum.wrapping_add(PyFloat_AsDouble(value).to_bits());
            } else {
                self.sum = self.sum.wrapping_add(value.addr() as u64);
            }
            null_mut()
        }
    }

    /// # Safety
    /// `string` is an exact str, and the interpreter lock is held.
    unsafe fn string(&mut self, string: Object) {
        // SAFETY: the calls get a str; the buffer has room for its code points.
        unsafe {
            let is_long = match self.way {
                Way::Not | Way::Utf8 => false,
                Way::Ucs4 => true,
                Way::Mixed => PyUnicode_GetLength(string) >= LONG,
            };
            let mut length = 0;
            let start: *const u8 = if is_long {
                length = PyUnicode_GetLength(string);
                self.code_points.clear();
                self.code_points
                    .reserve(usize::try_from(length).unwrap_or(0));
                PyUnicode_AsUCS4(string, self.code_points.as_mut_ptr(), length, 0).cast()
            } else {
                PyUnicode_AsUTF8AndSize(string, &raw mut length).cast()
            };
            self.is_refused |= start.is_null();
            self.sum = self.sum.wrapping_add(start.addr() as u64 ^ length as u64);
        }
    }

    /// # Safety
    /// As for [`drift_host_nanoseconds`], for a dict.
    unsafe fn dict(&mut self, dict: Object) -> Object {
        let first = self.made.len();
        // SAFETY: the calls get dicts, the copy is new; keys and values are
        // borrowed from a dict that stays as it is, containers made are ours.
        unsafe {
            let (mut at, mut key, mut value) = (0, null_mut(), null_mut());
            while PyDict_Next(dict, &raw mut at, &raw mut key, &raw mut value) != 0 {
                let made = self.value(value);
                if !made.is_null() {
                    self.made.push((key, 0, made));
                }
            }
            let copy = PyDict_Copy(dict);
            self.is_refused |= copy.is_null();
            for (key, _, made) in self.made.drain(first..) {
                self.is_refused |= copy.is_null() || PyDict_SetItem(copy, key, made) != 0;
                Py_DecRef(made);
            }
            copy
        }
    }

    /// # Safety
    /// As for [`drift_host_nanoseconds`], for a list.
    unsafe fn list(&mut self, list: Object) -> Object {
        let first = self.made.len();
        // SAFETY: the calls get lists and indexes below their length; a new list
        // of which all places are set at once, or a copy; `PyList_SetItem` takes
        // the reference over.
        unsafe {
            let length = PyList_Size(list);
            for index in 0..length {
                let made = self.value(PyList_GetItem(list, index));
                if !made.is_null() {
                    self.made.push((null_mut(), index, made));
                }
            }
            let all_made = (self.made.len() - first) as isize == length;
            let copy = match all_made {
                true => PyList_New(length),
                false => PyList_GetSlice(list, 0, length),
            };
            self.is_refused |= copy.is_null();
            for (_, index, made) in self.made.drain(first..) {
                self.is_refused |= copy.is_null() || PyList_SetItem(copy, index, made) != 0;
            }
            copy
        }
    }
}
