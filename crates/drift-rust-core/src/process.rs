//! A whole span in one call, and a whole batch in one call; how a batch is
//! shared out is in `batch.rs`.

use crate::batch::with_batch;
use crate::document::Document;
use crate::error::{BuildError, ExportError, SpanError};
use crate::merges::SchemaMerges;
use crate::payload::Payload;
use crate::proto::EncodedBytes;
use crate::proto::export::ExportHeader;
use crate::proto::reverse::ReverseBuffer;
use crate::proto::span::{
    Alongside, SpanContents, SpanFields, StructSource, check_enums, encode_span,
};
use crate::schema_cache::SchemaForms;
use crate::writer::HashAlong;
use crate::{CanonicalText, JsonText, MergesError, ValueOptions};

/// A value of a span: JSON text, or a document built from a native value.
#[derive(Clone, Debug, Default)]
pub enum ValueSource<'a> {
    /// Not given: an empty object.
    #[default]
    Absent,
    /// One JSON text.
    Json(JsonText<'a>),
    /// A native value.
    Document(Document<'a>),
    /// A native value that could not be converted; the span is refused with it.
    Refused(BuildError),
}

/// Merges of a payload: JSON text, or read already.
#[derive(Clone, Debug, Default)]
pub enum MergesSource<'a> {
    /// No merges.
    #[default]
    Absent,
    /// The text of one JSON object.
    Json(JsonText<'a>),
    /// Merges, or why they were refused.
    Read(Result<SchemaMerges, MergesError>),
}

/// A span to be: its fields and its raw payloads.
#[derive(Clone, Debug, Default)]
pub struct SpanInput<'a> {
    /// The plain fields.
    pub fields: SpanFields<'a>,
    /// The request.
    pub input: ValueSource<'a>,
    /// What is said about the request's top-level members.
    pub input_merges: MergesSource<'a>,
    /// The response.
    pub output: ValueSource<'a>,
    /// What is said about the response's top-level members.
    pub output_merges: MergesSource<'a>,
    /// Anything else about the span.
    pub metadata: ValueSource<'a>,
}

/// What became of one payload of a span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessedValue {
    /// The canonical form of the payload.
    pub normalized_json: CanonicalText,
    /// SHA-256 of the decoded value's canonical form, hex.
    pub value_hash: String,
    /// The schema of the decoded value, canonical.
    pub schema_json: String,
    /// SHA-256 of the schema's canonical form, hex.
    pub schema_hash: String,
}

/// An encoded span with all that was computed for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessedSpan {
    /// `tusk.drift.core.v1.Span`.
    pub span_bytes: EncodedBytes,
    /// The request.
    pub input: ProcessedValue,
    /// The response.
    pub output: ProcessedValue,
    /// Nested messages below an export request that holds the span; the span
    /// itself is 1. Many receivers refuse a whole request beyond 100.
    pub message_depth: usize,
}

/// The text an absent payload stands for.
const EMPTY_OBJECT: &str = "{}";

/// The names of a value's two forms, as text and native.
struct ValueNames {
    json: &'static str,
    native: &'static str,
}

const INPUT: ValueNames = ValueNames {
    json: "input_json",
    native: "input_value",
};
const OUTPUT: ValueNames = ValueNames {
    json: "output_json",
    native: "output_value",
};
const METADATA: ValueNames = ValueNames {
    json: "metadata_json",
    native: "metadata",
};

fn read_payload<'a>(
    names: &ValueNames,
    source: &'a ValueSource<'a>,
    merges: impl FnOnce() -> Result<SchemaMerges, SpanError>,
) -> Result<Payload<'a>, SpanError> {
    let text = match source {
        ValueSource::Absent => EMPTY_OBJECT.into(),
        ValueSource::Json(text) => *text,
        ValueSource::Document(document) => return Ok(Payload::borrowed(document, &merges()?)),
        ValueSource::Refused(error) => {
            return Err(SpanError::Build {
                field: names.native,
                source: error.clone(),
            });
        }
    };
    let document =
        Document::parse(text, ValueOptions::default()).map_err(|source| SpanError::Json {
            field: names.json,
            source,
        })?;
    Ok(Payload::new(document, &merges()?))
}

fn read_merges(field: &'static str, source: &MergesSource<'_>) -> Result<SchemaMerges, SpanError> {
    match source {
        MergesSource::Absent => Ok(SchemaMerges::none()),
        MergesSource::Json(text) => SchemaMerges::parse(*text),
        MergesSource::Read(result) => result.clone(),
    }
    .map_err(|source| SpanError::Merges { field, source })
}

/// The texts of a payload.
struct Texts {
    json: ReverseBuffer,
    decoded: Option<ReverseBuffer>,
}

impl Texts {
    fn of(payload: &Payload<'_>) -> Texts {
        Texts {
            json: payload.document().canonical_bytes(),
            decoded: payload.write_decoded(),
        }
    }

