//! Functions of the interpreter that `abi3-py39` does not declare.

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyString;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr::NonNull;

/// `PyUnicode_AsUTF8AndSize`.
pub(crate) type AsUtf8AndSize =
    unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::Py_ssize_t) -> *const c_char;

/// `PyUnicode_AsUTF8AndSize`, which reads an ASCII string in place. It is part
/// of the stable ABI from 3.10 on, while the wheel declares that of 3.9, so it
/// is looked up when the interpreter is new enough; `None` means to encode
/// into a bytes object instead, an allocation a string. Measured without and
/// with it on Python 3.11 and a payload of 7 kB in 42 rows, processor time of
/// the best of 30 runs: `process_export_payload_pyobject` 131 and 120 µs,
/// `build_span_proto_bytes_pyobject` 115 and 89 µs. A string beyond ASCII keeps
/// its UTF-8 form until it goes, as everywhere in the interpreter; most of those
/// are read in another way (`text.rs`).
pub(crate) fn as_utf8_and_size(py: Python<'_>) -> Option<AsUtf8AndSize> {
    static FOUND: PyOnceLock<Option<AsUtf8AndSize>> = PyOnceLock::new();
    *FOUND.get_or_init(py, || {
        let address = look_up(py, c"PyUnicode_AsUTF8AndSize")?;
        // SAFETY: from 3.10 on the stable ABI promises a function of this name
        // and signature.
        Some(unsafe { std::mem::transmute::<NonNull<c_void>, AsUtf8AndSize>(address) })
    })
}

/// `str.isascii`, as the function in C behind it.
#[derive(Clone, Copy)]
pub(crate) struct IsAscii(
    unsafe extern "C" fn(*mut ffi::PyObject, *mut ffi::PyObject) -> *mut ffi::PyObject,
);

impl IsAscii {
    /// The answer for a string.
    #[inline]
    pub(crate) fn of(self, string: &Bound<'_, PyString>) -> bool {
        // SAFETY: the object is a str and the interpreter lock is held. The
        // function takes no arguments, so its second is null; it gives a new
        // reference to a Boolean, or null with an exception set, without memory
        // for a string of an old form. That string is read in another way then.
        unsafe {
            let answer = (self.0)(string.as_ptr(), std::ptr::null_mut());
            if answer.is_null() {
                ffi::PyErr_Clear();
                return true;
            }
            ffi::Py_DecRef(answer);
            answer == ffi::Py_True()
        }
    }
}

/// The stable ABI has no function that tells whether a string is ASCII, and to
/// call the method takes longer than to encode a short string.
pub(crate) fn is_ascii(py: Python<'_>) -> Option<IsAscii> {
    static FOUND: PyOnceLock<Option<IsAscii>> = PyOnceLock::new();
    *FOUND.get_or_init(py, || {
        let method = PyString::new(py, "").getattr("isascii").ok()?;
        let method = method.as_ptr();
        // SAFETY: asks a living object for its type, and one that is a function
        // of C for its flags and address.
        unsafe {
            let takes_none = ffi::PyCFunction_CheckExact(method) != 0
                && ffi::PyCFunction_GetFlags(method) == ffi::METH_NOARGS;
            takes_none
                .then(|| ffi::PyCFunction_GetFunction(method))
                .flatten()
                .map(IsAscii)
        }
    })
}

/// A function that is part of the stable ABI from Python 3.10 on.
#[cfg(unix)]
fn look_up(py: Python<'_>, name: &CStr) -> Option<NonNull<c_void>> {
    if py.version_info() < (3, 10) {
        return None;
    }
    // SAFETY: the name is a terminated C string, and `RTLD_DEFAULT` searches
    // the symbols of the running program. Function and data pointers are of one
    // size on Unix.
    NonNull::new(unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) })
}

#[cfg(not(unix))]
fn look_up(_py: Python<'_>, _name: &CStr) -> Option<NonNull<c_void>> {
    None
}

/// `PyGC_Disable` and `PyGC_Enable`; they tell how it was before.
#[derive(Clone, Copy)]
struct CollectorSwitch {
    disable: unsafe extern "C" fn() -> c_int,
    enable: unsafe extern "C" fn() -> c_int,
}

fn collector_switch(py: Python<'_>) -> Option<CollectorSwitch> {
    static FOUND: PyOnceLock<Option<CollectorSwitch>> = PyOnceLock::new();
    *FOUND.get_or_init(py, || {
        let disable = look_up(py, c"PyGC_Disable")?;
        let enable = look_up(py, c"PyGC_Enable")?;
        // SAFETY: from 3.10 on the stable ABI promises functions of these names
        // and this signature.
        Some(unsafe {
            CollectorSwitch {
                disable: std::mem::transmute::<NonNull<c_void>, unsafe extern "C" fn() -> c_int>(
                    disable,
                ),
                enable: std::mem::transmute::<NonNull<c_void>, unsafe extern "C" fn() -> c_int>(
                    enable,
                ),
            }
        })
    })
}

/// As long as it lives, making an object starts no garbage collection, which
/// would run finalizers of others.
///
/// The interpreter lock is held all the while, so nobody sees the collector
/// off. From 3.12 on a collection waits for the interpreter's own loop anyway.
pub(crate) struct CollectionPause<'py> {
    _py: Python<'py>,
    switch: Option<CollectorSwitch>,
}

impl<'py> CollectionPause<'py> {
    /// `None` where the interpreter has no way to pause it.
    pub(crate) fn start(py: Python<'py>) -> Option<CollectionPause<'py>> {
        static WAITS: PyOnceLock<bool> = PyOnceLock::new();
        if *WAITS.get_or_init(py, || py.version_info() >= (3, 12)) {
            return Some(CollectionPause {
                _py: py,
                switch: None,
            });
        }
        let switch = collector_switch(py)?;
        // SAFETY: the interpreter lock is held.
        let was_on = unsafe { (switch.disable)() } != 0;
        Some(CollectionPause {
            _py: py,
            switch: was_on.then_some(switch),
        })
    }
}

impl Drop for CollectionPause<'_> {
    fn drop(&mut self) {
        if let Some(switch) = self.switch {
            // SAFETY: the interpreter lock is held, which `_py` stands for.
            unsafe { (switch.enable)() };
        }
    }
}
