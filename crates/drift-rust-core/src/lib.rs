#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

mod batch;
mod canonical;
mod diff;
mod document;
mod error;
mod hash;
mod json;
mod memory;
mod merges;
mod number;
mod out;
mod parse;
pub mod path;
mod payload;
mod pieces;
mod process;
mod proto;
mod schema;
mod schema_cache;
mod shapes;
mod simd;
mod text;
mod value;
mod writer;

pub use batch::{Batch, ProcessedSpans, with_batch};
pub use canonical::{CanonicalText, push_json_float, push_json_string};
pub use diff::{
    Difference, DifferenceKind, diff_documents, diff_export_requests, diff_json, diff_spans,
};
pub use document::{Array, Document, DocumentBuilder, KeyStep, MemberOrder, Object, Value};
pub use error::{
    BuildError, DiffError, ErrorCode, ExportError, Fault, JsonError, MergesError, PayloadError,
    ProtobufError, Side, SpanError,
};
pub use hash::HashAlgorithm;
pub use merges::{SchemaMerge, SchemaMerges};
pub use payload::{DecodedPayload, Payload, ProcessedPayload};
pub use pieces::PieceWriter;
pub use process::{
    BatchOptions, BatchSpan, MergesSource, ProcessedBatch, ProcessedSpan, ProcessedValue,
    SpanInput, ValueSource, process_span, process_spans,
};
pub use proto::EncodedBytes;
pub use proto::export::{ExportHeader, ExportRequest, build_export_spans_request_bytes};
pub use proto::span::{SpanContents, SpanFields, StructSource};
pub use schema::{Schema, SchemaRef};
pub use text::{JsonText, replace_surrogates, utf16_to_text};

/// Nested arrays and objects that a payload may have.
pub const MAX_DEPTH: usize = 127;

/// The largest depth limit that [`ValueOptions::with_max_depth`] takes.
pub const MAX_DEPTH_LIMIT: usize = 256;

/// The depth limit of schema arguments: `n` object levels have a schema of
/// `2n + 2` levels, and a decoded value can have one level more than its payload.
pub const SCHEMA_MAX_DEPTH: usize = 258;

/// The rules of the canonical form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Profile {
    /// What spans are hashed by: exact integers, keys by their UTF-8 bytes,
    /// `1` and `1.0` are two values.
    #[default]
    Drift,
    /// JSON Canonicalization Scheme (RFC 8785): every number a double, keys by
    /// their UTF-16 code units.
    Rfc8785,
}

impl Profile {
    /// The profile of a name, `drift` or `rfc8785`.
    pub fn from_name(name: &str) -> Option<Profile> {
        match name {
            "drift" => Some(Profile::Drift),
            "rfc8785" => Some(Profile::Rfc8785),
            _ => None,
        }
    }
}

/// How a value is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueOptions {
    profile: Profile,
    max_depth: usize,
}

impl Default for ValueOptions {
    /// Profile `drift`, [`MAX_DEPTH`] levels.
    fn default() -> Self {
        ValueOptions {
            profile: Profile::Drift,
            max_depth: MAX_DEPTH,
        }
    }
}

impl ValueOptions {
    /// The same options with another profile.
    #[must_use]
    pub fn with_profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The same options with another depth limit in levels; above
    /// [`MAX_DEPTH_LIMIT`] it is that.
    #[must_use]
    pub fn with_max_depth(self, max_depth: usize) -> Self {
        self.with_any_depth(max_depth.min(MAX_DEPTH_LIMIT))
    }

    /// Options for a schema argument: profile `drift`, [`SCHEMA_MAX_DEPTH`] levels.
    pub fn for_schema() -> Self {
        ValueOptions::default().with_any_depth(SCHEMA_MAX_DEPTH)
    }

    pub(crate) fn with_any_depth(mut self, max_depth: usize) -> Self {
        self.max_depth = max_depth;
        self
    }

    /// The depth limit in levels.
    pub fn max_depth(self) -> usize {
        self.max_depth
    }
}

