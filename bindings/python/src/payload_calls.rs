//! The calls on one payload.

use crate::border::{detached, guarded};
use crate::native;
use crate::output::{self, Keys};
use crate::schema_output::SchemaMaker;
use crate::symbols::CollectionPause;
use crate::text::{self, Text};
use crate::{errors, output::processed_text};
use drift_rust_core as core;
use drift_rust_core::{HashAlgorithm, Payload, Profile, ValueOptions};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

/// The option of a name; an argument that is not given is the core's default.
fn option<T: Default>(
    argument: &str,
    given: Option<&Bound<'_, PyAny>>,
    from_name: fn(&str) -> Option<T>,
    names: &str,
) -> PyResult<T> {
    let Some(object) = given else {
        return Ok(T::default());
    };
    let name = text::string(argument, object)?;
    from_name(name.as_str()).ok_or_else(|| {
        errors::wrong_value(
            object.py(),
            &format!(
                "argument '{argument}': '{}' is none of {names}",
                name.as_str()
            ),
        )
    })
}

fn profile_option(given: Option<&Bound<'_, PyAny>>) -> PyResult<Profile> {
    option("profile", given, Profile::from_name, "drift, rfc8785")
}

fn algorithm_option(given: Option<&Bound<'_, PyAny>>) -> PyResult<HashAlgorithm> {
    option(
        "algorithm",
        given,
        HashAlgorithm::from_name,
        "sha256, blake3",
    )
}

/// Runs a core call on one JSON text argument.
fn on_text<T: Send, E: core::Fault + Send>(
    py: Python<'_>,
    text: &Text<'_>,
    work: impl FnOnce(core::JsonText<'_>) -> Result<T, E> + Send,
) -> PyResult<T> {
    let json = text.as_json();
    detached(py, json.len(), || work(json)).map_err(|error| errors::to_python(py, &error))
}

/// The one JSON text argument.
fn payload_text<'py>(object: &Bound<'py, PyAny>) -> PyResult<Text<'py>> {
    text::json("payload_json", object)
}

/// The canonical form of a JSON text.
///
/// White space goes, keys are sorted, numbers and strings are printed in one
/// way only; equal values give equal text, in every language.
///
/// payload_json: one JSON text, as str or as UTF-8 bytes; at most 127 nested
/// arrays and objects.
/// profile: "drift" (what spans are hashed by), or "rfc8785" (JSON
/// Canonicalization Scheme: every number a double).
///
/// Raises DriftError (a ValueError) with .code and .offset for a text that is
/// not JSON, too deep or has a number beyond a double; DriftTypeError (a
/// TypeError) for an argument of another type.
///
/// >>> normalize_json('{"b": 1e2, "a": "\\u00e9"}')
/// '{"a":"é","b":100.0}'
#[pyfunction]
#[pyo3(
    signature = (payload_json, *, profile=None),
    text_signature = "(payload_json, *, profile='drift')"
)]
pub(crate) fn normalize_json<'py>(
    py: Python<'py>,
    payload_json: &Bound<'py, PyAny>,
    profile: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyString>> {
    guarded(py, || {
        let profile = profile_option(profile)?;
        let text = payload_text(payload_json)?;
        let normalized = on_text(py, &text, |json| core::normalize_json_as(json, profile))?;
        text.same_or_new(py, normalized)
    })
}

/// The hash of the canonical form of a JSON text, 64 characters of lower-case hex.
///
/// payload_json, profile: as for normalize_json.
/// algorithm: "sha256" (what spans carry) or "blake3" (256 bits).
///
/// Raises what normalize_json raises.
///
/// >>> deterministic_hash('{ "b": 1 }') == deterministic_hash('{"b":1}')
/// True
#[pyfunction]
#[pyo3(
    signature = (payload_json, *, profile=None, algorithm=None),
    text_signature = "(payload_json, *, profile='drift', algorithm='sha256')"
)]
pub(crate) fn deterministic_hash<'py>(
    py: Python<'py>,
    payload_json: &Bound<'py, PyAny>,
    profile: Option<&Bound<'py, PyAny>>,
    algorithm: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyString>> {
    guarded(py, || {
        let profile = profile_option(profile)?;
        let algorithm = algorithm_option(algorithm)?;
        let text = payload_text(payload_json)?;
        let hash = on_text(py, &text, |json| {
            core::deterministic_hash_as(json, profile, algorithm)
        })?;
        Ok(PyString::new(py, &hash))
    })
}

/// The canonical form of a JSON text and its hash, as a tuple of two strings.
///
/// payload_json, profile, algorithm: as for deterministic_hash.
///
/// Raises what normalize_json raises.
///
/// >>> normalize_and_hash('[ ]')
/// ('[]', '4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945')
#[pyfunction]
#[pyo3(
    signature = (payload_json, *, profile=None, algorithm=None),
    text_signature = "(payload_json, *, profile='drift', algorithm='sha256')"
)]
pub(crate) fn normalize_and_hash<'py>(
    py: Python<'py>,
    payload_json: &Bound<'py, PyAny>,
    profile: Option<&Bound<'py, PyAny>>,
    algorithm: Option<&Bound<'py, PyAny>>,
) -> PyResult<(Bound<'py, PyString>, Bound<'py, PyString>)> {
    guarded(py, || {
        let profile = profile_option(profile)?;
        let algorithm = algorithm_option(algorithm)?;
        let text = payload_text(payload_json)?;
        let (normalized, hash) = on_text(py, &text, |json| {
            core::normalize_and_hash_as(json, profile, algorithm)
        })?;
        Ok((text.same_or_new(py, normalized)?, PyString::new(py, &hash)))
    })
}

