//! `tusk.drift.core.v1.Span` bytes.

use crate::document::Document;
use crate::error::SpanError;
use crate::proto::EncodedBytes;
use crate::proto::check::check_struct;
use crate::proto::depth::span_message_depth;
use crate::proto::fields::{json_schema, span, span_status, structure, time};
use crate::proto::reverse::ReverseBuffer;
use crate::proto::struct_value::StructWriter;
use crate::schema::{Schema, SchemaRef};
use crate::writer::HashAlong;
use tusk_drift_schemas::tusk::drift::core::v1::{PackageType, SpanKind, StatusCode};

/// The plain fields of a span, named as in the contract.
///
/// All at their protobuf defaults unless set.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanFields<'a> {
    /// Hex, 32 characters; not checked.
    pub trace_id: &'a str,
    /// Hex, 16 characters; not checked.
    pub span_id: &'a str,
    /// Hex, 16 characters, empty for a root span; not checked.
    pub parent_span_id: &'a str,
    /// What a person sees, `GET /users`.
    pub name: &'a str,
    /// `http`, `pg`, `redis`, …
    pub package_name: &'a str,
    /// The class that recorded the span.
    pub instrumentation_name: &'a str,
    /// `GET`, `query`, …
    pub submodule_name: &'a str,
    /// `PackageType`, 0 to 11.
    pub package_type: i32,
    /// Written when given, even if empty.
    pub environment: Option<&'a str>,
    /// `SpanKind`, 0 to 5.
    pub kind: i32,
    /// `StatusCode`, 0 to 2.
    pub status_code: i32,
    /// Free text.
    pub status_message: &'a str,
    /// Recorded before the application said it was ready.
    pub is_pre_app_start: bool,
    /// The first span of its trace.
    pub is_root_span: bool,
    /// Seconds since 1970-01-01 UTC; any 64-bit integer, unchecked.
    pub timestamp_seconds: i64,
    /// Nanoseconds; any 32-bit integer, unchecked.
    pub timestamp_nanos: i32,
    /// Seconds; any 64-bit integer, unchecked.
    pub duration_seconds: i64,
    /// Nanoseconds; any 32-bit integer, unchecked.
    pub duration_nanos: i32,
}

/// Where a `google.protobuf.Struct` of a span comes from.
#[derive(Clone, Copy, Debug, Default)]
pub enum StructSource<'a> {
    /// An empty Struct.
    #[default]
    Empty,
    /// A document; an empty Struct unless it is an object.
    Document(&'a Document<'a>),
    /// Struct bytes, laid in unchanged after a check of their top-level fields.
    Bytes(&'a [u8]),
}

/// The values, schemas and hashes of a span.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpanContents<'a> {
    /// `None` is an empty schema.
    pub input_schema: Option<&'a Schema<'a>>,
    /// `None` is an empty schema.
    pub output_schema: Option<&'a Schema<'a>>,
    /// Hex.
    pub input_schema_hash: &'a str,
    /// Hex.
    pub output_schema_hash: &'a str,
    /// Hex.
    pub input_value_hash: &'a str,
    /// Hex.
    pub output_value_hash: &'a str,
    /// Anything else about the span.
    pub metadata: StructSource<'a>,
    /// The request.
    pub input_value: StructSource<'a>,
    /// The response.
    pub output_value: StructSource<'a>,
}

/// An encoded span.
pub(crate) struct EncodedSpan {
    pub(crate) bytes: EncodedBytes,
    /// Nested messages below an export request, the span being 1; of Struct
    /// bytes that were laid in only when `measure` asked for it.
    pub(crate) message_depth: usize,
    /// Where the value hashes of input and output stand, for
    /// [`EncodedBytes::overwrite`].
    pub(crate) value_hashes: [usize; 2],
    /// The hashes of what was hashed along.
    pub(crate) hashed: [String; 2],
}