/// The canonical form of a JSON text, profile `drift`.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
///
/// ```
/// assert_eq!(drift_rust_core::normalize_json(r#"{"b": 1e2, "a": "\u00e9"}"#)?, r#"{"a":"é","b":100.0}"#);
/// assert_eq!(drift_rust_core::normalize_json(b"[1").unwrap_err().offset(), Some(2));
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn normalize_json<'a>(text: impl Into<JsonText<'a>>) -> Result<String, JsonError> {
    normalize_json_as(text, Profile::Drift)
}

/// The canonical form of a JSON text in a profile.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
pub fn normalize_json_as<'a>(
    text: impl Into<JsonText<'a>>,
    profile: Profile,
) -> Result<String, JsonError> {
    let options = ValueOptions::default().with_profile(profile);
    Ok(Document::parse(text, options)?.to_canonical_json())
}

/// The SHA-256 of the canonical form (profile `drift`), 64 characters of hex.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
///
/// ```
/// let hash = drift_rust_core::deterministic_hash(r#"{ "b": 1 }"#)?;
/// assert_eq!(hash, "eb8ed3ccb5023093b56f490a46501e88d09736687e609fdbc1c71b3df8b9ccd3");
/// assert!(drift_rust_core::deterministic_hash("{").is_err());
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn deterministic_hash<'a>(text: impl Into<JsonText<'a>>) -> Result<String, JsonError> {
    deterministic_hash_as(text, Profile::Drift, HashAlgorithm::Sha256)
}

/// The digest of the canonical form in a profile by an algorithm.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
///
/// ```
/// use drift_rust_core::{HashAlgorithm, Profile, deterministic_hash_as};
/// let one = deterministic_hash_as("1.0", Profile::Rfc8785, HashAlgorithm::Blake3)?;
/// assert_eq!(one, deterministic_hash_as("1", Profile::Rfc8785, HashAlgorithm::Blake3)?);
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn deterministic_hash_as<'a>(
    text: impl Into<JsonText<'a>>,
    profile: Profile,
    algorithm: HashAlgorithm,
) -> Result<String, JsonError> {
    let options = ValueOptions::default().with_profile(profile);
    let document = Document::parse(text, options)?;
    Ok(hashed_text(&document, algorithm).digest(algorithm))
}

/// The canonical form (profile `drift`) and its SHA-256.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
///
/// ```
/// let (text, hash) = drift_rust_core::normalize_and_hash("[ ]")?;
/// assert_eq!((text.as_str(), hash.len()), ("[]", 64));
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn normalize_and_hash<'a>(
    text: impl Into<JsonText<'a>>,
) -> Result<(String, String), JsonError> {
    normalize_and_hash_as(text, Profile::Drift, HashAlgorithm::Sha256)
}

/// The canonical form in a profile and its digest by an algorithm.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
pub fn normalize_and_hash_as<'a>(
    text: impl Into<JsonText<'a>>,
    profile: Profile,
    algorithm: HashAlgorithm,
) -> Result<(String, String), JsonError> {
    let options = ValueOptions::default().with_profile(profile);
    let document = Document::parse(text, options)?;
    let json = hashed_text(&document, algorithm);
    drop(document);
    let hash = json.digest(algorithm);
    Ok((json.into_string(), hash))
}

/// The canonical form, hashed along where that is worth it and the algorithm allows it.
fn hashed_text(document: &Document<'_>, algorithm: HashAlgorithm) -> out::Out {
    match algorithm {
        HashAlgorithm::Sha256 if document.size_hint() >= HASHED_ALONG_BYTES => {
            document.hashed_text()
        }
        _ => document.canonical_text(),
    }
}

/// A shorter text is hashed when it is written: to hash it along takes a twentieth
/// more instructions, and gains a fiftieth of the time of a long one.
const HASHED_ALONG_BYTES: usize = 16 * 1024;

