//! JavaScript functions that make results, kept for each environment.
//!
//! Setting members through Node-API makes a key string for each one: 1,300 ns
//! for the six of `processExportPayload`, against 120 ns for a call of a
//! function with an object literal. A `Buffer` from Node's pool takes 400 ns
//! instead of 900 (both on Node 20, x86-64). Where the functions cannot be
//! made, in a context without `Buffer` for one, results are made without them.

use napi::sys;
use std::ffi::{CStr, c_void};
use std::fmt::Write as _;
use std::ptr;

/// A result's members, in order.
pub(crate) struct Shape<const N: usize> {
    place: usize,
    pub(crate) names: [&'static CStr; N],
}

/// What `normalizeAndHash` gives back.
pub(crate) const NORMALIZE_AND_HASH: Shape<2> = Shape {
    place: 0,
    names: [c"normalizedJson", c"deterministicHash"],
};

/// What `processExportPayload` gives back.
pub(crate) const EXPORT_PAYLOAD: Shape<6> = Shape {
    place: 1,
    names: [
        c"normalizedJson",
        c"decodedJson",
        c"decodedValueHash",
        c"decodedSchemaJson",
        c"decodedSchemaHash",
        c"protobufStructBytes",
    ],
};

/// What `processSpan` gives back.
pub(crate) const PROCESSED_SPAN: Shape<10> = Shape {
    place: 2,
    names: [
        c"spanBytes",
        c"inputValueHash",
        c"outputValueHash",
        c"inputSchemaHash",
        c"outputSchemaHash",
        c"inputSchemaJson",
        c"outputSchemaJson",
        c"inputNormalizedJson",
        c"outputNormalizedJson",
        c"messageDepth",
    ],
};

impl<const N: usize> Shape<N> {
    /// The function that makes the object from its members, in order.
    pub(crate) fn factory(&self, env: sys::napi_env) -> Option<sys::napi_value> {
        function(env, self.place)
    }
}

/// `Buffer.allocUnsafe`.
pub(crate) fn buffer_allocator(env: sys::napi_env) -> Option<sys::napi_value> {
    function(env, FUNCTIONS - 1)
}

/// The shapes, and the buffer allocator.
const FUNCTIONS: usize = 4;

/// The functions of one environment; null where there is none.
struct Factories {
    functions: [sys::napi_ref; FUNCTIONS],
}

/// An array of the functions.
fn script() -> String {
    let mut script = String::from("[");
    for names in [
        &NORMALIZE_AND_HASH.names[..],
        &EXPORT_PAYLOAD.names[..],
        &PROCESSED_SPAN.names[..],
    ] {
        let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        let names = names.join(",");
        let _ = write!(script, "({names})=>({{{names}}}),");
    }
    script.push_str("typeof Buffer==='function'?Buffer.allocUnsafe:undefined]");
    script
}

fn function(env: sys::napi_env, place: usize) -> Option<sys::napi_value> {
    let mut data = ptr::null_mut();
    // SAFETY: the environment is live; the data is null or what `make` has set.
    unsafe { sys::napi_get_instance_data(env, &mut data) };
    if data.is_null() {
        data = make(env)?.cast();
    }
    // SAFETY: instance data of this addon is always a `Factories`, which lives
    // as long as the environment; nothing writes to it.
    let factories = unsafe { &*data.cast::<Factories>() };
    let reference = *factories.functions.get(place)?;
    if reference.is_null() {
        return None;
    }
    let mut function = ptr::null_mut();
    // SAFETY: the reference is strong and of this environment.
    unsafe { sys::napi_get_reference_value(env, reference, &mut function) };
    (!function.is_null()).then_some(function)
}

/// Makes the functions and keeps them; `None` when not even that works.
fn make(env: sys::napi_env) -> Option<*mut Factories> {
    let factories = Box::into_raw(Box::new(Factories {
        functions: make_functions(env).unwrap_or([ptr::null_mut(); FUNCTIONS]),
    }));
    // SAFETY: the environment is live, and frees the box when it goes.
    let status = unsafe {
        sys::napi_set_instance_data(env, factories.cast(), Some(release), ptr::null_mut())
    };
    if status == sys::Status::napi_ok {
        return Some(factories);
    }
    // SAFETY: the environment has not taken the box.
    drop(unsafe { Box::from_raw(factories) });
    None
}

fn make_functions(env: sys::napi_env) -> Option<[sys::napi_ref; FUNCTIONS]> {
    let script = script();
    let (mut source, mut list) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: pointer and length are those of `script`; handles are checked
    // before they are used.
    let status = unsafe {
        sys::napi_create_string_utf8(
            env,
            script.as_ptr().cast(),
            script.len().cast_signed(),
            &mut source,
        )
    };
    if status != sys::Status::napi_ok {
        return None;
    }
    // SAFETY: `source` is a string of this environment.
    if unsafe { sys::napi_run_script(env, source, &mut list) } != sys::Status::napi_ok {
        let mut thrown = ptr::null_mut();
        // SAFETY: the environment is live; the exception is ours, and results
        // are made without the functions.
        unsafe { sys::napi_get_and_clear_last_exception(env, &mut thrown) };
        return None;
    }
    let mut functions = [ptr::null_mut(); FUNCTIONS];
    for (place, slot) in (0..).zip(&mut functions) {
        let (mut function, mut kind) = (ptr::null_mut(), -1);
        // SAFETY: `list` is the array that the script has made.
        unsafe {
            sys::napi_get_element(env, list, place, &mut function);
            sys::napi_typeof(env, function, &mut kind);
        }
        if kind == sys::ValueType::napi_function {
            // SAFETY: the handle was just seen to be a function.
            unsafe { sys::napi_create_reference(env, function, 1, slot) };
        }
    }
    Some(functions)
}

/// The environment goes: its references go with it, the box here.
unsafe extern "C" fn release(_env: sys::napi_env, data: *mut c_void, _hint: *mut c_void) {
    // SAFETY: `data` is the box that `make` has handed over.
    drop(unsafe { Box::from_raw(data.cast::<Factories>()) });
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_script_has_a_function_for_each_place() {
        let script = super::script();
        assert_eq!(script.matches("=>").count() + 1, super::FUNCTIONS);
        assert!(script.starts_with(
            "[(normalizedJson,deterministicHash)=>({normalizedJson,deterministicHash}),"
        ));
    }
}