/// What stands before the contents of a span, or is written along with them;
/// input first, then output.
pub(crate) struct Alongside<'w> {
    /// The messages of the schemas, where they are at hand.
    pub(crate) schemas: [&'w SchemaMessage; 2],
    /// What is hashed while the values are written.
    pub(crate) hashed: [HashAlong<'w>; 2],
}

fn check_enum(
    field: &'static str,
    value: i32,
    valid: bool,
    range: &'static str,
) -> Result<(), SpanError> {
    if valid {
        return Ok(());
    }
    Err(SpanError::InvalidEnum {
        field,
        value: i64::from(value),
        range,
    })
}

/// Checks the enums of a span against the contract.
pub(crate) fn check_enums(fields: &SpanFields<'_>) -> Result<(), SpanError> {
    check_enum(
        "package_type",
        fields.package_type,
        PackageType::is_valid(fields.package_type),
        "0 to 11",
    )?;
    check_enum(
        "kind",
        fields.kind,
        SpanKind::is_valid(fields.kind),
        "0 to 5",
    )?;
    check_enum(
        "status_code",
        fields.status_code,
        StatusCode::is_valid(fields.status_code),
        "0 to 2",
    )
}

fn check_struct_source(field: &'static str, source: StructSource<'_>) -> Result<(), SpanError> {
    match source {
        StructSource::Bytes(bytes) => {
            check_struct(bytes).map_err(|source| SpanError::Protobuf { field, source })
        }
        StructSource::Empty | StructSource::Document(_) => Ok(()),
    }
}

/// A `JsonSchema` message that was written before, and how deep it goes.
pub(crate) type SchemaMessage = Option<(Vec<u8>, usize)>;

/// The content of a `JsonSchema` message and the depth of the deepest message in it.
pub(crate) fn schema_message(schema: &Schema<'_>) -> (Vec<u8>, usize) {
    let mut writer = StructWriter::new(ReverseBuffer::with_capacity(256));
    prepend_schema(&mut writer, schema.root(), 0);
    (writer.buffer.finish().into_vec(), writer.deepest)
}

/// Encodes a span.
pub(crate) fn encode_span(
    fields: &SpanFields<'_>,
    contents: &SpanContents<'_>,
    alongside: Alongside<'_>,
) -> Result<EncodedSpan, SpanError> {
    check_enums(fields)?;
    check_struct_source("metadata", contents.metadata)?;
    check_struct_source("input_value_proto_struct_bytes", contents.input_value)?;
    check_struct_source("output_value_proto_struct_bytes", contents.output_value)?;

    let size = |source| match source {
        StructSource::Empty => 0,
        StructSource::Document(document) => document.struct_size_hint(),
        StructSource::Bytes(bytes) => bytes.len(),
    };
    let capacity =
        1024 + size(contents.metadata) + size(contents.input_value) + size(contents.output_value);
    let mut writer = StructWriter::new(ReverseBuffer::with_capacity(capacity));
    // From the last field to the first.
    if let Some(environment) = fields.environment {
        let buffer = &mut writer.buffer;
        buffer.bytes_field(span::ENVIRONMENT, environment.as_bytes());
    }
    let nothing = &mut HashAlong::nothing();
    struct_field(&mut writer, span::METADATA, contents.metadata, nothing);
    let buffer = &mut writer.buffer;
    buffer.int_field(span::IS_ROOT_SPAN, i64::from(fields.is_root_span));
    time_field(
        buffer,
        span::DURATION,
        fields.duration_seconds,
        fields.duration_nanos,
    );
    time_field(
        buffer,
        span::TIMESTAMP,
        fields.timestamp_seconds,
        fields.timestamp_nanos,
    );
    buffer.int_field(span::IS_PRE_APP_START, i64::from(fields.is_pre_app_start));
    let status = buffer.len();
    buffer.string_field(span_status::MESSAGE, fields.status_message);
    buffer.int_field(span_status::CODE, i64::from(fields.status_code));
    buffer.close_message(span::STATUS, status);
    buffer.int_field(span::KIND, i64::from(fields.kind));
    let mut hash_field = |field, hash: &str| {
        buffer.prepend(hash.as_bytes());
        let place = buffer.len();
        if !hash.is_empty() {
            buffer.close_message(field, place - hash.len());
        }
        place
    };
    let output_hash = hash_field(span::OUTPUT_VALUE_HASH, contents.output_value_hash);
    let input_hash = hash_field(span::INPUT_VALUE_HASH, contents.input_value_hash);
    buffer.string_field(span::OUTPUT_SCHEMA_HASH, contents.output_schema_hash);
    buffer.string_field(span::INPUT_SCHEMA_HASH, contents.input_schema_hash);
    let [input, output] = alongside.schemas;
    let schemas = [
        (span::OUTPUT_SCHEMA, contents.output_schema, output),
        (span::INPUT_SCHEMA, contents.input_schema, input),
    ];
    for (field, schema, written) in schemas {
        schema_field(&mut writer, field, schema, written);
    }
    let [mut input_along, mut output_along] = alongside.hashed;
    let values = [
        (span::OUTPUT_VALUE, contents.output_value, &mut output_along),
        (span::INPUT_VALUE, contents.input_value, &mut input_along),
    ];
    for (field, value, along) in values {
        struct_field(&mut writer, field, value, along);
    }
    let buffer = &mut writer.buffer;
    buffer.int_field(span::PACKAGE_TYPE, i64::from(fields.package_type));
    buffer.string_field(span::SUBMODULE_NAME, fields.submodule_name);
    buffer.string_field(span::INSTRUMENTATION_NAME, fields.instrumentation_name);
    buffer.string_field(span::PACKAGE_NAME, fields.package_name);
    buffer.string_field(span::NAME, fields.name);
    buffer.string_field(span::PARENT_SPAN_ID, fields.parent_span_id);
    buffer.string_field(span::SPAN_ID, fields.span_id);
    buffer.string_field(span::TRACE_ID, fields.trace_id);

    Ok(EncodedSpan {
        message_depth: writer.deepest,
        bytes: writer.buffer.finish(),
        value_hashes: [input_hash, output_hash],
        hashed: [input_along.finish(), output_along.finish()],
    })
}

/// The depth of the messages that stand in a span's own fields.
const IN_SPAN: usize = 2;

fn time_field(buffer: &mut ReverseBuffer, field: u32, seconds: i64, nanos: i32) {
    let mark = buffer.len();
    buffer.int_field(time::NANOS, i64::from(nanos));
    buffer.int_field(time::SECONDS, seconds);
    buffer.close_message(field, mark);
}

fn struct_field(
    writer: &mut StructWriter,
    field: u32,
    source: StructSource<'_>,
    along: &mut HashAlong<'_>,
) {
    let mark = writer.buffer.len();
    writer.reached(IN_SPAN);
    match source {
        StructSource::Empty => {}
        StructSource::Document(document) => writer.object_and_hash(document, IN_SPAN, along),
        StructSource::Bytes(bytes) => writer.buffer.prepend(bytes),
    }
    writer.buffer.close_message(field, mark);
}

fn schema_field(
    writer: &mut StructWriter,
    field: u32,
    schema: Option<&Schema<'_>>,
    written: &SchemaMessage,
) {
    let mark = writer.buffer.len();
    writer.reached(IN_SPAN);
    if let Some((message, depth)) = written {
        writer.reached(IN_SPAN + depth);
        writer.buffer.prepend(message);
    } else if let Some(schema) = schema {
        prepend_schema(writer, schema.root(), IN_SPAN);
    }
    writer.buffer.close_message(field, mark);
}

/// The content of a `JsonSchema` message of this depth.
fn prepend_schema(writer: &mut StructWriter, schema: SchemaRef<'_>, depth: usize) {
    if let Some(importance) = schema.match_importance() {
        let buffer = &mut writer.buffer;
        buffer.double_field(json_schema::MATCH_IMPORTANCE, importance);
    }
    if let Some(code) = schema.decoded_type() {
        let buffer = &mut writer.buffer;
        buffer.present_int_field(json_schema::DECODED_TYPE, i64::from(code));
    }
    if let Some(code) = schema.encoding() {
        let buffer = &mut writer.buffer;
        buffer.present_int_field(json_schema::ENCODING, i64::from(code));
    }
    if let Some(items) = schema.items() {
        let mark = writer.buffer.len();
        writer.reached(depth + 1);
        prepend_schema(writer, items, depth + 1);
        writer.buffer.close_message(json_schema::ITEMS, mark);
    }
    for (key, property) in schema.properties().rev() {
        let entry = writer.buffer.len();
        writer.reached(depth + 1);
        prepend_schema(writer, property, depth + 2);
        // An empty message is left out of its map entry.
        if writer.buffer.len() > entry {
            writer.reached(depth + 2);
            writer.buffer.close_message(structure::ENTRY_VALUE, entry);
        }
        writer.buffer.string_field(structure::ENTRY_KEY, key);
        writer.buffer.close_message(json_schema::PROPERTIES, entry);
    }
    writer
        .buffer
        .int_field(json_schema::TYPE, i64::from(schema.type_code()));
}

/// The message depth of any encoded span; see [`EncodedSpan::message_depth`].
pub(crate) fn measure(bytes: &[u8]) -> usize {
    span_message_depth(bytes)
}