/// The google.protobuf.Struct bytes of a JSON text; none for a text that is not
/// an object.
///
/// payload_json: one JSON text, as str or as UTF-8 bytes. Numbers become
/// doubles; an integer beyond the range of a double the largest finite one.
///
/// Raises what normalize_json raises.
///
/// >>> object_to_protobuf_struct_bytes('{"a": null}').hex()
/// '0a070a016112020800'
#[pyfunction]
pub(crate) fn object_to_protobuf_struct_bytes<'py>(
    py: Python<'py>,
    payload_json: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyBytes>> {
    guarded(py, || {
        let text = payload_text(payload_json)?;
        let bytes = on_text(py, &text, |json| {
            core::object_to_protobuf_struct_bytes(json)
        })?;
        output::bytes_of(py, bytes)
    })
}

/// The number of distinct top-level keys of a JSON text, 0 for anything but an object.
///
/// payload_json: one JSON text, as str or as UTF-8 bytes.
///
/// Raises what normalize_json raises.
///
/// >>> object_to_protobuf_struct_field_count('{"a": 1, "b": 2, "a": 3}')
/// 2
#[pyfunction]
pub(crate) fn object_to_protobuf_struct_field_count(
    py: Python<'_>,
    payload_json: &Bound<'_, PyAny>,
) -> PyResult<usize> {
    guarded(py, || {
        let text = payload_text(payload_json)?;
        on_text(py, &text, |json| {
            core::object_to_protobuf_struct_field_count(json)
        })
    })
}

/// All that an SDK needs of a payload, from JSON text to JSON text.
///
/// payload_json: one JSON text, as str or as UTF-8 bytes.
/// schema_merges_json: what is said about top-level members, as a JSON text,
/// {"body": {"encoding": 1, "decoded_type": 1, "match_importance": 0.5}}, or None.
///
/// Returns the normalised text, the text decoded by the merges, the hash of
/// the decoded value, its schema as JSON text, the schema's hash, and the
/// google.protobuf.Struct bytes of the normalised value.
///
/// Raises what normalize_json raises for the payload, and DriftError with the
/// code invalid_merges and a path for the merges.
///
/// >>> process_export_payload('{"body": "eyJhIjoxfQ=="}',
/// ...     '{"body": {"encoding": 1, "decoded_type": 1}}')[1]
/// '{"body":{"a":1}}'
#[pyfunction]
pub(crate) fn process_export_payload<'py>(
    py: Python<'py>,
    payload_json: &Bound<'py, PyAny>,
    schema_merges_json: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyTuple>> {
    guarded(py, || {
        let payload = text::json("payload_json", payload_json)?;
        let merges = schema_merges_json
            .map(|object| text::json("schema_merges_json", object))
            .transpose()?;
        let json = payload.as_json();
        let merges_json = merges.as_ref().map(Text::as_json);
        let size_bytes = json.len() + merges_json.map_or(0, core::JsonText::len);
        let processed = detached(py, size_bytes, || {
            core::process_export_payload(json, merges_json)
        })
        .map_err(|error| errors::to_python(py, &error))?;
        processed_text(py, payload, processed)
    })
}

/// All that an SDK needs of a payload, from Python value to Python values.
///
/// payload: a dict, list, tuple, str, int, float, bool, None or an instance of
/// a subclass (overridden methods are not called), a numpy scalar, or anything
/// with __index__ or __float__; at most 127 nested containers.
/// schema_merges: what is said about top-level members, as a dict of dicts,
/// or None.
///
/// Returns the normalised value (new dicts with sorted keys, new lists), the
/// hash of the value decoded by the merges, its schema as a dict, the schema's
/// hash, and the google.protobuf.Struct bytes of the normalised value.
///
/// Raises DriftTypeError with the code unsupported_type or invalid_key,
/// DriftError with cycle or depth_exceeded, each with the path of the value;
/// DriftError with invalid_merges for the merges.
///
/// >>> process_export_payload_pyobject({"b": 1, "a": (1.5, None)}, None)[0]
/// {'a': [1.5, None], 'b': 1}
#[pyfunction]
pub(crate) fn process_export_payload_pyobject<'py>(
    py: Python<'py>,
    payload: &Bound<'py, PyAny>,
    schema_merges: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyTuple>> {
    guarded(py, || {
        let native = native::document_and_rebuilt(payload, ValueOptions::default())
            .map_err(|fault| fault.into_python(py))?;
        let merges = native::merges(schema_merges)?.map_err(|fault| fault.into_python(py))?;
        let payload = Payload::new(native.document, &merges);
        let (value_hash, schema, schema_hash, struct_bytes) =
            detached(py, native.size_bytes, || payload.process_native());
        // The new containers are enough to start the garbage collector, and most
        // callers drop them before long.
        let _pause = CollectionPause::start(py);
        let mut keys = Keys::new();
        let normalized = match native.rebuilt {
            Some(rebuilt) => rebuilt,
            None => output::value(py, &mut keys, payload.document().root())?,
        };
        let schema = SchemaMaker::new(py, &mut keys).make(schema.root(), Some(&normalized))?;
        PyTuple::new(
            py,
            [
                normalized,
                PyString::new(py, &value_hash).into_any(),
                schema,
                PyString::new(py, &schema_hash).into_any(),
                output::bytes_of(py, struct_bytes)?.into_any(),
            ],
        )
    })
}
