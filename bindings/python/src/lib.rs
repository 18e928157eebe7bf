//! The native half of the Python package `drift_core`.
//!
//! A function here extracts its arguments, makes one call of the core and
//! converts the result; every rule about values is the core's.

mod border;
mod containers;
mod errors;
mod integer;
mod native;
mod output;
mod payload_calls;
mod reading_calls;
mod rebuilt;
mod schema_output;
mod span_calls;
mod span_input;
mod symbols;
mod text;
mod transcode;

/// The native half of the package ``drift_core``; import the package instead.
// `gil_used`: containers are read through borrowed references, which the lock
// alone protects. A free-threaded interpreter turns its lock on for this module.
#[pyo3::pymodule(gil_used = true)]
mod drift_core {
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::payload_calls::{
        deterministic_hash, normalize_and_hash, normalize_json, object_to_protobuf_struct_bytes,
        object_to_protobuf_struct_field_count, process_export_payload,
        process_export_payload_pyobject,
    };
    #[pymodule_export]
    use crate::reading_calls::{
        diff_export_requests, diff_json, diff_spans, export_request_to_json, span_to_json,
        struct_to_json,
    };
    #[pymodule_export]
    use crate::span_calls::{
        ProcessedBatch, ProcessedSpan, build_export_spans_request_bytes_pyobject,
        build_span_proto_bytes_pyobject, process_span, process_spans,
    };

    #[pymodule_export]
    use crate::border::_raise_internal_error;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