    fn hashed(&self) -> HashAlong<'_> {
        HashAlong::of(self.decoded.as_ref().unwrap_or(&self.json).as_slice())
    }

    fn into_processed(self, value_hash: String, schema: SchemaForms) -> ProcessedValue {
        ProcessedValue {
            value_hash,
            normalized_json: CanonicalText::new(self.json),
            schema_hash: schema.hash,
            schema_json: schema.json,
        }
    }
}

/// Stands in a span until its hashes are known, as long as they are.
const HASH_PLACE: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Processes both payloads of a span and encodes it, in one call.
///
/// The bytes are those of `process_export_payload` for each payload followed
/// by `build_span_proto_bytes`.
///
/// # Errors
/// [`SpanError`] naming the member at fault.
///
/// ```
/// use drift_rust_core::{SpanInput, ValueSource, process_span};
/// let mut input = SpanInput::default();
/// input.fields.name = "GET /users";
/// input.input = ValueSource::Json(r#"{"q": 1}"#.into());
/// let span = process_span(&input)?;
/// assert_eq!(span.input.normalized_json, r#"{"q":1}"#);
/// input.fields.kind = 6;
/// assert_eq!(process_span(&input).unwrap_err().code().as_str(), "invalid_enum");
/// # Ok::<(), drift_rust_core::SpanError>(())
/// ```
pub fn process_span(span: &SpanInput<'_>) -> Result<ProcessedSpan, SpanError> {
    check_enums(&span.fields)?;
    let input_payload = read_payload(&INPUT, &span.input, || {
        read_merges("input_merges", &span.input_merges)
    })?;
    let output_payload = read_payload(&OUTPUT, &span.output, || {
        read_merges("output_merges", &span.output_merges)
    })?;
    let metadata = read_payload(&METADATA, &span.metadata, || Ok(SchemaMerges::none()))?;

    let input_schema = input_payload.schema_forms(true);
    let output_schema = output_payload.schema_forms(true);
    let (input_texts, output_texts) = (Texts::of(&input_payload), Texts::of(&output_payload));
    let mut encoded = encode_span(
        &span.fields,
        &SpanContents {
            input_schema: None,
            output_schema: None,
            input_schema_hash: &input_schema.hash,
            output_schema_hash: &output_schema.hash,
            input_value_hash: HASH_PLACE,
            output_value_hash: HASH_PLACE,
            metadata: StructSource::Document(metadata.document()),
            input_value: StructSource::Document(input_payload.document()),
            output_value: StructSource::Document(output_payload.document()),
        },
        Alongside {
            schemas: [&input_schema.message, &output_schema.message],
            hashed: [input_texts.hashed(), output_texts.hashed()],
        },
    )?;
    let places = encoded.value_hashes;
    for (place, hash) in places.into_iter().zip(&encoded.hashed) {
        encoded.bytes.overwrite(place, hash.as_bytes());
    }
    let [input_hash, output_hash] = encoded.hashed;
    let input = input_texts.into_processed(input_hash, input_schema);
    let output = output_texts.into_processed(output_hash, output_schema);
    Ok(ProcessedSpan {
        span_bytes: encoded.bytes,
        message_depth: encoded.message_depth,
        input,
        output,
    })
}

/// One span of a batch.
#[derive(Clone, Debug)]
pub enum BatchSpan<'a> {
    /// Raw payloads and fields, to be processed here.
    Input(Box<SpanInput<'a>>),
    /// Span bytes, checked and laid in as they are.
    Encoded(&'a [u8]),
    /// A span that the caller could not convert; reported with the others.
    Refused(SpanError),
}

/// What a batch may hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct BatchOptions {
    /// Spans with more nested messages than this are reported and left out.
    pub max_message_depth: Option<usize>,
    /// How many threads may work on the batch, this one among them; 0 is 1.
    /// More are started only for a batch of more than 128 KiB of payloads, one
    /// for each 64 KiB. The result does not depend on it.
    pub threads: usize,
}

/// An export request and what happened to each span on the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessedBatch {
    /// `tusk.drift.backend.v1.ExportSpansRequest` with the good spans, in order.
    pub request_bytes: Vec<u8>,
    /// One entry per span given: its nested messages, `None` for a bad span.
    pub message_depths: Vec<Option<usize>>,
    /// The bad spans, by ascending index; the request is without them.
    pub errors: Vec<ExportError>,
}

/// Processes many spans to one export request; bad ones are reported by index
/// and do not sink the others.
///
/// ```
/// use drift_rust_core::{BatchOptions, BatchSpan, ExportHeader, SpanInput, process_spans};
/// let spans = [BatchSpan::Input(Box::new(SpanInput::default())), BatchSpan::Encoded(b"\x07")];
/// let batch = process_spans(&ExportHeader::default(), &spans, BatchOptions::default());
/// assert_eq!(batch.message_depths, [Some(2), None]);
/// assert_eq!(batch.errors[0].code().as_str(), "invalid_protobuf");
/// ```
pub fn process_spans(
    header: &ExportHeader<'_>,
    spans: &[BatchSpan<'_>],
    options: BatchOptions,
) -> ProcessedBatch {
    with_batch(options, |mut batch| {
        spans.iter().for_each(|span| batch.add(span));
        batch.finish()
    })
    .into_batch(header)
}
