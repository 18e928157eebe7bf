//! JavaScript functions that make results and read spans; `kept.rs` keeps them.
//!
//! Setting members through Node-API makes a key string for each one: 1,300 ns
//! for the six of `processExportPayload`, against 120 ns for a call of a
//! function with an object literal. A `Buffer` from Node's pool takes 400 ns
//! instead of 900. Reading the 23 members of a span through Node-API, each by a
//! new key string, and the names of those it has takes 8,000 ns; a function that
//! reads them and hands them on as arguments, 1,700 (all on Node 20, x86-64).
//! Where the functions cannot be made, in a context without `Buffer` for one,
//! results are made and spans read without them.

use crate::span::{SPAN_MEMBERS, receive};
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
pub(crate) const BUFFER_ALLOCATOR: usize = 3;

/// Reads a span object: gives the name of a member that no span has, else
/// nothing when `receive` has taken all members' values, else an array of them.
pub(crate) const SPAN_READER: usize = 4;

/// The shapes, the buffer allocator, the reader.
pub(crate) const FUNCTIONS: usize = 5;

/// An array of the functions; the last is to be called with `receive` first.
fn script() -> String {
    // In strict mode a stack trace does not give the functions away.
    let mut script = String::from("'use strict';[");
    for names in [
        &NORMALIZE_AND_HASH.names[..],
        &EXPORT_PAYLOAD.names[..],
        &PROCESSED_SPAN.names[..],
    ] {
        let names: Vec<_> = names.iter().map(|name| name.to_string_lossy()).collect();
        let names = names.join(",");
        let _ = write!(script, "({names})=>({{{names}}}),");
    }
    script.push_str("typeof Buffer==='function'?Buffer.allocUnsafe:undefined,");
    script.push_str(&span_reader());
    script.push(']');
    script
}

/// Spans of one service have the same names in the same order, so these are
/// compared with the names of the span before, and each member's value is found
/// where it was. `Object.values` takes 200 ns whatever the object; `span.name`
/// and so on take 90, but 5,000 where each object has a hidden class of its own,
/// as V8 makes them of `{...fields, inputJson}` in code that has run for long.
/// What users can replace on prototypes is not called, and getters may read
/// spans in their turn.
fn span_reader() -> String {
    let names = SPAN_MEMBERS.map(CStr::to_string_lossy);
    let known: String = names.iter().map(|name| format!("{name}:1,")).collect();
    let list = |one: fn(usize, &str) -> String| {
        let all: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(at, name)| one(at, name))
            .collect();
        all.join(",")
    };
    let strings = list(|_, name| format!("'{name}'"));
    let handed = list(|at, _| format!("v{at}"));
    // A getter that deletes a member leaves fewer values than names.
    let direct = list(|at, name| format!("v{at}=span.{name}"));
    let found = list(|at, name| format!("v{at}=at[{at}]<0?get(span,'{name}'):values[at[{at}]]"));
    format!(
        "receive=>{{\
            const {{keys,values:valuesOf}}=Object,{{get}}=Reflect;\
            const known={{__proto__:null,{known}}},members=[{strings}];\
            let last=[],places=[];\
            return span=>{{\
                const names=keys(span);\
                let same=names.length===last.length;\
                for(let i=0;same&&i<names.length;i++)same=names[i]===last[i];\
                if(!same){{\
                    for(let i=0;i<names.length;i++)if(known[names[i]]!==1)return names[i];\
                    places=[];\
                    for(let i=0;i<members.length;i++){{\
                        places[i]=-1;\
                        for(let j=0;j<names.length;j++)if(names[j]===members[i])places[i]=j\
                    }}\
                    last=names\
                }}\
                const at=places,values=valuesOf(span);\
                if(values.length!==names.length){{const {direct};return[{handed}]}}\
                const {found};\
                return receive({handed})?undefined:[{handed}]\
            }}\
        }}"
    )
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
    for (place, slot) in functions.iter_mut().enumerate() {
        let (mut function, mut kind) = (ptr::null_mut(), -1);
        // SAFETY: `list` is the array that the script has made.
        unsafe {
            sys::napi_get_element(env, list, place as u32, &mut function);
            if place == SPAN_READER {
                function = with_receiver(env, function);
            }
            sys::napi_typeof(env, function, &mut kind);
        }
        if kind == sys::ValueType::napi_function {
            // SAFETY: the handle was just seen to be a function.
            unsafe { sys::napi_create_reference(env, function, 1, slot) };
        }
    }
    Some(functions)
}

/// The reader that calls `receive`; null when there can be none.
fn with_receiver(env: sys::napi_env, make: sys::napi_value) -> sys::napi_value {
    const NAME: &CStr = c"receive";
    let (mut receiver, mut reader) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: `make` is a function that the script has made, and `receive` a
    // callback, which needs no data. Where one step fails the next gets null,
    // which Node-API refuses.
    unsafe {
        sys::napi_create_function(
            env,
            NAME.as_ptr(),
            NAME.count_bytes().cast_signed(),
            Some(receive),
            ptr::null_mut(),
            &mut receiver,
        );
        sys::napi_call_function(env, make, make, 1, &receiver, &mut reader);
    }
    reader
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_script_has_a_function_for_each_place() {
        let script = super::script();
        // The allocator is none, the reader is made by another.
        assert_eq!(script.matches("=>").count(), super::FUNCTIONS);
        assert!(script.contains("const v0=span.traceId,v1=span.spanId,"));
        assert!(script.starts_with(
            "'use strict';[(normalizedJson,deterministicHash)=>({normalizedJson,deterministicHash}),"
        ));
    }
}
