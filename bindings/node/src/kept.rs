//! What is kept for each environment (the main thread, a worker) from call to
//! call: the functions of `factory.rs`, and memory that strings pass through.
//!
//! It is the environment's instance data, so only its own thread reaches it,
//! and it goes when the environment goes.

use crate::factory::{FUNCTIONS, make_functions};
use crate::span::OwnedSpan;
use napi::sys;
use std::cell::{Cell, OnceCell};
use std::ffi::c_void;
use std::ptr;

/// How many texts of a call have kept memory: those of a span.
pub(crate) const TEXTS: usize = 5;

/// Memory of more than this is given back after the call. Fresh memory for
/// 100 kB costs 25 page faults each time, as much as converting the text.
const MAX_KEPT_BYTES: usize = 1 << 20;

/// Memory without a meaning between calls. Whoever needs it takes it, which
/// leaves an empty vector for calls within the call, and gives it back.
#[derive(Default)]
pub(crate) struct Scratch<T> {
    items: Cell<Vec<T>>,
}

impl<T> Scratch<T> {
    pub(crate) fn take(&self) -> Vec<T> {
        self.items.take()
    }

    pub(crate) fn give_back(&self, mut items: Vec<T>) {
        if items.capacity() * size_of::<T>() <= MAX_KEPT_BYTES {
            items.clear();
            self.items.set(items);
        }
    }
}

/// The texts of one call, each written once and then borrowed.
pub(crate) type Texts = [OnceCell<String>; TEXTS];

/// The instance data of this addon.
pub(crate) struct Kept {
    /// Null where there is no such function.
    functions: [sys::napi_ref; FUNCTIONS],
    pub(crate) units: Scratch<u16>,
    pub(crate) bytes: Scratch<u8>,
    pub(crate) texts: [Scratch<u8>; TEXTS],
    /// What `receive` has read, until its caller takes it.
    pub(crate) received: Cell<Option<Box<OwnedSpan<'static>>>>,
}

impl Kept {
    /// That of an environment; `None` when Node-API refuses to keep it.
    pub(crate) fn of<'s>(env: sys::napi_env) -> Option<&'s Kept> {
        let mut data = ptr::null_mut();
        // SAFETY: the environment is live; the data is null or what `make` has set.
        unsafe { sys::napi_get_instance_data(env, &mut data) };
        let kept = if data.is_null() {
            make(env)?
        } else {
            data.cast()
        };
        // SAFETY: instance data of this addon is always a `Kept`. It lives as
        // long as the environment, which no call outlives, and is never
        // borrowed mutably.
        Some(unsafe { &*kept })
    }

    /// The function at a place.
    pub(crate) fn function(&self, env: sys::napi_env, place: usize) -> Option<sys::napi_value> {
        let reference = *self.functions.get(place)?;
        if reference.is_null() {
            return None;
        }
        let mut function = ptr::null_mut();
        // SAFETY: the reference is strong and of this environment.
        unsafe { sys::napi_get_reference_value(env, reference, &mut function) };
        (!function.is_null()).then_some(function)
    }
}

fn make(env: sys::napi_env) -> Option<*mut Kept> {
    let kept = Box::into_raw(Box::new(Kept {
        functions: make_functions(env).unwrap_or([ptr::null_mut(); FUNCTIONS]),
        units: Scratch::default(),
        bytes: Scratch::default(),
        texts: Default::default(),
        received: Cell::default(),
    }));
    // SAFETY: the environment is live, and frees the box when it goes.
    let status =
        unsafe { sys::napi_set_instance_data(env, kept.cast(), Some(release), ptr::null_mut()) };
    if status == sys::Status::napi_ok {
        return Some(kept);
    }
    // SAFETY: the environment has not taken the box.
    drop(unsafe { Box::from_raw(kept) });
    None
}

/// The environment goes: its references go with it, the box here.
unsafe extern "C" fn release(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is the box that `make` has handed over.
    drop(unsafe { Box::from_raw(data.cast::<Kept>()) });
}
