//! What surrounds every call: no panic gets out, and long work that touches no
//! Python object runs without the interpreter lock.

use crate::errors;
use pyo3::prelude::*;
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

/// Runs the body of a call. A panic becomes `DriftError` with the code
/// `internal`: pyo3's own `PanicException` is no `Exception`, so it would pass
/// through the `except Exception` that an SDK falls back with.
pub(crate) fn guarded<T>(py: Python<'_>, body: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // Unwind safety: nothing of the body outlives it but Python objects, which
    // are changed by complete calls of the interpreter only.
    match catch_unwind(AssertUnwindSafe(body)) {
        Ok(result) => result,
        Err(payload) => {
            let reason = payload
                .downcast_ref::<&'static str>()
                .map(|reason| (*reason).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned())
                .unwrap_or_default();
            Err(errors::internal(py, &reason))
        }
    }
}

/// Work on fewer bytes keeps the interpreter lock.
///
/// Taking the lock back can mean waiting for another thread's switch interval
/// (5 ms by default), so it is given away only for work that is long beside
/// the cost of a switch: 32 KiB are some 50 µs of parsing, hashing and encoding.
const DETACH_FROM_BYTES: usize = 32 * 1024;

/// Runs work on `size_bytes` bytes of immutable input, without the interpreter
/// lock if it is long.
pub(crate) fn detached<T: Send>(
    py: Python<'_>,
    size_bytes: usize,
    work: impl FnOnce() -> T + Send,
) -> T {
    if size_bytes >= DETACH_FROM_BYTES {
        py.detach(work)
    } else {
        work()
    }
}

/// How many threads can run at once. Asked for once: the answer takes reading
/// files of the system.
pub(crate) fn available_threads() -> usize {
    static THREADS: LazyLock<usize> =
        LazyLock::new(|| std::thread::available_parallelism().map_or(1, NonZero::get));
    *THREADS
}

/// Panics, for the test that no panic leaves the package.
#[pyfunction]
#[allow(clippy::panic, reason = "the panic is what the function is for")]
pub(crate) fn _raise_internal_error(py: Python<'_>) -> PyResult<()> {
    guarded(py, || panic!("raised on request"))
}
