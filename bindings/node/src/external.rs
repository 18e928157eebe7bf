//! Strings whose characters stay where the core wrote them.
//!
//! V8 copies a string into memory of its own, which for one of megabytes is
//! memory fresh from the system: a page fault for every 4 KiB, as much as all
//! work of the core (`normalizeAndHash` on strings-107kB-unicode, Node 20,
//! x86-64: 430 µs with the copy, 230 without). Node itself keeps strings of a
//! megabyte and more outside of V8's heap. The functions are Node-API's since Node 20.4, experimental
//! up to its version 10, so they are looked up where they are used, and where
//! they are missing strings are copied.
//!
//! V8 frees such a string when it is collected, the last ones when its heap is
//! torn down, after Node has unloaded the addons of a worker thread. So there
//! have to be promises that this library stays: on Linux it is linked with `-z
//! nodelete` (`build.rs`); on other systems strings are copied.

use napi::sys;
use std::ffi::c_void;

/// Shorter strings are copied: V8 has room for them at hand, where a longer one
/// gets memory of its own.
pub(crate) const LEAST_BYTES: usize = 1 << 17;

/// What V8 has for a length at most, on 64 bits; others keep the way that says
/// so.
#[cfg_attr(
    not(target_os = "linux"),
    allow(dead_code, reason = "all strings are copied")
)]
const MOST_UNITS: usize = (1 << 29) - 24;

/// One character's type, and how Node-API makes a string of such.
pub(crate) trait Unit: Copy + Send + 'static {
    #[cfg(target_os = "linux")]
    const MAKER: &'static std::ffi::CStr;
}

impl Unit for u8 {
    #[cfg(target_os = "linux")]
    const MAKER: &'static std::ffi::CStr = c"node_api_create_external_string_latin1";
}

impl Unit for u16 {
    #[cfg(target_os = "linux")]
    const MAKER: &'static std::ffi::CStr = c"node_api_create_external_string_utf16";
}

/// What owns the characters of a string.
pub(crate) trait Characters<U: Unit>: Send + 'static {
    /// Where they stay, wherever their owner is moved.
    fn characters(&self) -> &[U];
}

impl<U: Unit> Characters<U> for Vec<U> {
    fn characters(&self) -> &[U] {
        self
    }
}

/// A text of ASCII alone.
pub(crate) struct Ascii<T>(pub(crate) T);

impl<T: AsRef<str> + Send + 'static> Characters<u8> for Ascii<T> {
    fn characters(&self) -> &[u8] {
        self.0.as_ref().as_bytes()
    }
}

/// Makes a string of the characters; gives them back where that cannot be done.
#[cfg(target_os = "linux")]
pub(crate) fn string<U: Unit, T: Characters<U>>(
    env: sys::napi_env,
    owner: T,
) -> Result<sys::napi_value, T> {
    /// `char*` or `char16_t*`, a length, the finalizer and its hint.
    type Make = unsafe extern "C" fn(
        sys::napi_env,
        *mut c_void,
        usize,
        sys::napi_finalize,
        *mut c_void,
        *mut sys::napi_value,
        *mut bool,
    ) -> sys::napi_status;

    // SAFETY: looks for a name in what the process has loaded.
    let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, U::MAKER.as_ptr()) };
    let length = owner.characters().len();
    if found.is_null() || length == 0 || length > MOST_UNITS {
        return Err(owner);
    }
    // SAFETY: Node declares the function of this name so.
    let make = unsafe { std::mem::transmute::<*mut c_void, Make>(found) };
    let bytes = size_of_val(owner.characters());
    let owner = Box::into_raw(Box::new(owner));
    tell_collector(env, bytes, 1);
    let (mut made, mut copied) = (std::ptr::null_mut(), false);
    // SAFETY: the environment is live. The characters stay in the box, which
    // nothing else has any more, until the finalizer frees it, once: when the
    // string is collected, or at once where V8 can have no foreign memory.
    let status = unsafe {
        make(
            env,
            (*owner).characters().as_ptr().cast_mut().cast(),
            length,
            Some(free::<U, T>),
            owner.cast(),
            &mut made,
            &mut copied,
        )
    };
    if status == sys::Status::napi_ok {
        return Ok(made);
    }
    tell_collector(env, bytes, -1);
    // SAFETY: no string was made, and Node calls the finalizer only of one that
    // was, so the box is still ours.
    Err(*unsafe { Box::from_raw(owner) })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn string<U: Unit, T: Characters<U>>(
    _env: sys::napi_env,
    owner: T,
) -> Result<sys::napi_value, T> {
    Err(owner)
}

/// The string is no more. The environment may be gone too; freeing memory does
/// not need it.
#[cfg(target_os = "linux")]
unsafe extern "C" fn free<U: Unit, T: Characters<U>>(
    env: sys::napi_env,
    _data: *mut c_void,
    owner: *mut c_void,
) {
    // SAFETY: the hint is the box that `string` has handed over.
    let owner = unsafe { Box::from_raw(owner.cast::<T>()) };
    if !env.is_null() {
        tell_collector(env, size_of_val(owner.characters()), -1);
    }
}

/// V8 does not count strings outside of its heap when it decides to collect:
/// without this, 400 calls on 2 MB in a row leave 1.4 GB behind them, with it
/// 0.17 (0.13 where the strings are in the heap).
#[cfg(target_os = "linux")]
fn tell_collector(env: sys::napi_env, bytes: usize, sign: i64) {
    let (change, mut all) = (bytes as i64 * sign, 0);
    // SAFETY: the environment is live.
    unsafe { sys::napi_adjust_external_memory(env, change, &mut all) };
}
