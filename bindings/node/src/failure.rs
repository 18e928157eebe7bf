//! How a call fails: the core's faults as JavaScript errors, and panics caught.

use crate::js::{Js, Value};
use drift_rust_core::{ErrorCode, Fault};
use napi::bindgen_prelude::{Env, Unknown};
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// The JavaScript class of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Error,
    TypeError,
}

/// An error to be: it can cross threads, a JavaScript value cannot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Report {
    pub(crate) class: Class,
    pub(crate) code: ErrorCode,
    pub(crate) message: String,
    pub(crate) path: Option<String>,
    pub(crate) offset: Option<usize>,
    pub(crate) index: Option<usize>,
}

/// Why a call has no result.
pub(crate) enum Failure {
    /// JavaScript threw (a getter of ours to read, say); its exception is pending.
    Pending,
    /// An error of ours.
    Fault(Box<Report>),
}

/// What Node has for each code; a new code does not compile until it is here.
fn class_of(code: ErrorCode) -> Class {
    match code {
        ErrorCode::InvalidJson
        | ErrorCode::InvalidUtf8
        | ErrorCode::DepthExceeded
        | ErrorCode::NumberOutOfRange
        | ErrorCode::DuplicateKey
        | ErrorCode::LoneSurrogate
        | ErrorCode::UnsupportedType
        | ErrorCode::InvalidKey
        | ErrorCode::Cycle
        | ErrorCode::InvalidMerges
        | ErrorCode::InvalidEnum
        | ErrorCode::InvalidArgument
        | ErrorCode::InvalidProtobuf
        | ErrorCode::Internal => Class::Error,
    }
}

impl Report {
    pub(crate) fn new(code: ErrorCode, message: String) -> Report {
        Report {
            class: class_of(code),
            code,
            message,
            path: None,
            offset: None,
            index: None,
        }
    }

    /// An argument that is not what it has to be.
    pub(crate) fn argument(name: &str, reason: &str) -> Report {
        Report::new(ErrorCode::InvalidArgument, format!("{name}: {reason}"))
    }

    /// The same as a `TypeError`, where the published package throws one.
    pub(crate) fn into_type_error(mut self) -> Report {
        self.class = Class::TypeError;
        self
    }

    pub(crate) fn of(fault: &dyn Fault) -> Report {
        Report {
            class: class_of(fault.code()),
            code: fault.code(),
            message: fault.to_string(),
            path: fault.path(),
            offset: fault.offset(),
            index: fault.index(),
        }
    }

    pub(crate) fn of_napi(error: &napi::Error) -> Report {
        Report::new(
            ErrorCode::Internal,
            format!("node-api refused a task, please report it: {error}"),
        )
    }

    fn of_panic(panic: &(dyn Any + Send)) -> Report {
        let what = if let Some(text) = panic.downcast_ref::<&str>() {
            text
        } else if let Some(text) = panic.downcast_ref::<String>() {
            text
        } else {
            "no message"
        };
        Report::new(
            ErrorCode::Internal,
            format!("internal error, please report it: {what}"),
        )
    }
}

impl From<Report> for Failure {
    fn from(report: Report) -> Failure {
        Failure::Fault(Box::new(report))
    }
}

impl<E: Fault> From<E> for Failure {
    fn from(fault: E) -> Failure {
        Failure::from(Report::of(&fault))
    }
}

/// Runs a call; a panic becomes an error with the code `internal`.
pub(crate) fn guard<T, E: From<Report>>(call: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    // Nothing of a call outlives it, so no broken state can be seen later.
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(result) => result,
        Err(panic) => {
            let report = Report::of_panic(&*panic);
            // Dropping a payload can panic in its turn.
            std::mem::forget(panic);
            Err(E::from(report))
        }
    }
}

/// Runs a synchronous call; what fails is thrown.
pub(crate) fn run<'s>(
    env: &'s Env,
    call: impl FnOnce(&mut Js<'s>) -> Result<Value<'s>, Failure>,
) -> napi::Result<Unknown<'s>> {
    let mut js = Js::new(env);
    match guard(|| call(&mut js)) {
        Ok(value) => js.unknown(value),
        Err(failure) => {
            throw(&js, &failure);
            Err(pending())
        }
    }
}

fn throw(js: &Js<'_>, failure: &Failure) {
    if let Failure::Fault(report) = failure
        // No error can be made when the environment is going down.
        && let Ok(error) = js.error(report)
    {
        js.throw(error);
    }
}

/// Tells napi-rs that an exception is pending already.
pub(crate) fn pending() -> napi::Error {
    napi::Error::new(napi::Status::PendingException, String::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_error() {
        #[allow(clippy::panic, reason = "the panic is what is tested")]
        let caught: Result<(), Report> = guard(|| panic!("broken {}", "invariant"));
        let report = caught.expect_err("a panic is an error");
        assert_eq!(report.code, ErrorCode::Internal);
        assert_eq!(
            report.message,
            "internal error, please report it: broken invariant"
        );
    }

    #[test]
    fn a_panic_with_any_payload_becomes_an_internal_error() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                std::process::abort();
            }
        }
        #[allow(clippy::panic, reason = "the panic is what is tested")]
        let caught: Result<(), Report> = guard(|| std::panic::panic_any(Bomb));
        assert_eq!(
            caught.map_err(|report| report.code),
            Err(ErrorCode::Internal)
        );
    }
}
