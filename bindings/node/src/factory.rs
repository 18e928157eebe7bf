//! JavaScript functions that make results; `kept.rs` keeps them.
//!
//! Setting members through Node-API makes a key string for each one: 1,300 ns
//! for the six of `processExportPayload`, against 120 ns for a call of a
//! function with an object literal. A `Buffer` from Node's pool takes 400 ns
//! instead of 900 (both on Node 20, x86-64). Where the functions cannot be
//! made, in a context without `Buffer` for one, results are made without them.

use napi::sys;
use std::ffi::CStr;
use std::fmt::Write as _;
use std::ptr;

/// A result's members, in order.
pub(crate) struct Shape<const N: usize> {
    pub(crate) place: usize,
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

/// `Buffer.allocUnsafe`.
pub(crate) const BUFFER_ALLOCATOR: usize = FUNCTIONS - 1;

/// The shapes, and the buffer allocator.
pub(crate) const FUNCTIONS: usize = 4;

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

/// Makes the functions; `None` when not even that works.
pub(crate) fn make_functions(env: sys::napi_env) -> Option<[sys::napi_ref; FUNCTIONS]> {
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