/// `google.protobuf.Struct` bytes of a JSON text; none for a text that is not
/// an object.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
///
/// ```
/// let bytes = drift_rust_core::object_to_protobuf_struct_bytes(r#"{"a":null}"#)?;
/// assert_eq!(&bytes[..], b"\x0a\x07\x0a\x01a\x12\x02\x08\x00");
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn object_to_protobuf_struct_bytes<'a>(
    text: impl Into<JsonText<'a>>,
) -> Result<EncodedBytes, JsonError> {
    let document = Document::parse(text, ValueOptions::default())?;
    Ok(proto::struct_value::encode_struct(&document))
}

/// The number of distinct top-level keys of a JSON text, 0 for anything but an object.
///
/// # Errors
/// [`JsonError`] with the offset of the fault.
///
/// ```
/// assert_eq!(drift_rust_core::object_to_protobuf_struct_field_count(r#"{"a":1,"a":2}"#)?, 1);
/// # Ok::<(), drift_rust_core::JsonError>(())
/// ```
pub fn object_to_protobuf_struct_field_count<'a>(
    text: impl Into<JsonText<'a>>,
) -> Result<usize, JsonError> {
    let document = Document::parse(text, ValueOptions::default())?;
    Ok(match document.root() {
        Value::Object(object) => object.len(),
        _ => 0,
    })
}

/// Normalises a payload, decodes it by its merges, and gives its hashes,
/// schema and Struct bytes.
///
/// # Errors
/// [`PayloadError::Json`] for the payload, [`PayloadError::Merges`] for the
/// merges; the payload is looked at first.
///
/// ```
/// use drift_rust_core::process_export_payload;
/// let merges = r#"{"body":{"encoding":1,"decoded_type":1}}"#;
/// let payload = process_export_payload(r#"{"body":"eyJhIjoxfQ=="}"#, Some(merges))?;
/// assert_eq!(payload.decoded_json(), r#"{"body":{"a":1}}"#);
/// let error = process_export_payload("{}", Some("[]")).unwrap_err();
/// assert_eq!(error.code().as_str(), "invalid_merges");
/// # Ok::<(), drift_rust_core::PayloadError>(())
/// ```
pub fn process_export_payload<'a, T: Into<JsonText<'a>>, M: Into<JsonText<'a>>>(
    payload: T,
    schema_merges: Option<M>,
) -> Result<ProcessedPayload, PayloadError> {
    let document = Document::parse(payload, ValueOptions::default())?;
    let merges = match schema_merges {
        Some(text) => SchemaMerges::parse(text)?,
        None => SchemaMerges::none(),
    };
    Ok(Payload::new(document, &merges).into_processed())
}

/// What [`process_export_payload_value`] gives back.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessedPayloadValue {
    /// The payload with sorted keys.
    pub normalized_value: serde_json::Value,
    /// SHA-256 of the decoded value's canonical form, hex.
    pub decoded_value_hash: String,
    /// The schema of the decoded value.
    pub decoded_schema: serde_json::Value,
    /// SHA-256 of the schema's canonical form, hex.
    pub decoded_schema_hash: String,
    /// `google.protobuf.Struct` of the normalised value.
    pub protobuf_struct_bytes: EncodedBytes,
}

/// [`process_export_payload`] on a `serde_json::Value`, with the merges as one too.
///
/// # Errors
/// [`PayloadError::Build`] for a payload beyond the depth limit,
/// [`PayloadError::Merges`] for the merges.
///
/// ```
/// use serde_json::json;
/// let payload = drift_rust_core::process_export_payload_value(&json!({"b": 1}), None)?;
/// assert_eq!(payload.decoded_schema, json!({"type": 6, "properties": {"b": {"type": 1, "properties": {}}}}));
/// # Ok::<(), drift_rust_core::PayloadError>(())
/// ```
pub fn process_export_payload_value(
    payload: &serde_json::Value,
    schema_merges: Option<&serde_json::Value>,
) -> Result<ProcessedPayloadValue, PayloadError> {
    let document = Document::from_value(payload, ValueOptions::default())?;
    let merges = match schema_merges {
        Some(merges) => {
            let document =
                Document::from_value(merges, ValueOptions::default()).map_err(|error| {
                    MergesError::InvalidMerges {
                        path: "$".to_owned(),
                        reason: error.to_string(),
                        offset: None,
                    }
                })?;
            SchemaMerges::from_document(&document)?
        }
        None => SchemaMerges::none(),
    };
    let payload = Payload::new(document, &merges);
    let processed = payload.process();
    Ok(ProcessedPayloadValue {
        normalized_value: value::to_serde(payload.document().root()),
        decoded_value_hash: processed.decoded_value_hash,
        decoded_schema: value::schema_to_serde(payload.schema().root()),
        decoded_schema_hash: processed.decoded_schema_hash,
        protobuf_struct_bytes: processed.protobuf_struct_bytes,
    })
}

/// `tusk.drift.core.v1.Span` bytes of a span whose payloads were processed before.
///
/// # Errors
/// [`SpanError::InvalidEnum`] for `package_type`, `kind` or `status_code`
/// outside the contract, [`SpanError::Protobuf`] for Struct bytes that are not a message.
///
/// ```
/// use drift_rust_core::{SpanContents, SpanFields, build_span_proto_bytes};
/// let fields = SpanFields { trace_id: "a", kind: 2, ..Default::default() };
/// let bytes = build_span_proto_bytes(&fields, &SpanContents::default())?;
/// assert!(bytes.starts_with(b"\x0a\x01a"));
/// # Ok::<(), drift_rust_core::SpanError>(())
/// ```
pub fn build_span_proto_bytes(
    fields: &SpanFields<'_>,
    contents: &SpanContents<'_>,
) -> Result<EncodedBytes, SpanError> {
    let alongside = proto::span::Alongside {
        schemas: [&None, &None],
        hashed: [writer::HashAlong::nothing(), writer::HashAlong::nothing()],
    };
    Ok(proto::span::encode_span(fields, contents, alongside)?.bytes)
}

/// An encoded span as the JSON of a trace line, canonical.
///
/// Keys, enums and times are those of the SDKs' trace files; schemas have
/// snake case members, as the schema hash is made of them. A number of the
/// values that is an integer is printed as one (`3`, not `3.0`): Struct bytes
/// hold doubles only.
///
/// # Errors
/// [`ProtobufError::InvalidProtobuf`] with the offset of the fault.
///
/// ```
/// let json = drift_rust_core::span_to_json(b"\x0a\x01a")?;
/// assert!(json.contains(r#""traceId":"a""#));
/// assert!(drift_rust_core::span_to_json(b"\x0a\x05a").is_err());
/// # Ok::<(), drift_rust_core::ProtobufError>(())
/// ```
pub fn span_to_json(bytes: &[u8]) -> Result<String, ProtobufError> {
    Ok(proto::read::read_span(bytes)?.to_canonical_json())
}

/// An encoded export request as canonical JSON, its spans as in [`span_to_json`].
///
/// # Errors
/// [`ProtobufError::InvalidProtobuf`] with the offset of the fault.
///
/// ```
/// let json = drift_rust_core::export_request_to_json(b"\x12\x04test")?;
/// assert!(json.starts_with(r#"{"environment":"test""#));
/// # Ok::<(), drift_rust_core::ProtobufError>(())
/// ```
pub fn export_request_to_json(bytes: &[u8]) -> Result<String, ProtobufError> {
    Ok(proto::read::read_export_request(bytes)?.to_canonical_json())
}

/// `google.protobuf.Struct` bytes as canonical JSON.
///
/// # Errors
/// [`ProtobufError::InvalidProtobuf`] with the offset of the fault, also for
/// NaN and infinities, which JSON has no form for.
///
/// ```
/// assert_eq!(drift_rust_core::struct_to_json(b"\x0a\x07\x0a\x01a\x12\x02\x08\x00")?, r#"{"a":null}"#);
/// # Ok::<(), drift_rust_core::ProtobufError>(())
/// ```
pub fn struct_to_json(bytes: &[u8]) -> Result<String, ProtobufError> {
    Ok(proto::read::read_struct(bytes)?.to_canonical_json())
}
